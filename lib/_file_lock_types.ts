/** What a `FileLock` is told, and what it tells of itself. */
import type { RetryOptions } from "./_retry.ts";
import type { AcquireOptions, DurationStats, LockOptions, LockStats } from "./lock.ts";

/** What a `FileLock` may be built with. */
export interface FileLockOptions extends LockOptions {
  /** How long to pause before another process's lock is looked at again. */
  retry?: RetryOptions;
}

/**
 * What a `FileLock` has counted: its own acquires, and not those of other objects and processes that
 * share the file.
 */
export interface FileLockStats extends LockStats {
  /** How long other processes were waited for, by those who had to; a part of `wait`. */
  readonly others: DurationStats;
  /** How often the system was asked again whether other processes had let go. */
  readonly polls: number;
  /** How many acquires found that this process held the lock, and did not ask the system for it. */
  readonly handOffs: number;
}

/** How long to wait for a lock to be free, and what ends the wait. */
export type WatchOptions = Pick<AcquireOptions, "timeout" | "signal">;
