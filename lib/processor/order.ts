/**
 * In which order jobs that wait begin. Without one of these it is the order in which they were
 * accepted.
 */
import type { QueuedJob } from "./jobs.ts";

/**
 * Which of two waiting jobs begins first: `a` if it answers less than 0, `b` if more, and else the
 * one that was accepted first. It must answer the same for the same two jobs as long as they wait.
 */
export type JobOrder = (a: QueuedJob, b: QueuedJob) => number;

/**
 * Jobs of a higher `priority` first. Those of a lower one **starve** while higher ones keep coming;
 * `aging` mends that.
 *
 * @example
 * ```ts
 * import { byPriority, Processor } from "@interlock/core/processor";
 * import assert from "node:assert/strict";
 *
 * await using processor = new Processor({ workers: 1, order: byPriority });
 * const order: string[] = [];
 * processor.handle("note", (text: string) => void order.push(text));
 * const first = processor.request("note", "first").completed; // begins at once
 * const low = processor.request("note", "low").completed;
 * const high = processor.request("note", "high", { priority: 1 }).completed;
 * await Promise.all([first, low, high]);
 * assert.deepEqual(order, ["first", "high", "low"]);
 * ```
 */
export function byPriority(a: QueuedJob, b: QueuedJob): number {
  return b.priority - a.priority;
}

/** Jobs first that must begin first: those of which the least time is left of their `timeout`. */
export function byDeadline(a: QueuedJob, b: QueuedJob): number {
  return a.due === b.due ? 0 : a.due - b.due;
}

/**
 * The job accepted last first. Under overload some are then served in time and the others not at
 * all, where the order of acceptance serves all too late; those not served need a `timeout`.
 */
export function newestFirst(a: QueuedJob, b: QueuedJob): number {
  return b.id - a.id;
}

/**
 * By priority, but a wait of `ms` milliseconds is worth as much as one step of priority, so that no
 * job starves: it begins before all that are accepted more than that much later per step.
 *
 * @param ms From 0, where only waiting counts, to `Infinity`, where only priority does.
 * @throws {RangeError} when `ms` is negative or not a number
 */
export function aging(ms: number): JobOrder {
  if (!(ms >= 0)) {
    throw new RangeError(`Cannot order jobs: ms must be 0 or more milliseconds, got ${ms}`);
  }
  if (ms === Infinity) return byPriority;
  return (a, b) => (a.acceptedAt - a.priority * ms) - (b.acceptedAt - b.priority * ms);
}
