/**
 * Tables in files that several processes write to: a lock a table, and a durable queue for the writes
 * that cannot wait for it.
 *
 * @module
 */
export * from "./csv_row.ts";
export type { Drainer, DrainingOptions } from "./drainer.ts";
export * from "./errors.ts";
export { CorruptError, LockTimeoutError, QueueFullError, UnsupportedError } from "../errors.ts";
export * from "./outcomes.ts";
export * from "./pending_write.ts";
export * from "./set_aside.ts";
export * from "./table_lock.ts";
export * from "./write_queue.ts";
export * from "./table.ts";
