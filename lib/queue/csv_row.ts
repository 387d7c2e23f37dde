/**
 * One row of a table: a key and values, all of them text.
 *
 * @module
 */
import { show } from "../_options.ts";
import { checkDelimiter, type CsvOptions, formatRecord, parseCsv } from "./_csv.ts";

export type { CsvOptions } from "./_csv.ts";

/** Whether it could be stored and read back. */
const isText = (value: unknown): boolean => typeof value === "string" && value.isWellFormed();

/** Refuses what is no text. */
function refuse(value: unknown, what: string): never {
  if (typeof value !== "string") {
    throw new TypeError(`Cannot make a row: ${what} must be a string, got ${show(value)}`);
  }
  throw new TypeError(
    `Cannot make a row: ${what} has half of a character in it (a lone surrogate), which no file ` +
      `can hold`,
  );
}

/**
 * A row of a table, which does not change.
 *
 * @example To CSV and back
 * ```ts
 * import { CsvRow } from "@interlock/core/queue";
 * import assert from "node:assert/strict";
 *
 * const row = new CsvRow("ada", ["Lovelace, Ada", '"Notes"', "1843"]);
 * assert.equal(row.toCsv(), 'ada,"Lovelace, Ada","""Notes""",1843');
 * assert.equal(row.toCsv({ delimiter: "|" }), 'ada|Lovelace, Ada|"""Notes"""|1843');
 * assert.deepEqual(CsvRow.parse(row.toCsv()), row);
 * ```
 */
export class CsvRow {
  /** What the row is known by in its table. */
  readonly key: string;
  /** What else there is. */
  readonly values: readonly string[];

  /**
   * Makes a row with a copy of `values`.
   *
   * @param key What the row is known by in its table; any text.
   * @param values What else there is; any texts.
   * @throws {TypeError} when one of them is no string, or has a lone surrogate in it
   */
  constructor(key: string, values: readonly string[]) {
    if (!isText(key)) refuse(key, "key");
    this.key = key;
    if (!Array.isArray(values)) {
      throw new TypeError(`Cannot make a row: values must be an array, got ${show(values)}`);
    }
    const copy = values.slice();
    // By index, so that a hole is not left out; and a name is made only for what is wrong.
    for (let i = 0; i < copy.length; i++) if (!isText(copy[i])) refuse(copy[i], `value ${i + 1}`);
    this.values = Object.freeze(copy);
  }

  /**
   * The row as one record of RFC 4180, without an end of line. What has a delimiter, a quote or an
   * end of line in it is quoted.
   *
   * @param options The delimiter.
   * @throws {TypeError | RangeError} when the delimiter cannot be meant
   */
  toCsv(options?: CsvOptions): string {
    return formatRecord([this.key, ...this.values], checkDelimiter(options, "format a row"));
  }

  /**
   * The row that a record of RFC 4180 is. Its lines may end with CRLF, LF or CR.
   *
   * @param text One record; what it quotes may go over several lines.
   * @param options The delimiter.
   * @throws {SyntaxError} when it is no CSV, telling where, or not one record
   * @throws {TypeError | RangeError} when an argument cannot be meant
   *
   * @example What is no CSV is refused, not guessed at
   * ```ts
   * import { CsvRow } from "@interlock/core/queue";
   * import assert from "node:assert/strict";
   *
   * assert.throws(() => CsvRow.parse('a,"b'), {
   *   name: "SyntaxError",
   *   message: "Cannot parse CSV: line 1, column 3: the quote that begins this field never ends",
   * });
   * ```
   */
  static parse(text: string, options?: CsvOptions): CsvRow {
    const rows = CsvRow.parseAll(text, options);
    if (rows.length !== 1) {
      throw new SyntaxError(
        `Cannot parse CSV: there must be one row, and there are ${rows.length}`,
      );
    }
    return rows[0];
  }

  /**
   * The rows in a text of RFC 4180: one a record, whose first field is the key. Lines may end with
   * CRLF, LF or CR, the last one with any or none of them; empty lines are left out, and so is a
   * byte order mark.
   *
   * @param text Records, none of which is taken for a header.
   * @param options The delimiter.
   * @throws {SyntaxError} when it is no CSV, telling where
   * @throws {TypeError | RangeError} when an argument cannot be meant
   *
   * @example
   * ```ts
   * import { CsvRow } from "@interlock/core/queue";
   * import assert from "node:assert/strict";
   *
   * const rows = CsvRow.parseAll('ada,1815\r\nalan,"1912\r\nLondon"\r\n');
   * assert.deepEqual(rows.map(({ key }) => key), ["ada", "alan"]);
   * assert.deepEqual(rows[1].values, ["1912\r\nLondon"]);
   * ```
   */
  static parseAll(text: string, options?: CsvOptions): CsvRow[] {
    if (typeof text !== "string") {
      throw new TypeError(`Cannot parse CSV: it must be a string, got ${show(text)}`);
    }
    const records = parseCsv(text, checkDelimiter(options, "parse CSV"));
    return records.map(([key, ...values]) => new CsvRow(key, values));
  }
}
