/**
 * The statistics of a comparison. All of it is exact or seeded: the same data gives the same answer.
 *
 * What is compared is what whole processes found. Samples inside one process are no independent
 * draws, for they share its heap, its layout in memory and what its compiler decided: a test that
 * takes them for such calls a difference between a revision and itself.
 */
import { Prng } from "../engine/mod.ts";

/**
 * The value below which that share of the values lies, between neighbours by their distance.
 *
 * @param sorted At least one value, in ascending order.
 * @param share From 0 to 1.
 */
export function quantile(sorted: readonly number[], share: number): number {
  const place = share * (sorted.length - 1);
  const below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (place - below);
}

/** The middle of at least one value. */
export function median(values: readonly number[]): number {
  return quantile(values.toSorted((a, b) => a - b), 0.5);
}

/** What a Mann–Whitney test found. */
export interface RankTest {
  /** Of all pairs, in how many `a` is above `b`; a tie counts as half. */
  readonly u: number;
  /** How probable it is, if both are draws of one kind, that they lie as far apart or farther. */
  readonly p: number;
  /** Whether `p` is exact; where values are equal, or there are very many, it is an approximation. */
  readonly exact: boolean;
}

/** Up to so many pairs the exact distribution is counted out. */
const EXACT_PAIRS = 2_500;

/**
 * The Mann–Whitney test, two-sided: whether values of `a` tend to be above or below those of `b`.
 * Without ties it is exact; with them it is the normal approximation with corrections for ties and for
 * continuity. (Mann and Whitney, 1947.)
 *
 * @param a At least one value.
 * @param b At least one value.
 */
export function mannWhitney(a: readonly number[], b: readonly number[]): RankTest {
  const all = [...a, ...b].sort((x, y) => x - y);
  let u = 0;
  for (const x of a) for (const y of b) u += x > y ? 1 : x === y ? 0.5 : 0;
  const pairs = a.length * b.length;
  const ties = tieSizes(all);
  if (ties.length === 0 && pairs <= EXACT_PAIRS) {
    const tail = lowerTail(a.length, b.length, Math.min(u, pairs - u));
    return { u, p: Math.min(1, 2 * tail), exact: true };
  }
  const n = all.length;
  const tied = ties.reduce((sum, t) => sum + t ** 3 - t, 0);
  const variance = pairs / 12 * (n + 1 - tied / (n * (n - 1)));
  if (variance <= 0) return { u, p: 1, exact: false };
  const z = Math.max(0, Math.abs(u - pairs / 2) - 0.5) / Math.sqrt(variance);
  // Of few values the approximation would find less than all their orders allow.
  const least = pairs <= EXACT_PAIRS ? leastP(a.length, b.length) : 0;
  return { u, p: Math.min(1, Math.max(least, 2 * upperNormal(z))), exact: false };
}

/** How many values there are in each group of equal ones. */
function tieSizes(sorted: readonly number[]): number[] {
  const sizes: number[] = [];
  for (let i = 0, from = 0; i < sorted.length; i++) {
    if (sorted[i + 1] === sorted[i]) continue;
    if (i > from) sizes.push(i - from + 1);
    from = i + 1;
  }
  return sizes;
}

/** The probability that U is at most `u` when all orders are alike. */
function lowerTail(m: number, n: number, u: number): number {
  // ways[k] is in how many orders U is k: the coefficients of the Gaussian binomial, each factor
  // (1 - q^(n+i)) / (1 - q^i) of which is applied in place.
  const ways = new Float64Array(m * n + 1);
  ways[0] = 1;
  for (let i = 1; i <= m; i++) {
    for (let k = ways.length - 1; k >= n + i; k--) ways[k] -= ways[k - n - i];
    for (let k = i; k < ways.length; k++) ways[k] += ways[k - i];
  }
  const total = ways.reduce((sum, count) => sum + count, 0);
  return ways.subarray(0, Math.floor(u) + 1).reduce((sum, count) => sum + count, 0) / total;
}

/** The least p that a Mann–Whitney test of so many values can find: when all of one side are above. */
export function leastP(m: number, n: number): number {
  return Math.min(1, 2 * lowerTail(m, n, 0));
}

