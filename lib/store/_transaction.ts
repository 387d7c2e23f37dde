/**
 * What a transaction's function reads and writes: the version that is current, and above it what
 * the transaction itself has set and deleted. Nothing of that leaves here before the function has
 * ended, and nothing comes in afterwards.
 */
import { show } from "../_options.ts";
import { checkKey, checkListOptions } from "./_key.ts";
import { decodeValue, encodeValue, type StoredValue } from "./_value.ts";
import { listKeys, type Version } from "./_version.ts";
import type { Entry, KeyVersion, ListOptions, Transaction } from "./store.ts";

/** Reads a value of the version that the transaction sees. */
type Read = <T>(key: string) => Entry<T> | undefined;

/** See above. */
export class OpenTransaction implements Transaction {
  /** What it has set, and `undefined` for what it has deleted. */
  readonly writes = new Map<string, StoredValue | undefined>();
  readonly #base: Version<unknown>;
  readonly #read: Read;
  readonly #keys: ReadonlySet<string> | undefined;
  readonly #context: { readonly signal: AbortSignal };
  #over = false;

  constructor(
    base: Version<unknown>,
    read: Read,
    keys: ReadonlySet<string> | undefined,
    context: { readonly signal: AbortSignal },
  ) {
    this.#base = base;
    this.#read = read;
    this.#keys = keys;
    this.#context = context;
  }

  get epoch(): number {
    return this.#base.epoch;
  }

  get signal(): AbortSignal {
    return this.#context.signal;
  }

  // Async, so that a store that had to wait for its files could be told of in the same way.
  // deno-lint-ignore require-await
  async get<T = unknown>(key: string): Promise<Entry<T> | undefined> {
    this.#check(key, "get");
    if (!this.writes.has(key)) return this.#read<T>(key);
    const value = this.writes.get(key);
    return value && { key, value: decodeValue<T>(value), version: 0 };
  }

  // deno-lint-ignore require-await
  async list(options: ListOptions = {}): Promise<readonly KeyVersion[]> {
    this.#checkOpen("list keys");
    checkListOptions(options);
    if (this.#keys !== undefined) {
      throw new TypeError("Cannot list keys: this transaction has named the keys it touches");
    }
    const { keys } = this.#base;
    const written = [...this.writes];
    const added = written.filter(([key, value]) => value !== undefined && !this.#base.find(key));
    const deleted = new Set(written.filter(([, value]) => value === undefined).map(([key]) => key));
    const left = deleted.size === 0 ? keys : keys.filter((key) => !deleted.has(key));
    const all = added.length === 0 ? left : [...left, ...added.map(([key]) => key)].sort();
    const versionOf = (key: string) => this.writes.has(key) ? 0 : this.#base.find(key)!.version;
    return listKeys(all, options, versionOf);
  }

  set(key: string, value: unknown): void {
    this.#check(key, "set");
    this.writes.set(key, encodeValue(value, `set ${show(key)}`));
  }

  delete(key: string): void {
    this.#check(key, "delete");
    this.writes.set(key, undefined);
  }

  /** Ends it: what is asked of it from now on throws. */
  end(): void {
    this.#over = true;
  }

  #checkOpen(action: string): void {
    if (this.#over) throw new TypeError(`Cannot ${action}: the transaction is over`);
  }

  #check(key: string, action: string): void {
    checkKey(key, action);
    this.#checkOpen(`${action} ${show(key)}`);
    if (this.#keys === undefined || this.#keys.has(key)) return;
    throw new TypeError(
      `Cannot ${action} ${show(key)}: it is not among the keys this transaction has named`,
    );
  }
}
