import { FileSnapshots } from "../../lib/file_snapshots.ts";
import { Snapshots } from "../../lib/snapshots.ts";
import { SharedSnapshots, type SharedSnapshotsHandle } from "../../lib/workers/mod.ts";
import type { ObjectKind } from "./object_kind.ts";

/** Room for more versions than actors can have in their hands. */
const MOST_SLOTS = 24;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

const encode = (value: unknown): Uint8Array => encoder.encode(JSON.stringify(value));
const decode = <T>(bytes: Uint8Array): T => JSON.parse(decoder.decode(bytes));

/** One version of a value. */
export interface SnapshotVersion<T> {
  /** The value. */
  readonly value: T;
  /** How many commits there had been. */
  readonly epoch: number;
}

/** What `Snapshots`, `SharedSnapshots` and `FileSnapshots` have in common. */
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
 * The library's own snapshots: `Snapshots` between tasks, `SharedSnapshots` between workers,
 * `FileSnapshots` between processes. Readers never wait, and find one version or another whole.
 *
 * @param initial The value at first: plain data.
 * @param capacity How many bytes of JSON a value may take between workers. @default 4096
 */
export function snapshots<T>(
  initial: T,
  capacity: number = 4096,
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
    workers: {
      create: () => {
        const versions = SharedSnapshots.create(encode(initial), { capacity, slots: MOST_SLOTS });
        versions.detach();
        return versions.handle;
      },
      attach: (handle: SharedSnapshotsHandle) => {
        const versions = SharedSnapshots.attach(handle);
        return {
          read: () => versions.view((bytes, epoch) => ({ value: decode<T>(bytes), epoch })),
          update: (fn) => versions.update(async (bytes) => encode(await fn(decode(bytes)))),
          commit: (epoch, next) => versions.commit(epoch, encode(next)),
          [Symbol.dispose]: () => versions.detach(),
        } as SharedVersions<T>;
      },
    },
    files: (folder) => {
      const versions = new FileSnapshots<T>(`${folder}/value`, initial);
      return {
        read: () => versions.read(),
        update: (fn) => versions.update((value) => fn(value)),
        commit: (epoch, next) => versions.commit(epoch, next),
      };
    },
    close: (versions) => (versions as SharedVersions<T> & Partial<Disposable>)[Symbol.dispose]?.(),
  };
}
