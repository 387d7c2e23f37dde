/**
 * Measurements of two revisions, held against each other.
 *
 * A sample is what a whole process found (see `statistics.ts`): the lowest decile of what it measured.
 * A difference is called when a
 * Mann–Whitney test finds one at 5 % after Holm's correction for all benchmarks: so whatever is
 * compared, in at most one of twenty comparisons of equals is anything called different. The gate
 * of a pull request wants that, a bound on false alarms of the whole run; Benjamini and Hochberg bound
 * only their share among the calls, and would let one real change carry a false one with it.
 *
 * What was measured in turn is tested in pairs: on a machine that is shared, the times of one process
 * and the next differ more than any change makes them, and those of the two that took turns do not.
 *
 * What is not called different is `same` only if the interval shows that it is, within a tolerance. Else
 * there is not enough data to say either.
 */
import { type Baseline, type BaselineBenchmark, showMachine } from "./baseline.ts";
import {
  holm,
  leastP,
  mannWhitney,
  median,
  medianInterval,
  ratioInterval,
  signedRanks,
} from "./statistics.ts";

/** The level of the whole comparison. */
const LEVEL = 0.05;

/** What was found of a benchmark. */
export type ComparisonVerdict =
  | "faster"
  | "slower"
  | "same"
  | "not enough data"
  | "not comparable"
  | "wrong"
  | "new"
  | "gone";

/** One benchmark before and after. */
export interface BenchmarkComparison {
  /** Its name. */
  readonly name: string;
  /** What was found. */
  readonly verdict: ComparisonVerdict;
  /** Why, where that is not told by the numbers. */
  readonly because?: string;
  /** Nanoseconds for one operation before: the median of the processes. */
  readonly before?: number;
  /** The same, after. */
  readonly after?: number;
  /** `after / before`. */
  readonly ratio?: number;
  /** The ratio of each pair of processes, where they were measured in turn. */
  readonly ratios?: readonly number[];
  /** Where the ratio lies with 95 % confidence, by bootstrap. */
  readonly interval?: readonly [low: number, high: number];
  /** The p of the Mann–Whitney test, corrected for the number of benchmarks. */
  readonly p?: number;
  /** Processes before and after. */
  readonly blocks: readonly [before: number, after: number];
  /** Whether it is slower by more than is allowed. */
  readonly over: boolean;
}

/** Two revisions held against each other. */
export interface Comparison {
  /** Where the one was measured, of what, and when. */
  readonly before: Omit<Baseline, "benchmarks">;
  /** The same of the other. */
  readonly after: Omit<Baseline, "benchmarks">;
  /** Whether both were measured in turn, so that what happened to the machine happened to both. */
  readonly interleaved: boolean;
  /** Whether machine and runtime were the same. */
  readonly comparable: boolean;
  /** Whether there were processes enough for a difference of a single benchmark to be called. */
  readonly sufficient: boolean;
  /** What casts doubt on all of it. */
  readonly caveats: readonly string[];
  /** By how much a ratio may differ from 1 and still be called the same, or not be over: 0.1 is 10 %. */
  readonly tolerance: number;
  /** Each benchmark, in the order of the suite. */
  readonly benchmarks: readonly BenchmarkComparison[];
}

/** How to compare. */
export interface CompareOptions {
  /** Whether both were measured in turn. */
  readonly interleaved: boolean;
  /** How much slower is too much, and how little is the same: 0.1 is 10 %. @default 0.1 */
  readonly tolerance?: number;
}

interface Pair {
  readonly name: string;
  readonly before?: BaselineBenchmark;
  readonly after?: BaselineBenchmark;
}

const times = ({ blocks }: BaselineBenchmark): number[] => blocks.map(({ p10 }) => p10);

/** Holds measurements against earlier ones. */
export function compare(
  before: Baseline,
  after: Baseline,
  { interleaved, tolerance = 0.1 }: CompareOptions,
): Comparison {
  const differs = whatDiffers(before, after);
  const pairs: Pair[] = [
    ...after.benchmarks.map((each) => ({
      name: each.name,
      before: before.benchmarks.find(({ name }) => name === each.name),
      after: each,
    })),
    ...before.benchmarks
      .filter(({ name }) => after.benchmarks.every((each) => each.name !== name))
      .map((each) => ({ name: each.name, before: each })),
  ];
  const judged = pairs.map((pair) => settle(pair, differs));
  const open = pairs.filter((_, i) => judged[i] === undefined) as Required<Pair>[];
  const tests = open.map(interleaved ? testPairs : testGroups);
  const ps = holm(tests.map(({ p }) => p));
  const measured = tests.map((test, i) => judge(open[i], { ...test, p: ps[i] }, tests, tolerance));
  const { benchmarks: _before, ...beforeAbout } = before;
  const { benchmarks: _after, ...afterAbout } = after;
  return {
    before: beforeAbout,
    after: afterAbout,
    interleaved,
    comparable: differs.length === 0,
    sufficient: tests.every(({ least }) => least * tests.length < LEVEL) &&
      judged.every((each) => each?.verdict !== "not enough data"),
    caveats: [
      ...differs.map((difference) => `${difference}: the difference may be theirs`),
      ...(interleaved ? [] : [
        "They were measured one after the other: what happened to the machine meanwhile is part of " +
        "the difference",
      ]),
    ],
    tolerance,
    benchmarks: judged.map((each) => each ?? measured.shift()!),
  };
}

