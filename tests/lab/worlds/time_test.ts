import assert from "node:assert/strict";
import { test } from "node:test";
import { explore, RandomStrategy, replay } from "../../../lab/engine/mod.ts";
import { investigate, openDistance, Subject, testScenario } from "../../../lab/mod.ts";
import impatient from "../_scenarios/impatient.ts";
import inTime from "../_scenarios/in_time.ts";

const timeout = 60_000;

testScenario(impatient);

test("sleeping costs no time in a stepped run, at any distance", { timeout }, async () => {
  for (const world of ["tasks", "workers", "processes"] as const) {
    await using distance = openDistance(world);
    const program = await distance.stepped(new Subject(inTime, "long-sleep"));
    const started = performance.now();
    const found = await explore(program, { strategy: new RandomStrategy(1), budget: 20 });
    assert.equal(found.failure, undefined);
    assert.ok(performance.now() - started < 20_000, "it slept for real");
  }
});

test("time passes from deadline to deadline, and is an actor of its own", { timeout }, async () => {
  await using tasks = openDistance("tasks");
  const broken = await investigate(tasks, new Subject(inTime, "wakes-late"));
  assert.equal(broken.met, true);
  const times = broken.failure!.steps.filter((step) => step.actor === "time");
  assert.deepEqual(times.map((step) => step.result), [10, 30_000]);
});

test("a schedule in which time passes replays at every distance", { timeout }, async () => {
  await using tasks = openDistance("tasks");
  const subject = new Subject(inTime, "wakes-late");
  const near = await investigate(tasks, subject);
  assert.ok(near.schedule);
  const choices = near.failure!.steps.map((step) => ["A", "B", "time"].indexOf(step.actor));
  const reference = await replay(await tasks.stepped(subject), choices);
  for (const world of ["workers", "processes"] as const) {
    await using distance = openDistance(world);
    const far = await replay(await distance.stepped(subject), choices, reference.events);
    assert.deepEqual(far.outcome, reference.outcome);
  }
});

test("sleeping takes real time in a free run", { timeout }, async () => {
  for (const world of ["tasks", "workers", "processes"] as const) {
    await using distance = openDistance(world);
    const { outcome, elapsed } = await distance.free!(new Subject(inTime, "short-sleep"));
    assert.equal(outcome.kind, "passed");
    assert.ok(elapsed >= 19, `${world}: ${elapsed} ms`);
  }
});
