import assert from "node:assert/strict";
import { test } from "node:test";
import { findUncontrolled, type Program } from "../../../lab/engine/mod.ts";
import { program, read, type Tools, write } from "./_program.ts";

const timeout = 20_000;

/** Two actors that read, and write what `next` answers; what is left counts as the state. */
function fickle(next: () => number, more = () => 0, fails = () => false): Program {
  let x = 0;
  const subject = program(() => {
    x = 0;
    const actor = async ({ step }: Tools) => {
      await step(read("x"), () => x);
      const value = next();
      await step(write("x"), () => void (x = value));
      for (let i = more(); i > 0; i--) await step(read("x"), () => x);
    };
    return { actors: [actor, actor], check: () => fails() ? "failed" : undefined };
  });
  return { ...subject, state: () => `x = ${x}` };
}

test("findUncontrolled() finds nothing where the choices decide all", { timeout }, async () => {
  assert.equal(await findUncontrolled(fickle(() => 1), 1, 25), undefined);
});

test("findUncontrolled() names the step at which two runs of one order differ", {
  timeout,
}, async () => {
  let runs = 0;
  // Every third actor goes on for a step more.
  const found = await findUncontrolled(fickle(() => 1, () => runs++ % 3 === 2 ? 1 : 0), 1, 25);
  assert.match(found!.difference!, /^at step \d one run has |: at step \d expected /);
  assert.equal(found!.failure, undefined);
});

test("findUncontrolled() tells two ends apart where no step does", { timeout }, async () => {
  let drawn = 0;
  const found = await findUncontrolled(fickle(() => ++drawn), 1, 25);
  assert.match(
    found!.difference!,
    /^one run ends as x = \d, another .* as x = \d; no step differs/,
  );
});

test("findUncontrolled() notices what depends on the time of day", { timeout }, async () => {
  assert.match((await findUncontrolled(fickle(() => Date.now()), 1, 1))!.difference!, /^one run/);
});

test("findUncontrolled() answers a run that failed", { timeout }, async () => {
  let checks = 0;
  const once = await findUncontrolled(fickle(() => 1, () => 0, () => ++checks === 8), 1, 25);
  assert.match(once!.difference!, /^one run ends as passed, another .* as failed; /);
  assert.equal(once!.failure!.outcome.kind, "violated");
  // Alike in both: it is no difference, and a failure all the same.
  const always = await findUncontrolled(fickle(() => 1, () => 0, () => true), 1, 25);
  assert.equal(always!.difference, undefined);
  assert.equal(always!.failure!.outcome.kind, "violated");
});
