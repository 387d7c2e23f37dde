/**
 * Locks and snapshots that are right, at the distance of tasks and of processes.
 *
 * @module
 */
export * from "./lib/lock.ts";
export * from "./lib/errors.ts";
export * from "./lib/rw_lock.ts";
export * from "./lib/acquire_all.ts";
export * from "./lib/deadlock.ts";
export * from "./lib/snapshots.ts";
export * from "./lib/file_lock.ts";
export * from "./lib/file_snapshots.ts";
