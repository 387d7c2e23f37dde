import assert from "node:assert/strict";
import { test } from "node:test";
import {
  holm,
  leastP,
  mannWhitney,
  median,
  quantile,
  ratioInterval,
} from "../../../lab/reports/statistics.ts";

const timeout = 10_000;

/** Two samples of n without ties of which U is u. */
function samples(n: number, u: number): [number[], number[]] {
  const b = Array.from({ length: n }, (_, i) => 2 * i + 1);
  const a: number[] = [];
  // Each value of a beats `above` of b.
  for (let left = u, i = 0; i < n; i++) {
    const above = Math.min(n, left);
    left -= above;
    a.push(2 * above + i / n / 2);
  }
  return [a, b];
}

test("mannWhitney() has the critical values of the published table (0.05, two-sided)", {
  timeout,
}, () => {
  const table: Record<number, number> = {
    ...{ 4: 0, 5: 2, 6: 5, 7: 8, 8: 13, 9: 17, 10: 23, 11: 30, 12: 37 },
    ...{ 13: 45, 14: 55, 15: 64, 16: 75, 17: 87, 18: 99, 19: 113, 20: 127 },
  };
  for (const [size, critical] of Object.entries(table)) {
    const n = Number(size);
    const at = mannWhitney(...samples(n, critical));
    const above = mannWhitney(...samples(n, critical + 1));
    assert.deepEqual([at.u, at.exact, above.u], [critical, true, critical + 1]);
    assert(at.p <= 0.05, `n = ${n}, U = ${critical}: p = ${at.p}`);
    assert(above.p > 0.05, `n = ${n}, U = ${critical + 1}: p = ${above.p}`);
  }
});

test("mannWhitney() finds what R prints for the examples of its manual", { timeout }, () => {
  // wilcox.test(), Hollander and Wolfe (1973), 69: permeability constants.
  const x = [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46];
  const y = [1.15, 0.88, 0.90, 0.74, 1.21];
  const exact = mannWhitney(x, y);
  assert.deepEqual([exact.u, exact.exact], [35, true]);
  assert.equal((exact.p / 2).toFixed(4), "0.1272");
  // Ozone in May and in August, of `airquality`: with ties.
  const may = [
    ...[41, 36, 12, 18, 28, 23, 19, 8, 7, 16, 11, 14, 18, 14, 34, 6, 30, 11, 1, 11, 4, 32, 23, 45],
    ...[115, 37],
  ];
  const august = [
    ...[39, 9, 16, 78, 35, 66, 122, 89, 110, 44, 28, 65, 22, 59, 23, 31, 44, 21, 9, 45, 168, 73],
    ...[76, 118, 84, 85],
  ];
  const tied = mannWhitney(may, august);
  assert.deepEqual([tied.u, tied.exact], [127.5, false]);
  assert.equal(tied.p.toFixed(7), "0.0001208");
});

test("mannWhitney() is the same whichever side comes first, and 1 where all values are equal", {
  timeout,
}, () => {
  const a = [3, 1, 4, 1, 5], b = [9, 2, 6, 5, 3, 5];
  assert.equal(mannWhitney(a, b).p, mannWhitney(b, a).p);
  assert.equal(mannWhitney(a, b).u + mannWhitney(b, a).u, 30);
  assert.deepEqual(mannWhitney([1, 1, 1], [1, 1]), { u: 3, p: 1, exact: false });
});

test("leastP() is two orders of all there are", { timeout }, () => {
  assert.equal(leastP(3, 3), 2 / 20);
  assert.equal(leastP(8, 8), 2 / 12_870);
  assert.equal(leastP(10, 4), 2 / 1_001);
  assert.equal(leastP(1, 1), 1);
  assert.equal(leastP(8, 8), mannWhitney(...samples(8, 0)).p);
});

test("holm() corrects as the textbook does, and never above 1", { timeout }, () => {
  const corrected = holm([0.01, 0.04, 0.03, 0.005]).map((p) => Number(p.toFixed(10)));
  assert.deepEqual(corrected, [0.03, 0.06, 0.06, 0.02]);
  assert.deepEqual(holm([0.5, 0.6]), [1, 1]);
  assert.deepEqual(holm([]), []);
});

test("quantile() lies between neighbours, and median() takes values in any order", {
  timeout,
}, () => {
  assert.equal(median([5, 1, 3]), 3);
  assert.equal(median([4, 1, 3, 2]), 2.5);
  assert.deepEqual([0, 0.25, 1].map((share) => quantile([10, 20, 30], share)), [10, 15, 30]);
});

test("ratioInterval() is the same for the same data, and holds the ratio it was drawn from", {
  timeout,
}, () => {
  const a = [10.1, 9.8, 10.3, 9.9, 10.0, 10.2, 9.7, 10.4];
  const b = a.map((value) => value * 1.2);
  const [low, high] = ratioInterval(a, b);
  assert.deepEqual(ratioInterval(a, b), [low, high]);
  assert(low > 1.12 && low < 1.2 && high > 1.2 && high < 1.28, `${low} to ${high}`);
  assert.deepEqual(ratioInterval([2], [3]), [1.5, 1.5]);
});
