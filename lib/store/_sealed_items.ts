/**
 * Keys and values as a stream of bytes. Each item is
 *
 * ```text
 * byte   0     1 if the value is JSON, 2 if it is bytes
 *      1–2     length of the key, big-endian
 *      3–6     length of the value, big-endian
 * ```
 *
 * and then the key in UTF-8 and the value. The stream ends after an item.
 */
import { UnsealError } from "./_errors.ts";
import { faultOfKey, LONGEST_KEY } from "./_key.ts";
import type { Item } from "./store.ts";
import { bytesOf, decodeValue, encodeValue, LONGEST_VALUE, storedFrom } from "./_value.ts";

const HEAD_LENGTH = 7;
const FORMATS = { json: 1, bytes: 2 } as const;

/** The bytes of an item. */
export function encodeItem({ key, value }: Item): Uint8Array[] {
  const stored = encodeValue(value, "export");
  const name = new TextEncoder().encode(key);
  const bytes = bytesOf(stored);
  const head = new DataView(new ArrayBuffer(HEAD_LENGTH));
  head.setUint8(0, FORMATS[stored.format]);
  head.setUint16(1, name.length);
  head.setUint32(3, bytes.length);
  return [new Uint8Array(head.buffer), name, bytes];
}

/** Collects bytes that come in pieces of any length. */
class Gathering {
  readonly #source: AsyncIterator<Uint8Array>;
  #piece: Uint8Array = new Uint8Array();

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** So many of the next bytes; `undefined` if the stream ends just here. */
  async take(length: number): Promise<Uint8Array | undefined> {
    // Not made before something of it is there, whatever length a stranger has written.
    const parts: Uint8Array[] = [];
    let missing = length;
    while (missing > 0) {
      if (this.#piece.length === 0) {
        const { value, done } = await this.#source.next();
        if (done) {
          if (missing === length) return undefined;
          throw malformed("it ends within an item");
        }
        this.#piece = value;
        continue;
      }
      const part = this.#piece.subarray(0, missing);
      this.#piece = this.#piece.subarray(part.length);
      parts.push(part);
      missing -= part.length;
    }
    const all = new Uint8Array(length);
    let filled = 0;
    for (const part of parts) {
      all.set(part, filled);
      filled += part.length;
    }
    return all;
  }
}

/**
 * The items of a stream.
 *
 * @throws {UnsealError} when it is no such stream
 */
export async function* decodeItems(text: AsyncIterable<Uint8Array>): AsyncGenerator<Item> {
  const gathering = new Gathering(text);
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const keys = new Set<string>();
  for (;;) {
    const bytes = await gathering.take(HEAD_LENGTH);
    if (bytes === undefined) return;
    const head = new DataView(bytes.buffer);
    const format = head.getUint8(0);
    const [keyLength, valueLength] = [head.getUint16(1), head.getUint32(3)];
    if (format !== FORMATS.json && format !== FORMATS.bytes) {
      throw malformed("an item has no format");
    }
    if (keyLength > LONGEST_KEY || valueLength > LONGEST_VALUE) {
      throw malformed("an item is longer than any can be");
    }
    const both = await gathering.take(keyLength + valueLength);
    if (both === undefined && keyLength + valueLength > 0) {
      throw malformed("it ends within an item");
    }
    const [name, value] = [both!.subarray(0, keyLength), both!.subarray(keyLength)];
    let item: Item;
    try {
      const stored = storedFrom(format === FORMATS.json ? "json" : "bytes", value);
      item = { key: decoder.decode(name), value: decodeValue(stored) };
    } catch (error) {
      throw malformed("an item is not what its head says", error);
    }
    const fault = faultOfKey(item.key);
    if (fault !== undefined) throw malformed(`of a key, ${fault}`);
    if (keys.has(item.key)) throw malformed("a key is there twice");
    keys.add(item.key);
    yield item;
  }
}

function malformed(why: string, cause?: unknown): UnsealError {
  return new UnsealError("damaged", `what was sealed is no export of a store: ${why}`, { cause });
}
