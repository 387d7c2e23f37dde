/**
 * The checker against brute force: on random small histories both give the same verdict, and what the
 * checker adds to it, an order or the call that cannot be placed, is right.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
  type Call,
  check,
  type CheckResult,
  ILLEGAL,
  type Linearization,
  type Model,
} from "../../../../lab/engine/history/mod.ts";
import { checkProperty } from "../../../_property.ts";
import { bruteForce, bruteForceRemembering, precedes, step, until } from "./_brute_force.ts";
import { histories, subjects } from "./_histories.ts";

const timeout = 120_000;
const file = "tests/lab/engine/history/check_property_test.ts";

/** So many histories are checked for each one that fast-check counts. */
const BATCH = 5;

/** Checks a property of random histories of each model. */
function forEachModel(
  property: (history: Call[], model: Model) => void,
  size?: Parameters<typeof histories>[1],
): void {
  for (const { model, body } of subjects) {
    test(model.name, { timeout }, () =>
      checkProperty(
        fc.property(
          fc.array(histories(body, size), { minLength: BATCH, maxLength: BATCH }),
          (batch) => batch.forEach((history) => property(history, model)),
        ),
        file,
      ));
  }
}

/** An order leads from the initial state to the one it claims, and puts nothing before its past. */
function assertOrder({ order, state }: Linearization, model: Model): void {
  let reached = model.initial;
  order.forEach((call, place) => {
    for (const later of order.slice(place + 1)) assert(!precedes(later, call), "out of order");
    reached = step(model, reached, call);
    assert.notEqual(reached, ILLEGAL, "the order is none");
  });
  assert.deepEqual(reached, state);
}

function callsThat(outcome: Call["outcome"], calls: readonly Call[]): Set<number> {
  return new Set(
    calls.filter((call) => call.outcome === outcome).map(({ process }) => process as number),
  );
}

describe("check() answers as brute force does", () => {
  forEachModel((history, model) => {
    const verdict: CheckResult["verdict"] = bruteForce(history, model) ? "ok" : "illegal";
    assert.equal(check(history, model).verdict, verdict);
  });
});

describe("check() answers as brute force does that remembers, on longer histories", () => {
  forEachModel((history, model) => {
    const verdict: CheckResult["verdict"] = bruteForceRemembering(history, model)
      ? "ok"
      : "illegal";
    assert.equal(check(history, model).verdict, verdict);
  }, { calls: 14, objects: 1 });
});

describe("check() answers ok with an order of every call that returned", () => {
  forEachModel((history, model) => {
    const result = check(history, model);
    if (result.verdict !== "ok") return;
    for (const linearization of result.linearizations) assertOrder(linearization, model);
    const placed = result.linearizations.flatMap(({ order }) => order);
    assert.equal(new Set(placed).size, placed.length);
    assert(placed.every((call) => history.includes(call)));
    assert.deepEqual(callsThat("ok", placed), callsThat("ok", history));
    assert.equal(callsThat("failed", placed).size, 0);
  });
});

describe("check() answers illegal with the first return that leaves no order, and one before it", () => {
  forEachModel((history, model) => {
    const result = check(history, model);
    if (result.verdict !== "illegal") return;
    const { prefix, call } = result;
    assert(history.includes(call));
    const calls = history.filter(({ object }) => object === prefix.object);
    assert(!bruteForce(until(calls, call.returned!), model), "there is an order with that return");
    assert(bruteForce(until(calls, call.returned! - 0.5), model), "there is none before it either");
    assertOrder(prefix, model);
    const before = callsThat("ok", until(calls, call.returned! - 0.5));
    assert(before.isSubsetOf(callsThat("ok", prefix.order)), "a call that returned is missing");
  });
});

describe("check() with a budget is right or does not know", () => {
  const budgets = [{ steps: 0 }, { steps: 3 }, { steps: 8 }, { memory: 0 }, { memory: 300 }];
  forEachModel((history, model) => {
    const verdict = check(history, model).verdict;
    for (const budget of budgets) {
      const { verdict: found } = check(history, model, budget);
      assert([verdict, "unknown"].includes(found), `${found} instead of ${verdict}`);
    }
  });
});

describe("check() needs neither observes() nor helps() of a model", () => {
  forEachModel((history, model) => {
    const { observes, helps, ...plain } = model;
    const { verdict } = check(history, model);
    assert.equal(check(history, plain).verdict, verdict);
    assert.equal(check(history, { ...plain, observes }).verdict, verdict);
    assert.equal(check(history, { ...plain, helps }).verdict, verdict);
  });
});
