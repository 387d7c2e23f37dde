import assert from "node:assert/strict";
import { test } from "node:test";
import { type BenchResult, benchTable, palette, smokeTable } from "../../../lab/mod.ts";
import { chart } from "../../../lab/reports/html/chart.ts";

const timeout = 5_000;
const layout = { palette: palette(false), width: 120 };

const result = (variant: string, more: Partial<BenchResult>): BenchResult => ({
  scenario: "race",
  variant,
  world: "tasks",
  parameters: {},
  expect: "safe",
  milliseconds: { p25: 1, p50: 2, p75: 3 },
  timed: 10,
  samples: 10,
  wrong: 0,
  ...more,
});

const RESULTS = [
  result("unguarded", { expect: "broken", wrong: 9 }),
  result("often", { ratio: { median: 2.04, interval: [0.0123, 99.7] } }),
  result("once", { timed: 1, samples: 1, ratio: { median: 899.2 } }),
  result("endless", { expect: "broken", milliseconds: undefined, timed: 0, samples: 1, wrong: 1 }),
];

test("benchTable() shows quartiles and intervals only where there are samples enough", {
  timeout,
}, () => {
  const lines = benchTable(RESULTS, layout).split("\n").map((line) => line.split(/ {2,}/).slice(1));
  assert.deepEqual(lines.slice(1), [
    ["race/unguarded", "2.0 ms", "1.0 ms – 3.0 ms", "WRONG 9/10"],
    ["race/often", "2.0 ms", "1.0 ms – 3.0 ms", "2.0 × (0.012–100)", "right 10/10"],
    ["race/once", "2.0 ms", "1 sample", "899 ×", "right 1/1"],
    ["race/endless", "no end", "WRONG 1/1"],
  ]);
});

test("smokeTable() shows whether results are right, and no time", { timeout }, () => {
  const table = smokeTable(RESULTS, layout);
  assert.match(table, /race\/once +right 1\/1/);
  assert.match(table, /race\/unguarded +WRONG 9\/10 +may be wrong/);
  assert.doesNotMatch(table, / ms|×/);
});

test("a chart has a whisker only where there are samples enough, and no bar without an end", {
  timeout,
}, () => {
  const drawn = chart("tasks", RESULTS).toString();
  assert.equal(drawn.match(/<rect/g)!.length, 3);
  assert.equal(drawn.match(/<path/g)!.length, 2);
  assert.match(drawn, /once: median 2\.0 ms, 1 sample, right 1\/1; endless: comes to no end/);
  assert.doesNotMatch(drawn, /NaN|Infinity/);
  assert.doesNotMatch(chart("tasks", RESULTS.slice(3)).toString(), /NaN|Infinity|-0/);
});
