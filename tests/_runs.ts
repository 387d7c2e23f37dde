/** How much of a random check is run: an ordinary part, or the long one under `INTERLOCK_LONG`. */
import process from "node:process";

/** `ordinary`, or `long` when the environment variable `INTERLOCK_LONG` is set. */
export const runs = (ordinary: number, long: number): number =>
  process.env.INTERLOCK_LONG === undefined ? ordinary : long;
