import assert from "node:assert/strict";
import { test } from "node:test";
import { bench, benchTogether } from "../../../lab/runners/bench.ts";
import { findScenario, scenarios } from "../../../lab/scenarios/mod.ts";
import { type Distance, type FreeRun, Subject } from "../../../lab/worlds/mod.ts";

const timeout = 30_000;

/** A distance whose runs take the times that are told, in milliseconds of a clock nobody waits for. */
function told(times: (variant: string, run: number) => number) {
  const order: string[] = [];
  const runs = new Map<string, number>();
  const distance: Distance = {
    name: "tasks",
    about: "told",
    stepped: () => assert.fail("nothing stepped is measured"),
    free({ variantName }): Promise<FreeRun> {
      order.push(variantName);
      const run = runs.get(variantName) ?? 0;
      runs.set(variantName, run + 1);
      const elapsed = times(variantName, run);
      const outcome = Number.isNaN(elapsed)
        ? { kind: "deadlock" as const, waiting: [] }
        : { kind: "passed" as const };
      return Promise.resolve({ outcome, elapsed });
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  return { distance, order };
}

const lostUpdate = findScenario("lost-update");
const subjects = ["unguarded", "locked", "token"].map((name) => new Subject(lostUpdate, name));

test("variants take turns, in one round forwards and in the next backwards", {
  timeout,
}, async () => {
  const { distance, order } = told(() => 1);
  await benchTogether(distance, subjects, 5);
  assert.deepEqual(order.slice(0, 12), [
    ...["unguarded", "locked", "token"],
    ...["unguarded", "locked", "token", "token", "locked", "unguarded"],
    ...["unguarded", "locked", "token"],
  ]);
});

test("a ratio is that of each round, whatever sways all of them, and has an interval", {
  timeout,
}, async () => {
  // The machine is a hundred times as slow in every other round, and in the first, which does not count.
  const mood = (run: number) => run === 0 ? 1_000 : run % 2 === 0 ? 100 : 1;
  const { distance } = told((variant, run) => mood(run) * (variant === "locked" ? 3 : 1));
  const [unguarded, locked] = await benchTogether(distance, subjects.slice(0, 2), 20);
  assert.equal(unguarded.ratio, undefined);
  assert.deepEqual(locked.ratio, { median: 3, interval: [3, 3] });
  assert(locked.milliseconds!.p75 <= 300 && locked.timed === locked.samples - 1);
});

test("a run that comes to no end has no time, and its variant no further turn", {
  timeout,
}, async () => {
  const { distance, order } = told((variant, run) => variant === "token" || run === 3 ? NaN : 2);
  const [unguarded, locked, token] = await benchTogether(distance, subjects, 5);
  assert.equal(order.filter((variant) => variant === "token").length, 1);
  assert.deepEqual([token.milliseconds, token.timed, token.ratio], [undefined, 0, undefined]);
  assert.deepEqual([token.samples, token.wrong], [1, 1]);
  assert.deepEqual([unguarded.samples, unguarded.timed, unguarded.wrong], [4, 2, 1]);
  assert.deepEqual(locked.milliseconds, { p25: 2, p50: 2, p75: 2 });
  assert.deepEqual(locked.ratio, { median: 1, interval: undefined }, "two rounds are no interval");
});

test("what takes too long for another round has a sample, and is compared with nothing", {
  timeout,
}, async () => {
  const { distance, order } = told(() => 2);
  const free = distance.free!.bind(distance);
  distance.free = async (subject) => {
    if (subject.variantName === "unguarded") await new Promise((end) => setTimeout(end, 15));
    return await free(subject);
  };
  const [unguarded, locked] = await benchTogether(distance, subjects, 5);
  // It is run twice, for the first time may have been the distance's.
  assert.deepEqual(order.slice(0, 4), ["unguarded", "unguarded", "locked", "token"]);
  assert.deepEqual([unguarded.timed, unguarded.samples], [2, 2]);
  assert.equal(locked.ratio, undefined);
  assert(locked.timed > 2);
});

test("a smoke test runs each variant once, and checks what comes of it", { timeout }, async () => {
  const results = await bench([lostUpdate], { worlds: ["tasks"], time: 0 });
  assert.deepEqual(results.map(({ variant }) => variant), Object.keys(lostUpdate.variants));
  assert(results.every(({ samples }) => samples === 1));
  assert(results.every(({ expect, wrong }) => expect === "broken" || wrong === 0));
  assert.equal(results.find(({ variant }) => variant === "unguarded")?.wrong, 1);
});

test("what is measured is what has the text in its label, in whatever letters", {
  timeout,
}, async () => {
  const labels = async (text: string) =>
    (await bench(scenarios, { worlds: ["tasks"], time: 0, text })).map(
      ({ scenario, variant, world }) => `${scenario}/${variant} ${world}`,
    );
  assert.deepEqual(await labels("Lost-Update/unguarded"), ["lost-update/unguarded tasks"]);
  assert.deepEqual(await labels("update/unguarded between ta"), ["lost-update/unguarded tasks"]);
  assert.deepEqual(await labels("nothing like it"), []);
});
