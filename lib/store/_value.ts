/**
 * Values as they are stored: encoded when they come in and decoded when they go out, so that what a
 * caller does to his own never reaches what is stored.
 */
import { encodeJson } from "../_json.ts";

/** What a value is. */
export type ValueFormat = "json" | "bytes";

/** A value that nobody else can change. */
export type StoredValue =
  | { readonly format: "json"; readonly text: string }
  | { readonly format: "bytes"; readonly bytes: Uint8Array };

/** The longest value, in bytes. */
export const LONGEST_VALUE = 2 ** 28;

/** Refuses what cannot be stored. */
export function encodeValue(value: unknown, action: string): StoredValue {
  if (value instanceof Uint8Array) {
    checkLength(value.length, action);
    // Not `slice`, by which a Buffer shares its memory.
    return { format: "bytes", bytes: new Uint8Array(value) };
  }
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) {
    throw new TypeError(
      `Cannot ${action}: bytes must be in a Uint8Array, got ${
        Object.prototype.toString.call(value).slice(8, -1)
      }, of which JSON would leave nothing`,
    );
  }
  const text = encodeJson(value, action);
  // No character takes more than three bytes for each of its code units.
  const { length } = text.length * 3 <= LONGEST_VALUE ? text : new TextEncoder().encode(text);
  checkLength(length, action);
  return { format: "json", text };
}

function checkLength(length: number, action: string): void {
  if (length <= LONGEST_VALUE) return;
  throw new RangeError(
    `Cannot ${action}: a value has at most ${LONGEST_VALUE} bytes, not ${length}`,
  );
}

/** The value, for a reader to keep. */
export function decodeValue<T>(stored: StoredValue): T {
  return stored.format === "json" ? JSON.parse(stored.text) : new Uint8Array(stored.bytes) as T;
}

/** The bytes a value is written as. */
export function bytesOf(stored: StoredValue): Uint8Array {
  return stored.format === "json" ? new TextEncoder().encode(stored.text) : stored.bytes;
}

/**
 * The value that was written as these bytes.
 *
 * @throws {SyntaxError | TypeError} when they are not JSON and should be
 */
export function storedFrom(format: ValueFormat, bytes: Uint8Array): StoredValue {
  if (format === "bytes") return { format, bytes };
  const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  JSON.parse(text);
  return { format, text };
}
