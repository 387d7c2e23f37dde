/**
 * The header of a sealed export, and the key that comes of it and a password.
 *
 * ```text
 * bytes  0–15  "interlock-sealed"
 *       16     version of the format: 1
 *       17     log2 of scrypt's N
 *       18     scrypt's r
 *       19     scrypt's p
 *    20–23     bytes of text in a chunk, big-endian
 *    24–55     salt
 *    56–62     prefix of the nonces
 *       63     0
 *    64–95     commitment to the key
 * ```
 *
 * It is read before anything in it is known to be true, so each field is bounded before it is used: how
 * much memory and time scrypt takes, above all. All of it is authenticated data of every chunk.
 *
 * scrypt (Percival, RFC 7914) makes 64 bytes: the key, and the commitment, which stands in the header
 * so that a wrong password is known at once. With GCM alone an export could be forged that opens under
 * several passwords (Len, Grubbs, Ristenpart, "Partitioning Oracle Attacks", USENIX Security 2021).
 */
import { UnsealError } from "./_errors.ts";
import { show } from "../_options.ts";

/** What scrypt costs: 128·N·r bytes, p times in a row. */
export interface ScryptCost {
  /**
   * A power of two from 2 to 2^24.
   *
   * @default 2 ** 17
   */
  N?: number;
  /**
   * From 1 to 64.
   *
   * @default 8
   */
  r?: number;
  /**
   * From 1 to 64.
   *
   * @default 1
   */
  p?: number;
}

/** What a header says. */
export interface Header {
  readonly cost: Required<ScryptCost>;
  readonly chunkSize: number;
  readonly salt: Uint8Array;
  readonly noncePrefix: Uint8Array;
}

/** What an export is opened with. */
export interface Keys {
  readonly key: Uint8Array;
  readonly commitment: Uint8Array;
}

/** How long a header is. */
export const HEADER_LENGTH = 96;

/** How much text a chunk has, but for the last. */
export const CHUNK_SIZE = 2 ** 16;

const MAGIC = new TextEncoder().encode("interlock-sealed");
const FORMAT = 1;
const LARGEST_CHUNK = 2 ** 24;
const MOST_LOG_N = 24;
const MOST_R = 64;
const MOST_P = 64;

/** What scrypt costs unless told otherwise. */
export const DEFAULT_COST: Required<ScryptCost> = { N: 2 ** 17, r: 8, p: 1 };

/** How much memory and time scrypt takes, in one number: 128·N·r·p. */
export function workOf({ N, r, p }: Required<ScryptCost>): number {
  return 128 * N * r * p;
}

/** What scrypt may cost, as `workOf` counts, when an export is read: twice the default. */
export const DEFAULT_LIMIT: number = 2 * workOf(DEFAULT_COST);

/** Refuses a cost that cannot be meant, and fills in what was not given. */
export function checkCost(cost: ScryptCost | undefined, action: string): Required<ScryptCost> {
  if (cost !== undefined && (typeof cost !== "object" || cost === null)) {
    throw new TypeError(`Cannot ${action}: cost must be an object, got ${show(cost)}`);
  }
  const all = { ...DEFAULT_COST, ...cost };
  for (const [name, value] of Object.entries(all)) {
    if (typeof value !== "number") {
      throw new TypeError(`Cannot ${action}: cost.${name} must be a number, got ${show(value)}`);
    }
  }
  const { N, r, p } = all;
  if (!isCost(Math.log2(N), r, p)) {
    throw new RangeError(
      `Cannot ${action}: scrypt takes an N that is a power of two up to 2^${MOST_LOG_N}, and r and ` +
        `p from 1 to ${MOST_R}; got ${N}, ${r} and ${p}`,
    );
  }
  return all;
}

function isCost(logN: number, r: number, p: number): boolean {
  const within = (value: number, most: number) =>
    Number.isInteger(value) && value >= 1 && value <= most;
  // scrypt itself asks for N < 2^(16·r).
  return within(logN, MOST_LOG_N) && within(r, MOST_R) && within(p, MOST_P) && logN < 16 * r;
}

