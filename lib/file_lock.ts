/**
 * A lock for processes: flock(2), with a queue for the tasks of each process and a gate between the
 * processes.
 *
 * Here is the door: arguments, paths that come to lead elsewhere, errors. What keeps tasks of one
 * process apart is in `_file_slot.ts`, what keeps processes fair in `_file_gate.ts`, who closes the
 * descriptors in `_file_slots.ts`.
 */
import { type Deadline, deadlinesOf } from "./_deadlines.ts";
import { Acquire, timedOut, type Wanted } from "./_file_acquire.ts";
import { type FileHolder, findHolders, isHeld } from "./_file_holders.ts";
import type { FileLockOptions, FileLockStats, WatchOptions } from "./_file_lock_types.ts";
import { FileMeter } from "./_file_meter.ts";
import { MOVED } from "./_file_parked.ts";
import { checkPath } from "./_file_path.ts";
import { checkRetry } from "./_retry.ts";
import type { Slot } from "./_file_slot.ts";
import { slotsOf } from "./_file_slots.ts";
import { watch } from "./_file_watch.ts";
import { currentHost, type Host } from "./_host.ts";
import { tell } from "./_observers.ts";
import { checkAcquireOptions, checkFunction, checkLockOptions } from "./_options.ts";
import { LockTimeoutError } from "./errors.ts";
import {
  type AcquireOptions,
  type Guard,
  type LockMode,
  type LockOptions,
  type LockOrder,
  lockOrder,
  type LockQuery,
  type ReadWriteLock,
} from "./lock.ts";

export type { FileHolder } from "./_file_holders.ts";
export type * from "./_file_lock_types.ts";
export type { RetryOptions } from "./_retry.ts";

