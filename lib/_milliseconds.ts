/** How times are told to people. */

/** Milliseconds with at most one decimal, as messages have them. */
export const rounded = (ms: number): number => Math.round(ms * 10) / 10;
