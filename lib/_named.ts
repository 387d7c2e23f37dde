/**
 * Holders and waiters that are known by more than their number: those with a label or an owner, and
 * all of them where a lock counts or looks for leaks.
 */
import type { Chunk } from "./_line.ts";
import type { AcquireOptions, LockMode, LockParty } from "./lock.ts";

/** A holder or waiter with a name or an owner. */
export class Named {
  chunk: Chunk<Named> | undefined = undefined;
  /** Whether it waits; kept by the meter. */
  waiting = false;
  constructor(public party: LockParty) {}
}

/** How one who writes or not holds the lock. */
export function modeOf(writes: boolean): LockMode {
  return writes ? "write" : "read";
}

/** By what an acquire is known, if its options say. */
export function nameOf(writes: boolean, options: AcquireOptions): Named | undefined {
  const { label, owner } = options;
  if (label === undefined && owner === undefined) return undefined;
  const mode = modeOf(writes);
  if (owner === undefined) return new Named({ mode, label });
  return new Named(label === undefined ? { mode, owner } : { mode, label, owner });
}
