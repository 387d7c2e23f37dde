import type { ReadWriteLock } from "../../lib/lock.ts";
import {
  SharedBarrier,
  type SharedBarrierHandle,
  SharedRwLock,
  type SharedRwLockHandle,
} from "../../lib/workers/mod.ts";
import type { RawCell } from "./_medium.ts";
import type { RemoteMedium } from "./_remote_actor.ts";

/** Where the shared objects of one run are in memory. */
export interface WorkerStorage {
  readonly cells: Int32Array<SharedArrayBuffer>;
  readonly indices: Readonly<Record<string, number>>;
  readonly atomic: readonly boolean[];
  readonly locks: Readonly<Record<string, SharedRwLockHandle>>;
  readonly barrier: SharedBarrierHandle;
}

/** Shared memory as one Worker reaches it. */
export class WorkerMedium implements RemoteMedium {
  readonly #storage: WorkerStorage;
  readonly #locks = new Map<string, SharedRwLock>();

  constructor(storage: WorkerStorage) {
    this.#storage = storage;
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

  lock(name: string): ReadWriteLock {
    let lock = this.#locks.get(name);
    if (lock === undefined) {
      this.#locks.set(name, lock = SharedRwLock.attach(this.#storage.locks[name], { label: name }));
    }
    return lock;
  }

  awaitStart(): void {
    SharedBarrier.attach(this.#storage.barrier).waitSync();
  }

  close(): void {}
}
