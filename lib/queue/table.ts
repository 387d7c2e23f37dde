/**
 * A table in a file: written by one at a time, in all processes, and read by anyone at any time.
 * How it is changed is in `_turn.ts`.
 *
 * @module
 */
import { makeLastingFolder } from "../_file_replace.ts";
import { currentHost, type Host } from "../_host.ts";
import { checkAcquireOptions, checkFunction, checkOptions } from "../_options.ts";
import { throwIfAborted } from "../_signals.ts";
import { Uses } from "../_uses.ts";
import { LockTimeoutError } from "../errors.ts";
import { FileLock, type FileLockOptions } from "../file_lock.ts";
import type { AcquireOptions, Guard } from "../lock.ts";
import { TableFile } from "./_table_file.ts";
import { refuseLinks, type TableFiles, tableFiles } from "./_table_files.ts";
import { takeTurn, type TurnParts } from "./_turn.ts";
import { checkLimit, DEFAULT_LIMIT, WriteQueue } from "./_write_queue.ts";
import type { CsvRow } from "./csv_row.ts";
import { type Drainer, type DrainingOptions, startDraining } from "./drainer.ts";
import type { DrainOutcome, WriteOutcome } from "./outcomes.ts";
import { checkWrite, type NewWrite } from "./pending_write.ts";
import type { SetAside } from "./set_aside.ts";

/** What a `Table` may be built with; all but `queueLimit` and `onSetAside` is for its lock. */
export interface TableOptions
  extends Pick<FileLockOptions, "retry" | "onContention" | "contentionAfter"> {
  /**
   * How many writes may be pending: with so many, one more is refused.
   *
   * @default 100
   */
  queueLimit?: number;
  /** Told of each queued write that could not be read or applied, and was set aside. */
  onSetAside?: (event: SetAside) => void;
}

/** How long to wait for a table's lock before a write is queued. */
export interface WriteOptions extends Pick<AcquireOptions, "signal" | "label"> {
  /**
   * How long to wait, in milliseconds; 0 queues unless the table is free now.
   *
   * @default 100
   */
  timeout?: number;
}

/** How long a drain waits for the table's lock, and what ends the wait. */
export type DrainOptions = Pick<AcquireOptions, "timeout" | "signal">;

/** What is in a table at one moment. */
export interface TableVersion {
  /** The rows by their keys, in the order in which they were inserted: the reader's own copy. */
  readonly rows: ReadonlyMap<string, CsvRow>;
  /** How many versions of the table there had been. */
  readonly epoch: number;
  /** The sequence number of the last queued write that was applied; 0 before the first. */
  readonly applied: number;
}

const DEFAULT_TIMEOUT = 100;
/**
 * A table of rows in a folder, for the Deno and Bun processes of one machine. A write that cannot have
 * the table soon is queued, so that no writer waits long and no write is lost.
 *
 * ### Guarantees
 *
 * - **Writing**: `write` waits for the table's lock, applies what is pending, then its own write, and
 *   is done. If it has not got the lock within `timeout`, the write goes into the queue and is applied
 *   by whoever has the table next: another `write`, a `drain`, or a drain in the background.
 * - **Order**: queued writes are applied in the order in which they came into the queue, in all
 *   processes, also within one millisecond; a direct write after those that were queued before it.
 *   So the writes of one who waits for each before the next are applied in his order.
 * - **Exactly once**: an accepted write, direct or queued, is applied once, whatever process dies at
 *   whatever moment, and whether power is lost: the number of the last queued write that was applied
 *   stands in the same file as the rows, which is replaced as a whole. What `write` has resolved to
 *   survives. A write that rejected was not accepted, unless it was a disk that failed: see the error.
 * - **Never silently dropped**: a queued write that cannot be read, or does not fit what is in the
 *   table by then, is set aside in a file (see {@linkcode listSetAside}), told in the outcome and to
 *   `onSetAside`, and in nobody's way.
 * - **Reading** takes no lock and finds one whole version, without what is still pending.
 *
 * ### Files
 *
 * All is in the folder `base/name`, for its owner alone: `table.csv` (two lines about the version,
 * then the rows in the format of RFC 4180), `lock`, and the folder `queue`. Folders that are missing are
 * made by the first write. The name must be that of one folder, and nothing in it may be a symbolic
 * link.
 *
 * Each write reads and writes the whole table once, and each drain does for all it applies: this is
 * for tables up to some megabytes. An open `Table` keeps in memory what it read or wrote last, so
 * that the same bytes are not parsed again. Limits are those of `FileLock`. On Deno this needs `--allow-read`
 * and `--allow-write` for the base folder.
 *
 * @example A write that cannot wait is applied by the next one
 * ```ts
 * import { acquireTableLock, CsvRow, Table } from "@interlock/core/queue";
 * import assert from "node:assert/strict";
 * import { mkdtempSync, rmSync } from "node:fs";
 * import { tmpdir } from "node:os";
 *
 * const base = mkdtempSync(`${tmpdir()}/interlock-`);
 * using people = new Table(base, "people");
 * const insert = (key: string, born: string) =>
 *   people.write({ operation: "insert", rows: [new CsvRow(key, [born])] }, { timeout: 10 });
 *
 * const busy = await acquireTableLock(base, "people");
 * const { state } = await insert("ada", "1815");
 * assert.equal(state, "queued");
 * busy.release();
 *
 * const outcome = await insert("alan", "1912");
 * assert(outcome.state === "applied" && outcome.drained === 1);
 * assert.deepEqual([...people.read().rows.keys()], ["ada", "alan"]);
 * rmSync(base, { recursive: true });
 * ```
 */
