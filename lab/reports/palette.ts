/** Colours, from `picocolors`, which is small and lets the caller decide whether there are any. */
import picocolors from "picocolors";

/** The few colours the reports use. */
export interface Palette {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
}

/** Colours where `enabled`, else plain text. */
export function palette(enabled: boolean): Palette {
  const { bold, dim, red, green } = picocolors.createColors(enabled);
  return { bold, dim, red, green };
}
