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
import { formatRecord, parseCsv } from "./_csv.ts";
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

/** See the top of the file. */
export class TableContent {
  readonly rows: Map<string, CsvRow>;
  /** How many versions of the table there had been. */
  readonly epoch: number;
  /** The sequence number of the last queued write that was applied; 0 before the first. */
  applied: number;

  constructor(rows: Map<string, CsvRow> = new Map(), epoch = 0, applied = 0) {
    this.rows = rows;
    this.epoch = epoch;
    this.applied = applied;
  }

  /**
   * Applies a write, all of it or, if it does not fit, nothing.
   *
   * @returns Why it does not fit, if so.
   */
  apply({ operation, rows: changed }: PendingWrite, table: string): WriteRefusedError | undefined {
    const { rows } = this;
    if (operation === "delete") {
      for (const { key } of changed) rows.delete(key);
      return undefined;
    }
    const wanted = operation === "update";
    const misfit = changed.find(({ key }) => rows.has(key) !== wanted);
    if (misfit !== undefined) return new WriteRefusedError(table, operation, misfit.key);
    for (const row of changed) rows.set(row.key, row);
    return undefined;
  }

  /** The bytes of the table file that follows the one this was read from. */
  encodeNext(): Uint8Array {
    let text = appliedLine(this.applied);
    for (const { key, values } of this.rows.values()) {
      text += `${formatRecord([key, ...values], DELIMITER)}\n`;
    }
    const payload = new TextEncoder().encode(text);
    return encodeVersion({ format: "bytes", epoch: this.epoch + 1, payload });
  }
}

/**
 * What is in a table now; nothing at epoch 0 where there is no file.
 *
 * @throws {CorruptError} when the file is damaged, or is no table's
 */
export function readTable(files: Files, path: string): TableContent {
  const bytes = files.readFile(path);
  if (bytes === undefined) return new TableContent();
  const { format, epoch, payload } = decodeVersion(bytes, path);
  const text = format === "bytes" ? new TextDecoder().decode(payload) : "";
  const line = readLine(text);
  if (line === undefined) throw new CorruptError(path, epoch, "it is no table's");
  let records: string[][];
  try {
    records = parseCsv(text.slice(line.length), DELIMITER);
  } catch (error) {
    throw new CorruptError(path, epoch, (error as Error).message);
  }
  const rows = new Map(records.map(([key, ...values]) => [key, new CsvRow(key, values)]));
  return new TableContent(rows, epoch, line.applied);
}

/**
 * The sequence number of the last queued write that was applied, without reading the whole file; 0
 * where there is no file.
 *
 * @throws {CorruptError} when the file does not begin as a table's does
 */
export function readApplied(files: Files, path: string): number {
  if (files.identify(path) === undefined) return 0;
  const file = files.open(path, { create: false });
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
