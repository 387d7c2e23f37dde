import assert from "node:assert/strict";
import { test } from "node:test";
import {
  holm,
  leastP,
  mannWhitney,
  median,
  medianInterval,
  quantile,
  ratioInterval,
  signedRanks,
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

/** Differences of which those above 0 have ranks that sum up to w. */
function differences(n: number, w: number): number[] {
  const signs = new Array(n).fill(-1);
  for (let rank = n, left = w; rank > 0; rank--) {
    if (rank > left) continue;
    signs[rank - 1] = 1;
    left -= rank;
  }
  return signs.map((sign, i) => sign * (i + 1));
}

test("signedRanks() has the critical values of the published table (0.05, two-sided)", {
  timeout,
}, () => {
  const table: Record<number, number> = {
    ...{ 6: 0, 7: 2, 8: 3, 9: 5, 10: 8, 11: 10, 12: 13, 13: 17, 14: 21, 15: 25, 16: 29 },
    ...{ 17: 34, 18: 40, 19: 46, 20: 52 },
  };
  for (const [size, critical] of Object.entries(table)) {
    const n = Number(size);
    const at = signedRanks(differences(n, critical));
    const above = signedRanks(differences(n, critical + 1));
    assert.equal(at.w, critical);
    assert(at.p <= 0.05, `n = ${n}, W = ${critical}: p = ${at.p}`);
    assert(above.p > 0.05, `n = ${n}, W = ${critical + 1}: p = ${above.p}`);
  }
});

test("signedRanks() finds what R prints for the example of its manual", { timeout }, () => {
  // wilcox.test(paired = TRUE), Hollander and Wolfe (1973), 29: a depression scale.
  const first = [1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30];
  const second = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29];
  const { w, p } = signedRanks(first.map((x, i) => x - second[i]));
  assert.equal(w, 40);
  assert.equal((p / 2).toFixed(5), "0.01953");
});

test("signedRanks() leaves out zeros, shares ranks among equals, and is symmetric", {
  timeout,
}, () => {
  assert.deepEqual(signedRanks([0, 0]), { w: 0, p: 1 });
  assert.deepEqual(signedRanks([1, 1, -1, 0]), { w: 4, p: 1 });
  const some = [3, -1, 2, 5, 2];
  assert.equal(signedRanks(some).p, signedRanks(some.map((d) => -d)).p);
  assert.equal(signedRanks([1, 2, 3, 4, 5, 6]).p, 2 / 2 ** 6);
});

test("signedRanks() is the Mann–Whitney U of values relative to the middle of their pair", {
  timeout,
}, () => {
  const d = [0.3, -0.1, 0.7, 0.2, -0.4, 0.5];
  const { u } = mannWhitney(d, d.map((each) => -each));
  assert.equal(u, 2 * signedRanks(d).w - d.filter((each) => each > 0).length);
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
  const many = Array.from({ length: 40 }, (_, i) => 10 + Math.sin(i * i));
  const others = Array.from({ length: 40 }, (_, i) => 12 + Math.cos(i * i));
  assert.deepEqual(ratioInterval(many, others), ratioInterval(many, others));
  assert(low > 1.12 && low < 1.2 && high > 1.2 && high < 1.28, `${low} to ${high}`);
  assert.deepEqual(ratioInterval([2], [3]), [1.5, 1.5]);
  const [least, most] = medianInterval(a);
  assert.deepEqual(medianInterval(a), [least, most]);
  assert(least > 9.7 && least < 10.05 && most > 10.05 && most < 10.4, `${least} to ${most}`);
});

test(
  "mannWhitney() finds no less with equal values than all orders of so many allow",
  { timeout },
  () => {
    for (const size of [2, 3, 4, 5, 14]) {
      const low = new Array<number>(size).fill(1);
      const high = new Array<number>(size).fill(2);
      const { p } = mannWhitney(low, high);
      assert(p >= leastP(size, size), `${size}: ${p}`);
    }
  },
);
