/**
 * One pending write as a file: what its name says, and what is in it.
 *
 * ```text
 * 0000000000000042-01985b0e-4b8c-7c35-8000-6b2f1d0a9e77.json
 * {"checksum":"9f3c2a10","write":{"operation":"insert","timestamp":1754300000000,"rows":[["ada","1815"]]}}
 * ```
 *
 * The name has the sequence number, in as many digits as the largest has, so that names in the order
 * of their code units are in the order of the numbers; and the UUID by which the write is known. A
 * number is at most `Number.MAX_SAFE_INTEGER`, for above that two could not be told apart. The
 * checksum, a CRC-32, is of the name and of the text of `write`: a file that is not, byte for byte, what
 * `encodeWrite` made, or is not where it was put, is refused by `decodeWrite`, but for one in 2^32 of
 * the ways in which it may be damaged.
 *
 * With `.unreadable` or `.refused` after it such a name is of a write that was set aside. Whatever else
 * is in the folder is none of the queue's.
 */
import { crc32 } from "../_crc32.ts";
import { CsvRow } from "./csv_row.ts";
import { UnreadableWriteError } from "./errors.ts";
import { checkWrite, type PendingWrite } from "./pending_write.ts";
import type { SetAsideReason } from "./set_aside.ts";

/** What `write` is, if it is one. */
interface StoredWrite extends Omit<PendingWrite, "rows"> {
  readonly rows: readonly [key: string, ...values: string[]][];
}

const DIGITS = String(Number.MAX_SAFE_INTEGER).length;
const UUID = "[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}";
const NAME = new RegExp(`^(\\d{${DIGITS}})-(${UUID})\\.json(?:\\.(unreadable|refused))?$`);
const ID = new RegExp(`^${UUID}$`);

/** A file of the queue, as its name tells. */
export interface QueueFile {
  readonly name: string;
  readonly sequence: number;
  readonly id: string;
  /** Why it was set aside; `undefined` if it was not. */
  readonly setAside: SetAsideReason | undefined;
}

// With `s`, for JSON leaves U+2028 and U+2029 as they are, which end a line to a regular expression.
const FILE = /^\{"checksum":"([0-9a-f]{8})","write":(\{.*\})\}\n$/s;

/** Whether a string can be the id of a write. */
export function isWriteId(id: string): boolean {
  return ID.test(id);
}

/** The name of a pending write's file. */
export function pendingName(sequence: number, id: string): string {
  return `${String(sequence).padStart(DIGITS, "0")}-${id}.json`;
}

/** The file of a name; `undefined` if that is none of the queue's. */
export function readName(name: string): QueueFile | undefined {
  const match = NAME.exec(name);
  if (match === null) return undefined;
  const [, digits, id, setAside] = match;
  const sequence = Number(digits);
  if (sequence > Number.MAX_SAFE_INTEGER) return undefined;
  return { name, sequence, id, setAside: setAside as SetAsideReason | undefined };
}

const checksum = (name: string, write: string): string =>
  crc32(new TextEncoder().encode(name + write)).toString(16).padStart(8, "0");

/** The bytes of a pending write's file of that name. */
export function encodeWrite(name: string, write: PendingWrite): Uint8Array {
  const { operation, timestamp, rows } = write;
  const fields = rows.map(({ key, values }) => [key, ...values]);
  const text = JSON.stringify({ operation, timestamp, rows: fields });
  const sum = checksum(name, text);
  return new TextEncoder().encode(`{"checksum":"${sum}","write":${text}}\n`);
}

/**
 * The write that the bytes of a file are.
 *
 * @throws {UnreadableWriteError} when they are not such a file's, or damaged
 */
export function decodeWrite(bytes: Uint8Array, name: string, path: string): PendingWrite {
  const refuse = (reason: string, cause?: unknown): never => {
    throw new UnreadableWriteError(path, reason, { cause });
  };
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    return refuse("it is no text", error);
  }
  const match = FILE.exec(text);
  if (match === null) return refuse("it is not built as one");
  const [, expected, written] = match;
  if (checksum(name, written) !== expected) return refuse("its checksum does not match");
  try {
    const { operation, timestamp, rows } = JSON.parse(written) as StoredWrite;
    const read = rows.map(([key, ...values]) => new CsvRow(key, values));
    return checkWrite({ operation, timestamp, rows: read }, () => NaN, `read ${path}`);
  } catch (error) {
    return refuse("it is no write", error);
  }
}
