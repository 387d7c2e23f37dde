/**
 * What all stores do alike: locks of keys, transactions, versions. Where versions are kept is for the
 * backend to know.
 *
 * What always holds: whoever commits a change of a key has that key's stripe, from before he looked at
 * what is there until the commit is over. So what he saw is still there when it is replaced, which
 * makes `compareAndSet` and transactions atomic: they are serialized by the locks of their keys, all
 * taken before anything is read (conservative two-phase locking, hence without deadlocks), and one
 * that does not name its keys has all stripes. Backends take changes one after the other, whole, and
 * that is the moment at which they happen for everyone.
 *
 * Readers take no lock. They look at the version that is current, which never changes.
 */
import { Allowance } from "../_allowance.ts";
import { type Deadlines, deadlinesOf } from "../_deadlines.ts";
import { currentHost, type Host } from "../_host.ts";
import { checkDuration, checkFunction, show } from "../_options.ts";
import { UpdateRun } from "../_update.ts";
import { CorruptError } from "../errors.ts";
import type { Backend } from "./_backend.ts";
import {
  checkGetOptions,
  checkKey,
  checkKeys,
  checkListOptions,
  checkVersion,
  checkWait,
} from "./_key.ts";
import type { Stripes } from "./_stripes.ts";
import { OpenTransaction } from "./_transaction.ts";
import { untilAborted } from "./_until_aborted.ts";
import { decodeValue, encodeValue, type StoredValue } from "./_value.ts";
import { listKeys, type Version } from "./_version.ts";
import { VersionView } from "./_view.ts";
import type {
  Entry,
  GetOptions,
  Item,
  KeyVersion,
  ListOptions,
  LoadOptions,
  StoreSnapshot,
  StoreWait,
  Transaction,
  TransactionOptions,
} from "./store.ts";

/** See above. */
export class Engine<C = unknown> {
  readonly #host: Host = currentHost();
  readonly #deadlines: Deadlines;
  readonly #backend: Backend<C>;
  readonly #stripes: Stripes;

  constructor(backend: Backend<C>, stripes: Stripes) {
    this.#deadlines = deadlinesOf(this.#host);
    this.#backend = backend;
    this.#stripes = stripes;
  }

  get epoch(): number {
    using _use = this.#backend.use("read the epoch", false);
    return this.#backend.current().epoch;
  }

