/**
 * `FileLock` beside the system's own calls and a peer, with nobody else wanting the lock.
 *
 * Every sample ends by asking, through a descriptor of a stranger, whether the file is free, and
 * once inside it asks whether it is not: a contestant that locks nothing is found out.
 */
import { join } from "node:path";
import peer from "proper-lockfile";
import { systemHost } from "../lib/_host.ts";
import { FileLock, RwLock } from "../mod.ts";
import { folder } from "./_folder.ts";
import {
  type Benchmark,
  type BenchmarkSuite,
  type Contestant,
  defineBenchmark,
  type Rival,
} from "../lab/runners/suite.ts";

const TIMES = 500;
const PEER_TIMES = 200;
const WAITERS = 100;

const { files } = systemHost;

/** Whether a stranger could lock a file. */
function isFree(path: string): boolean {
  const file = files.open(path, { create: true, mode: 0o600 });
  const free = file.tryLock("exclusive");
  file.close();
  return free;
}

/** What each contestant of a row must have seen: `[entered, locked inside, free outside]`. */
const seen = (times: number) => [times, true, true];

function rawPair(): Contestant {
  const path = join(folder(), "raw");
  const file = files.open(path, { create: true, mode: 0o600 });
  const { dev, ino } = file.id;
  return {
    name: "raw flock pair with the inode check",
    run() {
      let inside = 0;
      let locked = true;
      for (let i = 0; i < TIMES; i++) {
        file.tryLock("exclusive");
        const now = files.identify(path)!;
        if (now.ino === ino && now.dev === dev) inside++;
        if (i === 0) locked = !isFree(path);
        file.unlock();
      }
      return [inside, locked, isFree(path)];
    },
  };
}

function openPair(): Contestant {
  const path = join(folder(), "opened");
  return {
    name: "open, flock, close",
    run() {
      let inside = 0;
      let locked = true;
      for (let i = 0; i < TIMES; i++) {
        const file = files.open(path, { create: true, mode: 0o600 });
        if (file.tryLock("exclusive")) inside++;
        if (i === 0) locked = !isFree(path);
        file.close();
      }
      return [inside, locked, isFree(path)];
    },
  };
}

function tryBenchmark(name: "tryWrite" | "tryRead"): Benchmark {
  return defineBenchmark(`FileLock.${name}() + release()`, () => {
    const path = join(folder(), name);
    const lock = new FileLock(path);
    const ours = {
      tryWrite() {
        let inside = 0;
        let locked = true;
        for (let i = 0; i < TIMES; i++) {
          const guard = lock.tryWrite()!;
          inside++;
          if (i === 0) locked = !isFree(path);
          guard.release();
        }
        return [inside, locked, isFree(path)];
      },
      tryRead() {
        let inside = 0;
        let locked = true;
        for (let i = 0; i < TIMES; i++) {
          const guard = lock.tryRead()!;
          inside++;
          if (i === 0) locked = !isFree(path);
          guard.release();
        }
        return [inside, locked, isFree(path)];
      },
    };
    return {
      operations: TIMES,
      expected: seen(TIMES),
      ours: { name: "FileLock", run: ours[name] },
      rivals: [{ ...rawPair(), atMost: 2.5 }, openPair()],
    };
  });
}

function awaitBenchmark(): Benchmark {
  return defineBenchmark("await FileLock.write() + release()", () => {
    const path = join(folder(), "awaited");
    const lock = new FileLock(path);
    return {
      operations: TIMES,
      expected: seen(TIMES),
      ours: {
        name: "FileLock",
        async run() {
          let inside = 0;
          let locked = true;
          for (let i = 0; i < TIMES; i++) {
            const guard = await lock.write();
            inside++;
            if (i === 0) locked = !isFree(path);
            guard.release();
          }
          return [inside, locked, isFree(path)];
        },
      },
      rivals: [rawPair()],
    };
  });
}

