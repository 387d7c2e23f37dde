/**
 * A table in a file: written by one at a time, in all processes, and read by anyone at any time.
 *
 * What always holds: the table is the result of a prefix of the queue, in its order, and of the direct
 * writes in between, each applied once. `#turn` is the only place that changes it, and it does so
 * under the table's lock, by one `replaceFile` that counts what it applies. What is refused or cannot
 * be read is out of the queue, for good, before a later write is counted: else it would count as
 * applied.
 *
 * @module
 */
import { makeLastingFolder, replaceFile } from "../_file_replace.ts";
import { currentHost, type Host } from "../_host.ts";
import { tell } from "../_observers.ts";
import { checkAcquireOptions, checkDuration, checkFunction, checkOptions } from "../_options.ts";
import { LockTimeoutError } from "../errors.ts";
import { FileLock, type FileLockOptions } from "../file_lock.ts";
import type { AcquireOptions, Guard } from "../lock.ts";
import { BackgroundDrainer } from "./_drainer.ts";
import { readTable, type TableContent } from "./_table_content.ts";
import { refuseLinks, type TableFiles, tableFiles } from "./_table_files.ts";
import { checkLimit, DEFAULT_LIMIT, type Misfit, WriteQueue } from "./_write_queue.ts";
import type { CsvRow } from "./csv_row.ts";
import { UnreadableWriteError } from "./errors.ts";
import { checkWrite, type NewWrite, type PendingWrite } from "./pending_write.ts";
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

/** How to drain in the background. */
export interface DrainingOptions {
  /**
   * How long to pause between two looks at the queue, in milliseconds.
   *
   * @default 100
   */
  every?: number;
  /** Told of each drain that failed; the next one is tried all the same. */
  onError: (error: unknown) => void;
  /** Told of each drain that applied or set aside something. */
  onDrained?: (outcome: DrainOutcome) => void;
}

/** A drain in the background. `await using` stops it. */
export interface Drainer extends AsyncDisposable {
  /** Whether it was told to stop. */
  readonly stopped: boolean;
  /** Stops it, and resolves when the drain that is under way, if one is, has come to its end. */
  stop(): Promise<void>;
}

/** Owners only, as lock files are. */
const MODE = 0o600;

const DEFAULT_TIMEOUT = 100;
const DEFAULT_EVERY = 100;

