/**
 * Stores for values by key: in memory and in files, with transactions and snapshots.
 *
 * @module
 */
export * from "./store.ts";
export * from "./versioned_store.ts";
export * from "./memory_store.ts";
export * from "./file_store.ts";
export * from "./locked_store.ts";
export * from "./strategies.ts";
export * from "./sealed.ts";
export { CorruptError } from "../errors.ts";
export type { FileLockOptions, RetryOptions } from "../file_lock.ts";
export type * from "../lock.ts";
