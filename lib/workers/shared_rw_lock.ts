/**
 * A lock in shared memory, for the threads of one process.
 *
 * The invariants stand where they are kept: between threads in `_seat.ts`, between the tasks of
 * one thread in `_thread_side.ts`. Here is only the door: arguments are checked, handles made and
 * opened.
 */
import { checkAcquireOptions, checkFunction, checkLabel, checkLockOptions } from "../_options.ts";
import type { Timed } from "../_meter.ts";
import {
  type AcquireOptions,
  type Guard,
  type LockMode,
  type LockOptions,
  type LockOrder,
  lockOrder,
  type LockQuery,
  type LockStats,
  type ReadWriteLock,
} from "../lock.ts";
import { allocate, checkCount, checkNoSignal, countOf, nameOf, open, VERSION } from "./_memory.ts";
import { checkOther, checkOwner, type OwnerOptions, type OwnersOptions } from "./_owner_options.ts";
import { MOST_OWNERS, seatsEnd } from "./_seat.ts";
import { Hold } from "./_hold.ts";
import { ThreadSide } from "./_thread_side.ts";

/** What is posted to another thread, for it to `attach()` to. A plain object, freely cloned. */
export interface SharedRwLockHandle {
  /** What it is a handle of. */
  readonly kind: "SharedRwLock";
  /** The version of the memory's layout. */
  readonly version: number;
  /** The memory itself. */
  readonly memory: SharedArrayBuffer;
  /** The lock's label. */
  readonly label?: string;
}

/** What a lock is created with; all but `owners` is for this thread, which observes by itself. */
export interface SharedLockOptions extends LockOptions, OwnersOptions {}

/** How a thread attaches, and what it observes of the lock. */
export interface AttachOptions extends LockOptions, OwnerOptions {}

/** How to wait with the thread blocked. There is no signal: nothing could abort it. */
export type SyncAcquireOptions = Omit<AcquireOptions, "signal">;

/**
 * A lock that many readers share or one writer has alone, for the threads of one process.
 *
 * One thread creates it and posts its `handle` to the others, which attach to it. Each thread is
 * one *owner*; any number of its tasks may use the lock. Waiting is async (`read`, `write`) or
 * blocks the thread (`readSync`, `writeSync`), on the main threads of Deno and Bun too; browsers
 * forbid their main thread to block, so there a synchronous acquire that would have to wait throws.
 *
 * Guarantees, beyond those of every {@linkcode ReadWriteLock}:
 *
 * - **Fairness**: threads are served in the order in which they came, and so are the tasks of one
 *   thread; neighbouring readers enter together, and nothing overtakes the queue. A thread has one
 *   place in the queue, for the first of its waiting tasks. So a task with `k` tasks of its own
 *   thread ahead waits for at most `k + 1` turns of every other thread, whoever came first.
 * - **Cancellation**: a wait that times out or aborts leaves the queue at once and lets in those
 *   it was holding up. What it has got by then it keeps: a wait ends with the lock or without it.
 * - **Lifetime**: an async wait keeps the process alive exactly while it lasts.
 * - **Death**: a thread that was terminated keeps what it held until another calls
 *   `reap(owner)`. It may not be quite dead: on Deno, a Worker that slept in `Atomics.wait` can
 *   wake after `terminate()` and run on, and one that never yields does. Once reaped it gets no lock
 *   any more, its acquires throw {@linkcode OwnerReapedError} and its guards give nothing back; but
 *   a zombie that was inside its section when it was reaped cannot be kept from running it to the
 *   end, and one that had not attached by then may attach: let a Worker attach before anything else,
 *   and say so, if it is to be terminated.
 * - **Cost**: uncontended, two compare-and-swaps and no system call; no clock is read.
 *
 * At most 20 threads may be attached at once: all of who is inside is one 32-bit word, which is
 * what makes the rest simple enough to be right.
 *
 * @example A counter that threads share
 * ```ts
 * import { SharedRwLock } from "@interlock/core/workers";
 * import assert from "node:assert/strict";
 *
 * const lock = SharedRwLock.create({ label: "counter" });
 * const counter = new Int32Array(new SharedArrayBuffer(4));
 * // In a Worker, which was started with { workerData: { handle: lock.handle, counter } }:
 * const theirs = SharedRwLock.attach(structuredClone(lock.handle));
 * {
 *   using _guard = theirs.writeSync();
 *   counter[0] = counter[0] + 1;
 *   assert.equal(lock.tryRead(), undefined);
 * }
 * assert.equal(lock.tryRead()?.mode, "read");
 * ```
 */
export class SharedRwLock implements ReadWriteLock {
  readonly #side: ThreadSide;
  readonly #handle: SharedRwLockHandle;

  private constructor(side: ThreadSide, handle: SharedRwLockHandle) {
    this.#side = side;
    this.#handle = handle;
  }

