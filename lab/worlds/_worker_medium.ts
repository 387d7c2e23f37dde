import { sharedSequence } from "../engine/history/mod.ts";
import {
  SharedBarrier,
  type SharedBarrierHandle,
  SharedRwLock,
  type SharedRwLockHandle,
} from "../../lib/workers/mod.ts";
import type { RawCell } from "./_medium.ts";
import type { ObjectKind } from "./object_kind.ts";
import type { RemoteMedium } from "./_remote_actor.ts";

/** Where the shared objects of one run are in memory. */
export interface WorkerStorage {
  readonly cells: Int32Array<SharedArrayBuffer>;
  readonly indices: Readonly<Record<string, number>>;
  readonly atomic: readonly boolean[];
  readonly locks: Readonly<Record<string, SharedRwLockHandle>>;
  readonly objects: Readonly<Record<string, unknown>>;
  readonly barrier: SharedBarrierHandle;
  /** What counts the beginnings and ends of recorded calls. */
  readonly sequence: SharedArrayBuffer;
}

/** An object of a kind as one thread has it. */
export function attachObject<T extends object, K extends keyof T>(
  name: string,
  { workers }: ObjectKind<T, K>,
  handle: unknown,
): T {
  if (workers === undefined) throw new TypeError(`Cannot use ${name}: workers cannot share it`);
  return workers.attach(handle as never);
}

/** Shared memory as one Worker reaches it. */
export class WorkerMedium implements RemoteMedium {
  readonly #storage: WorkerStorage;
  readonly #place: number;
  readonly #actors: readonly string[];
  readonly sequence: () => number;
  readonly #locks = new Map<string, SharedRwLock>();
  readonly #objects = new Map<string, object>();
  readonly #closing: (() => void | Promise<void>)[] = [];

  /**
   * @param place The actor's.
   * @param actors The names of all actors.
   */
  constructor(storage: WorkerStorage, place: number, actors: readonly string[]) {
    this.#place = place;
    this.#actors = actors;
    this.#storage = storage;
    this.sequence = sharedSequence(storage.sequence);
  }

  cell(name: string): RawCell {
    const { cells, indices, atomic } = this.#storage;
    const index = indices[name];
    const compareAndSet = (expected: number, next: number) =>
      Atomics.compareExchange(cells, index, expected, next) === expected;
    if (atomic[index]) {
      return {
        read: () => Atomics.load(cells, index),
        write: (value) => void Atomics.store(cells, index, value),
        compareAndSet,
      };
    }
    return {
      read: () => cells[index],
      write: (value) => {
        cells[index] = value;
      },
      compareAndSet,
    };
  }

  lock(name: string): SharedRwLock {
    let lock = this.#locks.get(name);
    if (lock === undefined) {
      const owner = this.#place;
      lock = SharedRwLock.attach(this.#storage.locks[name], { label: name, owner });
      this.#locks.set(name, lock);
    }
    return lock;
  }

  waiting(lock: string): readonly string[] {
    // Other threads are known to the lock by their numbers.
    const names = new Map(this.#actors.map((actor, owner) => [`owner ${owner}`, actor]));
    return this.lock(lock).query().waiters.map(({ label }) => names.get(label!) ?? label!);
  }

  reap(lock: string, actor: string): void {
    this.lock(lock).reap(this.#actors.indexOf(actor));
  }

  awaitStart(): void {
    // One that is terminated may run on, on Deno. What has no seat yet could not be reaped, and
    // would take its seat afterwards.
    for (const name of Object.keys(this.#storage.locks)) this.lock(name);
    SharedBarrier.attach(this.#storage.barrier).waitSync();
  }

  object<T extends object, K extends keyof T>(name: string, kind: ObjectKind<T, K>): T {
    let object = this.#objects.get(name) as T | undefined;
    if (object === undefined) {
      const made = object = attachObject(name, kind, this.#storage.objects[name]);
      this.#objects.set(name, made);
      if (kind.close !== undefined) this.#closing.push(() => kind.close!(made));
    }
    return object;
  }

  async close(): Promise<void> {
    for (const close of this.#closing.splice(0)) await close();
  }
}
