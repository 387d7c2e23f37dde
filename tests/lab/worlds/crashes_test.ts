import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { DporStrategy, ExhaustiveStrategy, explore } from "../../../lab/engine/mod.ts";
import {
  defineScenario,
  expectMet,
  investigate,
  openDistance,
  Subject,
  testScenario,
} from "../../../lab/mod.ts";
import saving from "../../../lab/scenarios/torn_file.ts";
import crashing from "../_scenarios/crashing.ts";
import recordedCrash from "../_scenarios/recorded_crash.ts";

const timeout = 60_000;

// An actor is killed for real where it can be.
testScenario(crashing);
// What only the history tells: calls that were cut off stay open, and what was acknowledged holds.
testScenario(recordedCrash);

describe("a crash in the simulation", () => {
  test("comes in the midst of an operation, and its report says where and what was left", {
    timeout,
  }, async () => {
    await using simulation = openDistance("simulation");
    const result = await investigate(simulation, new Subject(saving, "unguarded"));
    expectMet(result);
    const steps = result.failure!.steps.map(({ actor, kind, object }) =>
      `${actor}: ${kind} ${object}`
    );
    assert.ok(steps.includes("later: put off power"), steps.join("\n"));
    assert.match(steps.join(), /lost: block \d of data.*kept: block \d of data/);
    assert.match(result.failure!.message, /neither old nor new/);
  });

  test("leaves every disk that it can, with the reduction too", { timeout }, async () => {
    const left = new Set<unknown>();
    const scenario = defineScenario({
      ...saving,
      variants: {
        one: {
          ...saving.variants["unguarded"],
          build: (world) => {
            const data = world.file("data", "0".repeat(32));
            const power = world.crash("power");
            return [
              { name: "writer", run: () => data.write("1".repeat(48)) },
              { name: "power cut", run: () => power.losePower() },
            ];
          },
          check: (_end, _parameters, { data }) => void left.add(data),
        },
      },
    });
    await using simulation = openDistance("simulation");
    const program = await simulation.stepped(new Subject(scenario, "one"));
    const seen = async (strategy: ExhaustiveStrategy | DporStrategy) => {
      left.clear();
      const { evidence } = await explore(program, { strategy, budget: 5_000 });
      assert.equal(evidence.kind, "proved");
      return [...left].sort();
    };
    const all = await seen(new ExhaustiveStrategy());
    // Two blocks old or new; a third that is not there, zeros or new.
    const blocks = ["0", "1"].flatMap((a) => ["0", "1"].map((b) => a.repeat(16) + b.repeat(16)));
    const ends = ["", "\0".repeat(16), "1".repeat(16)];
    assert.deepEqual(all, blocks.flatMap((two) => ends.map((end) => two + end)).sort());
    assert.deepEqual(await seen(new DporStrategy()), all);
  });

  test("kills in the midst of a long write", { timeout }, async () => {
    const scenario = defineScenario({
      ...saving,
      variants: {
        killed: {
          expect: "broken",
          because: "the first half is written",
          build: (world) => {
            const data = world.file("data", "0".repeat(32));
            const crash = world.crash("crash");
            return [
              { name: "writer", run: () => data.write("1".repeat(32)) },
              { name: "killer", run: () => crash.kill("writer") },
            ];
          },
          check: (_end, _parameters, { data }) =>
            data === "1".repeat(16) + "0".repeat(16) ? "half of it" : undefined,
        },
      },
    });
    await using simulation = openDistance("simulation");
    expectMet(await investigate(simulation, new Subject(scenario, "killed")));
  });
});

test("a task cannot be killed, and real power is not cut", { timeout }, async () => {
  const { failure } = await (async () => {
    await using tasks = openDistance("tasks");
    return await investigate(tasks, new Subject(crashing, "reaped"));
  })();
  assert.match(failure!.message, /Cannot crash a task/);
  await using processes = openDistance("processes");
  const cut = await investigate(processes, new Subject(saving, "unguarded"), { budget: 1 });
  assert.match(cut.failure!.message, /Cannot cut the power/);
});
