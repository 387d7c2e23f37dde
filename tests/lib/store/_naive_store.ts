/**
 * A store as one writes it first: a file for each key, each replaced by a rename, which is right for one
 * key and wrong for two.
 */
import type { Files } from "../../../lab/mod.ts";
import { makeLastingFolder, replaceFile } from "../../../lib/_file_replace.ts";
import type {
  Entry,
  Item,
  KeyVersion,
  LoadOptions,
  Store,
  Transaction,
} from "../../../lib/store/mod.ts";

/** As much of a store as the programs use whose crashes are explored. */
export type Written = Pick<Store, "get" | "list" | "set" | "delete" | "transaction" | "load">;

/** See above. */
export class NaiveStore implements Written {
  readonly #files: Files;
  readonly #folder: string;

  constructor(files: Files, folder: string) {
    this.#files = files;
    this.#folder = folder;
  }

  // Async, as those of the stores are.
  // deno-lint-ignore require-await
  async get<T>(key: string): Promise<Entry<T> | undefined> {
    const bytes = this.#files.readFile(`${this.#folder}/${key}`);
    if (bytes === undefined) return undefined;
    const { json, list } = JSON.parse(new TextDecoder().decode(bytes));
    return { key, value: (list ? new Uint8Array(list) : json) as T, version: 1 };
  }

  // deno-lint-ignore require-await
  async list(): Promise<KeyVersion[]> {
    if (this.#files.kind(this.#folder) === undefined) return [];
    return this.#files.list(this.#folder).filter((name) => !name.includes("."))
      .map((key) => ({ key, version: 1 }));
  }

  // deno-lint-ignore require-await
  async set(key: string, value: unknown): Promise<number> {
    this.#put(key, value);
    return 1;
  }

  // deno-lint-ignore require-await
  async delete(key: string): Promise<boolean> {
    this.#remove(key);
    return true;
  }

  async transaction<R>(fn: (transaction: Transaction) => R | Promise<R>): Promise<R> {
    return await fn({
      epoch: 0,
      signal: new AbortController().signal,
      get: (key) => this.get(key),
      list: () => this.list(),
      set: (key, value) => this.#put(key, value),
      delete: (key) => this.#remove(key),
    });
  }

  async load(
    items: AsyncIterable<Item> | Iterable<Item>,
    { replace = false }: LoadOptions = {},
  ): Promise<number> {
    const keys = new Set<string>();
    for await (const { key, value } of items) {
      this.#put(key, value);
      keys.add(key);
    }
    for (const { key } of replace ? await this.list() : []) if (!keys.has(key)) this.#remove(key);
    return keys.size;
  }

  #put(key: string, value: unknown): void {
    makeLastingFolder(this.#files, this.#folder);
    const data = value instanceof Uint8Array ? { list: [...value] } : { json: value };
    const bytes = new TextEncoder().encode(JSON.stringify(data));
    replaceFile(this.#files, `${this.#folder}/${key}`, bytes, 0o600);
  }

  #remove(key: string): void {
    this.#files.remove(`${this.#folder}/${key}`);
    this.#files.syncFolder(this.#folder);
  }
}
