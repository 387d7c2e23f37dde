import assert from "node:assert/strict";
import { test } from "node:test";
import {
  conflict,
  describeOperation,
  explore,
  LenientReplayStrategy,
  type Operation,
  RandomStrategy,
  record,
  replay,
} from "../../../lab/engine/mod.ts";
import {
  defineScenario,
  investigate,
  openDistance,
  Subject,
  testScenario,
} from "../../../lab/mod.ts";
import { here } from "../_here.ts";
import impatient from "../_scenarios/impatient.ts";
import inTime from "../_scenarios/in_time.ts";

const timeout = 60_000;

testScenario(impatient);

test("sleeping costs no time in a stepped run, at any distance", { timeout }, async () => {
  for (const world of here(["tasks", "workers", "processes", "machines"])) {
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
  for (const world of here(["workers", "processes", "machines"])) {
    await using distance = openDistance(world);
    const far = await replay(await distance.stepped(subject), choices, reference.events);
    assert.deepEqual(far.outcome, reference.outcome);
  }
});

test("sleeping takes real time in a free run", { timeout }, async () => {
  for (const world of here(["tasks", "workers", "processes", "machines"])) {
    await using distance = openDistance(world);
    const { outcome, elapsed } = await distance.free!(new Subject(inTime, "short-sleep"));
    assert.equal(outcome.kind, "passed");
    assert.ok(elapsed >= 19, `${world}: ${elapsed} ms`);
  }
});

/** A waits for a lock that B holds, B leaves it or not in time, C sleeps and D does neither. */
const waiting = defineScenario({
  module: import.meta.url,
  name: "waiting",
  title: "What has to do with time",
  seed: "a test of the lab",
  lesson: [],
  parameters: {},
  worlds: ["tasks"],
  variants: {
    all: {
      expect: "safe",
      because: "nothing is checked",
      build: (world) => {
        const lock = world.lock("lock");
        const clock = world.clock("clock");
        const cell = world.cell("cell", 0);
        return [
          { name: "A", run: () => lock.write({ timeout: 5 }).then((h) => h.release(), () => {}) },
          { name: "B", run: () => lock.withWrite(() => cell.write(1)) },
          { name: "C", run: () => clock.sleep(3) },
          { name: "D", run: () => cell.write(2) },
        ];
      },
      check: () => undefined,
    },
  },
});

test("time passing conflicts with what sets, clears or waits for a timer, and with nothing else", {
  timeout,
}, async () => {
  await using tasks = openDistance("tasks");
  const program = await tasks.stepped(new Subject(waiting, "all"));
  const [A, B, C, D, TIME] = [0, 1, 2, 3, 4];
  const operations = async (choices: readonly number[]) => {
    const { events } = await record(program, new LenientReplayStrategy(choices));
    return events.map(({ operation }) => operation);
  };
  const told = (all: readonly Operation[], passing: Operation) =>
    all.filter((each) => each !== passing && conflict(each, passing)).map(describeOperation);

  const inTime = await operations([D, C, B, B, B, A, B, A, A, TIME]);
  const asleep = inTime.find(({ kind }) => kind === "time passes")!;
  // B's leaving let A in, and so ended A's wait.
  assert.deepEqual(told(inTime, asleep), [
    "sleep clock",
    "request write lock",
    "leave write lock",
    "wake clock",
  ]);

  const tooLate = await operations([D, C, B, B, B, A, TIME, TIME, A, B, C]);
  const [first, second] = tooLate.filter(({ kind }) => kind === "time passes");
  assert.deepEqual(told(tooLate, first), [
    "sleep clock",
    "request write lock",
    "time passes",
    "wake clock",
  ]);
  assert.deepEqual(told(tooLate, second), [
    "sleep clock",
    "request write lock",
    "enter write lock",
    "request write lock",
    "time passes",
    "enter write lock",
    "leave write lock",
  ]);
});