/**
 * A lock that many readers share or one writer has alone, for the Deno and Bun processes of one
 * machine. It is the flock(2) of a file, so it excludes everyone who uses flock on that file, and
 * the system frees it the moment its process dies, however it dies.
 *
 * ### Guarantees, beyond those of every {@linkcode ReadWriteLock}
 *
 * - **One file, one lock.** All `FileLock`s of a process that lead to one file (by device and
 *   inode: links, relative paths and letter case do not matter) are one lock. Another isolate
 *   of the process, such as a Worker, counts as another process.
 * - **Tasks of one process** are served first come, first served, as by an `RwLock`; `tryRead` and
 *   `tryWrite` never overtake them. Only the first reader in and the last one out ask the system.
 * - **Processes** are served with a bound on starvation, not in strict order. Let `h` be the longest
 *   time anyone is inside and `m` the `retry.max`. Tasks of one process hand the lock on among
 *   themselves at most 100 times or for 20 ms, whichever comes first, while another process
 *   waits; so a process stays inside for no longer than `p` = 20 ms + 3`h`. Whoever has to wait
 *   first takes a *gate* that only one writer, or any number of readers, can have, and from then
 *   on waits for those who are inside already and for no one else: at most `p + m`. For the gate
 *   it asks at intervals of at most `m`. Where only one process waits that is all: it is inside
 *   after **at most `p + 2m`**. Where `n` processes wait, one of them enters in each round of
 *   `p + 2m`, and because they ask at equal intervals any of them is about as likely as the other:
 *   `n` rounds on average, more than `7n` once in a thousand times. (Timers that come late, on a
 *   machine whose processors are all busy, come on top.) Measured: eight processes of both
 *   runtimes that all want it and stay for 1 ms waited 16 to 18 ms in the median and 250 ms at the
 *   longest, in about 1,000 turns; with plain polling one waited for 1.9 s.
 * - **`tryRead` and `tryWrite`** pass the gate too, or a process that tries again and again would
 *   starve those who wait at it. So they answer `undefined` when another process waits, even in
 *   the moment when the lock is free and about to be that process's; and, rarely, when another
 *   was just passing the gate. When nobody else wants the lock they succeed.
 * - **Cancellation**: a wait that times out or aborts leaves nothing behind at whatever point it
 *   is: no place in the queue, no timer, not the gate, and not the lock.
 *
 * Not re-entrant, not upgradable.
 *
 * ### Files
 *
 * The lock file and its missing folders are created when first acquired, for their owner alone
 * (modes 0600 and 0700), and so is the gate, an empty file beside it whose name ends in
 * `.interlock-gate`. Neither is ever unlinked, for a lock file that is removed gives two holders:
 * the one who has the old file, and the one who creates a new one. Should another program do that,
 * whoever acquires later notices and turns to the new file. What is in the lock file does not
 * matter; it may be the very file that the lock guards, as long as that file is written in place
 * and not replaced. Users who share a lock must all be able to write both files.
 *
 * Descriptors are kept for the next acquire, at most 128 while nobody is inside, without keeping
 * the process alive. {@linkcode close} (or `using`) closes them sooner.
 *
 * ### Limits
 *
 * - flock is advisory: it excludes those who use it, and no one else.
 * - Local file systems. On NFS, Linux turns it into a lock of the server, which excludes machines
 *   only where server and mount options let it, and may be lost when the server restarts or cannot
 *   be reached, unnoticed by its holder; SMB and FUSE file systems have their own ideas. Between
 *   machines, use a lock that is meant for it.
 * - Names of one file that are hard links exclude each other, but each name has its own gate, so
 *   the bound above holds among those who use one name.
 * - Deno on Windows uses LockFileEx. Files have no inode there, so a lock file is known by its
 *   real path, and one that was replaced goes unnoticed. This has not been tested.
 * - Bun on Windows, Node and browsers have no flock: the constructor throws, and nothing weaker
 *   is used instead.
 *
 * On Deno this needs `--allow-read` and `--allow-write` for the lock file and its gate.
 *
 * @example One writer at a time, in all processes
 * ```ts
 * import { FileLock } from "@interlock/core";
 * import assert from "node:assert/strict";
 * import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
 * import { tmpdir } from "node:os";
 *
 * const folder = mkdtempSync(`${tmpdir()}/interlock-`);
 * const counter = `${folder}/counter`;
 * writeFileSync(counter, "0");
 *
 * using lock = new FileLock(`${counter}.lock`);
 * const increment = () =>
 *   lock.withWrite(() => writeFileSync(counter, String(Number(readFileSync(counter)) + 1)));
 * await Promise.all([increment(), increment(), increment()]);
 *
 * assert.equal(readFileSync(counter, "utf8"), "3");
 * rmSync(folder, { recursive: true });
 * ```
 */
export class FileLock implements ReadWriteLock, Disposable {
  readonly #host: Host;
  readonly #path: string;
  readonly #name: string;
  readonly #wanted: Wanted;
  readonly #onContention: LockOptions["onContention"];
  readonly #contentionAfter: number;
  #slot: Slot | undefined = undefined;
  #closed = false;

  /**
   * Names the lock; nothing is created or opened yet.
   *
   * @param path The lock file, existing or not; a relative path counts from the working folder of
   *   now.
   * @param options A label for errors, whom to tell of long waits, how often to look.
   * @throws {TypeError} when `path` cannot be a file's, or an option has the wrong type
   * @throws {RangeError} when a time is negative or not a number, or `retry.min` above `retry.max`
   * @throws {UnsupportedError} when the runtime has no flock
   */
  constructor(path: string | URL, options: FileLockOptions = {}) {
    checkLockOptions(options, "create file lock");
    const retry = checkRetry(options.retry, "create file lock");
    this.#host = currentHost();
    this.#path = checkPath(this.#host.files, path);
    this.#name = options.label ?? this.#path;
    this.#wanted = {
      host: this.#host,
      path: this.#path,
      name: this.#name,
      retry,
      meter: options.stats ? new FileMeter(this.#host) : undefined,
      query: () => this.query(),
    };
    this.#onContention = options.onContention;
    this.#contentionAfter = options.contentionAfter ?? 100;
  }

  /** The absolute path of the lock file. */
  get path(): string {
    return this.#path;
  }

