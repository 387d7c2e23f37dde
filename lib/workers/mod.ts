/**
 * Locks and barriers for threads that share memory.
 *
 * @module
 */
export * from "./shared_rw_lock.ts";
export * from "./shared_barrier.ts";
export * from "./_errors.ts";
export type * from "../lock.ts";
