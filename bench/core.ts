/**
 * `deno task bench:core [TEXT]`: the core beside floors and peers, on Deno and then on Bun.
 * `bun bench/core.ts [TEXT]` runs it on Bun alone. TEXT selects the rows whose name contains it.
 */
import { main } from "./_main.ts";
import type { Row } from "./_measure.ts";
import { rows as checker } from "./checker.ts";
import { rows as deadlock } from "./deadlock.ts";
import { rows as engine } from "./engine.ts";
import { rows as fileLock } from "./file_lock.ts";
import { rows as lockManager } from "./lock_manager.ts";
import { rows as rwLock } from "./rw_lock.ts";
import { rows as sharedRwLock } from "./shared_rw_lock.ts";
import { rows as snapshots } from "./snapshots.ts";
import { rows as timingOut } from "./timing_out.ts";

// A new file of rows is added here.
const all: readonly Row[] = [
  ...rwLock,
  ...deadlock,
  ...timingOut,
  ...snapshots,
  ...lockManager,
  ...fileLock,
  ...sharedRwLock,
  ...engine,
  ...checker,
];

await main(all, import.meta.url);
