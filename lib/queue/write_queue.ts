/**
 * The queue of a table: writes that could not wait for its lock, in files, first in, first out.
 *
 * @module
 */
import { currentHost, type Host } from "../_host.ts";
import { tell } from "../_observers.ts";
import { checkAcquireOptions, checkFunction, show } from "../_options.ts";
import type { AcquireOptions } from "../lock.ts";
import { isWriteId } from "./_queue_file.ts";
import { refuseLinks, type TableFiles, tableFiles } from "./_table_files.ts";
import { checkLimit, DEFAULT_LIMIT, type Misfit, WriteQueue } from "./_write_queue.ts";
import { UnreadableWriteError } from "./errors.ts";
import { checkWrite, type NewWrite, type PendingWrite } from "./pending_write.ts";
import type { SetAside, SetAsideFile } from "./set_aside.ts";

/** How long to wait for a queue's lock, and what ends the wait. */
export type QueueOptions = Pick<AcquireOptions, "timeout" | "signal">;

/** How to queue a write. */
export interface QueueWriteOptions extends QueueOptions {
  /**
   * How many writes may be pending: with so many, one more is refused.
   *
   * @default 100
   */
  limit?: number;
}

/** How to look at the next write. */
export interface NextOptions extends QueueOptions {
  /** Told of each file that could not be read and was set aside. */
  onSetAside?: (event: SetAside) => void;
}

/** A write that waits to be applied. */
export interface QueuedWrite {
  /** What it is known by: a UUID of version 7. */
  readonly id: string;
  /** Its place in the order: writes with lower numbers come first. */
  readonly sequence: number;
  /** What is to be written. */
  readonly write: PendingWrite;
}

interface Opened {
  readonly host: Host;
  readonly at: TableFiles;
  readonly queue: WriteQueue;
}

function openQueue(base: string | URL, table: string, action: string): Opened {
  const host = currentHost();
  const at = tableFiles(host.files, base, table, action);
  refuseLinks(host.files, at, action);
  return { host, at, queue: new WriteQueue(host, at) };
}

/**
 * Adds a write to a table's queue. When this resolves, the write is there for good, whatever crash
 * comes; the next one who writes to the table by a {@linkcode Table}, or drains its queue, applies it.
 * Does not wait for the table's lock.
 *
 * The order is that in which calls, of whatever processes, came to have the queue's lock.
 *
 * @param base The folder the table is in.
 * @param table The table's name. The table need not be there yet.
 * @param write What is to be written; it is copied.
 * @param options How many may be pending, how long to wait for the queue's lock, in milliseconds,
 *   and what ends the wait.
 * @returns What the write is known by: a UUID of version 7.
 * @throws {QueueFullError} when as many are pending as may be
 * @throws {LockTimeoutError} when `timeout` milliseconds have passed
 * @throws {TypeError | RangeError} when an argument cannot be meant; a table's name is that of one
 *   folder
 * @throws {UnsupportedError} when the runtime has no flock
 * @throws {CorruptError} when the table's file is damaged where it tells what was applied
 * @throws {Error} when the file cannot be written, or one of the table's is a symbolic link
 * @throws the signal's reason when it has aborted
 *
 * @example Queue, look, remove
 * ```ts
 * import { countPending, CsvRow, getNextPending, queueWrite, removeFromQueue }
 *   from "@interlock/core/queue";
 * import assert from "node:assert/strict";
 * import { mkdtempSync, rmSync } from "node:fs";
 * import { tmpdir } from "node:os";
 *
 * const base = mkdtempSync(`${tmpdir()}/interlock-`);
 * const rows = [new CsvRow("ada", ["1815"])];
 * const id = await queueWrite(base, "people", { operation: "insert", rows });
 *
 * const next = await getNextPending(base, "people");
 * assert.equal(next?.id, id);
 * assert.deepEqual(next?.write.rows, rows);
 *
 * assert.equal(await removeFromQueue(base, "people", id), true);
 * assert.equal(countPending(base, "people"), 0);
 * rmSync(base, { recursive: true });
 * ```
 */
// The seed's three arguments, and ours: an object for the three would say the same at more length.
export async function queueWrite(
  base: string | URL,
  table: string,
  write: NewWrite,
  options: QueueWriteOptions = {},
): Promise<string> {
  const action = "queue a write";
  checkAcquireOptions(options, action);
  const { limit = DEFAULT_LIMIT, timeout, signal } = options;
  checkLimit(limit, "limit", action);
  const { host, queue } = openQueue(base, table, action);
  using _queue = queue;
  const checked = checkWrite(write, () => host.timeOrigin + host.now(), action);
  return await queue.add(checked, limit, { timeout, signal });
}

