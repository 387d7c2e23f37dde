/**
 * Locks, barriers and snapshots for threads that share memory.
 *
 * @module
 */
export * from "./shared_rw_lock.ts";
export * from "./shared_barrier.ts";
export * from "./shared_snapshots.ts";
export * from "./_errors.ts";
export type { OwnerOptions, OwnersOptions } from "./_owner_options.ts";
export type * from "../lock.ts";
