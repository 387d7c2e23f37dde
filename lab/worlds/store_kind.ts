import {
  type Entry,
  exportStore,
  FileStore,
  type FileStoreOptions,
  importStore,
  type KeyVersion,
  type ListOptions,
  MemoryStore,
  type Store,
  type StoreWait,
  type Transaction,
  type TransactionOptions,
} from "../../lib/store/mod.ts";
import type { ObjectKind } from "./object_kind.ts";

/** What actors do to a store. */
export interface SharedStore {
  /** The value of a key, with its version; `undefined` when there is none. */
  get<T = unknown>(key: string): Promise<Entry<T> | undefined>;
  /** The keys that are there. */
  list(options?: ListOptions): Promise<readonly KeyVersion[]>;
  /** Stores a value; answers its version. */
  set(key: string, value: unknown, options?: StoreWait): Promise<number>;
  /** Takes a key away; answers whether it was there. */
  delete(key: string, options?: StoreWait): Promise<boolean>;
  /** Stores a value if the key has that version; answers the new one, or nothing if it has another. */
  compareAndSet(
    key: string,
    version: number | undefined,
    value: unknown,
    options?: StoreWait,
  ): Promise<number | undefined>;
  /** Runs a function on one version of the store, and commits what it has set. */
  transaction<R>(
    fn: (transaction: Transaction) => R | Promise<R>,
    options?: TransactionOptions,
  ): Promise<R>;
  /** All that is in one version of the store. */
  readAll(): Promise<Readonly<Record<string, unknown>>>;
  /** All that is in an export of it, sealed under a password and opened with that. */
  readExport(password: string): Promise<Readonly<Record<string, unknown>>>;
  /**
   * What is in an export of values, sealed under a password: all that an import of it would store.
   *
   * @param openedWith What it is opened with: the same password, if nothing else is said.
   * @throws {UnsealError} when it is opened with another
   */
  openExport(
    values: Readonly<Record<string, unknown>>,
    password: string,
    openedWith?: string,
  ): Promise<Readonly<Record<string, unknown>>>;
  /**
   * Seals values under a password, as an export of a store that has them, and imports that.
   *
   * @param openedWith What it is opened with: the same password, if nothing else is said.
   * @returns how many keys were stored
   * @throws {UnsealError} when it is opened with another, and nothing is imported
   */
  importExport(
    values: Readonly<Record<string, unknown>>,
    password: string,
    openedWith?: string,
  ): Promise<number>;
}

/** What scrypt costs here: a millisecond or three, for what is raced for is not the password. */
const CHEAP = { N: 2 ** 10 };

/** The operations of a store. */
type StoreOperation = keyof SharedStore;

/**
 * The library's own stores: `MemoryStore` between tasks, `FileStore` between processes. Exports are for
 * processes: between tasks, what is encrypted on another thread is taken for a wait for other actors.
 *
 * @param options What a `FileStore` is built with, in each process.
 */
export function store(options: FileStoreOptions = {}): ObjectKind<SharedStore, StoreOperation> {
  return {
    operations: {
      get: "read",
      list: "read",
      readAll: "read",
      readExport: "read",
      openExport: "read",
      importExport: "write",
      set: "write",
      delete: "write",
      compareAndSet: "write",
      transaction: "write",
    },
    tasks: () => over(new MemoryStore()),
    files: (folder) => {
      const files = new FileStore(folder, options);
      return Object.assign(over(files), { [Symbol.dispose]: () => files.close() });
    },
    close: (store) => (store as SharedStore & Partial<Disposable>)[Symbol.dispose]?.(),
  };
}

function over(store: Store): SharedStore {
  return {
    get: (key) => store.get(key),
    list: (options) => store.list(options),
    set: (key, value, options) => store.set(key, value, options),
    delete: (key, options) => store.delete(key, options),
    compareAndSet: (key, version, value, options) =>
      store.compareAndSet(key, version, value, options),
    transaction: (fn, options) => store.transaction(fn, options),
    readAll: () => readAll(store),
    readExport: async (password) =>
      await open(await exportStore(store, { password, cost: CHEAP }), password),
    openExport: async (values, password, openedWith = password) =>
      await open(await seal(values, password), openedWith),
    importExport: async (values, password, openedWith = password) =>
      await importStore(store, await seal(values, password), { password: openedWith }),
  };
}

/** An export of a store that has some values. */
async function seal(values: Readonly<Record<string, unknown>>, password: string) {
  const other = new MemoryStore();
  await other.transaction((transaction) => {
    for (const [key, value] of Object.entries(values)) transaction.set(key, value);
  });
  return await exportStore(other, { password, cost: CHEAP });
}

/** All that is in an export. */
async function open(sealed: AsyncIterable<Uint8Array>, password: string) {
  const copy = new MemoryStore();
  await importStore(copy, sealed, { password });
  return await readAll(copy);
}

/** All that is in one version of a store. */
async function readAll(store: Store): Promise<Record<string, unknown>> {
  using snapshot = await store.snapshot();
  const all: Record<string, unknown> = {};
  for (const { key } of await snapshot.list()) all[key] = (await snapshot.get(key))?.value;
  return all;
}
