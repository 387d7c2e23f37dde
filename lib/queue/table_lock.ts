/**
 * The lock of a table, for those who want to keep all writers out of it for a while.
 *
 * @module
 */
import { currentHost } from "../_host.ts";
import { FileLock, type WatchOptions } from "../file_lock.ts";
import type { AcquireOptions, Guard } from "../lock.ts";
import { refuseLinks, type TableFiles, tableFiles } from "./_table_files.ts";

/** The right to be the only one who writes to a table. Dispose of it (`using`) or release it. */
export interface TableLock extends Disposable {
  /** The table's name. */
  readonly table: string;
  /** The absolute path of the lock file. */
  readonly path: string;
  /** Whether it has been released. */
  readonly released: boolean;
  /** Gives the lock back. Does nothing the second time. */
  release(): void;
}

class HeldTable implements TableLock {
  readonly table: string;
  readonly #lock: FileLock;
  readonly #guard: Guard;

  constructor(table: string, lock: FileLock, guard: Guard) {
    this.table = table;
    this.#lock = lock;
    this.#guard = guard;
  }

  get path(): string {
    return this.#lock.path;
  }

  get released(): boolean {
    return this.#guard.released;
  }

  release(): void {
    this.#guard.release();
    this.#lock.close();
  }

  [Symbol.dispose](): void {
    this.release();
  }
}

function openLock(base: string | URL, table: string, action: string): [FileLock, TableFiles] {
  const { files } = currentHost();
  const at = tableFiles(files, base, table, action);
  refuseLinks(files, at, action);
  return [new FileLock(at.lock, { label: `table ${at.name}` }), at];
}

/**
 * Acquires a table's lock: until it is released nobody else, in whatever process, writes to the
 * table. It is the lock that {@linkcode Table} takes for each write, a `FileLock`, so it is freed
 * when its process dies, however it dies. Not re-entrant: a `Table` of the holder's own waits for it
 * too.
 *
 * @param base The folder the table is in.
 * @param table The table's name. The table need not be there yet.
 * @param options How long to wait, in milliseconds, and what ends the wait.
 * @throws {LockTimeoutError} when `timeout` milliseconds have passed
 * @throws {TypeError | RangeError} when an argument cannot be meant; a name is that of one folder
 * @throws {UnsupportedError} when the runtime has no flock
 * @throws {Error} when one of the table's files is a symbolic link, or cannot be used
 * @throws the signal's reason when it has aborted
 *
 * @example
 * ```ts
 * import { acquireTableLock, isTableLocked, waitForTableUnlock } from "@interlock/core/queue";
 * import assert from "node:assert/strict";
 * import { mkdtempSync, rmSync } from "node:fs";
 * import { tmpdir } from "node:os";
 *
 * const base = mkdtempSync(`${tmpdir()}/interlock-`);
 * {
 *   using lock = await acquireTableLock(base, "people", { timeout: 1000 });
 *   assert.equal(lock.table, "people");
 *   assert.equal(isTableLocked(base, "people"), true);
 * }
 * await waitForTableUnlock(base, "people", { timeout: 1000 });
 * assert.equal(isTableLocked(base, "people"), false);
 * rmSync(base, { recursive: true });
 * ```
 */
export async function acquireTableLock(
  base: string | URL,
  table: string,
  options?: AcquireOptions,
): Promise<TableLock> {
  const [lock, { name }] = openLock(base, table, "lock a table");
  try {
    return new HeldTable(name, lock, await lock.write(options));
  } catch (error) {
    lock.close();
    throw error;
  }
}

/**
 * Whether anyone, in any process, holds a table's lock at this moment. The answer may be old when it
 * arrives. Creates nothing.
 *
 * @param base The folder the table is in.
 * @param table The table's name.
 * @throws {TypeError | RangeError} when an argument cannot be meant
 * @throws {UnsupportedError} when the runtime has no flock
 * @throws {Error} when one of the table's files is a symbolic link, or cannot be used
 */
export function isTableLocked(base: string | URL, table: string): boolean {
  const [lock] = openLock(base, table, "look at a table's lock");
  return lock.isLocked();
}

/**
 * Waits until nobody holds a table's lock, without taking it: at some moment before it resolves
 * nobody did.
 *
 * @param base The folder the table is in.
 * @param table The table's name.
 * @param options How long to wait, in milliseconds, and what ends the wait.
 * @throws {LockTimeoutError} when `timeout` milliseconds have passed
 * @throws {TypeError | RangeError} when an argument cannot be meant
 * @throws {UnsupportedError} when the runtime has no flock
 * @throws {Error} when one of the table's files is a symbolic link, or cannot be used
 * @throws the signal's reason when it has aborted
 */
export async function waitForTableUnlock(
  base: string | URL,
  table: string,
  options?: WatchOptions,
): Promise<void> {
  const [lock] = openLock(base, table, "wait for a table");
  await lock.waitForUnlock(options);
}