  /**
   * Acquires the lock shared with other readers, in whatever process.
   *
   * @param options How long to wait, what ends the wait, and a name for the holder.
   * @returns The guard to release or dispose of.
   * @throws {LockTimeoutError} when `timeout` milliseconds have passed
   * @throws {TypeError | RangeError} when an option cannot be meant, or the lock is closed
   * @throws {Error} when the lock file cannot be used, naming it and why
   * @throws the signal's reason when it has aborted
   */
  read(options?: AcquireOptions): Promise<Guard> {
    return this.#acquire("read", options);
  }

  /**
   * Acquires the lock alone, in all processes.
   *
   * @param options How long to wait, what ends the wait, and a name for the holder.
   * @returns The guard to release or dispose of.
   * @throws {LockTimeoutError} when `timeout` milliseconds have passed
   * @throws {TypeError | RangeError} when an option cannot be meant, or the lock is closed
   * @throws {Error} when the lock file cannot be used, naming it and why
   * @throws the signal's reason when it has aborted
   */
  write(options?: AcquireOptions): Promise<Guard> {
    return this.#acquire("write", options);
  }

  /**
   * Runs `fn` with the lock shared and releases however `fn` ends.
   *
   * @param fn What to do inside.
   * @param options As for `read()`.
   * @returns What `fn` answered.
   * @throws whatever `fn` or `read()` throws
   */
  async withRead<R>(fn: () => R | Promise<R>, options?: AcquireOptions): Promise<R> {
    checkFunction("fn", fn, "read-lock");
    using _guard = await this.#acquire("read", options);
    return await fn();
  }

  /**
   * Runs `fn` with the lock held alone and releases however `fn` ends.
   *
   * @param fn What to do inside.
   * @param options As for `write()`.
   * @returns What `fn` answered.
   * @throws whatever `fn` or `write()` throws
   */
  async withWrite<R>(fn: () => R | Promise<R>, options?: AcquireOptions): Promise<R> {
    checkFunction("fn", fn, "write-lock");
    using _guard = await this.#acquire("write", options);
    return await fn();
  }

  /**
   * Acquires the lock shared if that needs no waiting. Never overtakes a task of this process that
   * waits, nor a process at the gate.
   *
   * @returns The guard, or `undefined`.
   * @throws {Error} when the lock file cannot be used, naming it and why
   * @throws {TypeError} when the lock is closed
   */
  tryRead(): Guard | undefined {
    return this.#tryAcquire("read");
  }

  /**
   * Acquires the lock alone if that needs no waiting. Never overtakes a task of this process that
   * waits, nor a process at the gate.
   *
   * @returns The guard, or `undefined`.
   * @throws {Error} when the lock file cannot be used, naming it and why
   * @throws {TypeError} when the lock is closed
   *
   * @example Only one instance of a program
   * ```ts
   * import { FileLock } from "@interlock/core";
   * import assert from "node:assert/strict";
   * import { mkdtempSync, rmSync } from "node:fs";
   * import { tmpdir } from "node:os";
   *
   * const folder = mkdtempSync(`${tmpdir()}/interlock-`);
   * using lock = new FileLock(`${folder}/instance.lock`);
   * using guard = lock.tryWrite();
   * assert(guard !== undefined, "it runs already");
   *
   * // Whatever leads to the same file is the same lock.
   * using other = new FileLock(`${folder}/./instance.lock`);
   * assert.equal(other.tryRead(), undefined);
   * rmSync(folder, { recursive: true });
   * ```
   */
  tryWrite(): Guard | undefined {
    return this.#tryAcquire("write");
  }

  /**
   * Who holds the lock and who waits for it, of the tasks of this process. For other processes see
   * {@linkcode holders}.
   */
  query(): LockQuery {
    return this.#current()?.query() ?? { holders: [], waiters: [] };
  }

