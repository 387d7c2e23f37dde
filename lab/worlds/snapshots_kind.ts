import { FileSnapshots } from "../../lib/file_snapshots.ts";
import { Snapshots } from "../../lib/snapshots.ts";
import type { ObjectKind } from "./object_kind.ts";

/** One version of a value. */
export interface SnapshotVersion<T> {
  /** The value. */
  readonly value: T;
  /** How many commits there had been. */
  readonly epoch: number;
}

/** What `Snapshots` and `FileSnapshots` have in common. */
export interface SharedVersions<T> {
  /** The current version; waits for nobody. */
  read(): SnapshotVersion<T>;
  /** Waits for its turn and commits what `fn` makes of the current value; answers the new epoch. */
  update(fn: (value: T) => T | Promise<T>): Promise<number>;
  /**
   * Commits `next` if nothing was committed since the version of `epoch`; answers the new epoch.
   *
   * @throws {ConflictError} when something was
   */
  commit(epoch: number, next: T): Promise<number>;
}

/**
 * The library's own snapshots: `Snapshots` between tasks, `FileSnapshots` between processes. Readers
 * never wait, and find one version or another whole.
 *
 * @param initial The value at first: plain data.
 */
export function snapshots<T>(
  initial: T,
): ObjectKind<SharedVersions<T>, "read" | "update" | "commit"> {
  return {
    operations: { read: "read", update: "write", commit: "write" },
    tasks: () => {
      const versions = new Snapshots<T>(initial);
      return {
        read: () => ({ value: versions.current, epoch: versions.epoch }),
        update: (fn) => versions.update((value) => fn(value)),
        commit: (epoch, next) => Promise.resolve().then(() => versions.commit(epoch, next)),
      };
    },
    files: (folder) => {
      const versions = new FileSnapshots<T>(`${folder}/value`, initial);
      return {
        read: () => versions.read(),
        update: (fn) => versions.update((value) => fn(value)),
        commit: (epoch, next) => versions.commit(epoch, next),
      };
    },
  };
}
