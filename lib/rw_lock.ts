/**
 * A lock for the tasks of one isolate: many readers or one writer, first come, first served.
 *
 * The invariants stand where they are kept, in `_queue.ts`. Here is only the door: arguments are
 * checked, nothing is thrown synchronously by what answers a promise, and a guard is given back
 * however its critical section ends.
 */
import { currentHost } from "./_host.ts";
import { checkAcquireOptions, checkFunction, checkRwLockOptions } from "./_options.ts";
import { ObservedQueue, Queue } from "./_queue.ts";
import { acquireUpgradable } from "./_upgradable.ts";
import type {
  AcquireOptions,
  Guard,
  LockQuery,
  LockStats,
  ReadWriteLock,
  RwLockOptions,
  UpgradableGuard,
} from "./lock.ts";

/**
 * A lock that many readers share or one writer has alone, for async tasks in one isolate.
 *
 * Guarantees, beyond those of every {@linkcode ReadWriteLock}:
 *
 * - **Fairness**: first come, first served, unless `policy` says otherwise. A reader behind a queued writer waits for it, so
 *   neither side starves; neighbouring readers enter together. `tryRead` and `tryWrite` never
 *   overtake the queue.
 * - **Cancellation**: a wait that times out or aborts leaves the queue in constant time, whatever
 *   its length, and lets in at once those it was holding up. Its timer and its listener go too,
 *   also when it is granted. The grant is decided inside the `release()` that makes it possible:
 *   an abort that comes later, though before the waiter has run on, changes nothing.
 * - **Cost**: acquiring without waiting reads no clock and sets no timer. Waits of one length
 *   share a timer and waits on one signal share a listener.
 *
 * Not re-entrant: a task that acquires what it holds waits for itself.
 *
 * What `onContention` throws surfaces as an unhandled rejection and does not touch the lock.
 *
 * @example A lost update, mended
 * ```ts
 * import { RwLock } from "@interlock/core";
 * import assert from "node:assert/strict";
 *
 * const lock = new RwLock();
 * let balance = 0;
 * async function deposit(amount: number) {
 *   using _guard = await lock.write();
 *   const before = balance;
 *   await Promise.resolve(); // others run here, and wait
 *   balance = before + amount;
 * }
 * await Promise.all([deposit(10), deposit(20)]);
 * assert.equal(balance, 30);
 * ```
 */
export class RwLock implements ReadWriteLock {
  readonly #queue: Queue;

  /**
   * Creates a lock that nobody holds.
   *
   * @param options A label for errors, whom to tell of long waits, and who enters first.
   * @throws {TypeError} when an option has the wrong type
   * @throws {RangeError} when `contentionAfter` is negative or not a number
   */
  constructor(options?: RwLockOptions) {
    if (options !== undefined) checkRwLockOptions(options, "create lock");
    const observed = options?.stats === true || options?.onLeak !== undefined;
    this.#queue = new (observed ? ObservedQueue : Queue)(currentHost(), options);
  }

  /**
   * Acquires the lock shared with other readers.
   *
   * @param options How long to wait, what ends the wait, and a name for the holder.
   * @returns The guard to release or dispose of.
   * @throws {LockTimeoutError} when `timeout` milliseconds have passed
   * @throws {TypeError | RangeError} when an option cannot be meant
   * @throws the signal's reason when it has aborted
   *
   * @example Readers share
   * ```ts
   * import { RwLock } from "@interlock/core";
   * import assert from "node:assert/strict";
   *
   * const lock = new RwLock();
   * using _first = await lock.read({ label: "report" });
   * using _second = await lock.read({ label: "export" });
   * assert.deepEqual(lock.query().holders.map((holder) => holder.label), ["report", "export"]);
   * ```
   */
  read(options?: AcquireOptions): Promise<Guard> {
    if (options !== undefined) return this.#acquire(false, options);
    const guard = this.#queue.enter(false);
    return guard === undefined ? this.#queue.wait(false) : Promise.resolve(guard);
  }

  /**
   * Acquires the lock alone.
   *
   * @param options How long to wait, what ends the wait, and a name for the holder.
   * @returns The guard to release or dispose of.
   * @throws {LockTimeoutError} when `timeout` milliseconds have passed
   * @throws {TypeError | RangeError} when an option cannot be meant
   * @throws the signal's reason when it has aborted
   *
   * @example Waiting no longer than a second
   * ```ts
   * import { LockTimeoutError, RwLock } from "@interlock/core";
   * import assert from "node:assert/strict";
   *
   * const lock = new RwLock({ label: "ledger" });
   * using _guard = await lock.write({ timeout: 1000 });
   * await assert.rejects(lock.write({ timeout: 0 }), LockTimeoutError);
   * ```
   */
  write(options?: AcquireOptions): Promise<Guard> {
    if (options !== undefined) return this.#acquire(true, options);
    const guard = this.#queue.enter(true);
    return guard === undefined ? this.#queue.wait(true) : Promise.resolve(guard);
  }

