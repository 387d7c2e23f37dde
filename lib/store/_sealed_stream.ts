/**
 * A stream of bytes, encrypted in chunks: AES-256-GCM in the STREAM construction (Hoang, Reyhanitabar,
 * Rogaway, Vizár, "Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance", CRYPTO 2015).
 *
 * The nonce of a chunk is the header's prefix (7 bytes), the chunk's number (4, big-endian) and whether
 * it is the last one (1). So a chunk opens at its own place only, and only the end opens as the end:
 * chunks that are exchanged, repeated or left out, a stream that ends early or goes on, fail as a
 * flipped bit does. All chunks are full but the last, which is empty only if it is the only one.
 *
 * What always holds: bytes are handed on only after the chunk they are in has been found genuine. That
 * they are all of it is known at the end, and not before; who must not act on a part waits for that.
 */
import { UnsealError } from "./_errors.ts";
import type { Header } from "./_sealed_header.ts";

const TAG_LENGTH = 16;
const MOST_CHUNKS = 2 ** 32;

/** The nonces of one stream, each once. */
class Nonces {
  readonly #nonce: Uint8Array;
  #count = 0;

  constructor(prefix: Uint8Array) {
    this.#nonce = new Uint8Array(12);
    this.#nonce.set(prefix);
  }

  next(last: boolean): Uint8Array {
    if (this.#count === MOST_CHUNKS) {
      throw new RangeError(`Cannot seal: a stream has at most ${MOST_CHUNKS} chunks`);
    }
    new DataView(this.#nonce.buffer).setUint32(7, this.#count++);
    this.#nonce[11] = last ? 1 : 0;
    return this.#nonce;
  }
}

/**
 * Cuts a stream into pieces of one length; the last may be shorter. There is always one: of an empty
 * stream, an empty one.
 */
export async function* cut(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  length: number,
): AsyncGenerator<{ piece: Uint8Array; last: boolean }> {
  let buffer = new Uint8Array(length);
  let filled = 0;
  for await (const bytes of source) {
    for (let from = 0; from < bytes.length;) {
      // Only now is it known that the piece before is not the last.
      if (filled === length) {
        yield { piece: buffer, last: false };
        buffer = new Uint8Array(length);
        filled = 0;
      }
      const part = bytes.subarray(from, from + length - filled);
      buffer.set(part, filled);
      filled += part.length;
      from += part.length;
    }
  }
  yield { piece: buffer.subarray(0, filled), last: true };
}

/** How a chunk is encrypted. Web Crypto does it, several times as fast as `node:crypto` on both. */
function algorithm(nonce: Uint8Array, header: Uint8Array): AesGcmParams {
  return {
    name: "AES-GCM",
    iv: nonce as BufferSource,
    additionalData: header as BufferSource,
    tagLength: 8 * TAG_LENGTH,
  };
}

function importKey(key: Uint8Array, use: "encrypt" | "decrypt"): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", key as BufferSource, "AES-GCM", false, [use]);
}

/** Encrypts `text`, of which nothing is kept but a chunk. `header` is authenticated with each. */
export async function* seal(
  text: AsyncIterable<Uint8Array>,
  { noncePrefix, chunkSize }: Header,
  key: Uint8Array,
  header: Uint8Array,
): AsyncGenerator<Uint8Array> {
  const nonces = new Nonces(noncePrefix);
  const secret = await importKey(key, "encrypt");
  for await (const { piece, last } of cut(text, chunkSize)) {
    const how = algorithm(nonces.next(last), header);
    yield new Uint8Array(await crypto.subtle.encrypt(how, secret, piece as BufferSource));
  }
}

/**
 * Decrypts what `seal` made.
 *
 * @throws {UnsealError} when a chunk is not what was sealed, or not where it was
 */
export async function* unseal(
  sealed: AsyncIterable<Uint8Array>,
  { noncePrefix, chunkSize }: Header,
  key: Uint8Array,
  header: Uint8Array,
): AsyncGenerator<Uint8Array> {
  const nonces = new Nonces(noncePrefix);
  const secret = await importKey(key, "decrypt");
  let number = 0;
  for await (const { piece, last } of cut(sealed, chunkSize + TAG_LENGTH)) {
    // A chunk without text is there only if it is the only one.
    if (piece.length < TAG_LENGTH || (piece.length === TAG_LENGTH && number > 0)) {
      throw damaged(number);
    }
    const how = algorithm(nonces.next(last), header);
    let text: Uint8Array;
    try {
      text = new Uint8Array(await crypto.subtle.decrypt(how, secret, piece as BufferSource));
    } catch (error) {
      throw damaged(number, error);
    }
    yield text;
    number++;
  }
}

function damaged(number: number, cause?: unknown): UnsealError {
  const why = `chunk ${number} is not what was sealed there; it was damaged, cut off or moved`;
  return new UnsealError("damaged", why, { cause });
}
