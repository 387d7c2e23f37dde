/** Reading halves: of one version that is kept, and of a store. */
import { show } from "../_options.ts";
import type { PinnedVersion } from "./_backend.ts";
import { checkGetOptions, checkKey, checkListOptions, checkWait } from "./_key.ts";
import { listKeys, type Version } from "./_version.ts";
import type {
  Entry,
  GetOptions,
  KeyVersion,
  ListOptions,
  ReadableStore,
  StoreSnapshot,
  StoreWait,
} from "./store.ts";

/** Reads a value of the version that is kept. */
type Read = (key: string, version?: number) => Entry | undefined;

/** One version, kept until this is disposed of. */
export class VersionView implements StoreSnapshot {
  readonly epoch: number;
  #pin: PinnedVersion<unknown> | undefined;
  readonly #use: Disposable;
  readonly #read: Read;

  constructor(pin: PinnedVersion<unknown>, use: Disposable, read: Read) {
    this.epoch = pin.version.epoch;
    this.#pin = pin;
    this.#use = use;
    this.#read = read;
  }

  // Async, as all readers of stores are; see the interface.
  // deno-lint-ignore require-await
  async get<T = unknown>(key: string, options: GetOptions = {}): Promise<Entry<T> | undefined> {
    checkKey(key, "get");
    checkGetOptions(options, `get ${show(key)}`);
    this.#version(`get ${show(key)}`);
    return this.#read(key, options.version) as Entry<T> | undefined;
  }

  // deno-lint-ignore require-await
  async list(options: ListOptions = {}): Promise<readonly KeyVersion[]> {
    checkListOptions(options);
    const version = this.#version("list keys");
    return listKeys(version.keys, options, (key) => version.find(key)!.version);
  }

  // deno-lint-ignore require-await
  async versions(key: string, options: StoreWait = {}): Promise<readonly number[]> {
    checkKey(key, "list versions of");
    checkWait(options, `list versions of ${show(key)}`);
    const { rows } = this.#version(`list versions of ${show(key)}`);
    return rows.get(key)?.map(({ version }) => version) ?? [];
  }

  [Symbol.dispose](): void {
    const pin = this.#pin;
    if (pin === undefined) return;
    this.#pin = undefined;
    try {
      pin[Symbol.dispose]();
    } finally {
      this.#use[Symbol.dispose]();
    }
  }

  #version(action: string): Version<unknown> {
    if (this.#pin !== undefined) return this.#pin.version;
    throw new TypeError(`Cannot ${action}: the snapshot has been disposed of`);
  }
}

/** What can be read of a store, without anything to write with. */
export class StoreView implements ReadableStore {
  readonly #store: ReadableStore;

  constructor(store: ReadableStore) {
    this.#store = store;
  }

  get<T = unknown>(key: string, options?: GetOptions): Promise<Entry<T> | undefined> {
    return this.#store.get<T>(key, options);
  }

  list(options?: ListOptions): Promise<readonly KeyVersion[]> {
    return this.#store.list(options);
  }

  versions(key: string, options?: StoreWait): Promise<readonly number[]> {
    return this.#store.versions(key, options);
  }

  snapshot(options?: StoreWait): Promise<StoreSnapshot> {
    return this.#store.snapshot(options);
  }
}
