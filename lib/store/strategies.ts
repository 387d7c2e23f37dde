/**
 * Ways for several writers to change what they have read, and each with what it asks for.
 *
 * | strategy | who is kept apart | use it when |
 * |---|---|---|
 * | {@linkcode singleWriter} | all other processes, by one claim for good | one program can do all the writing |
 * | {@linkcode locked} over a `FileLock` | processes, for each update | several programs of one machine must write |
 * | {@linkcode locked} over something of yours | whoever agrees on it | writers are on several machines, or coordinated already |
 * | {@linkcode partitioned} | nobody, for nobody shares anything | the data falls into parts with a writer each |
 * | {@linkcode optimistic} | nobody, but who was late begins again | conflicts are rare and a change may be computed twice |
 * | {@linkcode transactional} | writers of the same key | the store has transactions, as those here have |
 * | {@linkcode uncoordinated} | nobody | **never with several writers: updates are lost** |
 *
 * Whoever only reads takes {@linkcode Store.readOnly} and has nothing to do with any of this. All
 * writers of a store must use one and the same strategy. After the document on multi-writer
 * scenarios of maph.
 *
 * @example Two processes, of which one has the claim; here both are this one
 * ```ts
 * import { FileLock } from "@interlock/core";
 * import { FileStore, singleWriter } from "@interlock/core/store";
 * import assert from "node:assert/strict";
 * import { mkdtempSync, rmSync } from "node:fs";
 * import { tmpdir } from "node:os";
 *
 * const folder = mkdtempSync(`${tmpdir()}/interlock-`);
 * const store = new FileStore(`${folder}/store`);
 * using writer = await singleWriter(store, new FileLock(`${folder}/writer`));
 * await assert.rejects(singleWriter(store, new FileLock(`${folder}/writer`)), /within 0 ms/);
 *
 * const increment = () => writer.update<number>("count", (count = 0) => count + 1);
 * assert.deepEqual(await Promise.all([increment(), increment()]), [1, 2]);
 * assert.equal((await writer.reader.get("count"))?.value, 2);
 * rmSync(folder, { recursive: true });
 * ```
 *
 * @module
 */
import { checkFunction, show } from "../_options.ts";
import type { AcquireOptions, Guard } from "../lock.ts";
import { RwLock } from "../rw_lock.ts";
import { checkKey, checkStore, checkWait } from "./_key.ts";
import { hashOf } from "./_stripes.ts";
import { LockedStore, type StoreLock } from "./locked_store.ts";
import type { ReadableStore, Store, StoreWait } from "./store.ts";

/** Computes the next value from the one that is there; `undefined` if there is none. */
export type Change<T> = (value: T | undefined) => T | Promise<T>;

/** How values are changed that depend on what they were. */
export interface Strategy {
  /** What it is called. */
  readonly name: string;
  /**
   * Reads the value of a key, computes the next one, and stores it.
   *
   * @param key The key.
   * @param change Computes the next value.
   * @param options How long to wait for the turn, in milliseconds, and what ends the wait.
   * @returns The next value.
   * @throws {LockTimeoutError} when `timeout` milliseconds have passed before its turn came
   * @throws the signal's reason when it has aborted, or whatever `change` throws
   */
  update<T>(key: string, change: Change<T>, options?: StoreWait): Promise<T>;
}

const MAKE = "make a strategy";

/** Refuses what does not compute a value. */
function checkChange(change: unknown, key: string): void {
  checkFunction("change", change, `update ${show(key)}`);
}

/** Reads, computes and writes, in three steps that nothing holds together. */
async function readThenWrite<T>(
  store: Pick<Store, "get" | "set">,
  key: string,
  change: Change<T>,
  options?: StoreWait,
): Promise<T> {
  checkChange(change, key);
  const entry = await store.get<T>(key, options);
  const next = await change(entry?.value);
  await store.set(key, next, options);
  return next;
}

/**
 * Nobody is kept apart: for a single writer who has only one task, and to see what happens otherwise.
 * The operations of the store are atomic, and updates are lost all the same, since a read and a write
 * are two of them.
 *
 * @param store What is written to.
 * @throws {TypeError} when it is no store
 */
export function uncoordinated(store: Store): Strategy {
  checkStore(store, "set", MAKE);
  return {
    name: "none",
    update: (key, change, options) => readThenWrite(store, key, change, options),
  };
}

/**
 * Each update holds a lock from before it reads until after it has written.
 *
 * @param store What is written to.
 * @param lock What all writers share: `RwLock` for tasks, `FileLock` for processes, or any other.
 * @throws {TypeError} when one of them is something else
 */