  /**
   * What this object has counted since it was created. Takes constant memory, however much there was
   * to count.
   *
   * @returns A copy, which does not change any more.
   * @throws {TypeError} when the lock was created without `stats: true`
   *
   * @example How much of the waiting was other processes' doing
   * ```ts
   * import { FileLock } from "@interlock/core";
   * import assert from "node:assert/strict";
   * import { mkdtempSync, rmSync } from "node:fs";
   * import { tmpdir } from "node:os";
   *
   * const folder = mkdtempSync(`${tmpdir()}/interlock-`);
   * using lock = new FileLock(`${folder}/lock`, { stats: true });
   * await Promise.all([1, 2, 3].map(() => lock.withWrite(() => {})));
   * const { acquired, contended, others, handOffs } = lock.stats();
   * assert.deepEqual([acquired.write, contended], [3, 2]);
   * assert.deepEqual([others.count, handOffs], [0, 2]); // no other process was in the way
   * rmSync(folder, { recursive: true });
   * ```
   */
  stats(): FileLockStats {
    const { meter } = this.#wanted;
    if (meter === undefined) {
      throw new TypeError(
        `Cannot tell the statistics of ${this.#name}: it was created without stats: true`,
      );
    }
    return meter.summary();
  }

  /**
   * Whether anyone, in any process, is inside at this moment, reading or writing. The answer may be
   * old when it arrives: to act on it, acquire the lock instead. Looks at the file through a
   * descriptor of its own, and creates nothing.
   *
   * @throws {Error} when the lock file is there but cannot be used, naming it and why
   *
   * @example
   * ```ts
   * import { FileLock } from "@interlock/core";
   * import assert from "node:assert/strict";
   * import { mkdtempSync, rmSync } from "node:fs";
   * import { tmpdir } from "node:os";
   *
   * const folder = mkdtempSync(`${tmpdir()}/interlock-`);
   * using lock = new FileLock(`${folder}/lock`);
   * const guard = await lock.read();
   * assert.equal(lock.isLocked(), true);
   * guard.release();
   * assert.equal(lock.isLocked(), false);
   * await lock.waitForUnlock({ timeout: 1000 });
   * rmSync(folder, { recursive: true });
   * ```
   */
  isLocked(): boolean {
    return isHeld(this.#host.files, this.#path);
  }

  /**
   * Which processes hold the lock at this moment, this one among them, where the system tells: on
   * Linux, as far as they are in this process's pid namespace (of those in another container it
   * tells nothing). Like {@linkcode isLocked} the answer may be old when it arrives, and a process
   * that only looks whether the lock is free counts as holding it while it looks.
   *
   * The list is `/proc/locks`, which Deno lets be read only under `--allow-all` (and in a
   * terminal may ask about first). Reading it costs
   * 50 microseconds or more, so `LockTimeoutError` does not look there: a thousand waiters that time
   * out together would each read it.
   *
   * @returns Each holder with its pid and mode; none if nobody holds the lock; `"unknown"` if
   *   somebody does and the system does not tell who, or if the lock file cannot be looked at.
   *   Never throws.
   *
   * @example
   * ```ts
   * import { FileLock } from "@interlock/core";
   * import assert from "node:assert/strict";
   * import { mkdtempSync, rmSync } from "node:fs";
   * import { tmpdir } from "node:os";
   * import process from "node:process";
   *
   * const folder = mkdtempSync(`${tmpdir()}/interlock-`);
   * using lock = new FileLock(`${folder}/lock`);
   * const guard = await lock.write();
   * const holders = lock.holders();
   * if (holders !== "unknown") assert.deepEqual(holders, [{ pid: process.pid, mode: "write" }]);
   * guard.release();
   * assert.deepEqual(lock.holders(), []);
   * rmSync(folder, { recursive: true });
   * ```
   */
  holders(): readonly FileHolder[] | "unknown" {
    try {
      return findHolders(this.#host.files, this.#path);
    } catch {
      return "unknown";
    }
  }

  /**
   * Waits until nobody is inside, without taking the lock: at some moment before it resolves nobody
   * was. It has no place in any queue, so while others follow one another it may never see such a
   * moment.
   *
   * @param options How long to wait, and what ends the wait.
   * @throws {LockTimeoutError} when `timeout` milliseconds have passed
   * @throws {TypeError | RangeError} when an option cannot be meant
   * @throws {Error} when the lock file is there but cannot be used
   * @throws the signal's reason when it has aborted
   */
  async waitForUnlock(options: WatchOptions = {}): Promise<void> {
    checkAcquireOptions(options, "wait for unlock");
    await watch(this.#host, {
      retry: this.#wanted.retry,
      timeout: options.timeout ?? Infinity,
      signal: options.signal,
      come: () => !this.isLocked(),
      timedOut: (waited) => timedOut(this.#wanted, "write", waited),
    });
  }

  /**
   * Closes the descriptors that are kept for the next acquire, if no other `FileLock` on the file
   * wants them. Guards stay valid, and those who wait already are served. Does nothing the second
   * time; acquiring afterwards throws.
   */
  close(): void {
    this.#closed = true;
    this.#detach();
  }

  /** The same as {@linkcode close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  /**
   * Where the lock stands in `acquireAll()`: by device and inode, whatever path leads there. The
   * lock file is created if it is missing.
   *
   * @throws {Error} when the lock file cannot be used, naming it and why
   * @throws {TypeError} when the lock is closed
   */
  [lockOrder](): LockOrder {
    const { dev, ino } = this.#attach().id;
    return { reach: "processes", key: `${dev}:${ino}` };
  }

  async #acquire(mode: LockMode, options: AcquireOptions = {}): Promise<Guard> {
    checkAcquireOptions(options, `${mode}-lock ${this.#name}`);
    const { signal } = options;
    const acquire = new Acquire(this.#wanted, mode, options);
    if (signal?.aborted) {
      acquire.metered?.fails("aborted");
      throw signal.reason;
    }
    const contention = this.#watchContention(mode);
    try {
      for (let waits = false;; waits = true) {
        const outcome = await this.#attach(waits).acquire(acquire);
        if (outcome !== MOVED) return outcome;
        this.#detach();
      }
    } catch (error) {
      const aborted = signal !== undefined && signal.aborted && error === signal.reason;
      const late = !aborted && error instanceof LockTimeoutError;
      acquire.metered?.fails(aborted ? "aborted" : late ? "timedOut" : "failed");
      // The queue of this process knows the lock by no name.
      throw late ? acquire.timedOut() : error;
    } finally {
      if (contention !== undefined) deadlinesOf(this.#host).remove(contention);
      // If it was closed while this one waited, nothing is kept open for a next one.
      if (this.#closed) this.#detach();
    }
  }

  #tryAcquire(mode: LockMode): Guard | undefined {
    const acquire = new Acquire(this.#wanted, mode, {});
    for (;;) {
      const outcome = this.#attach().tryAcquire(acquire);
      if (outcome !== MOVED) return outcome;
      this.#detach();
    }
  }

  #watchContention(mode: LockMode): Deadline | undefined {
    const onContention = this.#onContention;
    if (onContention === undefined) return undefined;
    return deadlinesOf(this.#host).add(this.#contentionAfter, {
      expire: (waited) => tell(onContention, { waited, mode, holders: this.query().holders }),
    });
  }

  /** The slot of the file, if this process has it open. */
  #current(): Slot | undefined {
    if (this.#slot !== undefined && !this.#slot.closed) return this.#slot;
    return slotsOf(this.#host).find(this.#path);
  }

  /** The slot this lock uses, opened if it is not open; once closed, for one that `waits` already. */
  #attach(waits = false): Slot {
    if (this.#slot !== undefined && !this.#slot.closed) return this.#slot;
    if (this.#closed && !waits) {
      throw new TypeError(`Cannot lock ${this.#name}: this FileLock is closed`);
    }
    const slot = slotsOf(this.#host).open(this.#path);
    slot.users++;
    this.#slot = slot;
    return slot;
  }

  /** Stops using the slot, which closes when nobody uses it. */
  #detach(): void {
    const slot = this.#slot;
    this.#slot = undefined;
    if (slot === undefined) return;
    slot.users--;
    slot.closeIfUnused();
  }
}
