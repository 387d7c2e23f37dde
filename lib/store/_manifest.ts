/**
 * The manifest of a file store: which content is where, all of it in one file.
 *
 * ```text
 * interlock-snapshot 1 json 42 171 9f3c2a10
 * {"rows":[["key",[[42,"0123456789abcdef-1","json",5,3632233996]]]],"retired":[["…-0",42]]}
 * ```
 *
 * The first line is that of every version this package puts in a file, with epoch and checksum. Then,
 * for each key, its values from the newest on: version, name of the content file, format, length and
 * CRC-32. `retired` are content files that have been replaced and may still be there, each with
 * the epoch from which on no version has it.
 *
 * A manifest is read as if an enemy had written it: what is not exactly what `encodeManifest` could
 * have made is refused, so no name in it leads out of the folder, and no key of it is one that could
 * not have been set.
 */
import { Map as PersistentMap } from "immutable";
import { decodeVersion, encodeVersion } from "../_file_version.ts";
import { CorruptError } from "../errors.ts";
import { faultOfKey } from "./_key.ts";
import { LONGEST_VALUE, type ValueFormat } from "./_value.ts";
import { type Kept, type Row, Version } from "./_version.ts";

/** A content file, and what must be in it. */
export interface ContentRef {
  /** Its name in the folder of contents; see `_lease.ts`. */
  readonly id: string;
  readonly format: ValueFormat;
  readonly length: number;
  readonly crc: number;
}

/** A content file that is not needed any more, but by those who still look at old versions. */
export interface Retired {
  readonly id: string;
  /** The first epoch that does not have it. */
  readonly since: number;
}

/** See above. */
export interface Manifest {
  readonly version: Version<ContentRef>;
  readonly retired: readonly Retired[];
}

/** What a content file can be called. */
export const CONTENT_ID = /^[0-9a-f]{16}-[0-9a-z]{1,11}$/;

/** What stands for a manifest where there is none yet. */
export const noManifest: Manifest = { version: Version.empty(), retired: [] };

/** Rows as text, for as long as they live: most are the same in the next manifest. */
const texts = new WeakMap<Row<ContentRef>, string>();

function textOf(key: string, row: Row<ContentRef>): string {
  let text = texts.get(row);
  if (text === undefined) {
    const values = row.map(({ version, content: { id, format, length, crc } }) => [
      version,
      id,
      format,
      length,
      crc,
    ]);
    texts.set(row, text = JSON.stringify([key, values]));
  }
  return text;
}

/** The bytes of a manifest's file. */
export function encodeManifest({ version, retired }: Manifest): Uint8Array {
  const rows: string[] = [];
  for (const [key, row] of version.rows) rows.push(textOf(key, row));
  const old = JSON.stringify(retired.map(({ id, since }) => [id, since]));
  const text = `{"rows":[${rows.join()}],"retired":${old}}`;
  const payload = new TextEncoder().encode(text);
  return encodeVersion({ format: "json", epoch: version.epoch, payload });
}

/**
 * The manifest that the bytes of a file are.
 *
 * @throws {CorruptError} when they are not such a file's, or damaged
 */
export function decodeManifest(bytes: Uint8Array, path: string): Manifest {
  const { format, epoch, payload } = decodeVersion(bytes, path);
  const refuse = (reason: string): never => {
    throw new CorruptError(path, epoch, `it is no manifest of a store: ${reason}`);
  };
  if (format !== "json") return refuse("it is not JSON");
  let data: unknown;
  try {
    data = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload));
  } catch {
    return refuse("it is not JSON");
  }
  const { rows: pairs, retired: old } = Object(data) as Record<string, unknown>;
  if (!Array.isArray(pairs) || !Array.isArray(old)) return refuse("it has no rows");

  const ids = new Set<string>();
  const isEpoch = (value: unknown): value is number => isCount(value, epoch) && value >= 1;
  const isNewId = (id: unknown): id is string => {
    if (typeof id !== "string" || !CONTENT_ID.test(id) || ids.has(id)) return false;
    ids.add(id);
    return true;
  };
  const kept = (value: unknown): Kept<ContentRef> => {
    const [version, id, format, length, crc] = list(value, 5) ?? [];
    if (!isEpoch(version)) return refuse("a value has no version");
    if (!isNewId(id)) return refuse("a value has no content of its own");
    if (format !== "json" && format !== "bytes") return refuse("a value has no format");
    if (!isCount(length, LONGEST_VALUE) || !isCount(crc, 2 ** 32 - 1)) {
      return refuse("a value has no length or no checksum");
    }
    return { version, content: { id, format, length, crc } };
  };
  const rows = PersistentMap<string, Row<ContentRef>>().withMutations((rows) => {
    for (const pair of pairs) {
      const [key, values] = list(pair, 2) ?? [];
      const fault = faultOfKey(key);
      if (fault !== undefined) return refuse(`of a key, ${fault}`);
      if (rows.has(key as string)) return refuse("a key stands there twice");
      if (!Array.isArray(values) || values.length === 0) return refuse("a key has no value");
      const row = values.map(kept);
      if (row.some(({ version }, i) => i > 0 && version >= row[i - 1].version)) {
        return refuse("the values of a key are not in their order");
      }
      rows.set(key as string, row);
    }
  });
  const retired = old.map((pair): Retired => {
    const [id, since] = list(pair, 2) ?? [];
    if (!isNewId(id) || !isEpoch(since)) return refuse("of what is retired something is missing");
    return { id, since };
  });
  return { version: new Version(epoch, rows), retired };
}

function list(value: unknown, length: number): unknown[] | undefined {
  return Array.isArray(value) && value.length === length ? value : undefined;
}

function isCount(value: unknown, most: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= most;
}
