/**
 * What is written to a table: rows, and what to do with them.
 *
 * @module
 */
import { show } from "../_options.ts";
import { CsvRow } from "./csv_row.ts";

/**
 * What a write does with its rows.
 *
 * - `"insert"` adds them. It is refused if the table has a row with one of their keys.
 * - `"update"` puts each in the place of the row with its key. It is refused if there is none.
 * - `"delete"` takes away the rows with their keys, where there are any; values do not matter.
 *
 * A write is applied as a whole or refused as a whole.
 */
export type WriteOperation = "insert" | "update" | "delete";

/** A write to a table. */
export interface PendingWrite {
  /** The rows, at least one, each with another key. */
  readonly rows: readonly CsvRow[];
  /** When it was asked for, in milliseconds since 1970; for people, not for the order. */
  readonly timestamp: number;
  /** What to do with them. */
  readonly operation: WriteOperation;
}

/** A write that is asked for now, unless it says otherwise. */
export type NewWrite = Omit<PendingWrite, "timestamp"> & Partial<Pick<PendingWrite, "timestamp">>;

const OPERATIONS: readonly unknown[] = ["insert", "update", "delete"];

/**
 * A copy that the caller cannot change.
 *
 * @throws {TypeError | RangeError} when it is no write
 */
export function checkWrite(write: unknown, now: () => number, action: string): PendingWrite {
  const refuse = (what: string, got: unknown): never => {
    throw new TypeError(`Cannot ${action}: ${what}, got ${show(got)}`);
  };
  if (typeof write !== "object" || write === null) return refuse("a write is an object", write);
  const { rows, operation, timestamp = now() } = write as Record<keyof PendingWrite, unknown>;
  if (!OPERATIONS.includes(operation)) {
    return refuse('operation must be "insert", "update" or "delete"', operation);
  }
  if (typeof timestamp !== "number") return refuse("timestamp must be a number", timestamp);
  // Written so that NaN, which is not comparable, is refused too.
  if (!(timestamp >= 0 && timestamp < Infinity)) {
    throw new RangeError(
      `Cannot ${action}: timestamp must be in milliseconds since 1970, got ${timestamp}`,
    );
  }
  if (!Array.isArray(rows)) return refuse("rows must be an array", rows);
  if (rows.length === 0) throw new RangeError(`Cannot ${action}: rows must not be empty`);
  const keys = new Set<string>();
  const copies = Array.from(rows, (row: unknown, i) => {
    if (typeof row !== "object" || row === null) return refuse(`row ${i + 1} must be a row`, row);
    const { key, values } = row as CsvRow;
    const copy = new CsvRow(key, values);
    if (keys.has(key)) {
      throw new RangeError(`Cannot ${action}: two of the rows have the key ${show(key)}`);
    }
    keys.add(key);
    return copy;
  });
  return { rows: copies, timestamp, operation: operation as PendingWrite["operation"] };
}