/** The longest time a runtime's timer can be set for. */
const LONGEST_PAUSE = 2 ** 31 - 1;

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
 * for tables up to some megabytes. Limits are those of `FileLock`. On Deno this needs `--allow-read`
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
  readonly #queue: WriteQueue;
  readonly #queueLimit: number;
  readonly #onSetAside: ((event: SetAside) => void) | undefined;

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
    this.#onSetAside = onSetAside;
    this.#host = currentHost();
    this.#at = tableFiles(this.#host.files, base, name, action);
    this.#lock = new FileLock(this.#at.lock, { ...lock, label: `table ${name}` });
    this.#queue = new WriteQueue(this.#host, this.#at);
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
    const { files } = this.#host;
    refuseLinks(files, this.#at, "read a table");
    const { rows, epoch, applied } = readTable(files, this.#at.table);
    return { rows, epoch, applied };
  }

  /**
   * How many writes are pending. Waits for nobody.
   *
   * @throws {CorruptError} when the table's file is damaged where it tells what was applied
   * @throws {Error} when the queue cannot be read, or one of the table's files is a symbolic link
   */
  countPending(): number {
    refuseLinks(this.#host.files, this.#at, "count pending writes");
    return this.#queue.pending().length;
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
    this.#prepare(action);
    let guard: Guard;
    try {
      guard = await this.#lock.write({ timeout, signal, label });
    } catch (error) {
      if (!(error instanceof LockTimeoutError)) throw error;
      const id = await this.#queue.add(own, this.#queueLimit, { signal });
      return { state: "queued", id };
    }
    using _turn = guard;
    return { state: "applied", ...await this.#turn(signal, own) };
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
    signal?.throwIfAborted();
    this.#prepare(action);
    if (this.#queue.isEmpty()) return { drained: 0, setAside: [] };
    using _turn = await this.#lock.write({ timeout, signal });
    const { drained, setAside } = await this.#turn(signal);
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
    checkOptions(options, action);
    const { every = DEFAULT_EVERY, onError, onDrained } = options ?? {};
    checkDuration("every", every, action);
    if (every > LONGEST_PAUSE) {
      throw new RangeError(
        `Cannot ${action}: every must be at most ${LONGEST_PAUSE}, got ${every}`,
      );
    }
    checkFunction("onError", onError, action);
    if (onDrained !== undefined) checkFunction("onDrained", onDrained, action);
    const drainer = new BackgroundDrainer(this.#host, every, {
      drain: async (signal) => {
        const outcome = await this.drain({ signal });
        const { drained, setAside } = outcome;
        if (onDrained !== undefined && drained + setAside.length > 0) tell(onDrained, outcome);
      },
      onError,
    });
    return {
      get stopped() {
        return drainer.stopped;
      },
      stop: () => drainer.stop(),
      [Symbol.asyncDispose]: () => drainer.stop(),
    };
  }

  /**
   * Closes the descriptors of its locks. Writes that wait already are served; later ones throw, and
   * reading goes on. Does nothing the second time.
   */
  close(): void {
    this.#lock.close();
    this.#queue[Symbol.dispose]();
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

  /** What the holder of the lock does: all that is pending, and his own write after it. */
  async #turn(
    signal: AbortSignal | undefined,
    own?: PendingWrite,
  ): Promise<DrainOutcome & { readonly epoch: number }> {
    const content = readTable(this.#host.files, this.#at.table);
    // Until all is counted: nothing of what is applied may be removed by others meanwhile.
    using queue = this.#queue.isEmpty() ? undefined : await this.#queue.hold({ signal });
    const { drained, setAside } = queue === undefined
      ? { drained: 0, setAside: [] }
      : this.#applyPending(content);
    const refusal = own && content.apply(own, this.name);
    if (drained > 0 || own !== undefined && refusal === undefined) this.#publish(content);
    if (drained > 0) this.#cleanQuietly(content.applied);
    if (refusal !== undefined) throw refusal;
    return { drained, setAside, epoch: content.epoch + 1 };
  }

  #applyPending(content: TableContent): DrainOutcome {
    const queue = this.#queue;
    queue.clean(content.applied);
    const misfits: (Misfit & Pick<SetAside, "error">)[] = [];
    let drained = 0;
    for (const file of queue.pending(content.applied)) {
      const write = queue.read(file);
      if (write === undefined) continue;
      if (write instanceof UnreadableWriteError) {
        misfits.push({ file, reason: "unreadable", error: write });
        continue;
      }
      const error = content.apply(write, this.name);
      if (error === undefined) {
        content.applied = file.sequence;
        drained++;
      } else misfits.push({ file, reason: "refused", error });
    }
    queue.putAside(misfits);
    const setAside = misfits.map((misfit) => ({ ...queue.describe(misfit), error: misfit.error }));
    if (this.#onSetAside !== undefined) {
      for (const event of setAside) tell(this.#onSetAside, event);
    }
    return { drained, setAside };
  }

  #publish(content: TableContent): void {
    try {
      replaceFile(this.#host.files, this.#at.table, content.encodeNext(), MODE);
    } catch (error) {
      const { message } = error as { message?: unknown };
      throw new Error(`Cannot write to table ${this.name}: ${message ?? error}`, { cause: error });
    }
  }

  #cleanQuietly(applied: number): void {
    try {
      this.#queue.clean(applied);
    } catch {
      // The write is done, and to say otherwise would have it done twice. The next turn begins by
      // cleaning, and says what is wrong.
    }
  }
}
