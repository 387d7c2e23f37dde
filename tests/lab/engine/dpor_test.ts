import assert from "node:assert/strict";
import { test } from "node:test";
import {
  DporStrategy,
  type Evidence,
  ExhaustiveStrategy,
  explore,
  type Program,
  type Recording,
  type Strategy,
} from "../../../lab/engine/mod.ts";
import { openDistance, Subject } from "../../../lab/worlds/mod.ts";
import { runs } from "../../_runs.ts";
import { type Flavour, randomScenario } from "./_random_scenario.ts";
import { traceOf } from "./_trace.ts";

const timeout = 600_000;

/** Orders beyond which a random program is too large to run every order of. */
const LIMIT = 200;

/** Where blocking leaves fewer orders than there are interleavings, so many times fewer at most. */
const BLOCKING = 20;

interface Reached {
  readonly evidence: Evidence;
  readonly runs: readonly Recording[];
}

async function reach(program: Program, strategy: Strategy, budget: number): Promise<Reached> {
  const runs: Recording[] = [];
  const { evidence } = await explore(program, {
    strategy,
    budget,
    visit: (recording) => {
      if (recording.outcome.kind !== "pruned") runs.push(recording);
    },
  });
  return { evidence, runs };
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
    const reduced = await reach(program, new DporStrategy(), LIMIT);
    const { evidence } = reduced;
    if (evidence.kind === "proved" && evidence.of > BLOCKING * LIMIT) continue;
    const all = await reach(program, new ExhaustiveStrategy(), LIMIT);
    if (all.evidence.kind !== "proved") continue;
    compared++;
    assert.equal(evidence.kind, "proved", `seed ${seed}: the reduced search did not end`);
    const wanted = new Set(all.runs.map(traceOf));
    const reached = new Set(reduced.runs.map(traceOf));
    const missed = [...wanted].filter((trace) => !reached.has(trace));
    assert.deepEqual(missed, [], `seed ${seed}: ${missed.length} of ${wanted.size} missed`);
    assert.equal(reached.size, wanted.size);
    orders += all.runs.length;
    classes += wanted.size;
    runs += reduced.runs.length;
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
  () => compare(runs(500, 10_000), { timed: true }),
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
