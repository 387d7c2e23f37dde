/**
 * A store in memory, for the tasks of one isolate.
 *
 * @module
 */
import { currentHost } from "../_host.ts";
import { checkLabel, checkOptions } from "../_options.ts";
import { RwLock } from "../rw_lock.ts";
import { Engine } from "./_engine.ts";
import { checkKeep } from "./_key.ts";
import { MemoryBackend } from "./_memory_backend.ts";
import { Stripes } from "./_stripes.ts";
import { VersionedStore } from "./versioned_store.ts";

/** What a `MemoryStore` may be built with. */
export interface MemoryStoreOptions {
  /** A name for the store, shown in errors. */
  label?: string;
  /**
   * How many values of each key are kept, the newest among them, for `get` with a `version`.
   *
   * @default 1
   */
  keep?: number;
}

/**
 * A store in memory: snapshots of a persistent map. It promises what every
 * {@linkcode VersionedStore} does, to the tasks of one isolate.
 *
 * A write costs microseconds however many keys there are. The first list after a commit that adds or
 * removes keys sorts all of them.
 *
 * After `MemoryStore` of rust-keyvault, without its lock around everything.
 *
 * @example A list of one version, while a transaction goes on
 * ```ts
 * import { MemoryStore } from "@interlock/core/store";
 * import assert from "node:assert/strict";
 *
 * const accounts = new MemoryStore();
 * await accounts.set("alice", 100);
 * await accounts.set("bob", 0);
 *
 * using before = await accounts.snapshot();
 * await accounts.transaction(async (tx) => {
 *   const from = await tx.get<number>("alice");
 *   const to = await tx.get<number>("bob");
 *   tx.set("alice", from!.value - 30);
 *   tx.set("bob", to!.value + 30);
 * });
 * assert.equal((await accounts.get("bob"))?.value, 30);
 * assert.equal((await before.get("bob"))?.value, 0);
 * ```
 *
 * @example A write that does not bury another
 * ```ts
 * import { MemoryStore } from "@interlock/core/store";
 * import assert from "node:assert/strict";
 *
 * const store = new MemoryStore({ keep: 2 });
 * const first = await store.set("key", "old");
 * const second = await store.compareAndSet("key", first, "new");
 * assert.equal(await store.compareAndSet("key", first, "late"), undefined);
 * assert.deepEqual(await store.get("key"), { key: "key", value: "new", version: second });
 * assert.deepEqual(await store.versions("key"), [second, first]);
 * assert.equal((await store.get("key", { version: first }))?.value, "old");
 * ```
 */
export class MemoryStore extends VersionedStore {
  /**
   * An empty store.
   *
   * @param options A label for errors, and how many values of a key are kept.
   * @throws {TypeError | RangeError} when an option cannot be meant
   */
  constructor(options: MemoryStoreOptions = {}) {
    const action = "create memory store";
    checkOptions(options, action);
    checkLabel(options.label, action);
    const { label = "the memory store", keep = 1 } = options;
    const backend = new MemoryBackend(label, checkKeep(keep, action));
    const stripes = new Stripes(currentHost(), () => new RwLock({ label: `keys of ${label}` }));
    super(new Engine(backend, stripes));
  }
}
