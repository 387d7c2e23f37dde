/**
 * What is in a table at one moment, and how it is stored: as the bytes of a snapshot file (see
 * `_file_version.ts`) whose value is
 *
 * ```text
 * applied 42 4c975180
 * ada,1815,Lovelace
 * alan,1912,Turing
 * ```
 *
 * that is, the sequence number of the last queued write that was applied, with a CRC-32 of its own so
 * that it can be read without the rest, and the rows in the format of RFC 4180.
 *
 * Both stand in one file, which is replaced as a whole. So whatever crash comes, a queued write is
 * either in the rows and counted, or neither: which is what makes it applied exactly once.
 */
import { crc32 } from "../_crc32.ts";
import { decodeVersion, encodeVersion } from "../_file_version.ts";
import type { Files } from "../_host.ts";
import { CorruptError } from "../errors.ts";
import { formatRecord, parseRecord, splitCsv } from "./_csv.ts";
import { CsvRow } from "./csv_row.ts";
import { WriteRefusedError } from "./errors.ts";
import type { PendingWrite } from "./pending_write.ts";

const DELIMITER = ",";
const APPLIED = /^applied (0|[1-9]\d*) ([0-9a-f]{8})\n/;
/** The snapshot file's own line, whatever it says. */
const SNAPSHOT = /^interlock-snapshot [^\n]*\n/;
/** Both lines fit in so many bytes. */
const HEADER_LENGTH = 200;

function appliedLine(applied: number): string {
  const sum = crc32(new TextEncoder().encode(`applied ${applied}`));
  return `applied ${applied} ${sum.toString(16).padStart(8, "0")}\n`;
}

/** Reads the line that a text begins with; `undefined` when it is none. */
function readLine(text: string): { applied: number; length: number } | undefined {
  const match = APPLIED.exec(text);
  if (match === null) return undefined;
  const applied = Number(match[1]);
  return match[0] === appliedLine(applied) ? { applied, length: match[0].length } : undefined;
}

/** A row as it stands in the file; taken apart when somebody asks for it. */
class StoredRow {
  readonly text: string;
  #row: CsvRow | undefined;

  constructor(text: string, row?: CsvRow) {
    this.text = text;
    this.#row = row;
  }

  get row(): CsvRow {
    if (this.#row === undefined) {
      const [key, ...values] = parseRecord(this.text, DELIMITER);
      this.#row = new CsvRow(key, values);
    }
    return this.#row;
  }
}

/** See the top of the file. */
export class TableContent {
  readonly #rows: Map<string, StoredRow>;
  /** How many versions of the table there had been. */
  readonly epoch: number;
  /** The sequence number of the last queued write that was applied; 0 before the first. */
  applied: number;

  private constructor(rows: Map<string, StoredRow>, epoch: number, applied: number) {
    this.#rows = rows;
    this.epoch = epoch;
    this.applied = applied;
  }

  /** What is in a table that has no file yet. */
  static empty(): TableContent {
    return new TableContent(new Map(), 0, 0);
  }

  /**
   * What the bytes of a table's file say.
   *
   * @throws {CorruptError} when they are damaged, or are no table's
   */
  static decode(bytes: Uint8Array, path: string): TableContent {
    const { format, epoch, payload } = decodeVersion(bytes, path);
    const text = format === "bytes" ? new TextDecoder().decode(payload) : "";
    const line = readLine(text);
    if (line === undefined) throw new CorruptError(path, epoch, "it is no table's");
    const rows = new Map<string, StoredRow>();
    try {
      for (const { key, text: record } of splitCsv(text.slice(line.length), DELIMITER)) {
        rows.set(key, new StoredRow(record));
      }
    } catch (error) {
      throw new CorruptError(path, epoch, (error as Error).message);
    }
    return new TableContent(rows, epoch, line.applied);
  }

  /** The rows by their keys: a copy. */
  rows(): Map<string, CsvRow> {
    const rows = new Map<string, CsvRow>();
    for (const [key, stored] of this.#rows) rows.set(key, stored.row);
    return rows;
  }

  /**
   * Applies a write, all of it or, if it does not fit, nothing.
   *
   * @returns Why it does not fit, if so.
   */
  apply({ operation, rows: changed }: PendingWrite, table: string): WriteRefusedError | undefined {
    const rows = this.#rows;
    if (operation === "delete") {
      for (const { key } of changed) rows.delete(key);
      return undefined;
    }
    const wanted = operation === "update";
    const misfit = changed.find(({ key }) => rows.has(key) !== wanted);
    if (misfit !== undefined) return new WriteRefusedError(table, operation, misfit.key);
    for (const row of changed) {
      const text = formatRecord([row.key, ...row.values], DELIMITER);
      rows.set(row.key, new StoredRow(text, row));
    }
    return undefined;
  }

  /** What this is as the version that follows the one it was read from. */
  next(): { readonly content: TableContent; readonly bytes: Uint8Array } {
    const epoch = this.epoch + 1;
    let text = appliedLine(this.applied);
    for (const { text: record } of this.#rows.values()) text += `${record}\n`;
    const bytes = encodeVersion({
      format: "bytes",
      epoch,
      payload: new TextEncoder().encode(text),
    });
    return { content: new TableContent(this.#rows, epoch, this.applied), bytes };
  }
}

/**
 * The sequence number of the last queued write that was applied, without reading the whole file; 0
 * where there is no file.
 *
 * @throws {CorruptError} when the file does not begin as a table's does
 */
export function readApplied(files: Files, path: string): number {
  if (files.identify(path) === undefined) return 0;
  const file = files.open(path, { create: false, readOnly: true });
  try {
    const start = new Uint8Array(HEADER_LENGTH);
    const text = new TextDecoder().decode(start.subarray(0, file.read(start, 0)));
    const line = readLine(text.replace(SNAPSHOT, ""));
    if (line === undefined) throw new CorruptError(path, undefined, "it is no table's");
    return line.applied;
  } finally {
    file.close();
  }
}