  /**
   * Acquires the lock shared with other readers, with the right to become the writer.
   *
   * There is one such right: two who have it would each wait for the other to leave. So this
   * rejects at once while another has it or waits for it. Whoever only might write reads first,
   * together with all other readers, and upgrades when it must; what it has read stays true.
   *
   * @param options As for `read()`.
   * @returns The guard to upgrade, downgrade, and release or dispose of.
   * @throws {UpgradeConflictError} while another upgradable reader is inside or waits
   * @throws {LockTimeoutError} when `timeout` milliseconds have passed
   * @throws {TypeError | RangeError} when an option cannot be meant
   * @throws the signal's reason when it has aborted
   *
   * @example Write only what is missing
   * ```ts
   * import { RwLock } from "@interlock/core";
   * import assert from "node:assert/strict";
   *
   * const lock = new RwLock();
   * const cache = new Map<string, number>();
   * {
   *   using guard = await lock.upgradable();
   *   if (!cache.has("answer")) {
   *     await guard.upgrade();
   *     cache.set("answer", 42);
   *     guard.downgrade();
   *   }
   *   assert.equal(guard.mode, "read");
   *   assert.equal(lock.tryRead()?.mode, "read");
   * }
   * assert.equal(cache.get("answer"), 42);
   * ```
   */
  upgradable(options: AcquireOptions = {}): Promise<UpgradableGuard> {
    try {
      checkAcquireOptions(options, "read-lock upgradably");
      return acquireUpgradable(this.#queue, options);
    } catch (error) {
      return Promise.reject(error);
    }
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
    using _guard = await this.read(options);
    return await fn();
  }

  /**
   * Runs `fn` with the lock held alone and releases however `fn` ends.
   *
   * @param fn What to do inside.
   * @param options As for `write()`.
   * @returns What `fn` answered.
   * @throws whatever `fn` or `write()` throws
   *
   * @example
   * ```ts
   * import { RwLock } from "@interlock/core";
   * import assert from "node:assert/strict";
   *
   * const lock = new RwLock();
   * await assert.rejects(lock.withWrite(() => Promise.reject(new Error("inside"))), /inside/);
   * assert.equal(await lock.withWrite(() => "free again"), "free again");
   * ```
   */
  async withWrite<R>(fn: () => R | Promise<R>, options?: AcquireOptions): Promise<R> {
    checkFunction("fn", fn, "write-lock");
    using _guard = await this.write(options);
    return await fn();
  }

  /**
   * Acquires the lock shared if that needs no waiting; never overtakes a queued writer.
   *
   * @returns The guard, or `undefined`.
   */
  tryRead(): Guard | undefined {
    return this.#queue.enter(false);
  }

  /**
   * Acquires the lock alone if that needs no waiting.
   *
   * @returns The guard, or `undefined`.
   *
   * @example
   * ```ts
   * import { RwLock } from "@interlock/core";
   * import assert from "node:assert/strict";
   *
   * const lock = new RwLock();
   * using guard = lock.tryWrite();
   * assert.equal(guard?.mode, "write");
   * assert.equal(lock.tryRead(), undefined);
   * ```
   */
  tryWrite(): Guard | undefined {
    return this.#queue.enter(true);
  }

  /**
   * Who holds the lock and who waits for it, at this moment. A waiter is a holder as soon as the
   * `release()` that lets it in has returned, though it has not run on yet.
   */
  query(): LockQuery {
    return { holders: this.#queue.listHolders(), waiters: this.#queue.listWaiters() };
  }

  /**
   * What the lock has counted since it was created, for a lock with `stats: true`. Takes constant
   * memory, however much there was to count.
   *
   * @returns A copy, which does not change any more.
   * @throws {TypeError} when the lock was created without `stats: true`
   *
   * @example
   * ```ts
   * import { RwLock } from "@interlock/core";
   * import assert from "node:assert/strict";
   *
   * const lock = new RwLock({ stats: true });
   * const guard = await lock.write();
   * const next = lock.read();
   * guard.release();
   * (await next).release();
   * const { acquired, contended, wait, hold } = lock.stats();
   * assert.deepEqual(acquired, { read: 1, write: 1 });
   * assert.deepEqual([contended, wait.count, hold.count], [1, 1, 2]);
   * assert(hold.p99 <= hold.max);
   * ```
   */
  stats(): LockStats {
    return this.#queue.stats();
  }

  #acquire(writes: boolean, options: AcquireOptions): Promise<Guard> {
    // The queue reads the options again, and a getter may throw there too.
    try {
      checkAcquireOptions(options, writes ? "write-lock" : "read-lock");
      return this.#queue.acquire(writes, options);
    } catch (error) {
      return Promise.reject(error);
    }
  }
}