export class Table implements Disposable {
  readonly #host: Host;
  readonly #at: TableFiles;
  readonly #lock: FileLock;
  readonly #parts: TurnParts;
  readonly #queueLimit: number;
  /** Writes and drains under way, which may come to need the queue's lock. */
  readonly #uses = new Uses();

  /**
   * Names the table; nothing is created or opened yet.
   *
   * @param base The folder the table is in; a relative path counts from the working folder of now.
   * @param name What it is called: the name of its own folder there.
   * @param options The bound of its queue, whom to tell what, and how often to look at its lock.
   * @throws {TypeError | RangeError} when an argument cannot be meant
   * @throws {UnsupportedError} when the runtime has no flock
   */
  constructor(base: string | URL, name: string, options: TableOptions = {}) {
    const action = "open a table";
    checkOptions(options, action);
    const { queueLimit = DEFAULT_LIMIT, onSetAside, ...lock } = options;
    this.#queueLimit = checkLimit(queueLimit, "queueLimit", action);
    if (onSetAside !== undefined) checkFunction("onSetAside", onSetAside, action);
    this.#host = currentHost();
    this.#at = tableFiles(this.#host.files, base, name, action);
    this.#lock = new FileLock(this.#at.lock, { ...lock, label: `table ${name}` });
    const file = new TableFile(this.#host.files, this.#at.table);
    const queue = new WriteQueue(this.#host, this.#at);
    this.#parts = { name, file, queue, onSetAside };
  }

  /** What it is called. */
  get name(): string {
    return this.#at.name;
  }

  /** The absolute path of the file that has the rows. */
  get path(): string {
    return this.#at.table;
  }

  /**
   * What is in the table now, without what is pending. Waits for nobody.
   *
   * @throws {CorruptError} when the file is damaged, or is no table's
   * @throws {Error} when it cannot be read, or is a symbolic link
   */
  read(): TableVersion {
    refuseLinks(this.#host.files, this.#at, "read a table");
    const content = this.#parts.file.read();
    return { rows: content.rows(), epoch: content.epoch, applied: content.applied };
  }

  /**
   * How many writes are pending. Waits for nobody.
   *
   * @throws {CorruptError} when the table's file is damaged where it tells what was applied
   * @throws {Error} when the queue cannot be read, or one of the table's files is a symbolic link
   */
  countPending(): number {
    refuseLinks(this.#host.files, this.#at, "count pending writes");
    return this.#parts.queue.pending().length;
  }

  /**
   * Applies a write, after what is pending; or queues it, if the table's lock cannot be had in time.
   *
   * @param write What to write; it is copied.
   * @param options How long to wait for the lock, in milliseconds, and what ends the wait; both are
   *   about waiting and not about writing.
   * @returns Whether it was applied or queued; either survives a power loss.
   * @throws {WriteRefusedError} when it does not fit what is in the table (when it is queued that is
   *   not known yet)
   * @throws {QueueFullError} when the lock could not be had and as many writes are pending as may be
   * @throws {CorruptError} when the table's file is damaged; it is left as it is
   * @throws {TypeError | RangeError} when an argument cannot be meant, or this was closed
   * @throws {Error} when a file cannot be written, or is a symbolic link
   * @throws the signal's reason when it has aborted: then nothing was applied or queued
   */
  async write(write: NewWrite, options: WriteOptions = {}): Promise<WriteOutcome> {
    const action = `write to table ${this.name}`;
    checkAcquireOptions(options, action);
    const { timeout = DEFAULT_TIMEOUT, signal, label } = options;
    const { timeOrigin } = this.#host;
    const own = checkWrite(write, () => timeOrigin + this.#host.now(), action);
    using _use = this.#uses.begin();
    this.#prepare(action);
    let guard: Guard;
    try {
      guard = await this.#lock.write({ timeout, signal, label });
    } catch (error) {
      if (!(error instanceof LockTimeoutError)) throw error;
      const id = await this.#parts.queue.add(own, this.#queueLimit, { signal });
      return { state: "queued", id };
    }
    using _turn = guard;
    return { state: "applied", ...await takeTurn(this.#parts, signal, own) };
  }

  /**
   * Applies what is pending. Does not wait for the lock if the queue is empty.
   *
   * @param options How long to wait for the table's lock, in milliseconds, and what ends the wait.
   * @returns How many writes were applied, which survives a power loss, and what was set aside.
   * @throws {LockTimeoutError} when `timeout` milliseconds have passed
   * @throws {CorruptError} when the table's file is damaged; it is left as it is
   * @throws {TypeError | RangeError} when an option cannot be meant, or this was closed
   * @throws {Error} when a file cannot be written, or is a symbolic link
   * @throws the signal's reason when it has aborted
   */
  async drain(options: DrainOptions = {}): Promise<DrainOutcome> {
    const action = `drain the queue of ${this.name}`;
    checkAcquireOptions(options, action);
    const { timeout, signal } = options;
    throwIfAborted(signal);
    this.#prepare(action);
    if (this.#parts.queue.isEmpty()) return { drained: 0, setAside: [] };
    using _use = this.#uses.begin();
    using _turn = await this.#lock.write({ timeout, signal });
    const { drained, setAside } = await takeTurn(this.#parts, signal);
    return { drained, setAside };
  }

  /**
   * Drains the queue whenever something is pending, until it is stopped. Keeps the process alive until
   * then.
   *
   * @param options How often to look, and whom to tell what came of it.
   * @returns What to stop it by.
   * @throws {TypeError | RangeError} when an option cannot be meant
   *
   * @example
   * ```ts
   * import { CsvRow, queueWrite, Table } from "@interlock/core/queue";
   * import assert from "node:assert/strict";
   * import { mkdtempSync, rmSync } from "node:fs";
   * import { tmpdir } from "node:os";
   *
   * const base = mkdtempSync(`${tmpdir()}/interlock-`);
   * using people = new Table(base, "people");
   * const drained = Promise.withResolvers<number>();
   * {
   *   await using _drainer = people.startDraining({
   *     every: 10,
   *     onError: drained.reject,
   *     onDrained: (outcome) => drained.resolve(outcome.drained),
   *   });
   *   await queueWrite(base, "people", { operation: "insert", rows: [new CsvRow("ada", [])] });
   *   assert.equal(await drained.promise, 1);
   * }
   * assert.equal(people.read().rows.size, 1);
   * rmSync(base, { recursive: true });
   * ```
   */
  startDraining(options: DrainingOptions): Drainer {
    const action = `drain the queue of ${this.name}`;
    return startDraining(
      { host: this.#host, drain: (signal) => this.drain({ signal }) },
      options,
      action,
    );
  }

  /**
   * Closes the descriptors of its locks, and lets go of what it has in memory, when the writes and drains
   * that are under way are done. Later ones throw, and reading goes on. Does nothing the second time.
   */
  close(): void {
    const { file, queue } = this.#parts;
    this.#lock.close();
    this.#uses.close(() => {
      queue[Symbol.dispose]();
      file.forget();
    });
  }

  /** The same as {@linkcode close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  #prepare(action: string): void {
    const { files } = this.#host;
    refuseLinks(files, this.#at, action);
    // Before there is anything in the folder that should last. The lock would make it, but not last.
    if (files.identify(this.#at.table) === undefined) makeLastingFolder(files, this.#at.folder);
  }
}
