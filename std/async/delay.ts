/**
 * Stands in for `jsr:@std/async/delay` where only the npm registry answers: the same code, from
 * the npm package `deno-std`, which ships no types.
 */
import { delay as fromNpm } from "deno-std/async/delay.js";

/** The options of the real function. */
export interface DelayOptions {
  /** Ends the wait early, rejecting with the signal's reason. */
  signal?: AbortSignal;
  /** Whether the wait keeps the process alive. @default true */
  persistent?: boolean;
}

/** Resolves after `ms` milliseconds. */
export const delay: (ms: number, options?: DelayOptions) => Promise<void> = fromNpm;
