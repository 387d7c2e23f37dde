/** All scenarios that come with the lab. */
import { type Scenario, UsageError } from "../worlds/mod.ts";
import { didYouMean } from "../worlds/_did_you_mean.ts";
import asyncLazyInit from "./async_lazy_init.ts";
import cancelledWaiter from "./cancelled_waiter_strands_readers.ts";
import concurrentReads from "./concurrent_reads.ts";
import concurrentWrites from "./concurrent_writes.ts";
import crashWhileHolding from "./crash_while_holding.ts";
import deadlockTimeout from "./deadlock_timeout.ts";
import diningPhilosophers from "./dining_philosophers.ts";
import doubleRelease from "./double_release.ts";
import exportImport from "./export_import.ts";
import fileStoreOps from "./file_store_ops.ts";
import forgottenRelease from "./forgotten_release.ts";
import grantedThenAborted from "./granted_then_aborted.ts";
import lockAcrossAwait from "./lock_across_await.ts";
import lostUpdate from "./lost_update.ts";
import mixed from "./mixed.ts";
import mixedLocking from "./mixed_locking.ts";
import noDeadlock from "./no_deadlock.ts";
import overload from "./overload.ts";
import permitLeak from "./permit_leak.ts";
import queueFull from "./queue_full.ts";
import queueOrder from "./queue_order.ts";
import readerStarvation from "./reader_starvation.ts";
import readersNeverWait from "./readers_never_wait.ts";
import serverAndWriter from "./server_and_writer.ts";
import shutdownUnderLoad from "./shutdown_under_load.ts";
import staleLease from "./stale_lease.ts";
import stress from "./stress.ts";
import tableWrites from "./table_writes.ts";
import terminatedWorker from "./terminated_worker.ts";
import tornFile from "./torn_file.ts";
import tornRead from "./torn_read.ts";
import unlinkRace from "./unlink_race.ts";
import upgradeDeadlock from "./upgrade_deadlock.ts";
import writerStarvation from "./writer_starvation.ts";

/** The scenarios in the order of the tour. */
export const scenarios: readonly Scenario[] = [
  lostUpdate,
  deadlockTimeout,
  cancelledWaiter,
  crashWhileHolding,
  staleLease,
  tornRead,
  asyncLazyInit,
  mixedLocking,
  forgottenRelease,
  doubleRelease,
  lockAcrossAwait,
  diningPhilosophers,
  upgradeDeadlock,
  writerStarvation,
  readerStarvation,
  grantedThenAborted,
  permitLeak,
  tornFile,
  unlinkRace,
  terminatedWorker,
  readersNeverWait,
  concurrentReads,
  concurrentWrites,
  mixed,
  noDeadlock,
  serverAndWriter,
  overload,
  shutdownUnderLoad,
  queueOrder,
  queueFull,
  tableWrites,
  fileStoreOps,
  stress,
  exportImport,
];

/**
 * Finds a scenario by its name.
 *
 * @param name The scenario's name.
 * @param among Where to look; left out, among those that come with the lab.
 * @throws {UsageError} when there is none of that name; the message tells one that is like it, or
 *   says where they are listed.
 */
export function findScenario(name: string, among: readonly Scenario[] = scenarios): Scenario {
  const found = among.find((scenario) => scenario.name === name);
  if (found !== undefined) return found;
  const names = among.map((scenario) => scenario.name);
  const all = among === scenarios
    ? `lab list shows all ${names.length}`
    : `there is ${names.join(", ")}`;
  throw new UsageError(`Cannot find scenario "${name}": ${didYouMean(name, names, all)}`);
}
