/** Which strategy of the default portfolio finds what, and after how many schedules: fixed by seed and budget. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  DporStrategy,
  type Effect,
  explore,
  type PortfolioStrategy,
  PreemptionBoundedStrategy,
  type Program,
} from "../../../lab/engine/mod.ts";
import { investigate, openDistance, palette, Subject, trialReport } from "../../../lab/mod.ts";
import { makeStrategy } from "../../../lab/runners/_make_strategy.ts";
import oppositeLocks from "../_scenarios/opposite_locks.ts";
import { program, read, type Tools, write } from "./_program.ts";

const timeout = 60_000;

/** Breaks if two actors take so many turns each, one after the other. */
function inTurn(turns: number): Program {
  return program(() => {
    let [next, inOrder] = [0, true];
    const actor = (place: number) => async ({ step }: Tools) => {
      for (let i = 0; i < turns; i++) {
        await step(write("turn"), () => inOrder &&= next++ % 2 === place);
      }
    };
    return { actors: [actor(0), actor(1)], check: () => inOrder ? "in turn" : undefined };
  });
}

/** Breaks if the last of five takes twelve steps before any other takes its first. */
function lastFirst(): Program {
  return program(() => {
    let [steps, early] = [0, 0];
    const other = async ({ step }: Tools) => {
      await step(read("steps"), () => early += steps < 12 ? 1 : 0);
      for (let i = 0; i < 12; i++) await step(read("steps"), () => steps);
    };
    const last = async ({ step }: Tools) => {
      for (let i = 0; i < 12; i++) await step(write("steps"), () => steps++);
    };
    return {
      actors: [other, other, other, other, last],
      check: () => early === 0 ? "the last was first" : undefined,
    };
  });
}

/** Breaks if A sees a counter that B raises at just these values. */
function sees(values: readonly number[]): Program {
  return program(() => {
    let counter = 0;
    const seen: number[] = [];
    return {
      actors: [
        async ({ step }) => {
          for (const _ of values) seen.push(await step(read("counter"), () => counter));
        },
        async ({ step }) => {
          for (let i = 0; i < 8; i++) await step(write("counter"), () => counter++);
        },
      ],
      check: () => seen.join() === values.join() ? "seen" : undefined,
    };
  });
}

async function find(subject: Program, seed: number, budget: number) {
  const strategy = makeStrategy("portfolio", seed, budget) as PortfolioStrategy;
  const { failure, schedules } = await explore(subject, { strategy, budget });
  return { by: strategy.current.name, schedules, choices: failure?.choices.join("") };
}

// On both runtimes: the strategy that wins, and when, is the same for a seed and a budget.
for (
  const [what, subject, budget, by, schedules] of [
    ["two turns each", inTurn(2), 1_000, "bounded", 9],
    ["the last of five first", lastFirst(), 100, "pct", 16],
    ["three turns each", inTurn(3), 1_000, "weighted", 155],
    ["three values seen", sees([2, 4, 6]), 1_000, "dpor", 374],
  ] as const
) {
  test(`the portfolio finds ${what} by ${by}, after ${schedules} schedules`, {
    timeout,
  }, async () => {
    const found = await find(subject, 1, budget);
    assert.deepEqual([found.by, found.schedules], [by, schedules]);
    assert.ok(found.choices !== undefined);
    assert.deepEqual(await find(subject, 1, budget), found);
  });
}

test("the portfolio finds other orders with another seed, where it is the seed that finds them", {
  timeout,
}, async () => {
  const [one, two] = [await find(inTurn(4), 1, 1_000), await find(inTurn(4), 2, 1_000)];
  assert.deepEqual([one.by, two.by], ["weighted", "weighted"]);
  assert.notEqual(one.schedules, two.schedules);
});

/** Two plain locks, taken in opposite orders. */
function oppositeOrders(): Program {
  const act = (object: string, kind: string, effect: Effect) => ({ object, kind, effect });
  return program(() => {
    const held = new Set<string>();
    const actor = (outer: string, inner: string) => async ({ step }: Tools) => {
      for (const lock of [outer, inner]) {
        await step(act(lock, "take", "acquire"), () => held.add(lock), () => !held.has(lock));
      }
      for (const lock of [inner, outer]) {
        await step(act(lock, "give back", "release"), () => held.delete(lock));
      }
    };
    return { actors: [actor("left", "right"), actor("right", "left")] };
  });
}

test("AB-BA, two locks taken in opposite orders, is found in at most 5 runs", {
  timeout,
}, async () => {
  for (const strategy of [new DporStrategy(), new PreemptionBoundedStrategy()]) {
    const { failure, schedules } = await explore(oppositeOrders(), { strategy, budget: 100 });
    assert.equal(failure?.outcome.kind, "deadlock");
    assert.ok(schedules <= 5, `${strategy.name}: ${schedules}`);
  }
  // And with the library's own lock, whose requests and grants are steps of their own.
  await using tasks = openDistance("tasks");
  const subject = new Subject(oppositeLocks, "opposite");
  const reduced = await investigate(tasks, subject, { strategy: "dpor" });
  assert.equal(reduced.failure?.kind, "deadlock");
  assert.ok(reduced.schedules <= 5, `${reduced.schedules}`);
});

test("a report says which strategy of the portfolio won, and after how many schedules", {
  timeout,
}, async () => {
  await using tasks = openDistance("tasks");
  const result = await investigate(tasks, new Subject(oppositeLocks, "opposite"));
  assert.equal(result.foundBy, "bounded");
  const report = trialReport(result, { palette: palette(false), width: Infinity });
  assert.match(
    report,
    /^found after 9 orders; reproduced 10\/10; 9 schedules by portfolio \(bounded\)/m,
  );
});
