/**
 * `SharedSnapshots` beside the least that shared memory can cost, beside the lock that readers would
 * have to wait for, and beside messages, by which threads have versions of their own.
 */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { SharedRwLock, SharedSnapshots } from "../lib/workers/mod.ts";
import type { Seen, Where } from "./_snapshots_worker.ts";
import { type Benchmark, type BenchmarkSuite, defineBenchmark } from "../lab/runners/suite.ts";

const PINS = 100_000;
/** Messages take so long that fewer are sent. */
const MESSAGES = 50;

function pinBenchmark(): Benchmark {
  return defineBenchmark("SharedSnapshots.pin() + release, 4 attached", () => {
    const snapshots = SharedSnapshots.create(Uint8Array.of(1));
    const lock = SharedRwLock.create();
    for (let i = 1; i < 4; i++) {
      SharedSnapshots.attach(snapshots.handle);
      SharedRwLock.attach(lock.handle);
    }
    const words = new Int32Array(new SharedArrayBuffer(256));
    const bytes = new Uint8Array(new SharedArrayBuffer(1)).fill(1);
    return {
      operations: PINS,
      expected: PINS,
      ours: {
        name: "SharedSnapshots",
        run() {
          let sum = 0;
          for (let i = 0; i < PINS; i++) {
            const pin = snapshots.pin();
            sum += pin.value[0];
            pin[Symbol.dispose]();
          }
          return sum;
        },
      },
      rivals: [{
        name: "SharedRwLock.readSync() + release()",
        run() {
          let sum = 0;
          for (let i = 0; i < PINS; i++) {
            const guard = lock.readSync();
            sum += bytes[0];
            guard.release();
          }
          return sum;
        },
      }, {
        name: "two bare compare-exchanges",
        run() {
          let sum = 0;
          for (let i = 0; i < PINS; i++) {
            if (Atomics.compareExchange(words, 16, 0, 1) === 0) sum += bytes[0];
            Atomics.compareExchange(words, 16, 1, 0);
          }
          return sum;
        },
      }],
    };
  });
}

/** The other thread, started when it is first needed. */
class Onlooker {
  readonly snapshots: SharedSnapshots;
  readonly lock: SharedRwLock = SharedRwLock.create();
  readonly bytes: Uint8Array<SharedArrayBuffer>;
  #worker: Promise<Worker> | undefined;

  constructor(size: number) {
    this.snapshots = SharedSnapshots.create(new Uint8Array(size));
    this.bytes = new Uint8Array(new SharedArrayBuffer(size));
  }

  /** The Worker, running. */
  get worker(): Promise<Worker> {
    return this.#worker ??= this.#start();
  }

  /** Whether the other thread sees `value`, when asked where. */
  async sees(value: number, where: Where): Promise<boolean> {
    const worker = await this.worker;
    const answer = once(worker, "message");
    worker.postMessage(where);
    const [ends] = await answer;
    return ends[0] === value && ends[1] === value;
  }

  async #start(): Promise<Worker> {
    const { snapshots, lock, bytes } = this;
    const workerData: Seen = { snapshots: snapshots.handle, lock: lock.handle, bytes };
    const worker = new Worker(new URL("./_snapshots_worker.ts", import.meta.url), { workerData });
    await once(worker, "message");
    return worker;
  }
}

/** So many new versions of that size, and then one question whether another thread sees the last. */
function versionsBenchmark(size: number, operations: number): Benchmark {
  return defineBenchmark(`versions of ${size / 1024} KiB for another thread`, () => {
    const onlooker = new Onlooker(size);
    const { snapshots, lock, bytes } = onlooker;
    const versions = [1, 2, 3].map((byte) => new Uint8Array(size).fill(byte));
    const last = (operations - 1) % 3 + 1;
    return {
      operations,
      expected: true,
      ours: {
        name: "SharedSnapshots",
        async run() {
          for (let i = 0; i < operations; i++) snapshots.updateSync(() => versions[i % 3]);
          return await onlooker.sees(last, "snapshots");
        },
      },
      rivals: [{
        name: "SharedRwLock and a copy, in place",
        async run() {
          for (let i = 0; i < operations; i++) {
            const guard = lock.writeSync();
            bytes.set(versions[i % 3]);
            guard.release();
          }
          return await onlooker.sees(last, "lock");
        },
      }, {
        name: "postMessage of a copy",
        operations: MESSAGES,
        async run() {
          const worker = await onlooker.worker;
          // The buffer alone: Deno takes ten times as long to post a view of it.
          for (let i = 0; i < MESSAGES; i++) worker.postMessage(versions[i % 3].buffer);
          return await onlooker.sees((MESSAGES - 1) % 3 + 1, "messages");
        },
      }],
      close: async () => void await (await onlooker.worker).terminate(),
    };
  });
}

/** See above. */
export const benchmarks: BenchmarkSuite = [
  pinBenchmark(),
  versionsBenchmark(4096, 2000),
  versionsBenchmark(262_144, 100),
];
