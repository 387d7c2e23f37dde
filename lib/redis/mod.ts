/**
 * A lock that holds across machines, on an existing Redis server.
 *
 * @module
 */
export * from "./redis_locks.ts";
export { type RedisGuard, RedisLock, type RedisParty, type RedisQuery } from "./redis_lock.ts";
export * from "./_errors.ts";
export { LockTimeoutError } from "../errors.ts";
export type * from "../lock.ts";