export function locked(store: Store, lock: StoreLock): Strategy {
  const behind = new LockedStore(store, lock);
  return {
    name: "lock",
    // One timeout for the lock; what is done inside does not wait for other writers.
    update: (key, change, options) =>
      behind.withWrite((inner) => readThenWrite(inner, key, change), options),
  };
}

/** The right to write, until it is given up. */
export interface SingleWriter extends Strategy, Disposable {
  /** What others may have, in this process too: the store, with nothing to write with. */
  readonly reader: ReadableStore;
}

/**
 * One process does all the writing: it claims a lock once, and keeps it. Its tasks queue among
 * themselves; no update costs a lock that others have to do with. All others read, or ask the writer
 * to write for them.
 *
 * @param store What is written to.
 * @param claim A lock that all who would like to be the writer know: a `FileLock`.
 * @param options How long to wait for the claim; by default not at all.
 * @returns The strategy; disposing of it gives up the claim, and what is under way is still done.
 * @throws {TypeError | RangeError} when an argument cannot be meant
 * @throws {LockTimeoutError} when another is the writer
 * @throws the signal's reason when it has aborted
 */
export async function singleWriter(
  store: Store,
  claim: { write(options?: AcquireOptions): Promise<Guard> },
  options: StoreWait = {},
): Promise<SingleWriter> {
  const action = "claim to be the writer";
  checkStore(store, "readOnly", action);
  if (typeof claim?.write !== "function") {
    throw new TypeError(`Cannot ${action}: a lock was expected, got ${show(claim)}`);
  }
  checkWait(options, action);
  const { timeout = 0, signal, label } = options;
  const turns = new RwLock({ label: "the single writer" });
  // Whatever may be refused is before the claim, which nobody could give up else.
  const { update } = locked(store, turns);
  const reader = store.readOnly();
  const guard = await claim.write({ timeout, signal, label });
  let over: Promise<unknown> | undefined;
  return {
    name: "single writer",
    reader,
    async update(key, change, options) {
      if (over === undefined) return await update(key, change, options);
      throw new TypeError(`Cannot update ${show(key)}: the claim to be the writer was given up`);
    },
    [Symbol.dispose]() {
      // Those who wait already come before.
      over ??= turns.withWrite(() => guard.release());
    },
  };
}

/**
 * Each key belongs to one part, and each part has a store and a writer of its own, so that there is
 * nothing to coordinate. Which part that is depends on the key and on how many there are, and on
 * nothing else.
 *
 * @param parts How each part is written to, in the same order everywhere: with `uncoordinated` where
 *   one task does all the writing of a part, with `singleWriter` where one process does.
 * @throws {TypeError} when there are none
 */
export function partitioned(parts: readonly Strategy[]): Strategy {
  if (!Array.isArray(parts) || parts.length === 0) {
    throw new TypeError(`Cannot partition: an array of parts was expected, got ${show(parts)}`);
  }
  return {
    name: "partitioning",
    update: (key, change, options) => parts[partOf(key, parts.length)].update(key, change, options),
  };
}

/**
 * Which part a key belongs to.
 *
 * @param key The key.
 * @param parts How many parts there are.
 * @returns A number from 0 up to `parts`, always the same for a key.
 * @throws {TypeError | RangeError} when an argument cannot be meant
 */
export function partOf(key: string, parts: number): number {
  checkKey(key, "partition");
  if (!Number.isSafeInteger(parts) || parts < 1) {
    throw new RangeError(`Cannot partition: parts is a whole number from 1 up, got ${show(parts)}`);
  }
  return hashOf(key) % parts;
}

/**
 * Writes only if nobody has written since it read, and begins again if somebody has: then it runs
 * `change` again. Somebody always gets through; a slow one among many quick ones may be late often.
 *
 * @param store What is written to.
 * @throws {TypeError} when it is no store
 */
export function optimistic(store: Store): Strategy {
  checkStore(store, "compareAndSet", MAKE);
  return {
    name: "compare and set",
    async update<T>(key: string, change: Change<T>, options?: StoreWait) {
      checkChange(change, key);
      for (;;) {
        const entry = await store.get<T>(key, options);
        const next = await change(entry?.value);
        const version = await store.compareAndSet(key, entry?.version, next, options);
        if (version !== undefined) return next;
      }
    },
  };
}

/**
 * Each update is a transaction of its key, so writers of the same key, or of one that shares its lock,
 * wait for one another.
 *
 * @param store What is written to.
 * @throws {TypeError} when it is no store
 */
export function transactional(store: Store): Strategy {
  checkStore(store, "transaction", MAKE);
  return {
    name: "transaction",
    async update<T>(key: string, change: Change<T>, options?: StoreWait) {
      checkChange(change, key);
      return await store.transaction(async (tx) => {
        const next = await change((await tx.get<T>(key))?.value);
        tx.set(key, next);
        return next;
      }, { ...options, keys: [key] });
    },
  };
}