  /**
   * Creates a lock that nobody holds, and attaches this thread to it as owner 0.
   *
   * @param options A label, whom to tell of long waits, and for how many threads it is.
   * @throws {TypeError} when an option has the wrong type
   * @throws {RangeError} when `owners` is not from 1 to 20, or `contentionAfter` is negative
   */
  static create(options: SharedLockOptions = {}): SharedRwLock {
    const action = "create shared lock";
    checkLockOptions(options, action);
    const { owners = MOST_OWNERS, label } = options;
    checkCount("owners", owners, MOST_OWNERS, action);
    const words = allocate("SharedRwLock", owners, seatsEnd(owners));
    const handle: SharedRwLockHandle = {
      kind: "SharedRwLock",
      version: VERSION,
      memory: words.buffer,
      ...(label === undefined ? {} : { label }),
    };
    return new SharedRwLock(new ThreadSide(words, options, 0), handle);
  }

  /**
   * Attaches this thread to a lock that another has created.
   *
   * A thread attaches once and lets its tasks share what it got. Two locks attached in one thread
   * are two owners, and either may wait for the other.
   *
   * @param handle What the other thread's `handle` was.
   * @param options Which number to take, and what this thread observes.
   * @throws {TypeError} when `handle` is not that of a `SharedRwLock` of this release
   * @throws {RangeError} when `owner` is not a number of the lock's
   * @throws {Error} when `owner`, or every owner, is taken
   *
   * @example The parent chooses the number, and can reap it
   * ```ts
   * import { SharedRwLock } from "@interlock/core/workers";
   * import assert from "node:assert/strict";
   *
   * const lock = SharedRwLock.create();
   * const theirs = SharedRwLock.attach(lock.handle, { owner: 3 }); // in a Worker
   * theirs.writeSync(); // and here the Worker is terminated
   * assert.equal(lock.tryWrite(), undefined);
   * assert.equal(lock.reap(3), "write");
   * assert.equal(lock.tryWrite()?.mode, "write");
   * ```
   */
  static attach(handle: SharedRwLockHandle, options: AttachOptions = {}): SharedRwLock {
    const action = "attach to a SharedRwLock";
    const words = open("SharedRwLock", handle, MOST_OWNERS, (words) => seatsEnd(countOf(words)));
    checkLabel(handle.label, action);
    checkLockOptions(options, action);
    const { owner } = options;
    if (owner !== undefined) checkOwner(owner, countOf(words), action);
    const label = options.label ?? handle.label;
    return new SharedRwLock(new ThreadSide(words, { ...options, label }, owner), handle);
  }

  /** What to post to another thread; `structuredClone` and `postMessage` share its memory. */
  get handle(): SharedRwLockHandle {
    return this.#handle;
  }

  /** The number by which this thread is known to `reap()`. */
  get owner(): number {
    return this.#side.seat.owner;
  }

  /**
   * Acquires the lock shared with other readers.
   *
   * @param options How long to wait, what ends the wait, and a name for the holder.
   * @returns The guard to release or dispose of.
   * @throws {LockTimeoutError} when `timeout` milliseconds have passed
   * @throws {OwnerReapedError} when this thread has been reaped
   * @throws {TypeError | RangeError} when an option cannot be meant
   * @throws the signal's reason when it has aborted
   */
  read(options?: AcquireOptions): Promise<Guard> {
    return this.#acquire(false, options);
  }

  /**
   * Acquires the lock alone.
   *
   * @param options How long to wait, what ends the wait, and a name for the holder.
   * @returns The guard to release or dispose of.
   * @throws {LockTimeoutError} when `timeout` milliseconds have passed
   * @throws {OwnerReapedError} when this thread has been reaped
   * @throws {TypeError | RangeError} when an option cannot be meant
   * @throws the signal's reason when it has aborted
   *
   * @example Waiting without blocking the thread
   * ```ts
   * import { SharedRwLock } from "@interlock/core/workers";
   * import assert from "node:assert/strict";
   *
   * const lock = SharedRwLock.create();
   * const theirs = SharedRwLock.attach(lock.handle); // in a Worker
   * const guard = lock.writeSync();
   * const next = theirs.write({ timeout: 1000 });
   * guard.release();
   * assert.equal((await next).mode, "write");
   * ```
   */
  write(options?: AcquireOptions): Promise<Guard> {
    return this.#acquire(true, options);
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
    using _guard = await this.#acquire(false, options);
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
    using _guard = await this.#acquire(true, options);
    return await fn();
  }

  /**
   * Acquires the lock shared with other readers; blocks the thread while it waits.
   *
   * @param options How long to wait, and a name for the holder.
   * @returns The guard to release or dispose of.
   * @throws {LockTimeoutError} when `timeout` milliseconds have passed
   * @throws {OwnerReapedError} when this thread has been reaped
   * @throws {TypeError | RangeError} when an option cannot be meant
   * @throws {Error} when it would wait for a task of its own thread, which could never run
   */
  readSync(options?: SyncAcquireOptions): Guard {
    const side = this.#side;
    let timed: Timed | undefined;
    if (options !== undefined || !side.slip(false)) timed = this.#acquireSync(false, options);
    return new Hold(side, "read", timed);
  }

