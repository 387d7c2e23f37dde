/**
 * What `MemoryStore` and `FileStore` have in common, which is everything but where things are kept.
 *
 * @module
 */
import type { Engine } from "./_engine.ts";
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
 * A store whose versions are counted: each commit makes a new one, and readers keep the old one for
 * as long as they look at it.
 *
 * ### Guarantees, of every such store
 *
 * - **Each operation is linearizable**: it happens at one moment between its call and its return,
 *   for all tasks, and where the store is in files, for all processes. A commit is that moment for
 *   all keys it touches.
 * - **Readers never wait**, whatever writers do, and see one version: `list` never half a
 *   transaction, and a `snapshot` stays what it was.
 * - **Transactions are serializable**, strictly: as if they were run one after the other, in an order
 *   in which each comes after those that had returned before it was called, and with each single
 *   operation among them. They hold the locks of their keys while they run, so they are run once and
 *   never in conflict. Locks of keys are served first come, first served among the tasks of a process.
 * - **All or nothing**: an operation that rejects has changed nothing. (The exception is a disk that
 *   fails; see {@linkcode FileStore}.)
 * - **Versions** are the epochs of commits. No two commits have the same, so a key that was deleted
 *   and set again has another: `compareAndSet` cannot be deceived (there is no ABA).
 *
 * Keys share 16 locks, so a transaction may keep a writer of another key waiting; it never keeps a
 * reader waiting. A write inside a transaction's function other than by that transaction waits for it,
 * and so for ever: no lock is re-entrant.
 */
export abstract class VersionedStore implements Store {
  readonly #engine: Engine;

  /** For the stores of this package. */
  protected constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** How many commits there have been. */
  get epoch(): number {
    return this.#engine.epoch;
  }

  /** The value of a key; see {@linkcode VersionReader.get}. Waits for nobody. */
  // Async, so that whatever is wrong with an argument comes as a rejection.
  // deno-lint-ignore require-await
  async get<T = unknown>(key: string, options?: GetOptions): Promise<Entry<T> | undefined> {
    return this.#engine.get<T>(key, options);
  }

  /** The keys that are there; see {@linkcode VersionReader.list}. Waits for nobody. */
  // deno-lint-ignore require-await
  async list(options?: ListOptions): Promise<readonly KeyVersion[]> {
    return this.#engine.list(options);
  }

  /** The versions of a key that are kept; see {@linkcode VersionReader.versions}. Waits for nobody. */
  // deno-lint-ignore require-await
  async versions(key: string, options?: StoreWait): Promise<readonly number[]> {
    return this.#engine.versions(key, options);
  }

  /** Keeps the version that is current; see {@linkcode ReadableStore.snapshot}. Waits for nobody. */
  // deno-lint-ignore require-await
  async snapshot(options?: StoreWait): Promise<StoreSnapshot> {
    return this.#engine.snapshot(options);
  }

  /** Stores a value; see {@linkcode Store.set}. */
  set(key: string, value: unknown, options?: StoreWait): Promise<number> {
    return this.#engine.set(key, value, options);
  }

  /** Takes a key away; see {@linkcode Store.delete}. */
  delete(key: string, options?: StoreWait): Promise<boolean> {
    return this.#engine.delete(key, options);
  }

  /** Stores a value if nothing has changed; see {@linkcode Store.compareAndSet}. */
  compareAndSet(
    key: string,
    version: number | undefined,
    value: unknown,
    options?: StoreWait,
  ): Promise<number | undefined> {
    return this.#engine.compareAndSet(key, version, value, options);
  }

  /** Several reads and writes as one; see {@linkcode Store.transaction}. */
  transaction<R>(
    fn: (transaction: Transaction) => R | Promise<R>,
    options?: TransactionOptions,
  ): Promise<R> {
    return this.#engine.transaction(fn, options);
  }

  /** Stores many values at once; see {@linkcode Store.load}. */
  load(items: AsyncIterable<Item> | Iterable<Item>, options?: LoadOptions): Promise<number> {
    return this.#engine.load(items, options);
  }

  /** The same store, with nothing to write with. */
  readOnly(): ReadableStore {
    return new StoreView(this);
  }
}