/**
 * The pending write that comes first, which stays where it is. A file that cannot be read is set
 * aside: it keeps its name with `.unreadable` after it, is reported, and is in nobody's way.
 *
 * Waits for nobody, unless there is something to set aside. Whoever applies what this answers by
 * himself should hold the table's lock ({@linkcode acquireTableLock}) meanwhile, and is told it again
 * if he dies before it is removed; {@linkcode Table} applies it once.
 *
 * @param base The folder the table is in.
 * @param table The table's name.
 * @param options Whom to tell what was set aside, and how long to wait for that, in milliseconds.
 * @returns The write and its id, or `undefined` if none is pending.
 * @throws {LockTimeoutError} when `timeout` milliseconds have passed
 * @throws {TypeError | RangeError} when an argument cannot be meant
 * @throws {UnsupportedError} when the runtime has no flock
 * @throws {CorruptError} when the table's file is damaged where it tells what was applied
 * @throws {Error} when the queue cannot be read, or one of the table's files is a symbolic link
 * @throws the signal's reason when it has aborted
 */
export async function getNextPending(
  base: string | URL,
  table: string,
  options: NextOptions = {},
): Promise<QueuedWrite | undefined> {
  const action = "look at the next write";
  checkAcquireOptions(options, action);
  const { timeout, signal, onSetAside } = options;
  if (onSetAside !== undefined) checkFunction("onSetAside", onSetAside, action);
  const { queue } = openQueue(base, table, action);
  using _queue = queue;
  for (;;) {
    // Anew each time: what was taken away meanwhile may not have been the last that came.
    const [file] = queue.pending();
    if (file === undefined) return undefined;
    const first = queue.read(file);
    if (first instanceof UnreadableWriteError) {
      using _turn = await queue.hold({ timeout, signal });
      if (!queue.pending().some(({ name }) => name === file.name)) continue;
      const misfit: Misfit = { file, reason: "unreadable" };
      queue.putAside([misfit]);
      if (onSetAside !== undefined) tell(onSetAside, { ...queue.describe(misfit), error: first });
    } else if (first !== undefined) {
      return { id: file.id, sequence: file.sequence, write: first };
    }
  }
}

/**
 * Removes a write that is pending, for good. A {@linkcode Table} that is about to apply it is waited
 * for: what this says was removed has not been and will not be applied.
 *
 * @param base The folder the table is in.
 * @param table The table's name.
 * @param id What `queueWrite` answered.
 * @param options How long to wait for the queue's lock, in milliseconds, and what ends the wait.
 * @returns Whether it was pending. It was not if it has been applied, removed or set aside.
 * @throws {LockTimeoutError} when `timeout` milliseconds have passed
 * @throws {TypeError | RangeError} when an argument cannot be meant
 * @throws {UnsupportedError} when the runtime has no flock
 * @throws {CorruptError} when the table's file is damaged where it tells what was applied
 * @throws {Error} when it cannot be removed, or one of the table's files is a symbolic link
 * @throws the signal's reason when it has aborted
 */
export async function removeFromQueue(
  base: string | URL,
  table: string,
  id: string,
  options: QueueOptions = {},
): Promise<boolean> {
  const action = "remove a write";
  checkAcquireOptions(options, action);
  if (typeof id !== "string" || !isWriteId(id)) {
    throw new TypeError(`Cannot ${action}: id must be what queueWrite() answered, got ${show(id)}`);
  }
  const { timeout, signal } = options;
  const { queue } = openQueue(base, table, action);
  using _queue = queue;
  return await queue.withdraw(id, { timeout, signal });
}

/**
 * How many writes are pending. Waits for nobody.
 *
 * @param base The folder the table is in.
 * @param table The table's name.
 * @throws {TypeError | RangeError} when an argument cannot be meant
 * @throws {UnsupportedError} when the runtime has no flock
 * @throws {CorruptError} when the table's file is damaged where it tells what was applied
 * @throws {Error} when the queue cannot be read, or one of the table's files is a symbolic link
 */
export function countPending(base: string | URL, table: string): number {
  const { queue } = openQueue(base, table, "count pending writes");
  using _queue = queue;
  return queue.pending().length;
}

/**
 * The writes that were set aside: kept in the queue's folder, and never looked at again. What is in
 * such a file can be queued anew by `queueWrite`; then the file can be removed.
 *
 * @param base The folder the table is in.
 * @param table The table's name.
 * @returns Which files, in the order in which the writes were queued.
 * @throws {TypeError | RangeError} when an argument cannot be meant
 * @throws {UnsupportedError} when the runtime has no flock
 * @throws {Error} when the queue cannot be read, or one of the table's files is a symbolic link
 */
export function listSetAside(base: string | URL, table: string): SetAsideFile[] {
  const { queue } = openQueue(base, table, "list what was set aside");
  using _queue = queue;
  return queue.setAside().map((misfit) => queue.describe(misfit));
}
