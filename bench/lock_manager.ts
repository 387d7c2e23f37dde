/**
 * `LockManager` beside the platform's own where there is one, and beside `RwLock`, which is what
 * names, callbacks and the Web Locks interface are added to.
 */
import { LockManager } from "../lib/lock_manager.ts";
import { RwLock } from "../mod.ts";
import {
  type Benchmark,
  type BenchmarkSuite,
  type Contestant,
  defineBenchmark,
  type Rival,
} from "../lab/runners/suite.ts";

const TIMES = 500;
const WAITERS = 100;

type Requests = Pick<LockManager, "request">;

const platform = (navigator as { locks?: Requests }).locks;

/** The platform's own, where there is one. */
function besidePlatform(contestant: (name: string, locks: Requests) => Contestant): Rival[] {
  return platform === undefined ? [] : [contestant("navigator.locks", platform)];
}

function oneByOne(name: string, locks: Requests): Contestant {
  return {
    name,
    async run() {
      let inside = 0;
      for (let i = 0; i < TIMES; i++) {
        await locks.request("bench", () => {
          inside++;
        });
      }
      return inside;
    },
  };
}

function rwLockOneByOne(): Contestant {
  const lock = new RwLock();
  return {
    name: "RwLock.withWrite()",
    async run() {
      let inside = 0;
      for (let i = 0; i < TIMES; i++) {
        await lock.withWrite(() => {
          inside++;
        });
      }
      return inside;
    },
  };
}

function oneByOneBenchmark(): Benchmark {
  return defineBenchmark("LockManager.request() of a free name", () => {
    return {
      operations: TIMES,
      expected: TIMES,
      ours: oneByOne("LockManager", new LockManager()),
      rivals: [rwLockOneByOne(), ...besidePlatform(oneByOne)],
    };
  });
}

function namesOnce(name: string, locks: Requests): Contestant {
  let used = 0;
  return {
    name,
    async run() {
      let inside = 0;
      for (let i = 0; i < TIMES; i++) {
        await locks.request(`bench ${used++}`, () => {
          inside++;
        });
      }
      return inside;
    },
  };
}

function namesOnceBenchmark(): Benchmark {
  return defineBenchmark("LockManager.request() of a name never used before", () => {
    return {
      operations: TIMES,
      expected: TIMES,
      ours: namesOnce("LockManager", new LockManager()),
      rivals: besidePlatform(namesOnce),
    };
  });
}

function queued(name: string, locks: Requests): Contestant {
  return {
    name,
    async run() {
      const order: number[] = [];
      const one = (i: number) => locks.request("bench", () => order.push(i));
      await Promise.all(Array.from({ length: WAITERS }, (_, i) => one(i)));
      return order.length === WAITERS && order.every((request, i) => request === i);
    },
  };
}

function rwLockQueued(): Contestant {
  const lock = new RwLock();
  return {
    name: "RwLock.withWrite()",
    async run() {
      const order: number[] = [];
      const one = (i: number) => lock.withWrite(() => order.push(i));
      await Promise.all(Array.from({ length: WAITERS }, (_, i) => one(i)));
      return order.length === WAITERS && order.every((request, i) => request === i);
    },
  };
}

function queuedBenchmark(): Benchmark {
  return defineBenchmark(`hand-off among ${WAITERS} requests for one name`, () => {
    return {
      operations: WAITERS,
      expected: true,
      ours: queued("LockManager", new LockManager()),
      rivals: [rwLockQueued(), ...besidePlatform(queued)],
    };
  });
}

/** See above. */
export const benchmarks: BenchmarkSuite = [
  oneByOneBenchmark(),
  namesOnceBenchmark(),
  queuedBenchmark(),
];
