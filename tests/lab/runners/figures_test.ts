/** The lab's own benchmarks: that what they measure is checked, and that the checks can fail. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { overheadDistances } from "../../../lab/benchmarks/locking_overhead.ts";
import { readsBesideWrite } from "../../../lab/benchmarks/reads_beside_write.ts";
import { raceStrategies } from "../../../lab/benchmarks/strategies.ts";
import { curves } from "../../../lab/benchmarks/curves.ts";
import { FIGURES, isFigureName, makeFigures } from "../../../lab/runners/figures.ts";
import { firstBugs } from "../../../lab/runners/first_bug.ts";
import { type CurveFigure, type Figure, scenarios, type TableFigure } from "../../../lab/mod.ts";

const timeout = 60_000;

async function only<F extends Figure>(name: string, options: object): Promise<F> {
  const figures = [];
  for await (const figure of makeFigures(name, options)) figures.push(figure);
  assert.equal(figures.length, 1);
  return figures[0] as F;
}

test("no figure has the name of a scenario", { timeout }, () => {
  for (const { name } of scenarios) assert(!isFigureName(name), name);
  assert.equal(new Set(FIGURES.map(({ name }) => name)).size, FIGURES.length);
});

test(
  "strategies: what coordinates loses nothing, and what does not loses",
  { timeout },
  async () => {
    const { results, missing } = await raceStrategies({ time: 60 });
    assert.equal(results.length + missing.length, 5);
    for (const { strategy, made, lost, throughput, latency } of results) {
      assert(made > 0 && throughput > 0 && latency.p50 > 0 && latency.p99 >= latency.p50, strategy);
      if (strategy === "no coordination") assert(lost > 0, "nothing was lost without coordination");
      else assert.equal(lost, 0, strategy);
    }
    const [single] = results;
    assert(single.reads! > 0);
  },
);

test(
  "locking-overhead: every lock is measured at its distance, beside none",
  { timeout },
  async () => {
    const figure = await only<TableFigure>("locking-overhead", { time: 5 });
    assert.deepEqual(figure.notes.filter((note) => !note.startsWith("Not measured")), []);
    assert(figure.met);
    const here = overheadDistances().filter(({ missing }) => missing === undefined);
    assert.deepEqual(
      figure.rows.map(([between, , operation, , , , which]) =>
        [between, operation, which].join(" ")
      ),
      here.flatMap(({ name, lock }) =>
        ["one write", "one read", "100 writes", "100 reads"].map((what) =>
          `${name} ${what} ${lock}`
        )
      ),
    );
  },
);

test("reads-beside-write: readers of snapshots go on, those behind a lock stand", {
  timeout,
}, async () => {
  const [snapshots, lock] = await readsBesideWrite(30);
  assert.deepEqual([snapshots.failure, lock.failure], [undefined, undefined]);
  assert(snapshots.alone > 0 && snapshots.beside > 0 && lock.alone > 0);
  assert.equal(lock.beside, 0);
});

for (const curve of curves) {
  test(`${curve.name}: every point is measured, and right where it should be`, {
    timeout,
  }, async () => {
    const figure = await only<CurveFigure>(curve.name, { time: 2 });
    assert.deepEqual(figure.notes, []);
    assert(figure.met);
    const xs = "points" in curve ? curve.points.map(({ x }) => x) : curve.actors;
    assert(figure.lines.length >= 2);
    for (const { points, name } of figure.lines) {
      assert.deepEqual(points.map(({ x }) => x), xs, name);
      for (const { nanoseconds, samples } of points) assert(nanoseconds.p50 > 0 && samples > 0);
    }
  });
}

test("first-bug: tells after how many schedules each strategy finds a bug, and when it does not", {
  timeout,
}, async () => {
  const among = (name: string) => scenarios.filter((scenario) => scenario.name === name);
  const of = async (name: string, budget: number) =>
    Object.fromEntries(
      (await firstBugs(among(name), { seeds: 3, budget }))
        .filter(({ label }) => label === `${name}/unguarded`)
        .map((result) => [result.strategy, result]),
    );
  const lost = await of("lost-update", 100);
  // Two actors of two steps each: the first order that a search without chance tries passes.
  assert.deepEqual(lost.exhaustive.found, [2]);
  assert.equal(lost.exhaustive.seeds, 1);
  assert.equal(lost.random.seeds, 3);
  assert.equal(lost.random.found.length, 3);
  assert.deepEqual(lost.random.found, lost.random.found.toSorted((a, b) => a - b));
  assert.deepEqual(await of("lost-update", 100), lost, "the same seeds find the same");
  const none = await of("lost-update", 1);
  assert.deepEqual(none.exhaustive.found, []);
  assert.equal(none.exhaustive.exhausted, undefined);
});

test(
  "first-bug: only broken variants are looked at, each by every strategy",
  { timeout },
  async () => {
    const [scenario] = scenarios.filter(({ name }) => name === "lost-update");
    const labels = new Set(
      (await firstBugs([scenario], { seeds: 1, budget: 20 })).map((each) => each.label),
    );
    assert.deepEqual([...labels], ["lost-update/unguarded", "lost-update/atomic-cells"]);
  },
);
