/**
 * Any store behind any lock.
 *
 * @module
 */
import { Allowance } from "../_allowance.ts";
import { currentHost, type Host } from "../_host.ts";
import { checkFunction, show } from "../_options.ts";
import { checkStore, checkWait } from "./_key.ts";
import { StoreView } from "./_view.ts";
import type {
  Entry,
  GetOptions,
  Item,
  KeyVersion,
  ListOptions,
  LoadOptions,
  ReadableStore,
  Store,
  StoreSnapshot,
  StoreWait,
  Transaction,
  TransactionOptions,
} from "./store.ts";

/**
 * As much of a lock as a store needs: that of every `ReadWriteLock`, and of what you make yourself of
 * whatever your programs agree on.
 */
export interface StoreLock {
  /** Runs `fn` beside other readers. */
  withRead<R>(fn: () => R | Promise<R>, options?: StoreWait): Promise<R>;
  /** Runs `fn` alone. */
  withWrite<R>(fn: () => R | Promise<R>, options?: StoreWait): Promise<R>;
}

/**
 * A store behind a lock: each operation holds it, shared or alone, and so do several together inside
 * {@linkcode withRead} and {@linkcode withWrite}.
 *
 * What that adds to a store whose operations are atomic already is a critical section of any length:
 * what was read inside is still there when it is written. It holds among those who use the same lock,
 * and no others: whoever writes to the store directly comes between. So all writers must go through
 * the lock, or none (mixing the two is the third pitfall of the document on multi-writer scenarios).
 *
 * How far it reaches is for the lock to say: `RwLock` for tasks, `FileLock` for processes, a lock
 * of a server for machines. It tells of long waits through its `onContention`. Every wait can be
 * bounded by `timeout`, which is one for the lock and the store together. Not re-entrant: inside,
 * use the store that is handed in.
 *
 * After `LockedMaphStore` of maph.
 *
 * @example Two who add to one count
 * ```ts
 * import { RwLock } from "@interlock/core";
 * import { LockedStore, MemoryStore } from "@interlock/core/store";
 * import assert from "node:assert/strict";
 *
 * const locked = new LockedStore(new MemoryStore(), new RwLock());
 * const increment = () =>
 *   locked.withWrite(async (store) => {
 *     const count = (await store.get<number>("count"))?.value ?? 0;
 *     await store.set("count", count + 1);
 *   }, { timeout: 1000 });
 * await Promise.all([increment(), increment()]);
 * assert.equal((await locked.get("count"))?.value, 2);
 * ```
 *
 * @example Coordinated by something of your own, here by locks that have names
 * ```ts
 * import { LockManager } from "@interlock/core/locks";
 * import { LockedStore, MemoryStore, type StoreLock } from "@interlock/core/store";
 * import assert from "node:assert/strict";
 *
 * const locks = new LockManager();
 * const token: StoreLock = {
 *   withRead: async (fn) => await locks.request("store", { mode: "shared" }, async () => await fn()),
 *   withWrite: async (fn) => await locks.request("store", async () => await fn()),
 * };
 * const locked = new LockedStore(new MemoryStore(), token);
 * assert.equal(await locked.set("key", 1), 1);
 * ```
 */
export class LockedStore implements Store {
  readonly #host: Host = currentHost();
  readonly #store: Store;
  readonly #lock: StoreLock;

  /**
   * Puts a store behind a lock.
   *
   * @param store The store.
   * @param lock The lock, which must be that of all others who write to the store.
   * @throws {TypeError} when one of them is something else
   */
  constructor(store: Store, lock: StoreLock) {
    const action = "put a store behind a lock";
    checkStore(store, "transaction", action);
    if (typeof lock?.withRead !== "function" || typeof lock.withWrite !== "function") {
      throw new TypeError(`Cannot ${action}: a lock was expected, got ${show(lock)}`);
    }
    this.#store = store;
    this.#lock = lock;
  }

  /**
   * Runs `fn` while nobody writes who goes through the lock.
   *
   * @param fn What to do; it is given the store itself, to read from.
   * @param options How long to wait for the lock, in milliseconds, and what ends the wait.
   * @returns What `fn` answered.
   * @throws {LockTimeoutError} when `timeout` milliseconds have passed
   * @throws the signal's reason when it has aborted, or whatever `fn` throws
   */
  withRead<R>(
    fn: (store: ReadableStore) => R | Promise<R>,
    options: StoreWait = {},
  ): Promise<R> {
    return this.#inside("withRead", fn, options);
  }

