/** What `SharedSnapshots` is told, and what it tells of itself. */
import type { SnapshotsStats, UpdateContext, UpdateOptions } from "../_snapshots_types.ts";
import type { LockQuery } from "../lock.ts";
import type { OwnerOptions, OwnersOptions } from "./_owner_options.ts";

/** What is posted to another thread, for it to `attach()` to. A plain object, freely cloned. */
export interface SharedSnapshotsHandle {
  /** What it is a handle of. */
  readonly kind: "SharedSnapshots";
  /** The version of the memory's layout. */
  readonly version: number;
  /** The memory itself. */
  readonly memory: SharedArrayBuffer;
  /** The label. */
  readonly label?: string;
}

/** What a thread has to itself of the snapshots. */
export interface SharedSnapshotsSideOptions {
  /** A name for the value, shown in errors. */
  label?: string;
  /**
   * Whether `stats()` tells how long this thread's updates waited and ran too, which takes some
   * kilobytes.
   *
   * @default false
   */
  stats?: boolean;
}

/** What `SharedSnapshots` are created with. */
export interface SharedSnapshotsOptions extends SharedSnapshotsSideOptions, OwnersOptions {
  /**
   * How many bytes a version may have, from 1 to 2^30; longer ones are refused.
   *
   * @default the length of the initial value
   */
  capacity?: number;
  /**
   * For how many versions there is room, from 2 to 24: the one that is current, the one that is
   * being written, and those that readers have pinned. A writer that finds all others pinned waits.
   * With two more than there are threads it never does, as long as no thread keeps more than one
   * version at a time.
   *
   * @default 4
   */
  slots?: number;
}

/** How a thread attaches. */
export interface SharedSnapshotsAttachOptions extends SharedSnapshotsSideOptions, OwnerOptions {}

/** How to update with the thread blocked. There is no signal and no limit: nothing could tell. */
export type SyncUpdateOptions = Pick<UpdateOptions, "timeout" | "label" | "owner">;

/** What the function of a synchronous update is told besides the value. */
export type SyncUpdateContext = Pick<UpdateContext, "epoch">;

/** How to commit. */
export type CommitOptions = Omit<UpdateOptions, "limit">;

/** What a thread had when it was reaped. */
export interface ReapedOwner {
  /** Whether it had the turn to write. The version it was about to write was not committed. */
  readonly writing: boolean;
  /** How many versions it had pinned. */
  readonly pinned: number;
}

/**
 * What `Snapshots` tell, where threads share them. Other threads are seen from outside: all pins of
 * one on one version count as one reader, which goes by `owner` and its number. Writes and waits are
 * those of this thread; of the others, `turn` tells.
 */
export interface SharedSnapshotsStats extends SnapshotsStats {
  /** For how many versions there is room. */
  readonly slots: number;
  /** Who has the turn to write, and who waits for it, in all threads. */
  readonly turn: LockQuery;
}
