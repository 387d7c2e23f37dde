/**
 * What every store does, wherever it keeps things: values by key, in versions that are counted.
 *
 * @module
 */
import type { AcquireOptions } from "../lock.ts";

/** How long to wait for one's turn, and what ends the wait. */
export type StoreWait = Pick<AcquireOptions, "timeout" | "signal" | "label">;

/** A value as it was committed. */
export interface Entry<T = unknown> {
  /** Its key. */
  readonly key: string;
  /** The value: the reader's own copy. */
  readonly value: T;
  /**
   * The epoch of the commit that stored it: later ones have greater numbers, whatever the key, and
   * none is used twice. In a transaction, 0 for what that transaction itself has set.
   */
  readonly version: number;
}

/** A key that is there, and the version of its value. */
export interface KeyVersion {
  /** The key. */
  readonly key: string;
  /** The version of its value; see {@linkcode Entry}. */
  readonly version: number;
}

/** Which value to get. */
export interface GetOptions extends StoreWait {
  /**
   * One of those that `versions()` lists.
   *
   * @default the newest
   */
  version?: number;
}

/** Which keys to list. */
export interface ListOptions extends StoreWait {
  /**
   * Only keys that begin with this.
   *
   * @default ""
   */
  prefix?: string;
  /** Only keys that come after this one, in the order of the list: for one page after the other. */
  after?: string;
  /**
   * How many at most.
   *
   * @default Infinity
   */
  limit?: number;
}

/** How to run a transaction. */
export interface TransactionOptions extends StoreWait {
  /**
   * The keys it may touch. Only writers of these, and of keys that share a lock with them, then wait
   * for it. Without it the transaction has the whole store to itself.
   */
  keys?: Iterable<string>;
  /**
   * The longest run of the function, in milliseconds.
   *
   * @default Infinity
   */
  limit?: number;
}

/** How to load many values. */
export interface LoadOptions extends StoreWait {
  /**
   * Whether keys that are not loaded go away.
   *
   * @default false
   */
  replace?: boolean;
}

/** A key and what to store there. */
export interface Item {
  /** The key. */
  readonly key: string;
  /** A `Uint8Array`, or what JSON can express. */
  readonly value: unknown;
}

/** The reading half of a store, or of one version of it. It has nothing to write with. */
export interface VersionReader {
  /**
   * The value of a key.
   *
   * @param key The key.
   * @param options Which of its versions, if not the newest; how long to wait, where that is needed.
   * @returns The value and its version; `undefined` if there is none.
   * @throws {CorruptError} when what is stored is damaged
   * @throws {TypeError | RangeError} when an argument cannot be meant
   */
  get<T = unknown>(key: string, options?: GetOptions): Promise<Entry<T> | undefined>;
  /**
   * The keys that are there, all of one version, in the order of their UTF-16 code units.
   *
   * @param options Which of them; how long to wait, where that is needed.
   * @throws {CorruptError} when what is stored is damaged
   * @throws {TypeError | RangeError} when an option cannot be meant
   */
  list(options?: ListOptions): Promise<readonly KeyVersion[]>;
  /**
   * The versions of a key that are kept, the newest first; none if the key is not there. How many
   * are kept is for whoever writes to say; deleting a key takes all of them away.
   *
   * @param key The key.
   * @param options How long to wait, where that is needed.
   * @throws {CorruptError} when what is stored is damaged
   * @throws {TypeError | RangeError} when an argument cannot be meant
   */
  versions(key: string, options?: StoreWait): Promise<readonly number[]>;
}

/** One version of a store, which stays as it is until this is disposed of. */
export interface StoreSnapshot extends VersionReader, Disposable {
  /** How many commits there had been. */
  readonly epoch: number;
}

/** A store that can be read. */
export interface ReadableStore extends VersionReader {
  /**
   * Keeps the version that is current, to read from it while writers go on.
   *
   * @param options How long to wait, where that is needed.
   * @returns That version, to be disposed of: until then what it needs is kept.
   */
  snapshot(options?: StoreWait): Promise<StoreSnapshot>;
}