  /**
   * Acquires the lock alone; blocks the thread while it waits.
   *
   * @param options How long to wait, and a name for the holder.
   * @returns The guard to release or dispose of.
   * @throws {LockTimeoutError} when `timeout` milliseconds have passed
   * @throws {OwnerReapedError} when this thread has been reaped
   * @throws {TypeError | RangeError} when an option cannot be meant
   * @throws {Error} when it would wait for a task of its own thread, which could never run
   *
   * @example Waiting no longer than ten milliseconds
   * ```ts
   * import { LockTimeoutError } from "@interlock/core";
   * import { SharedRwLock } from "@interlock/core/workers";
   * import assert from "node:assert/strict";
   *
   * const lock = SharedRwLock.create({ label: "table" });
   * const theirs = SharedRwLock.attach(lock.handle); // in a Worker
   * using _guard = theirs.readSync();
   * assert.throws(() => lock.writeSync({ timeout: 10 }), LockTimeoutError);
   * ```
   */
  writeSync(options?: SyncAcquireOptions): Guard {
    const side = this.#side;
    let timed: Timed | undefined;
    // The guard is made in one place, so that compilers see where it goes and need not make it.
    if (options !== undefined || !side.slip(true)) timed = this.#acquireSync(true, options);
    return new Hold(side, "write", timed);
  }

  /**
   * Acquires the lock shared if that needs no waiting; never overtakes the queue.
   *
   * @returns The guard, or `undefined`.
   * @throws {OwnerReapedError} when this thread has been reaped
   */
  tryRead(): Guard | undefined {
    const side = this.#side;
    return side.slip(false) ? new Hold(side, "read", undefined) : side.enter(false);
  }

  /**
   * Acquires the lock alone if that needs no waiting; never overtakes the queue.
   *
   * @returns The guard, or `undefined`.
   * @throws {OwnerReapedError} when this thread has been reaped
   */
  tryWrite(): Guard | undefined {
    const side = this.#side;
    return side.slip(true) ? new Hold(side, "write", undefined) : side.enter(true);
  }

  /**
   * Who holds the lock and who waits for it. This thread's tasks go by the labels they gave;
   * another thread is one party, and goes by `owner` and its number. Other threads do not stand
   * still meanwhile, so where they are busy the answer may mix two moments.
   *
   * @example
   * ```ts
   * import { SharedRwLock } from "@interlock/core/workers";
   * import assert from "node:assert/strict";
   *
   * const lock = SharedRwLock.create();
   * const theirs = SharedRwLock.attach(lock.handle); // in a Worker
   * using _mine = lock.readSync({ label: "report" });
   * using _theirs = theirs.readSync();
   * assert.deepEqual(lock.query().holders, [
   *   { mode: "read", label: "report" },
   *   { mode: "read", label: "owner 1" },
   * ]);
   * ```
   */
  query(): LockQuery {
    return this.#side.query();
  }

  /**
   * What this thread has counted since it created the lock or attached to it: its own tasks'
   * acquires and waits. For all threads together, ask each. Takes constant memory.
   *
   * @returns The counts, and how long waits and holds took, in milliseconds.
   * @throws {TypeError} when this thread did not ask for `stats: true`
   *
   * @example
   * ```ts
   * import { SharedRwLock } from "@interlock/core/workers";
   * import assert from "node:assert/strict";
   *
   * const lock = SharedRwLock.create({ stats: true });
   * lock.writeSync().release();
   * const { acquired, contended, hold } = lock.stats();
   * assert.deepEqual([acquired.write, contended, hold.count], [1, 0, 1]);
   * ```
   */
  stats(): LockStats {
    return this.#side.stats();
  }

  /** Where the lock stands in `acquireAll()`: by its memory, which every thread names alike. */
  [lockOrder](): LockOrder {
    return { reach: "threads", key: nameOf(this.#side.seat.words) };
  }

  /**
   * Takes away what a dead thread held and its place in the queue, and frees its number. To be
   * called once its Worker has been terminated or has exited; a live thread that is reaped is
   * shut out like a dead one. Several threads may reap one owner at once, and again if one of them
   * dies over it; but to give its number to a new thread is for the one that reaped it last.
   *
   * @param owner The number of the thread.
   * @returns How it held the lock, if it did: what it guards may be half changed.
   * @throws {TypeError | RangeError} when `owner` is not the number of another owner
   */
  reap(owner: number): LockMode | undefined {
    const { seat } = this.#side;
    checkOther(owner, seat);
    return seat.reap(owner)?.mode;
  }

  /**
   * Gives this thread's number back, for another thread to take. Later acquires throw.
   *
   * @throws {Error} while a task of this thread holds the lock or waits for it
   */
  detach(): void {
    this.#side.detach();
  }

  async #acquire(writes: boolean, options: AcquireOptions | undefined): Promise<Guard> {
    if (options !== undefined) checkAcquireOptions(options, writes ? "write-lock" : "read-lock");
    return await this.#side.acquire(writes, options);
  }

  #acquireSync(writes: boolean, options: SyncAcquireOptions | undefined): Timed | undefined {
    if (options !== undefined) {
      const action = writes ? "write-lock" : "read-lock";
      checkAcquireOptions(options, action);
      checkNoSignal(options, action);
    }
    return this.#side.acquireSync(writes, options);
  }
}
