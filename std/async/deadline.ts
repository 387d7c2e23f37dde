/**
 * Stands in for `jsr:@std/async/deadline` where only the npm registry answers: the same code, from
 * the npm package `deno-std`, which ships no types.
 */
import { deadline as fromNpm } from "deno-std/async/deadline.js";

/** The options of the real function. */
export interface DeadlineOptions {
  /** Ends the wait early, rejecting with the signal's reason. */
  signal?: AbortSignal;
}

/** Answers as `p` does, or rejects with a `TimeoutError` after `ms` milliseconds. */
export const deadline: <T>(p: Promise<T>, ms: number, options?: DeadlineOptions) => Promise<T> =
  fromNpm;
