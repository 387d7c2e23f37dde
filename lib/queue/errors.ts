/**
 * The errors of tables that callers catch.
 *
 * @module
 */
import type { WriteOperation } from "./pending_write.ts";

/** A write does not fit what is in the table: nothing of it was applied. */
export class WriteRefusedError extends Error {
  /** What tells it from other errors. */
  override readonly name = "WriteRefusedError";
  /** The table. */
  readonly table: string;
  /** What the write was to do. */
  readonly operation: WriteOperation;
  /** The key of the first row that does not fit. */
  readonly key: string;

  /** Builds the message from the table, the operation and the key. */
  constructor(table: string, operation: WriteOperation, key: string) {
    const state = operation === "insert" ? "is there already" : "is not there";
    super(`Cannot ${operation} rows in ${table}: ${JSON.stringify(key)} ${state}`);
    this.table = table;
    this.operation = operation;
    this.key = key;
  }
}

/** A queue file is not what was queued: it was damaged, or is no such file. */
export class UnreadableWriteError extends Error {
  /** What tells it from other errors. */
  override readonly name = "UnreadableWriteError";
  /** The file, as it was called when it was found. */
  readonly file: string;

  /** Builds the message from the file and what is wrong with it. */
  constructor(file: string, reason: string, options?: ErrorOptions) {
    super(`Cannot read the pending write ${file}: ${reason}`, options);
    this.file = file;
  }
}
