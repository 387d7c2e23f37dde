/**
 * `RwLock` beside floors and a peer.
 *
 * Each loop is a function of its own with its own operation inside: loops that shared their code
 * would share what the compiler learns about it, and the later ones would be slower for it.
 */
import process from "node:process";
import { Mutex } from "async-mutex";
import { RwLock } from "../mod.ts";
import { TinyFifo } from "./_floors.ts";
import {
  type Benchmark,
  type BenchmarkSuite,
  type Contestant,
  defineBenchmark,
  type Rival,
} from "../lab/runners/suite.ts";

const ALONE = 10_000;

function floorIfBusy(): Contestant {
  const fifo = new TinyFifo();
  return {
    name: "tiny FIFO, awaited only if busy",
    async run() {
      let inside = 0;
      for (let i = 0; i < ALONE; i++) {
        const wait = fifo.acquire();
        if (wait !== undefined) await wait;
        inside++;
        fifo.release();
      }
      return inside;
    },
  };
}

function tryBenchmark(name: "tryWrite" | "tryRead"): Benchmark {
  return defineBenchmark(`${name}() + release()`, () => {
    const lock = new RwLock();
    const ours = {
      tryWrite() {
        let inside = 0;
        for (let i = 0; i < ALONE; i++) {
          const guard = lock.tryWrite()!;
          inside++;
          guard.release();
        }
        return inside;
      },
      tryRead() {
        let inside = 0;
        for (let i = 0; i < ALONE; i++) {
          const guard = lock.tryRead()!;
          inside++;
          guard.release();
        }
        return inside;
      },
    };
    return {
      operations: ALONE,
      expected: ALONE,
      ours: { name: "RwLock", run: ours[name] },
      rivals: [{ ...floorIfBusy(), atMost: 2.5 }],
    };
  });
}

function awaitBenchmark(): Benchmark {
  return defineBenchmark("await write() + release()", () => {
    const lock = new RwLock();
    const fifo = new TinyFifo();
    const mutex = new Mutex();
    return {
      operations: ALONE,
      expected: ALONE,
      ours: {
        name: "RwLock",
        async run() {
          let inside = 0;
          for (let i = 0; i < ALONE; i++) {
            const guard = await lock.write();
            inside++;
            guard.release();
          }
          return inside;
        },
      },
      rivals: [{
        name: "tiny FIFO, always awaited",
        atMost: 2,
        async run() {
          let inside = 0;
          for (let i = 0; i < ALONE; i++) {
            await fifo.acquire();
            inside++;
            fifo.release();
          }
          return inside;
        },
      }, {
        name: "async-mutex",
        // How many times as fast it must be differs, for the peer itself does.
        atMost: 1 / (process.versions.bun === undefined ? 8 : 4),
        async run() {
          let inside = 0;
          for (let i = 0; i < ALONE; i++) {
            const release = await mutex.acquire();
            inside++;
            release();
          }
          return inside;
        },
      }],
    };
  });
}

/**
 * How many times a queue of that length is filled and emptied in a sample. A long one fills the young
 * generation about once: whether the collection finds all waiters alive or none decides what the sample
 * costs, and only several at a time are alike.
 */
function times(waiters: number): number {
  return Math.max(5, 500 / waiters);
}

/** Whether all came in, in the order they came. */
function inOrder(order: readonly number[]): boolean {
  return order.every((waiter, i) => waiter === i);
}

function handOffs(
  name: string,
  waiters: number,
  once: (order: number[]) => Promise<void>,
): Contestant {
  return {
    name,
    async run() {
      let good = true;
      for (let i = 0; i < times(waiters); i++) {
        const order: number[] = [];
        await once(order);
        good &&= order.length === waiters && inOrder(order);
      }
      return good;
    },
  };
}

function handOffFloor(waiters: number): Contestant {
  return handOffs("tiny FIFO", waiters, async (order) => {
    const fifo = new TinyFifo();
    fifo.acquire();
    const one = async (i: number) => {
      await fifo.acquire();
      order.push(i);
      fifo.release();
    };
    const all: Promise<void>[] = [];
    for (let i = 0; i < waiters; i++) all.push(one(i));
    fifo.release();
    await Promise.all(all);
  });
}

function handOffPlain(waiters: number): Contestant {
  return handOffs("RwLock", waiters, async (order) => {
    const lock = new RwLock();
    const first = lock.tryWrite()!;
    const one = async (i: number) => {
      const guard = await lock.write();
      order.push(i);
      guard.release();
    };
    const all: Promise<void>[] = [];
    for (let i = 0; i < waiters; i++) all.push(one(i));
    first.release();
    await Promise.all(all);
  });
}

function handOffLimited(waiters: number): Contestant {
  return handOffs("RwLock", waiters, async (order) => {
    const lock = new RwLock();
    const { signal } = new AbortController();
    const options = { timeout: 60_000, signal };
    const first = lock.tryWrite()!;
    const one = async (i: number) => {
      const guard = await lock.write(options);
      order.push(i);
      guard.release();
    };
    const all: Promise<void>[] = [];
    for (let i = 0; i < waiters; i++) all.push(one(i));
    first.release();
    await Promise.all(all);
  });
}

function handOffPeer(waiters: number): Rival {
  return handOffs("async-mutex", waiters, async (order) => {
    const mutex = new Mutex();
    const first = await mutex.acquire();
    const one = async (i: number) => {
      const release = await mutex.acquire();
      order.push(i);
      release();
    };
    const all: Promise<void>[] = [];
    for (let i = 0; i < waiters; i++) all.push(one(i));
    first();
    await Promise.all(all);
  });
}

function handOffBenchmarks(waiters: number): Benchmark[] {
  const common = { operations: times(waiters) * waiters, expected: true };
  const size = `${waiters.toLocaleString("en")} waiters`;
  return [
    defineBenchmark(`hand-off in a queue of ${size}`, () => ({
      ...common,
      ours: handOffPlain(waiters),
      rivals: [{ ...handOffFloor(waiters), atMost: 1.6 }],
    })),
    defineBenchmark(`hand-off, ${size} with a timeout and one signal`, () => ({
      ...common,
      ours: handOffLimited(waiters),
      rivals: [{ ...handOffFloor(waiters), atMost: 3 }],
    })),
    // Apart, for the peer takes seconds a sample.
    defineBenchmark(`hand-off in a queue of ${size}, beside a peer`, () => ({
      ...common,
      ours: handOffPlain(waiters),
      rivals: [handOffPeer(waiters)],
    })),
  ];
}

/** See above. */
export const benchmarks: BenchmarkSuite = [
  tryBenchmark("tryWrite"),
  tryBenchmark("tryRead"),
  awaitBenchmark(),
  ...handOffBenchmarks(100),
  ...handOffBenchmarks(20_000),
];
