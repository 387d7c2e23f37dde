/**
 * Checking a history: is there an order of its calls that the model allows?
 *
 * The calls on each object are checked apart from the others, since a history is linearizable exactly
 * if it is so for every object (Herlihy and Wing; as a method of checking: Horn and Kroening, "Faster
 * Linearizability Checking via P-Compositionality", 2015). The problem is NP-complete, so a search may
 * need more steps than there is time for. Every object therefore gets a few steps first; those still
 * undecided get four times as many, and so on, so that one bad object cannot keep the others from
 * being looked at. What is undecided when the budget is used up makes the verdict `unknown`.
 */
import { Allowance } from "./_allowance.ts";
import { type Call, describeCall } from "./call.ts";
import type { CheckResult, Linearization } from "./check_result.ts";
import { identity } from "./_identity.ts";
import type { Model } from "./model.ts";
import { Part } from "./_part.ts";

/** How much a check may cost. */
export interface CheckOptions {
  /** How often the model may be consulted, for all objects together. @default 20_000_000 */
  readonly steps?: number;
  /** How much memory the search may use to remember where it has been, in bytes. @default 268_435_456 */
  readonly memory?: number;
}

/** How many steps each object gets at first, and how many times more each time. */
const FIRST_STEPS = 1_000;
const GROWTH = 4;

/**
 * Whether a history is linearizable.
 *
 * @param history The calls, in any order.
 * @param model What each object does when its calls come one after another.
 * @returns `ok` with an order that proves it; `illegal` with the call that cannot be placed; `unknown`
 * when steps or memory did not suffice.
 * @throws {TypeError} when the history has calls that the model does not know, or data that is not
 * plain.
 * @throws {RangeError} when a call returned before it was invoked, or a budget is negative.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { check, describeCheck, models, recorder } from "@interlock/core/lab";
 *
 * const calls = recorder();
 * const slow = calls.invoke("A", "write", 1);
 * calls.invoke("B", "read").ok(1);
 * calls.invoke("B", "read").ok(0);
 * slow.ok();
 *
 * const result = check(calls.history(), models.register(0));
 * assert.equal(
 *   describeCheck(result),
 *   "not linearizable: B: read → 0 fits nowhere after A: write 1, B: read → 1, which leave 1",
 * );
 * ```
 */
export function check<State>(
  history: Iterable<Call>,
  model: Model<State>,
  options: CheckOptions = {},
): CheckResult {
  const { steps: budget = 20_000_000, memory = 268_435_456 } = options;
  if (!(budget >= 0)) throw new RangeError(`Cannot check history: steps is ${budget}`);
  if (!(memory >= 0)) throw new RangeError(`Cannot check history: memory is ${memory}`);
  const allowance = new Allowance(memory);
  const linearizations: Linearization[] = [];
  const givenUp: Part[] = [];
  let undecided = partition(history, model as Model).map(([object, calls]) =>
    new Part(object, calls, model as Model, allowance)
  );
  let steps = 0;
  for (let limit = FIRST_STEPS; undecided.length > 0 && steps < budget; limit *= GROWTH) {
    const again: Part[] = [];
    for (const part of undecided) {
      const before = part.steps;
      const finding = part.search(Math.min(limit, before + budget - steps));
      steps += part.steps - before;
      if (finding === "none") return { verdict: "illegal", ...part.explain(), steps };
      if (finding === "found") linearizations.push(part.linearization());
      else (finding === "undecided" ? again : givenUp).push(part);
      if (finding !== "undecided") part.dispose();
    }
    undecided = again;
  }
  if (undecided.length + givenUp.length === 0) return { verdict: "ok", linearizations, steps };
  return {
    verdict: "unknown",
    undecided: [...givenUp, ...undecided].map(({ object }) => object),
    lack: undecided.length > 0 ? "steps" : "memory",
    steps,
  };
}

/** The calls that may have happened, by object. */
function partition(history: Iterable<Call>, model: Model): [object: unknown, calls: Call[]][] {
  const parts = new Map<unknown, [unknown, Call[]]>();
  for (const call of history) {
    const { object, name, outcome, invoked, returned } = call;
    if (model.operations?.includes(name) === false) {
      throw new TypeError(
        `Cannot check ${describeCall(call)}: a ${model.name} only has ${
          model.operations.join(", ")
        }`,
      );
    }
    if (!(invoked <= Infinity) || (outcome === "ok" && !(returned! >= invoked))) {
      throw new RangeError(
        `Cannot check ${describeCall(call)}: invoked at ${invoked}, it returned at ${returned}`,
      );
    }
    if (outcome === "failed") continue;
    const key = identity(object);
    const part = parts.get(key);
    if (part === undefined) parts.set(key, [object, [call]]);
    else part[1].push(call);
  }
  return [...parts.values()];
}
