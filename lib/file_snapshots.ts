/**
 * A value in a file that is replaced and never changed, so that readers in all processes need no
 * lock.
 *
 * What always holds: the file holds one committed version, whole, and the file that a reader has
 * opened is never written to again. `#publish`, the only line of this file that writes, does so by
 * `replaceFile`, and only under the lock beside the file, after which it read what is current. So
 * epochs go up one by one, and each version was made from the one before it.
 */
import { type Deadlines, deadlinesOf } from "./_deadlines.ts";
import { checkPath } from "./_file_path.ts";
import { makeLastingFolder, replaceFile } from "./_file_replace.ts";
import {
  decodeVersion,
  encodeVersion,
  type StoredVersion,
  type ValueFormat,
} from "./_file_version.ts";
import { watch } from "./_file_watch.ts";
import { currentHost, type Host } from "./_host.ts";
import { encodeJson } from "./_json.ts";
import { checkAcquireOptions, checkDuration, checkEpoch, checkFunction, show } from "./_options.ts";
import { checkRetry, type Retry } from "./_retry.ts";
import { describeThrown } from "./_thrown.ts";
import { UpdateRun } from "./_update.ts";
import { ChangeTimeoutError, ConflictError, CorruptError } from "./errors.ts";
import { FileLock, type FileLockOptions } from "./file_lock.ts";
import type { ChangeOptions, UpdateContext, UpdateOptions } from "./snapshots.ts";

/** What `FileSnapshots` may be built with; all but `mode` is for the lock between writers. */
export interface FileSnapshotsOptions extends FileLockOptions {
  /**
   * The permissions of the file, as far as the process's umask grants them. Who may read it can
   * read the value; who may write in its folder, and use the lock, can update it.
   *
   * @default 0o600
   */
  mode?: number;
}

/** One version of the value. */
export interface FileVersion<T> {
  /** The value: the reader's own copy. */
  readonly value: T;
  /** How many commits there had been. */
  readonly epoch: number;
}

/** How the name of the writers' lock is made from the file's. */
const LOCK_SUFFIX = ".interlock-lock";

const DEFAULT_MODE = 0o600;

/**
 * A value in a file, and the epoch that counts its commits, for the Deno and Bun processes of one
 * machine. Readers never wait, whatever a writer does; writers take turns, in all processes.
 *
 * ### Guarantees
 *
 * - **Reading** opens what is current. It takes no lock, and finds one whole version at whatever
 *   moment it looks: never a torn one, never a mixture of two, and as long as the file is not taken
 *   away, never one older than it found before. A damaged file throws a
 *   {@linkcode CorruptError}, and no update is made from it.
 * - **Writing** is serialized by a {@linkcode FileLock} beside the file. `update` computes the next
 *   value from the last committed one; until it has, and if it throws, aborts or passes its limit,
 *   the file stays as it is. `commit` succeeds if nothing was committed since its base.
 * - **Crashes**: a process that is killed at any moment leaves the old version or the new one, and
 *   its lock is free. So does a power loss; and once `update` or `commit` has resolved, its version
 *   survives one. (A reader may see it a moment before that is so.)
 * - **Failing**: an update that rejects has changed nothing, unless what failed was to make the new
 *   version durable, which was visible by then; the error says so.
 *
 * ### Files
 *
 * The file is created by the first commit, with missing folders (mode 0700). Before that, readers
 * find `initial` at epoch 0, so let all processes give the same. What is in it is the value in
 * JSON or the bytes themselves, after a line with the epoch and a checksum. Beside it are the lock
 * (`.interlock-lock` and its gate) and, while a version is written, that version
 * (`.interlock-next`); one that a dead writer left is removed by the next writer, who knows by the
 * lock that it is dead. A symbolic link is followed at construction, and what it leads to, which must
 * be there, is replaced.
 *
 * Each read reads the whole file, and each update writes it and waits for the disk: this is for
 * values up to some megabytes that are read more often than they are written.
 *
 * Limits are those of {@linkcode FileLock}. A disk must keep what it said it had synced. Not tested
 * on Windows. On Deno this needs `--allow-read` and `--allow-write` for the folder; the first commit
 * also syncs the folder above, if it may read it.
 *
 * @example A value that all processes share
 * ```ts
 * import { FileSnapshots } from "@interlock/core";
 * import assert from "node:assert/strict";
 * import { mkdtempSync, rmSync } from "node:fs";
 * import { tmpdir } from "node:os";
 *
 * const folder = mkdtempSync(`${tmpdir()}/interlock-`);
 * using prices = new FileSnapshots(`${folder}/prices`, { apple: 3, pear: 0 });
 * using elsewhere = new FileSnapshots(`${folder}/prices`, { apple: 3, pear: 0 });
 *
 * const before = elsewhere.read();
 * assert.equal(await prices.update((old) => ({ ...old, pear: 4 })), 1);
 * assert.deepEqual(before, { value: { apple: 3, pear: 0 }, epoch: 0 });
 * assert.deepEqual(elsewhere.read(), { value: { apple: 3, pear: 4 }, epoch: 1 });
 * rmSync(folder, { recursive: true });
 * ```
 */