/** A header with chance of its own. */
export function makeHeader(cost: Required<ScryptCost>): Header {
  return {
    cost,
    chunkSize: CHUNK_SIZE,
    salt: crypto.getRandomValues(new Uint8Array(32)),
    noncePrefix: crypto.getRandomValues(new Uint8Array(7)),
  };
}

/** The bytes of a header. */
export function encodeHeader(header: Header, commitment: Uint8Array): Uint8Array {
  const { cost: { N, r, p }, chunkSize, salt, noncePrefix } = header;
  const bytes = new Uint8Array(HEADER_LENGTH);
  bytes.set(MAGIC);
  bytes.set([FORMAT, Math.log2(N), r, p], 16);
  new DataView(bytes.buffer).setUint32(20, chunkSize);
  bytes.set(salt, 24);
  bytes.set(noncePrefix, 56);
  bytes.set(commitment, 64);
  return bytes;
}

/**
 * What the bytes of a header say.
 *
 * @param limit What scrypt may cost at most, as `workOf` counts.
 * @throws {UnsealError} when it is none, or asks for more than is allowed
 */
export function decodeHeader(
  bytes: Uint8Array,
  limit: number,
): Header & Pick<Keys, "commitment"> {
  const refuse = (why: string): never => {
    throw new UnsealError("unsupported", why);
  };
  if (bytes.length < HEADER_LENGTH || MAGIC.some((byte, i) => bytes[i] !== byte)) {
    return refuse("it does not begin as a sealed export");
  }
  const [format, logN, r, p] = bytes.subarray(16);
  if (format !== FORMAT) return refuse(`it has format ${format}, which this release cannot read`);
  if (!isCost(logN, r, p)) return refuse("scrypt does not work with the numbers it has");
  const cost = { N: 2 ** logN, r, p };
  if (workOf(cost) > limit) {
    return refuse(`scrypt would cost ${workOf(cost)}, and at most ${limit} is allowed`);
  }
  const chunkSize = new DataView(bytes.buffer, bytes.byteOffset).getUint32(20);
  if (chunkSize < 1 || chunkSize > LARGEST_CHUNK) {
    return refuse(`it has chunks of ${chunkSize} bytes, and at most ${LARGEST_CHUNK} are allowed`);
  }
  if (bytes[63] !== 0) return refuse("a byte of its header that is not used is not 0");
  return {
    cost,
    chunkSize,
    salt: bytes.slice(24, 56),
    noncePrefix: bytes.slice(56, 63),
    commitment: bytes.slice(64, 96),
  };
}

/** Refuses what is no password. What can be typed in several ways is one and the same (RFC 8265). */
export function checkPassword(password: unknown, action: string): Uint8Array {
  if (typeof password !== "string" && !(password instanceof Uint8Array)) {
    const got = typeof password === "object" ? "an object" : `a ${typeof password}`;
    throw new TypeError(`Cannot ${action}: password must be a string or a Uint8Array, got ${got}`);
  }
  if (password.length === 0) throw new TypeError(`Cannot ${action}: the password is empty`);
  if (typeof password !== "string") return new Uint8Array(password);
  if (!password.isWellFormed()) {
    throw new TypeError(`Cannot ${action}: the password has half of a surrogate pair in it`);
  }
  return new TextEncoder().encode(password.normalize("NFC"));
}

/** Key and commitment of a password. Takes a while, on another thread. */
export async function deriveKeys(
  password: Uint8Array,
  { cost, salt }: Pick<Header, "cost" | "salt">,
): Promise<Keys> {
  const { scrypt } = await import("node:crypto");
  const maxmem = workOf({ ...cost, p: 1 }) + 256 * cost.r * cost.p + 2 ** 20;
  const bytes = await new Promise<Uint8Array>((resolve, reject) => {
    scrypt(password, salt, 64, { ...cost, maxmem }, (error, made) => {
      // Null on Deno, undefined on Bun.
      if (error) reject(error);
      else resolve(new Uint8Array(made));
    });
  });
  return { key: bytes.subarray(0, 32), commitment: bytes.subarray(32) };
}
