/**
 * `deno task bench:core [TEXT…]`: the core beside floors and peers, on Deno and then on Bun.
 * `bun bench/core.ts [TEXT…]` runs it on Bun alone. TEXT selects those whose name contains it; several
 * add up.
 */
import type { BenchmarkSuite } from "../lab/runners/suite.ts";
import { main } from "./_main.ts";
import { benchmarks as checker } from "./checker.ts";
import { benchmarks as deadlock } from "./deadlock.ts";
import { benchmarks as engine, memory } from "./engine.ts";
import { benchmarks as fileLock } from "./file_lock.ts";
import { benchmarks as lockManager } from "./lock_manager.ts";
import { benchmarks as rwLock } from "./rw_lock.ts";
import { benchmarks as sharedRwLock } from "./shared_rw_lock.ts";
import { benchmarks as sharedSnapshots } from "./shared_snapshots.ts";
import { benchmarks as snapshots } from "./snapshots.ts";
import { benchmarks as timingOut } from "./timing_out.ts";

// A new file of benchmarks of the core is added here.
const suite: BenchmarkSuite = [
  ...rwLock,
  ...deadlock,
  ...timingOut,
  ...snapshots,
  ...lockManager,
  ...fileLock,
  ...sharedRwLock,
  ...sharedSnapshots,
  ...engine,
  ...checker,
];
export default suite;

if (import.meta.main) await main(suite, import.meta.url, [memory]);
