import { currentHost, withHost } from "../../lib/_host.ts";
import {
  countPending,
  CsvRow,
  type DrainOptions,
  type DrainOutcome,
  getNextPending,
  listSetAside,
  type NewWrite,
  type NextOptions,
  type QueuedWrite,
  queueWrite,
  type QueueWriteOptions,
  removeFromQueue,
  Table,
  type TableOptions,
  type TableVersion,
  type WriteOptions,
  type WriteOutcome,
} from "../../lib/queue/mod.ts";
import type { ObjectKind } from "./object_kind.ts";

/** A write of one new row, for tables and their queues. */
export function insertRow(key: string, ...values: string[]): NewWrite {
  return { operation: "insert", rows: [new CsvRow(key, values)] };
}

/** What actors do to a table. */
export interface SharedTable {
  /** What is in it now. */
  read(): TableVersion;
  /** Applies a write, or queues it. */
  write(write: NewWrite, options?: WriteOptions): Promise<WriteOutcome>;
  /** Queues a write, whether the table is free or not; answers its name. */
  queue(write: NewWrite, options?: QueueWriteOptions): Promise<string>;
  /** Applies what is queued. */
  drain(options?: DrainOptions): Promise<DrainOutcome>;
  /** How many writes are pending. */
  countPending(): number;
  /** How many writes were set aside, for they could not be read or applied. */
  countSetAside(): number;
}

/**
 * A `Table` between processes.
 *
 * @param options What it is built with, in each of them.
 */
export function table(
  options: TableOptions = {},
): ObjectKind<SharedTable, keyof SharedTable> {
  return {
    operations: {
      read: "read",
      write: "write",
      queue: "write",
      drain: "write",
      countPending: "read",
      countSetAside: "read",
    },
    files: (folder) => {
      const host = currentHost();
      const table = new Table(folder, "table", options);
      return {
        read: () => table.read(),
        write: (write, options) => table.write(write, options),
        queue: (write, options) =>
          withHost(host, () => queueWrite(folder, "table", write, options)),
        drain: (options) => table.drain(options),
        countPending: () => table.countPending(),
        countSetAside: () => withHost(host, () => listSetAside(folder, "table").length),
        [Symbol.dispose]: () => table.close(),
      } as SharedTable;
    },
    close: (table) => (table as SharedTable & Disposable)[Symbol.dispose](),
  };
}

/** What actors do to the queue of a table. */
export interface SharedWriteQueue {
  /** Queues a write; answers its name. */
  queue(write: NewWrite, options?: QueueWriteOptions): Promise<string>;
  /** The first write that is pending; `undefined` when none is. */
  next(options?: NextOptions): Promise<QueuedWrite | undefined>;
  /** Takes a write off the queue. */
  remove(id: string): Promise<unknown>;
  /** How many are pending. */
  count(): number;
}

/** The queue of a table between processes, by itself. */
export function writeQueue(): ObjectKind<SharedWriteQueue, "queue" | "next" | "remove" | "count"> {
  return {
    operations: { queue: "write", next: "write", remove: "write", count: "read" },
    files: (folder) => {
      const host = currentHost();
      const here = <R>(fn: () => R): R => withHost(host, fn);
      return {
        queue: (write, options) => here(() => queueWrite(folder, "table", write, options)),
        next: (options) => here(() => getNextPending(folder, "table", options)),
        remove: (id) => here(() => removeFromQueue(folder, "table", id)),
        count: () => here(() => countPending(folder, "table")),
      };
    },
  };
}
