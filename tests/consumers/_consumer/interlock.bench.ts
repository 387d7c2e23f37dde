/** A consumer's own benchmarks. */
import { RwLock } from "@interlock/core";
import { type BenchmarkSuite, defineBenchmark } from "@interlock/core/lab";

const suite: BenchmarkSuite = [
  defineBenchmark("a free lock", () => {
    const lock = new RwLock();
    return {
      operations: 1_000,
      expected: 1_000,
      ours: {
        name: "RwLock",
        run() {
          let inside = 0;
          for (let i = 0; i < 1_000; i++) {
            const guard = lock.tryWrite()!;
            inside++;
            guard.release();
          }
          return inside;
        },
      },
    };
  }),
];
export default suite;
