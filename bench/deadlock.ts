/**
 * What being watched for deadlocks costs. Without a detector it costs nothing, for no lock knows of
 * one: `tests/layering_test.ts` keeps that so.
 */
import { DeadlockDetector, type ReadWriteLock, RwLock } from "../mod.ts";
import { type BenchmarkSuite, type Contestant, defineBenchmark } from "../lab/runners/suite.ts";

const TIMES = 200;

function alone(name: string, lock: ReadWriteLock): Contestant {
  const owner = {};
  return {
    name,
    async run() {
      let inside = 0;
      for (let i = 0; i < TIMES; i++) {
        const guard = await lock.write({ owner });
        inside++;
        guard.release();
      }
      return inside;
    },
  };
}

/** See above. */
export const benchmarks: BenchmarkSuite = [
  defineBenchmark("await write() + release(), watched for deadlocks", () => ({
    operations: TIMES,
    expected: TIMES,
    ours: alone("watched", new DeadlockDetector().watch(new RwLock())),
    rivals: [alone("not watched", new RwLock())],
  })),
];
