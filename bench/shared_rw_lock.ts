/**
 * `SharedRwLock` beside the least that shared memory can cost: uncontended with more and more
 * threads attached, and handed to and fro between two threads.
 */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { SharedRwLock } from "../lib/workers/mod.ts";
import { ask, CHANGES, ROUND_TRIPS, Side, type Words } from "./_hand_off.ts";
import {
  type Benchmark,
  type BenchmarkSuite,
  type Contestant,
  defineBenchmark,
} from "../lab/runners/suite.ts";

const ALONE = 10_000;

function barePair(): Contestant {
  const words = new Int32Array(new SharedArrayBuffer(256));
  return {
    name: "bare compare-exchange + store pair",
    run() {
      let inside = 0;
      for (let i = 0; i < ALONE; i++) {
        if (Atomics.compareExchange(words, 16, 0, 1) === 0) inside++;
        Atomics.store(words, 16, 0);
      }
      return inside;
    },
  };
}

function aloneBenchmark(name: "writeSync" | "readSync" | "tryWrite", attached: number): Benchmark {
  return defineBenchmark(`shared ${name}() + release(), ${attached} attached`, () => {
    const lock = SharedRwLock.create();
    for (let i = 1; i < attached; i++) SharedRwLock.attach(lock.handle);
    const ours = {
      writeSync() {
        let inside = 0;
        for (let i = 0; i < ALONE; i++) {
          const guard = lock.writeSync();
          inside++;
          guard.release();
        }
        return inside;
      },
      readSync() {
        let inside = 0;
        for (let i = 0; i < ALONE; i++) {
          const guard = lock.readSync();
          inside++;
          guard.release();
        }
        return inside;
      },
      tryWrite() {
        let inside = 0;
        for (let i = 0; i < ALONE; i++) {
          const guard = lock.tryWrite()!;
          inside++;
          guard.release();
        }
        return inside;
      },
    };
    return {
      operations: ALONE,
      expected: ALONE,
      ours: { name: "SharedRwLock", run: ours[name] },
      rivals: [attached <= 4 ? { ...barePair(), atMost: 3 } : barePair()],
    };
  });
}

/** The other thread; started when it is first needed, and no reason to stay alive. */
class Partner {
  readonly words: Words = new Int32Array(new SharedArrayBuffer(256));
  readonly #locks = [1, 2, 3].map(() => SharedRwLock.create());
  readonly side: Side = new Side(this.#locks, true);
  #worker: Promise<Worker> | undefined;

  /** Runs both halves at once; answers what this side's half answered. */
  async with<R>(how: "lock" | "raw", half: () => R): Promise<R> {
    const worker = await (this.#worker ??= this.#start());
    const done = once(worker, "message");
    worker.postMessage(how);
    const result = half();
    await done;
    return result;
  }

  async #start(): Promise<Worker> {
    const workerData = { handles: this.#locks.map((lock) => lock.handle), words: this.words };
    const worker = new Worker(new URL("./_shared_worker.ts", import.meta.url), { workerData });
    await once(worker, "message");
    worker.unref();
    return worker;
  }
}

function handOffBenchmark(): Benchmark {
  return defineBenchmark("shared lock handed to another thread and back", () => {
    const partner = new Partner();
    const { side, words } = partner;
    return {
      operations: ROUND_TRIPS,
      expected: true,
      ours: {
        name: "SharedRwLock",
        async run() {
          words[CHANGES] = 0;
          await partner.with("lock", () => side.play(words));
          return words[CHANGES] === 2 * ROUND_TRIPS;
        },
      },
      rivals: [{
        name: "raw wait/notify round trip",
        atMost: 1.5,
        run: async () => await partner.with("raw", () => ask(words)) === ROUND_TRIPS,
      }],
    };
  });
}

/** See above. */
export const benchmarks: BenchmarkSuite = [
  // How it grows with the number of owners, for whom there is a budget up to four.
  ...[1, 2, 4, 8, 16].map((attached) => aloneBenchmark("writeSync", attached)),
  aloneBenchmark("readSync", 4),
  aloneBenchmark("tryWrite", 4),
  handOffBenchmark(),
];