/** The peer, which must take at least 20 times as long. */
function peers(): Rival[] {
  return [{
    name: "proper-lockfile, async",
    atMost: 1 / 20,
    async run() {
      let inside = 0;
      let locked = true;
      for (let i = 0; i < PEER_TIMES; i++) {
        const release = await peer.lock(folder());
        inside++;
        if (i === 0) locked = await peer.check(folder());
        await release();
      }
      return [inside, locked, !(await peer.check(folder()))];
    },
  }, {
    name: "proper-lockfile, sync",
    atMost: 1 / 20,
    run() {
      let inside = 0;
      let locked = true;
      for (let i = 0; i < PEER_TIMES; i++) {
        const release = peer.lockSync(folder());
        inside++;
        if (i === 0) locked = peer.checkSync(folder());
        release();
      }
      return [inside, locked, !peer.checkSync(folder())];
    },
  }];
}

function peerBenchmarks(): Benchmark[] {
  const makeLock = () => {
    const path = join(folder(), "beside-peer");
    return { path, lock: new FileLock(path) };
  };
  const common = { operations: PEER_TIMES, expected: seen(PEER_TIMES) };
  return [
    defineBenchmark("FileLock.tryWrite() + release(), beside a peer", () => {
      const { path, lock } = makeLock();
      return {
        ...common,
        ours: {
          name: "FileLock",
          run() {
            let inside = 0;
            let locked = true;
            for (let i = 0; i < PEER_TIMES; i++) {
              const guard = lock.tryWrite()!;
              inside++;
              if (i === 0) locked = !isFree(path);
              guard.release();
            }
            return [inside, locked, isFree(path)];
          },
        },
        rivals: peers(),
      };
    }),
    defineBenchmark("await FileLock.write() + release(), beside a peer", () => {
      const { path, lock } = makeLock();
      return {
        ...common,
        ours: {
          name: "FileLock",
          async run() {
            let inside = 0;
            let locked = true;
            for (let i = 0; i < PEER_TIMES; i++) {
              const guard = await lock.write();
              inside++;
              if (i === 0) locked = !isFree(path);
              guard.release();
            }
            return [inside, locked, isFree(path)];
          },
        },
        rivals: peers(),
      };
    }),
  ];
}

/** What the queue of a process costs: the flock is handed on, and only the path is looked at. */
function handOffBenchmark(): Benchmark {
  return defineBenchmark(`hand-off among ${WAITERS} tasks of one process`, () => {
    const path = join(folder(), "handed-on");
    const lock = new FileLock(path);
    const inMemory = new RwLock();
    const handOn = (name: string, lock: FileLock | RwLock): Contestant => ({
      name,
      async run() {
        let next = 0;
        const one = async (i: number) => {
          const guard = await lock.write();
          if (next === i) next++;
          guard.release();
        };
        const first = lock.tryWrite()!;
        const all = Array.from({ length: WAITERS }, (_, i) => one(i));
        first.release();
        await Promise.all(all);
        return [next, true, isFree(path)];
      },
    });
    return {
      operations: WAITERS,
      expected: seen(WAITERS),
      ours: handOn("FileLock", lock),
      rivals: [handOn("RwLock", inMemory), rawPairs(WAITERS)],
    };
  });
}

/** A raw pair for each task, as if each went through the system. */
function rawPairs(times: number): Contestant {
  const path = join(folder(), "raw-each");
  const file = files.open(path, { create: true, mode: 0o600 });
  return {
    name: "raw flock pair with the inode check",
    run() {
      let inside = 0;
      for (let i = 0; i < times; i++) {
        file.tryLock("exclusive");
        if (files.identify(path) !== undefined) inside++;
        file.unlock();
      }
      return [inside, true, isFree(path)];
    },
  };
}

/** See above. */
export const benchmarks: BenchmarkSuite = [
  tryBenchmark("tryWrite"),
  tryBenchmark("tryRead"),
  awaitBenchmark(),
  handOffBenchmark(),
  ...peerBenchmarks(),
];