/** What a transaction's function has at hand. It is of no use any more when that has ended. */
export interface Transaction {
  /** The epoch it reads. */
  readonly epoch: number;
  /** Aborts when the result is no longer wanted. */
  readonly signal: AbortSignal;
  /** The value of a key, as this transaction has left it. */
  get<T = unknown>(key: string): Promise<Entry<T> | undefined>;
  /** The keys that are there, as this transaction has left them; not if it has named its keys. */
  list(options?: Omit<ListOptions, keyof StoreWait>): Promise<readonly KeyVersion[]>;
  /** Stores a value when the transaction commits. */
  set(key: string, value: unknown): void;
  /** Takes a key away when the transaction commits. */
  delete(key: string): void;
}

/**
 * Values by key. A key is any well-formed string of at most 1024 bytes in UTF-8, the empty one
 * too; a value is a `Uint8Array`, or what JSON can express. Both come back as copies.
 */
export interface Store extends ReadableStore {
  /**
   * Stores a value, in the place of the one that is there.
   *
   * @param key The key.
   * @param value The value; what happens to it after the call does not matter.
   * @param options How long to wait for the turn, in milliseconds, and what ends the wait.
   * @returns The value's version.
   * @throws {LockTimeoutError} when `timeout` milliseconds have passed before its turn came
   * @throws {TypeError | RangeError} when an argument cannot be meant or stored
   * @throws the signal's reason when it has aborted
   */
  set(key: string, value: unknown, options?: StoreWait): Promise<number>;
  /**
   * Takes a key away, with all its versions.
   *
   * @param key The key.
   * @param options How long to wait for the turn, in milliseconds, and what ends the wait.
   * @returns Whether it was there.
   * @throws {LockTimeoutError} when `timeout` milliseconds have passed before its turn came
   * @throws {TypeError | RangeError} when an argument cannot be meant
   * @throws the signal's reason when it has aborted
   */
  delete(key: string, options?: StoreWait): Promise<boolean>;
  /**
   * Stores a value if nobody has stored another one since.
   *
   * @param key The key.
   * @param version The version that must still be there; `undefined` if there must be none.
   * @param value The value.
   * @param options How long to wait for the turn, in milliseconds, and what ends the wait.
   * @returns The new value's version; `undefined` if something else is there, and nothing has changed.
   * @throws {LockTimeoutError} when `timeout` milliseconds have passed before its turn came
   * @throws {TypeError | RangeError} when an argument cannot be meant or stored
   * @throws the signal's reason when it has aborted
   */
  compareAndSet(
    key: string,
    version: number | undefined,
    value: unknown,
    options?: StoreWait,
  ): Promise<number | undefined>;
  /**
   * Runs `fn` with the store, or some of its keys, to itself, and commits what it has set and
   * deleted, all at once. If it throws nothing has changed.
   *
   * @param fn What to do. It is run once. It must not wait for another write to the same keys, for
   *   that waits for it.
   * @param options Which keys; how long to wait and to run, in milliseconds, and what ends either.
   * @returns What `fn` answered.
   * @throws {LockTimeoutError} when `timeout` milliseconds have passed before its turn came
   * @throws {UpdateLimitError} when `fn` has run for longer than `limit` milliseconds
   * @throws {TypeError | RangeError} when an argument cannot be meant or stored
   * @throws the signal's reason when it has aborted, or whatever `fn` throws
   */
  transaction<R>(
    fn: (transaction: Transaction) => R | Promise<R>,
    options?: TransactionOptions,
  ): Promise<R>;
  /**
   * Stores many values at once: all of them, when the last has come, or none. Where values are kept
   * in files, no more than one of them is in memory at a time. Nobody waits for it while they come.
   *
   * @param items What to store; of several with one key, the last counts.
   * @param options Whether other keys go away; how long to wait for the turn, and what ends the wait.
   * @returns How many keys were stored.
   * @throws {LockTimeoutError} when `timeout` milliseconds have passed before its turn came
   * @throws {TypeError | RangeError} when an argument or an item cannot be meant or stored
   * @throws the signal's reason when it has aborted, or whatever `items` throws
   */
  load(items: AsyncIterable<Item> | Iterable<Item>, options?: LoadOptions): Promise<number>;
  /** The same store, with nothing to write with. */
  readOnly(): ReadableStore;
}
