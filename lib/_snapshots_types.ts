/** What `Snapshots` is told, and what it tells of itself. */
import type { AcquireOptions, DurationStats, ReadWriteLock } from "./lock.ts";

/** What `Snapshots` may be built with. */
export interface SnapshotsOptions<T> {
  /** A name for the value, shown in errors. */
  label?: string;
  /**
   * Told once about each version that is neither current nor pinned any more. What it throws
   * surfaces as an unhandled rejection and changes nothing.
   */
  onRetire?: (value: T, epoch: number) => void;
  /**
   * The lock by which writers take turns; nobody else should hold it for long. With one that a
   * `DeadlockDetector` watches, deadlocks between updates and other locks are found.
   *
   * @default one of their own
   */
  lock?: ReadWriteLock;
  /**
   * Whether `stats()` tells how long updates waited and ran too, which takes some kilobytes.
   *
   * @default false
   */
  stats?: boolean;
}

/** How to update. */
export interface UpdateOptions {
  /**
   * The longest wait for the turn to write, in milliseconds; `0` writes only if nobody writes now.
   *
   * @default Infinity
   */
  timeout?: number;
  /** Ends the wait, and the run too. */
  signal?: AbortSignal;
  /** A name for the writer, shown in errors and by `stats()`. */
  label?: string;
  /** Who writes, for the lock by which writers take turns. Any object serves. */
  owner?: object;
  /**
   * The longest run of the function, in milliseconds.
   *
   * @default Infinity
   */
  limit?: number;
}

/** How long to wait for a change, in milliseconds, and what ends the wait. */
export type ChangeOptions = Pick<AcquireOptions, "timeout" | "signal">;

/** What the function of an update is told besides the value. */
export interface UpdateContext {
  /** The epoch of the value it was given. */
  readonly epoch: number;
  /**
   * Aborts when the result is no longer wanted: the update was aborted, its limit has passed or
   * another commit came first.
   */
  readonly signal: AbortSignal;
}

/** Keeps one version from being retired until it is disposed of. */
export interface Pin<T> extends Disposable {
  /** The pinned value. Cannot be read any more once the pin is disposed of. */
  readonly value: T;
  /** How many commits there were when the version was current. */
  readonly epoch: number;
  /** The label it was pinned with. */
  readonly label: string | undefined;
}

/** An update that waits for its turn, or runs. */
export interface WriteInfo {
  /** Its number: a UUIDv7, the same whenever it is shown, in the order in which they were asked for. */
  readonly id: string;
  /** The label it was given. */
  readonly label: string | undefined;
  /** When it was asked for, in milliseconds on the clock of `performance.now()`. */
  readonly requestedAt: number;
  /** When its function began to run, on the same clock; `undefined` while it waits. */
  readonly startedAt: number | undefined;
}

/** A version, and who keeps it. */
export interface PinnedVersion {
  /** How many commits there were when it was current. */
  readonly epoch: number;
  /** How many pins it has. */
  readonly readers: number;
  /** The labels of those that have one, each once. */
  readonly labels: readonly string[];
}

/**
 * Who reads and who writes, and what became of the writes so far. A write is an update, or a
 * `commit`; each that was asked for is either under way, `pending` or `active`, or was counted once,
 * by how it ended.
 */
export interface SnapshotsStats {
  /** How many commits there have been. */
  readonly epoch: number;
  /** How many pins there are, on whatever versions. */
  readonly readers: number;
  /** The oldest version that is pinned, if one is; `undefined` if nobody reads. */
  readonly oldestPin: PinnedVersion | undefined;
  /** How many versions are kept from being retired: the current one, and those that are pinned. */
  readonly retained: number;
  /** How many wait for a change. */
  readonly watchers: number;
  /** The updates that wait for their turn, in the order they will have it. */
  readonly pending: readonly WriteInfo[];
  /** The update that runs. */
  readonly active: WriteInfo | undefined;
  /** How many writes were committed. */
  readonly committed: number;
  /** How many updates ended because their function threw or rejected. */
  readonly failed: number;
  /** How many updates waited for their turn as long as they would. */
  readonly timedOut: number;
  /** How many updates ran for longer than their limit. */
  readonly overran: number;
  /** How many updates were ended by their signal. */
  readonly aborted: number;
  /** How many writes found that another had been committed since their base. */
  readonly conflicts: number;
  /** How long updates waited for their turn, in milliseconds; only with `stats: true`. */
  readonly wait: DurationStats | undefined;
  /** How long functions ran, however they ended, in milliseconds; only with `stats: true`. */
  readonly run: DurationStats | undefined;
}
