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
import { randomScenario } from "./_random_scenario.ts";
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

test(
  "DporStrategy reaches every trace that running every order reaches",
  { timeout },
  async () => {
    await using tasks = openDistance("tasks");
    let compared = 0;
    let orders = 0;
    let classes = 0;
    let runs = 0;
    for (let seed = 1; compared < 2_000; seed++) {
      const program = await tasks.stepped(new Subject(randomScenario(seed), "random"));
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
  },
);
