/** What came of measuring the benchmarks of a suite: plain data, so that it is its own JSON. */
import { hash } from "../engine/mod.ts";

/** How long one contestant takes. */
export interface ContestantResult {
  /** What it is called. */
  readonly name: string;
  /** For one operation. */
  readonly nanoseconds: { readonly p25: number; readonly p50: number; readonly p75: number };
  /** How many samples were taken, each with its answer checked. */
  readonly samples: number;
}

/** How ours did beside a rival. */
export interface RivalResult extends ContestantResult {
  /** Time of ours / time of the rival: the median of the turns in which both were measured. */
  readonly ratio: number;
  /** What the ratio may be at most, if there is a budget. */
  readonly atMost?: number;
}

/** What came of one benchmark. */
export interface SuiteResult {
  /** The benchmark's name. */
  readonly name: string;
  /** What its contestants had to answer, as JSON. */
  readonly expected: string;
  /** How long ours takes; missing where something failed, for that has no speed. */
  readonly ours?: ContestantResult;
  /** How long the others take; empty where something failed. */
  readonly rivals: readonly RivalResult[];
  /** What else there was to tell. */
  readonly note?: string;
  /** Who answered or threw what, where somebody did it wrong. */
  readonly failure?: string;
}

/**
 * A hash of what was computed: the same on every machine and runtime as long as all of it is right.
 *
 * @param results What was measured; their order does not matter.
 */
export function suiteHash(results: readonly SuiteResult[]): string {
  return hash(
    results.map(({ name, expected, failure }) =>
      JSON.stringify([name, expected, failure === undefined])
    ).sort().join("\n"),
  );
}
