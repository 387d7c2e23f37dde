/**
 * What came of writing to a table, and of draining its queue.
 *
 * @module
 */
import type { SetAside } from "./set_aside.ts";

/** What came of draining a queue. */
export interface DrainOutcome {
  /** How many queued writes were applied. */
  readonly drained: number;
  /** What could not be read or applied. */
  readonly setAside: readonly SetAside[];
}

/** A write was applied, and before it what was pending. */
export interface AppliedOutcome extends DrainOutcome {
  /** Tells it from the other outcome. */
  readonly state: "applied";
  /** The version of the table that has it, which survives a power loss. */
  readonly epoch: number;
}

/** A write was queued, and will be applied by whoever has the table next. */
export interface QueuedOutcome {
  /** Tells it from the other outcome. */
  readonly state: "queued";
  /** What it is known by in the queue, which survives a power loss. */
  readonly id: string;
}

/** What came of a write. */
export type WriteOutcome = AppliedOutcome | QueuedOutcome;