export class FileSnapshots<T> implements Disposable {
  readonly #host: Host;
  readonly #deadlines: Deadlines;
  readonly #path: string;
  readonly #name: string;
  readonly #mode: number;
  readonly #retry: Retry;
  readonly #lock: FileLock;
  readonly #format: ValueFormat;
  readonly #initial: Uint8Array;

  /**
   * Names the file; nothing is created or opened yet.
   *
   * @param path The file, existing or not; a relative path counts from the working folder of now.
   * @param initial The value before the first commit. If it is a `Uint8Array` the values are bytes,
   *   else they are what JSON can express.
   * @param options Permissions of the file, and what the writers' lock is built with.
   * @throws {TypeError} when `path` cannot be a file's, `initial` cannot be stored, or an option has
   *   the wrong type
   * @throws {RangeError} when an option is out of its range
   * @throws {UnsupportedError} when the runtime has no flock
   */
  constructor(path: string | URL, initial: T, options: FileSnapshotsOptions = {}) {
    const action = "create file snapshots";
    this.#host = currentHost();
    this.#deadlines = deadlinesOf(this.#host);
    const { files } = this.#host;
    const given = checkPath(files, path);
    const there = files.kind(given) !== undefined;
    if (!there && files.isLink(given)) {
      throw new TypeError(
        `Cannot ${action}: ${given} is a symbolic link that leads to no file, so none can be replaced`,
      );
    }
    this.#path = there ? files.realPath(given) : given;
    this.#lock = new FileLock(this.#path + LOCK_SUFFIX, {
      ...options,
      label: options.label ?? this.#path,
    });
    this.#name = options.label ?? this.#path;
    this.#retry = checkRetry(options.retry, action);
    this.#mode = checkMode(options.mode ?? DEFAULT_MODE, action);
    this.#format = initial instanceof Uint8Array ? "bytes" : "json";
    this.#initial = this.#encode(initial, action);
  }

  /** The absolute path of the file. */
  get path(): string {
    return this.#path;
  }

  /**
   * The current version, read from the file now. Waits for nobody.
   *
   * @returns The value, which is a copy of its own each time, and its epoch.
   * @throws {CorruptError} when the file is damaged, or is no such file
   * @throws {TypeError} when it holds bytes and JSON was meant, or the reverse
   * @throws {Error} when it cannot be read
   */
  read(): FileVersion<T> {
    const { payload, epoch } = this.#stored();
    return { value: this.#decode(payload, epoch), epoch };
  }

  /** The value now: that of {@linkcode read}. */
  get current(): T {
    return this.read().value;
  }

  /** How many commits there have been: the epoch of {@linkcode read}. */
  get epoch(): number {
    return this.#stored().epoch;
  }

  /**
   * Waits for the turn to write, computes the next value from the last committed one, and commits
   * it, also when it is the same. Other writers, in all processes, wait while `fn` runs. Not
   * re-entrant: an update inside `fn` waits for itself.
   *
   * After an abort or a passed limit `fn` may still be running while the next writer runs; its
   * result is refused.
   *
   * @param fn Answers the next value.
   * @param options How long to wait and to run, in milliseconds, and what ends either.
   * @returns The epoch of the new version, which survives a power loss.
   * @throws {LockTimeoutError} when `timeout` milliseconds have passed before its turn came
   * @throws {UpdateLimitError} when `fn` has run for longer than `limit` milliseconds
   * @throws {CorruptError} when the file is damaged; it is left as it is
   * @throws {TypeError | RangeError} when an argument cannot be meant, the value cannot be stored, or
   *   this was closed
   * @throws {Error} when the file cannot be written
   * @throws the signal's reason when it has aborted, or whatever `fn` throws
   *
   * @example A failed update leaves everything as it was
   * ```ts
   * import { FileSnapshots } from "@interlock/core";
   * import assert from "node:assert/strict";
   * import { mkdtempSync, rmSync } from "node:fs";
   * import { tmpdir } from "node:os";
   *
   * const folder = mkdtempSync(`${tmpdir()}/interlock-`);
   * using total = new FileSnapshots(`${folder}/total`, 1);
   * await assert.rejects(total.update(() => Promise.reject(new Error("no"))), /no/);
   * assert.equal(await total.update((value) => value + 1), 1);
   * assert.equal(total.current, 2);
   * rmSync(folder, { recursive: true });
   * ```
   */
  async update(
    fn: (value: T, context: UpdateContext) => T | Promise<T>,
    options: UpdateOptions = {},
  ): Promise<number> {
    checkFunction("fn", fn, "update");
    checkAcquireOptions(options, "update");
    if (options.limit !== undefined) checkDuration("limit", options.limit, "update");
    // Copied, for what waits and runs goes by what they are now.
    const { timeout, signal, label, limit } = options;
    const asked = { timeout, signal, label, limit };
    this.#makeFolder();
    using _turn = await this.#lock.write(asked);
    const { value, epoch } = this.read();
    const run = new UpdateRun(epoch);
    return this.#publish(epoch, await run.start(fn, value, asked, this.#deadlines));
  }

  /**
   * Waits for the turn to write and commits `next` if nothing was committed since `base`.
   *
   * @param base The version `next` was computed from, or its epoch.
   * @param next The next value.
   * @param options How long to wait for the turn, in milliseconds, and what ends the wait.
   * @returns The epoch of the new version, which survives a power loss.
   * @throws {ConflictError} when `base` is not the current version
   * @throws {LockTimeoutError} when `timeout` milliseconds have passed before its turn came
   * @throws {CorruptError} when the file is damaged; it is left as it is
   * @throws {TypeError | RangeError} when an argument cannot be meant, the value cannot be stored, or
   *   this was closed
   * @throws {Error} when the file cannot be written
   * @throws the signal's reason when it has aborted
   *
   * @example
   * ```ts
   * import { ConflictError, FileSnapshots } from "@interlock/core";
   * import assert from "node:assert/strict";
   * import { mkdtempSync, rmSync } from "node:fs";
   * import { tmpdir } from "node:os";
   *
   * const folder = mkdtempSync(`${tmpdir()}/interlock-`);
   * using total = new FileSnapshots(`${folder}/total`, 1);
   * const base = total.read();
   * await total.commit(base, base.value + 1);
   * await assert.rejects(total.commit(base, base.value + 1), ConflictError);
   * assert.equal(total.current, 2);
   * rmSync(folder, { recursive: true });
   * ```
   */
  async commit(
    base: FileVersion<T> | number,
    next: T,
    options: Omit<UpdateOptions, "limit"> = {},
  ): Promise<number> {
    const expected = checkEpoch(typeof base === "object" ? base?.epoch : base, "commit");
    checkAcquireOptions(options, "commit");
    const { timeout, signal, label } = options;
    this.#makeFolder();
    using _turn = await this.#lock.write({ timeout, signal, label });
    const { epoch } = this;
    if (epoch !== expected) throw new ConflictError(expected, epoch);
    return this.#publish(epoch, next);
  }

  /**
   * Waits until a version after `since` is current, in whatever process it was committed. Reads the
   * file again and again, at the intervals of `retry`.
   *
   * @param since An epoch.
   * @param options How long to wait, in milliseconds, and what ends the wait.
   * @returns The epoch that is current then; it may be a later one than the next.
   * @throws {ChangeTimeoutError} when `timeout` milliseconds have passed
   * @throws {TypeError | RangeError} when an argument cannot be meant
   * @throws {CorruptError | Error} when the file cannot be read
   * @throws the signal's reason when it has aborted
   */
  async changed(since: number, options: ChangeOptions = {}): Promise<number> {
    checkEpoch(since, "wait for a change");
    checkAcquireOptions(options, "wait for a change");
    let { epoch } = this;
    await watch(this.#host, {
      retry: this.#retry,
      timeout: options.timeout ?? Infinity,
      signal: options.signal,
      come: () => (epoch = this.epoch) > since,
      timedOut: (waited) => new ChangeTimeoutError(this.#name, since, waited),
    });
    return epoch;
  }

  /**
   * Closes the lock's descriptors. Updates that wait already are served; later ones throw, and
   * reading goes on. Does nothing the second time.
   */
  close(): void {
    this.#lock.close();
  }

  /** The same as {@linkcode close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** What is in the file now, or stands for it while there is none. */
  #stored(): StoredVersion {
    const bytes = this.#host.files.readFile(this.#path);
    if (bytes === undefined) return { format: this.#format, epoch: 0, payload: this.#initial };
    const stored = decodeVersion(bytes, this.#path);
    if (stored.format !== this.#format) {
      throw new TypeError(
        `Cannot read ${this.#path}: its value is ${stored.format} and not ${this.#format}`,
      );
    }
    return stored;
  }

  /** Makes the folder last before there is anything in it that should. */
  #makeFolder(): void {
    const { files } = this.#host;
    if (files.identify(this.#path) !== undefined) return;
    try {
      makeLastingFolder(files, files.folderOf(this.#path));
    } catch (error) {
      throw this.#failure(error);
    }
  }

  #publish(base: number, next: T): number {
    const epoch = base + 1;
    const payload = this.#encode(next, `write ${this.#path}`);
    const bytes = encodeVersion({ format: this.#format, epoch, payload });
    try {
      replaceFile(this.#host.files, this.#path, bytes, this.#mode);
    } catch (error) {
      throw this.#failure(error);
    }
    return epoch;
  }

  #failure(error: unknown): Error {
    return new Error(`Cannot write ${this.#path}: ${describeThrown(error)}`, { cause: error });
  }

  #encode(value: T, action: string): Uint8Array {
    if (this.#format === "bytes") {
      if (value instanceof Uint8Array) return value.slice();
      throw new TypeError(`Cannot ${action}: the value must be a Uint8Array, got ${show(value)}`);
    }
    return new TextEncoder().encode(encodeJson(value, action));
  }

  #decode(payload: Uint8Array, epoch: number): T {
    if (this.#format === "bytes") return payload.slice() as T;
    try {
      return JSON.parse(new TextDecoder().decode(payload));
    } catch {
      throw new CorruptError(this.#path, epoch, "its value is no JSON");
    }
  }
}

function checkMode(mode: unknown, action: string): number {
  if (typeof mode !== "number") {
    throw new TypeError(`Cannot ${action}: mode must be a number, got ${show(mode)}`);
  }
  // Owners who cannot read and write their own file could not update it.
  if (!Number.isInteger(mode) || mode < 0 || mode > 0o777 || (mode & 0o600) !== 0o600) {
    throw new RangeError(
      `Cannot ${action}: mode must be from 0o600 to 0o777 and let the owner read and write, got ` +
        `0o${mode.toString(8)}`,
    );
  }
  return mode;
}
