/**
 * Sequential models: what an object does when its calls come one after another.
 *
 * A history is linearizable when its calls can be put in one order that the model allows, and in
 * which no call comes before another that had returned before it was invoked (Herlihy and Wing,
 * "Linearizability: A Correctness Condition for Concurrent Objects", 1990).
 */
import { identity } from "./_identity.ts";

/** What a model answers when the call cannot have gone like this. */
export const ILLEGAL: unique symbol = Symbol("illegal");

/** What a model sees of a call. */
export interface ModelCall {
  /** What was called. */
  readonly name: string;
  /** What it was called with. */
  readonly input: unknown;
  /** What it answered. Unknown, and `undefined`, for an open call. */
  readonly output: unknown;
  /** Whether the outcome is unknown: the model is asked what the call does if it takes effect. */
  readonly open: boolean;
}

/**
 * A sequential model of one object.
 *
 * States are plain data or have an `identify`; they are never changed, only replaced. A step depends
 * on nothing but its arguments.
 *
 * @example A stack, in ten lines
 * ```ts
 * import assert from "node:assert/strict";
 * import { answered, check, ILLEGAL, type Model, recorder } from "@interlock/core/lab";
 *
 * const stack: Model<readonly unknown[]> = {
 *   name: "stack",
 *   initial: [],
 *   operations: ["push", "pop"],
 *   step(items, call) {
 *     if (call.name === "push") return [...items, call.input];
 *     return answered(call, items.at(-1)) ? items.slice(0, -1) : ILLEGAL;
 *   },
 * };
 *
 * const calls = recorder();
 * calls.invoke("A", "push", 1).ok();
 * calls.invoke("A", "push", 2).ok();
 * calls.invoke("B", "pop").ok(2);
 * assert.equal(check(calls.history(), stack).verdict, "ok");
 * calls.invoke("B", "pop").ok(2);
 * assert.equal(check(calls.history(), stack).verdict, "illegal");
 * ```
 */
export interface Model<State = unknown> {
  /** What is modelled: `register`, `queue`, … */
  readonly name: string;
  /** The state before the first call. */
  readonly initial: State;
  /** The names of the calls it knows; left out, it takes any. */
  readonly operations?: readonly string[];
  /**
   * One call, carried out at one moment.
   *
   * @param state The state before it.
   * @param call The call. If it is open, its output is unknown and no reason to refuse it.
   * @returns The state after it, or `ILLEGAL` if it cannot have answered what it did.
   */
  step(state: State, call: ModelCall): State | typeof ILLEGAL;
  /**
   * Whether a call like this one never changes the state, whatever the state is. Not needed, but the
   * check of a history with many such calls is then faster by far.
   */
  observes?(call: ModelCall): boolean;
  /**
   * Whether a call can be what lets another answer as it did. Not needed, but where it is given, the
   * check turns back as soon as some call waits for help that no longer comes.
   *
   * To be on the safe side is to answer `true`. Where the answer is `false` for every call that still
   * comes before `wanted`, `wanted` must be illegal whatever these do, in whatever order.
   *
   * @param state A state in which `wanted` is illegal.
   * @param wanted The call that waits.
   * @param call Another call.
   */
  helps?(state: State, wanted: ModelCall, call: ModelCall): boolean;
  /**
   * Something that is equal, by `===`, for equal states only. @default plain data is compared by
   * what is in it
   */
  identify?(state: State): unknown;
}

/** Whether the call answered `expected`, compared as plain data, or its answer is unknown. */
export function answered(call: ModelCall, expected: unknown): boolean {
  return call.open || same(call.output, expected);
}

/**
 * Like `answered`, and also satisfied by no answer at all: many implementations of the call tell
 * nothing.
 */
export function acknowledged(call: ModelCall, expected: unknown): boolean {
  return call.output === undefined || answered(call, expected);
}

/** Whether two values are equal as plain data. */
export function same(a: unknown, b: unknown): boolean {
  return Object.is(a, b) || identity(a) === identity(b);
}