/** What else differs between two measurements than what was measured. */
function whatDiffers(before: Baseline, after: Baseline): string[] {
  const all: [string, string, string][] = [
    ["machine", showMachine(before.machine), showMachine(after.machine)],
    ["runtime", before.runtime, after.runtime],
  ];
  return all.filter(([, was, is]) => was !== is)
    .map(([what, was, is]) => `Another ${what} (${was}; now ${is})`);
}

/** What can be said of a pair without a test, if anything can. */
function settle({ name, before, after }: Pair, differs: string[]): BenchmarkComparison | undefined {
  const blocks = [before?.blocks.length ?? 0, after?.blocks.length ?? 0] as const;
  const as = (verdict: ComparisonVerdict, because?: string): BenchmarkComparison => ({
    name,
    verdict,
    because,
    before: before === undefined || blocks[0] === 0 ? undefined : median(times(before)),
    after: after === undefined || blocks[1] === 0 ? undefined : median(times(after)),
    blocks,
    over: false,
  });
  if (after?.failure !== undefined) return as("wrong", after.failure);
  if (after === undefined) return as("gone");
  if (before === undefined) return as("new");
  if (before.failure !== undefined) return as("not comparable", `before, ${before.failure}`);
  if (before.expected !== after.expected) {
    return as(
      "not comparable",
      `it must answer ${after.expected}, and before it was ${before.expected}`,
    );
  }
  if (differs.length > 0) return as("not comparable", differs[0]);
  if (blocks.includes(0)) return as("not enough data");
  return undefined;
}

/** What a test of one benchmark found. */
interface Test {
  readonly p: number;
  /** The least that `p` could have been with so many processes. */
  readonly least: number;
  readonly ratio: number;
  readonly ratios?: readonly number[];
  readonly interval: readonly [number, number];
}

/** Processes that were measured one after the other. */
function testGroups({ before, after }: Required<Pair>): Test {
  const [was, is] = [times(before), times(after)];
  return {
    p: mannWhitney(is, was).p,
    least: leastP(is.length, was.length),
    ratio: median(is) / median(was),
    interval: ratioInterval(was, is),
  };
}

/** Processes that were measured in turn, two by two. */
function testPairs({ before, after }: Required<Pair>): Test {
  const was = times(before);
  const ratios = times(after).map((time, i) => time / was[i]);
  return {
    p: signedRanks(ratios.map(Math.log)).p,
    least: leastOf(ratios.length),
    ratio: median(ratios),
    ratios,
    interval: medianInterval(ratios),
  };
}

/** The least p of so many pairs. */
const leastOf = (pairs: number): number => 2 / 2 ** pairs;

function judge(
  { name, before, after }: Required<Pair>,
  { p, least, ratio, ratios, interval }: Test,
  tests: readonly Test[],
  tolerance: number,
): BenchmarkComparison {
  const differs = p < LEVEL && ratio !== 1;
  const same = interval[0] > 1 / (1 + tolerance) && interval[1] < 1 + tolerance;
  const enough = least * tests.length < LEVEL;
  return {
    name,
    verdict: differs
      ? ratio > 1 ? "slower" : "faster"
      : enough && same
      ? "same"
      : "not enough data",
    because: enough ? undefined : "so few processes cannot show a difference",
    before: median(times(before)),
    after: median(times(after)),
    ratio,
    ratios,
    interval,
    p,
    blocks: [before.blocks.length, after.blocks.length],
    over: differs && ratio > 1 + tolerance,
  };
}

/**
 * How many processes of each revision it takes to call a difference of one of so many benchmarks, and
 * one to spare for a pair that disagrees.
 */
export function blocksFor(tests: number, interleaved: boolean): number {
  let blocks = 1;
  while ((interleaved ? leastOf(blocks) : leastP(blocks, blocks)) * tests >= LEVEL) blocks++;
  return blocks + 1;
}