/**
 * The Mann–Whitney test of pairs, two-sided and exact: of values that were measured in pairs, each
 * relative to the middle of its pair, in the distribution that comes of swapping within pairs. That is
 * Wilcoxon's signed-rank test: with d the differences within pairs, U counts those `d[i] + d[j] > 0`.
 * What sways both values of a pair does not sway it. (Wilcoxon, 1945.)
 *
 * Differences of 0 are left out; equal ones have the mean of their ranks.
 *
 * @param differences `a - b` of each pair.
 */
export function signedRanks(differences: readonly number[]): { w: number; p: number } {
  const all = differences.filter((d) => d !== 0).sort((x, y) => Math.abs(x) - Math.abs(y));
  // Twice the rank, which is whole also where it is a mean.
  const ranks = all.map((d) => {
    const size = Math.abs(d);
    const first = all.findIndex((each) => Math.abs(each) === size);
    const last = all.findLastIndex((each) => Math.abs(each) === size);
    return first + last + 2;
  });
  const total = ranks.reduce((sum, rank) => sum + rank, 0);
  const above = ranks.reduce((sum, rank, i) => all[i] > 0 ? sum + rank : sum, 0);
  // ways[k] is with how many choices of signs the ranks above sum up to k.
  const ways = new Float64Array(total + 1);
  ways[0] = 1;
  for (const rank of ranks) for (let k = total; k >= rank; k--) ways[k] += ways[k - rank];
  const least = Math.min(above, total - above);
  const tail = ways.subarray(0, least + 1).reduce((sum, count) => sum + count, 0);
  return { w: above / 2, p: Math.min(1, 2 * tail / 2 ** all.length) };
}

/**
 * The probability that a normal value is above `z`, for `z` from 0: the power series of its integral
 * near the middle, and the continued fraction in the tail. (Abramowitz and Stegun, 26.2.11 and 26.2.14.)
 */
function upperNormal(z: number): number {
  const density = Math.exp(-z * z / 2) / Math.sqrt(2 * Math.PI);
  if (z > 3) {
    let fraction = z;
    for (let k = 100; k > 0; k--) fraction = z + k / fraction;
    return density / fraction;
  }
  let sum = 0;
  for (let term = z, k = 1; term > 1e-17; k++) {
    sum += term;
    term *= z * z / (2 * k + 1);
  }
  return 0.5 - density * sum;
}

/**
 * Holm's correction: what each of several p is worth, so that calling all of those below a level
 * different makes one wrong call or more no oftener than that level says, whatever the tests have to
 * do with each other. (Holm, 1979.)
 *
 * @returns The corrected p, in the order of `ps`.
 */
export function holm(ps: readonly number[]): number[] {
  const order = ps.map((_, i) => i).sort((i, j) => ps[i] - ps[j]);
  const corrected = new Array<number>(ps.length);
  let least = 0;
  for (const [rank, i] of order.entries()) {
    least = Math.max(least, Math.min(1, ps[i] * (ps.length - rank)));
    corrected[i] = least;
  }
  return corrected;
}

/** How often the data is drawn again for an interval. */
const RESAMPLES = 2_000;

/** What lies in the middle 95 % of what `draw` answers, which draws from the data again. */
function bootstrap(draw: (below: (limit: number) => number) => number): [number, number] {
  const prng = new Prng(1);
  const all = Array.from({ length: RESAMPLES }, () => draw((limit) => prng.below(limit)));
  all.sort((x, y) => x - y);
  return [quantile(all, 0.025), quantile(all, 0.975)];
}

/**
 * The interval in which the ratio of the medians, `b / a`, lies with 95 % confidence: the percentile
 * bootstrap. (Efron, 1979.)
 *
 * @param a At least one value above 0.
 * @param b At least one value above 0.
 */
export function ratioInterval(a: readonly number[], b: readonly number[]): [number, number] {
  return bootstrap((below) => {
    const draw = (values: readonly number[]) =>
      median(values.map(() => values[below(values.length)]));
    return draw(b) / draw(a);
  });
}

/** The interval in which the median lies with 95 % confidence, by bootstrap. */
export function medianInterval(values: readonly number[]): [number, number] {
  return bootstrap((below) => median(values.map(() => values[below(values.length)])));
}