  /**
   * Runs `fn` while nobody else is inside who goes through the lock.
   *
   * @param fn What to do; it is given the store itself, to read and write.
   * @param options How long to wait for the lock, in milliseconds, and what ends the wait.
   * @returns What `fn` answered. What it has written stays also if it throws: this is no transaction.
   * @throws {LockTimeoutError} when `timeout` milliseconds have passed
   * @throws the signal's reason when it has aborted, or whatever `fn` throws
   */
  withWrite<R>(fn: (store: Store) => R | Promise<R>, options: StoreWait = {}): Promise<R> {
    return this.#inside("withWrite", fn, options);
  }

  /** The value of a key, with the lock shared; see {@linkcode VersionReader.get}. */
  get<T = unknown>(key: string, options: GetOptions = {}): Promise<Entry<T> | undefined> {
    return this.#inside("withRead", (store, asked) => store.get<T>(key, asked), options);
  }

  /** The keys that are there, with the lock shared; see {@linkcode VersionReader.list}. */
  list(options: ListOptions = {}): Promise<readonly KeyVersion[]> {
    return this.#inside("withRead", (store, asked) => store.list(asked), options);
  }

  /** The versions of a key, with the lock shared; see {@linkcode VersionReader.versions}. */
  versions(key: string, options: StoreWait = {}): Promise<readonly number[]> {
    return this.#inside("withRead", (store, asked) => store.versions(key, asked), options);
  }

  /** Keeps a version, with the lock shared until it has it; see {@linkcode ReadableStore.snapshot}. */
  snapshot(options: StoreWait = {}): Promise<StoreSnapshot> {
    return this.#inside("withRead", (store, asked) => store.snapshot(asked), options);
  }

  /** Stores a value, with the lock held alone; see {@linkcode Store.set}. */
  set(key: string, value: unknown, options: StoreWait = {}): Promise<number> {
    return this.#inside("withWrite", (store, asked) => store.set(key, value, asked), options);
  }

  /** Takes a key away, with the lock held alone; see {@linkcode Store.delete}. */
  delete(key: string, options: StoreWait = {}): Promise<boolean> {
    return this.#inside("withWrite", (store, asked) => store.delete(key, asked), options);
  }

  /** Stores a value if nothing has changed, with the lock held alone. */
  compareAndSet(
    key: string,
    version: number | undefined,
    value: unknown,
    options: StoreWait = {},
  ): Promise<number | undefined> {
    return this.#inside(
      "withWrite",
      (store, asked) => store.compareAndSet(key, version, value, asked),
      options,
    );
  }

  /** A transaction, with the lock held alone; see {@linkcode Store.transaction}. */
  transaction<R>(
    fn: (transaction: Transaction) => R | Promise<R>,
    options: TransactionOptions = {},
  ): Promise<R> {
    return this.#inside("withWrite", (store, asked) => store.transaction(fn, asked), options);
  }

  /** Stores many values, with the lock held alone while they come; see {@linkcode Store.load}. */
  load(
    items: AsyncIterable<Item> | Iterable<Item>,
    options: LoadOptions = {},
  ): Promise<number> {
    return this.#inside("withWrite", (store, asked) => store.load(items, asked), options);
  }

  /** The same store behind the same lock, with nothing to write with. */
  readOnly(): ReadableStore {
    return new StoreView(this);
  }

  /** `fn` is given what it was asked for when it was called, and the time that is left. */
  async #inside<O extends StoreWait, R>(
    how: "withRead" | "withWrite",
    fn: (store: Store, asked: O) => R | Promise<R>,
    options: O,
  ): Promise<R> {
    const action = how === "withRead" ? "read from the store" : "write to the store";
    checkFunction("fn", fn, action);
    checkWait(options, action);
    const asked = { ...options };
    const { timeout = Infinity, signal, label } = asked;
    const allowance = new Allowance(this.#host, timeout);
    const inside = () => fn(this.#store, { ...asked, timeout: allowance.left });
    return await this.#lock[how](inside, { timeout, signal, label });
  }
}
