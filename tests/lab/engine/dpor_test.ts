import assert from "node:assert/strict";
import { test } from "node:test";
import {
  DporStrategy,
  ExhaustiveStrategy,
  explore,
  type Program,
  type Strategy,
} from "../../../lab/engine/mod.ts";
import { openDistance, Subject } from "../../../lab/worlds/mod.ts";
import { runs } from "../../_runs.ts";
import { type Flavour, randomScenario } from "./_random_scenario.ts";
import { traceOf } from "./_trace.ts";

const timeout = 120_000;

/** Orders beyond which a random program is too large to run every order of. */
const LIMIT = 1_000;

interface Reached {
  readonly complete: boolean;
  readonly runs: number;
  readonly traces: Set<string>;
}

async function reach(program: Program, strategy: Strategy, budget: number): Promise<Reached> {
  const traces = new Set<string>();
  let runs = 0;
  const { evidence } = await explore(program, {
    strategy,
    budget,
    visit: (recording) => {
      if (recording.outcome.kind === "pruned") return;
      runs++;
      traces.add(traceOf(recording));
    },
  });
  return { complete: evidence.kind === "proved", runs, traces };
}

/** Compares a reduced search with one of every order, on so many programs. */
async function compare(programs: number, flavour: Flavour = {}): Promise<void> {
  await using tasks = openDistance("tasks");
  let compared = 0;
  let orders = 0;
  let classes = 0;
  let runs = 0;
  for (let seed = 1; compared < programs; seed++) {
    const program = await tasks.stepped(new Subject(randomScenario(seed, flavour), "random"));
    const all = await reach(program, new ExhaustiveStrategy(), LIMIT);
    if (!all.complete) continue;
    compared++;
    const reduced = await reach(program, new DporStrategy(), LIMIT);
    assert.ok(reduced.complete, `seed ${seed}: the reduced search did not end`);
    const missed = [...all.traces].filter((trace) => !reduced.traces.has(trace));
    assert.deepEqual(missed, [], `seed ${seed}: ${missed.length} of ${all.traces.size} missed`);
    assert.equal(reduced.traces.size, all.traces.size);
    orders += all.runs;
    classes += all.traces.size;
    runs += reduced.runs;
  }
  console.log(`${compared} programs, ${orders} orders, ${classes} traces, ${runs} runs`);
  assert.equal(runs, classes, "a trace was run twice");
}

test(
  "DporStrategy reaches every trace that running every order reaches",
  { timeout },
  () => compare(2_000),
);

test(
  "DporStrategy reaches every trace where time passes and waits time out",
  { timeout },
  () => compare(runs(600, 10_000), { timed: true }),
);

test(
  "DporStrategy reaches every trace where locks refuse to close a circle",
  { timeout },
  () => compare(runs(200, 5_000), { watched: true, timed: true }),
);

test(
  "DporStrategy reaches every trace where locks are nested and run into deadlocks",
  { timeout },
  () => compare(runs(200, 5_000), { watched: false }),
);
