/** Colours, from `node:util`, where the caller decides whether there are any. */
import { styleText } from "node:util";

/** The few colours the reports use. */
export interface Palette {
  /** What stands out. */
  bold(text: string): string;
  /** What stands back. */
  dim(text: string): string;
  /** What is wrong. */
  red(text: string): string;
  /** What is right. */
  green(text: string): string;
}

/** Colours where `enabled`, else plain text. */
export function palette(enabled: boolean): Palette {
  const paint = (format: "bold" | "dim" | "red" | "green") => (text: string) =>
    enabled ? styleText(format, text, { validateStream: false }) : text;
  return { bold: paint("bold"), dim: paint("dim"), red: paint("red"), green: paint("green") };
}
