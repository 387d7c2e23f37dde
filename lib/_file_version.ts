/**
 * One version of a value as the bytes of a file: a line of text, then the value.
 *
 * ```text
 * interlock-snapshot 1 json 42 17 9f3c2a10
 * {"apple":3,"b":4}
 * ```
 *
 * The line says, in this order: what the file is, the version of this format, what the value is
 * (`json` or `bytes`), its epoch, how many bytes it has, and a CRC-32 of the line up to there and
 * of the value. What always holds: a file that is not, byte for byte, what `encodeVersion` made is
 * refused by `decodeVersion`, but for one in 2^32 of the ways in which it may be damaged.
 */
import { crc32 } from "./_crc32.ts";
import { CorruptError } from "./errors.ts";

/** What the bytes of a value are. */
export type ValueFormat = "json" | "bytes";

/** A version as it is stored. */
export interface StoredVersion {
  readonly format: ValueFormat;
  readonly epoch: number;
  /** The value's bytes. */
  readonly payload: Uint8Array;
}

const NEWLINE = 10;
const LINE = /^(interlock-snapshot (\d+) (json|bytes) ([1-9]\d*) (\d+) )([0-9a-f]{8})$/;

/** No line is longer; what follows need not be looked at to see that there is none. */
const LONGEST_LINE = 100;

const checksum = (start: string, payload: Uint8Array): string =>
  crc32(new TextEncoder().encode(start), payload).toString(16).padStart(8, "0");

/** The bytes of a file. */
export function encodeVersion({ format, epoch, payload }: StoredVersion): Uint8Array {
  const start = `interlock-snapshot 1 ${format} ${epoch} ${payload.length} `;
  const line = new TextEncoder().encode(`${start}${checksum(start, payload)}\n`);
  const bytes = new Uint8Array(line.length + payload.length);
  bytes.set(line);
  bytes.set(payload, line.length);
  return bytes;
}

/**
 * The version that the bytes of a file are.
 *
 * @throws {CorruptError} when they are not such a file's, or damaged
 */
export function decodeVersion(bytes: Uint8Array, path: string): StoredVersion {
  const end = bytes.subarray(0, LONGEST_LINE).indexOf(NEWLINE);
  const line = end === -1 ? "" : new TextDecoder().decode(bytes.subarray(0, end));
  const match = LINE.exec(line);
  if (match === null) throw new CorruptError(path, undefined, "it does not begin as a snapshot");
  const [, start, version, format, epochText, length, expected] = match;
  const epoch = Number(epochText);
  if (version !== "1") {
    throw new CorruptError(path, epoch, `it has format ${version}, which this release cannot read`);
  }
  const payload = bytes.slice(end + 1);
  if (payload.length !== Number(length)) {
    throw new CorruptError(path, epoch, `it has ${payload.length} bytes and should have ${length}`);
  }
  if (checksum(start, payload) !== expected) {
    throw new CorruptError(path, epoch, "its checksum does not match");
  }
  return { format: format as ValueFormat, epoch, payload };
}
