/** Colours, from `node:util`, where the caller decides whether there are any. */
import { styleText } from "node:util";

/** The few colours the reports use. */
export interface Palette {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
}

/** Colours where `enabled`, else plain text. */
export function palette(enabled: boolean): Palette {
  const paint = (format: "bold" | "dim" | "red" | "green") => (text: string) =>
    enabled ? styleText(format, text, { validateStream: false }) : text;
  return { bold: paint("bold"), dim: paint("dim"), red: paint("red"), green: paint("green") };
}