  get<T>(key: string, options: GetOptions = {}): Entry<T> | undefined {
    checkKey(key, "get");
    checkGetOptions(options, `get ${show(key)}`);
    using _use = this.#backend.use(`get ${show(key)}`, false);
    for (;;) {
      const version = this.#backend.current();
      const kept = version.find(key, options.version);
      if (kept === undefined) return undefined;
      const value = this.#backend.read(kept.content, kept.version);
      if (value !== undefined) {
        return { key, value: decodeValue<T>(value), version: kept.version };
      }
      // It went away between two steps of ours, as it may if it has been replaced.
      if (this.#backend.current().epoch === version.epoch) throw this.#missing(key, kept.version);
    }
  }

  list(options: ListOptions = {}): readonly KeyVersion[] {
    checkListOptions(options);
    using _use = this.#backend.use("list keys", false);
    const version = this.#backend.current();
    return listKeys(version.keys, options, (key) => version.find(key)!.version);
  }

  versions(key: string, options: StoreWait = {}): readonly number[] {
    checkKey(key, "list versions of");
    checkWait(options, `list versions of ${show(key)}`);
    using _use = this.#backend.use(`list versions of ${show(key)}`, false);
    return this.#backend.current().rows.get(key)?.map(({ version }) => version) ?? [];
  }

  snapshot(options: StoreWait = {}): StoreSnapshot {
    checkWait(options, "take a snapshot");
    const use = this.#backend.use("take a snapshot", false);
    try {
      const pin = this.#backend.pin();
      return new VersionView(pin, use, (key, version) => this.#read(pin.version, key, version));
    } catch (error) {
      use[Symbol.dispose]();
      throw error;
    }
  }

  async set(key: string, value: unknown, options: StoreWait = {}): Promise<number> {
    checkKey(key, "set");
    const action = `set ${show(key)}`;
    checkWait(options, action);
    const { signal, label } = options;
    const stored = encodeValue(value, action);
    using _use = this.#backend.use(action, true);
    const allowance = this.#allow(options);
    using _turn = await this.#stripes.one(key, options);
    const wait = { timeout: allowance.left, signal, label };
    return await this.#commit(new Map([[key, stored]]), wait);
  }

  async delete(key: string, options: StoreWait = {}): Promise<boolean> {
    checkKey(key, "delete");
    const action = `delete ${show(key)}`;
    checkWait(options, action);
    const { signal, label } = options;
    using _use = this.#backend.use(action, true);
    const allowance = this.#allow(options);
    using _turn = await this.#stripes.one(key, options);
    if (this.#backend.current().find(key) === undefined) return false;
    const wait = { timeout: allowance.left, signal, label };
    await this.#commit(new Map([[key, undefined]]), wait);
    return true;
  }

  async compareAndSet(
    key: string,
    version: number | undefined,
    value: unknown,
    options: StoreWait = {},
  ): Promise<number | undefined> {
    checkKey(key, "set");
    const action = `set ${show(key)}`;
    if (version !== undefined) checkVersion(version, action);
    checkWait(options, action);
    const { signal, label } = options;
    const stored = encodeValue(value, action);
    using _use = this.#backend.use(action, true);
    const allowance = this.#allow(options);
    using _turn = await this.#stripes.one(key, options);
    if (this.#backend.current().find(key)?.version !== version) return undefined;
    const wait = { timeout: allowance.left, signal, label };
    return await this.#commit(new Map([[key, stored]]), wait);
  }

  async transaction<R>(
    fn: (transaction: Transaction) => R | Promise<R>,
    options: TransactionOptions = {},
  ): Promise<R> {
    const action = "run a transaction";
    checkFunction("fn", fn, action);
    checkWait(options, action);
    const { timeout, signal, label, limit } = options;
    if (limit !== undefined) checkDuration("limit", limit, action);
    const keys = options.keys === undefined ? undefined : checkKeys(options.keys, action);
    using _use = this.#backend.use(action, true);
    const allowance = this.#allow(options);
    using _turn = await this.#stripes.several(keys, { timeout, signal, label });
    // What is left is for the commit to wait; the run does not count.
    const { left } = allowance;
    const base = this.#backend.current();
    const run = new UpdateRun(base.epoch);
    let transaction: OpenTransaction | undefined;
    let result: R;
    try {
      result = await run.start(
        (_, context) => {
          const read = <T>(key: string) => this.#read<T>(base, key);
          transaction = new OpenTransaction(base, read, keys, context);
          return fn(transaction);
        },
        undefined as R,
        { signal, label, limit },
        this.#deadlines,
      );
    } finally {
      transaction?.end();
    }
    const { writes } = transaction!;
    const needed = new Map([...writes].filter(([key, value]) => value ?? base.find(key)));
    if (needed.size > 0) await this.#commit(needed, { timeout: left, signal, label });
    return result;
  }

  async load(
    items: AsyncIterable<Item> | Iterable<Item>,
    options: LoadOptions = {},
  ): Promise<number> {
    const action = "load";
    checkWait(options, action);
    checkItems(items);
    const { timeout, signal, label, replace = false } = options;
    if (typeof replace !== "boolean") {
      throw new TypeError(`Cannot ${action}: replace must be true or false, got ${show(replace)}`);
    }
    using _use = this.#backend.use(action, true);
    const staged = new Map<string, C>();
    const superseded: C[] = [];
    try {
      for await (const item of signal === undefined ? items : untilAborted(items, signal)) {
        const key = checkKey(item?.key, action);
        const value = encodeValue(item.value, `load ${show(key)}`);
        const before = staged.get(key);
        staged.set(key, this.#backend.stage(value));
        if (before !== undefined) superseded.push(before);
      }
      if (staged.size === 0 && !replace) return 0;
      const allowance = this.#allow({ timeout });
      using _turn = await this.#stripes.several(undefined, { timeout, signal, label });
      const wait = { timeout: allowance.left, signal, label };
      await this.#backend.commit({ entries: staged, replace }, wait);
    } catch (error) {
      this.#backend.discard([...staged.values(), ...superseded]);
      throw error;
    }
    this.#backend.discard(superseded);
    return staged.size;
  }

  /** A value of a version that is kept. */
  #read<T>(of: Version<C>, key: string, wanted?: number): Entry<T> | undefined {
    const kept = of.find(key, wanted);
    if (kept === undefined) return undefined;
    const value = this.#backend.read(kept.content, kept.version);
    if (value === undefined) throw this.#missing(key, kept.version);
    return { key, value: decodeValue<T>(value), version: kept.version };
  }

  async #commit(
    writes: ReadonlyMap<string, StoredValue | undefined>,
    wait: StoreWait,
  ): Promise<number> {
    const staged = new Map<string, C | undefined>();
    try {
      for (const [key, value] of writes) staged.set(key, value && this.#backend.stage(value));
      return await this.#backend.commit({ entries: staged, replace: false }, wait);
    } catch (error) {
      this.#backend.discard([...staged.values()].filter((content) => content !== undefined));
      throw error;
    }
  }

  #allow({ timeout = Infinity }: StoreWait): Allowance {
    return new Allowance(this.#host, timeout);
  }

  #missing(key: string, version: number): CorruptError {
    return new CorruptError(this.#backend.name, version, `the value of ${show(key)} is missing`);
  }
}

function checkItems(items: unknown): void {
  const { [Symbol.asyncIterator]: later, [Symbol.iterator]: now } = Object(items);
  if (typeof items === "object" && (typeof later === "function" || typeof now === "function")) {
    return;
  }
  throw new TypeError(`Cannot load: items must be iterable, got ${show(items)}`);
}
