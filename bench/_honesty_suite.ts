/** The benchmarks that `deno task bench:honesty` compares: those that are quickly loaded. */
import type { BenchmarkSuite } from "../lab/runners/suite.ts";
import { benchmarks as deadlock } from "./deadlock.ts";
import { benchmarks as lockManager } from "./lock_manager.ts";
import { benchmarks as rwLock } from "./rw_lock.ts";

const suite: BenchmarkSuite = [...rwLock, ...deadlock, ...lockManager.slice(0, 1)]
  .filter(({ name }) => !name.includes("20,000") && !name.includes("peer"));
export default suite;
