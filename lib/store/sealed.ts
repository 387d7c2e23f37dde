/**
 * Exports of stores under a password.
 *
 * @module
 */
import { checkOptions, show } from "../_options.ts";
import { UnsealError } from "./_errors.ts";
import { checkKeys, checkStore, checkWait } from "./_key.ts";
import {
  checkCost,
  checkPassword,
  decodeHeader,
  DEFAULT_LIMIT,
  deriveKeys,
  encodeHeader,
  HEADER_LENGTH,
  makeHeader,
  type ScryptCost,
} from "./_sealed_header.ts";
import { decodeItems, encodeItem } from "./_sealed_items.ts";
import { seal, unseal } from "./_sealed_stream.ts";
import type { LoadOptions, ReadableStore, Store, StoreSnapshot, StoreWait } from "./store.ts";

export type { ScryptCost } from "./_sealed_header.ts";
export { UnsealError, type UnsealReason } from "./_errors.ts";

/** How to export a store. */
export interface ExportOptions extends StoreWait {
  /** What it takes to import it. A text is the same however it is typed (Unicode NFC). */
  password: string | Uint8Array;
  /**
   * Only keys that begin with this.
   *
   * @default ""
   */
  prefix?: string;
  /** Only these keys, as far as they are there. */
  keys?: Iterable<string>;
  /** How hard it is to try passwords: 128·N·r bytes of memory, p times. */
  cost?: ScryptCost;
}

/** How to import into a store. */
export interface ImportOptions extends LoadOptions {
  /** What it was exported with. */
  password: string | Uint8Array;
  /**
   * What scrypt may cost, as the export says of itself: 128·N·r·p, where 128·N·r is its memory in
   * bytes. One that costs more is refused before any of it is spent.
   *
   * @default 2 ** 28, twice the cost of an export by default
   */
  costLimit?: number;
}

/**
 * Exports one version of a store, encrypted under a password.
 *
 * What is exported is the version that is current when this resolves. It is kept, while writers go on,
 * until the stream has ended or is cancelled; so read it to its end, or cancel it. There is never more
 * than one value and one chunk of it in memory.
 *
 * The key comes from the password by scrypt (RFC 7914), with a salt of its own each time. What is
 * exported is encrypted by AES-256-GCM, in chunks of 64 KiB (the STREAM construction of Hoang,
 * Reyhanitabar, Rogaway and Vizár, CRYPTO 2015). Keys are encrypted as values are; how long all of it
 * is together can be seen.
 *
 * @param store What to export: a store, or a snapshot, which is not disposed of.
 * @param options The password; which keys; what scrypt costs; how long to wait, where that is needed.
 * @returns The export, as a stream of bytes.
 * @throws {TypeError | RangeError} when an argument cannot be meant
 * @throws {CorruptError} through the stream, when what is stored is damaged
 *
 * @example
 * ```ts
 * import { exportStore, importStore, MemoryStore, UnsealError } from "@interlock/core/store";
 * import assert from "node:assert/strict";
 *
 * const cost = { N: 2 ** 10 }; // far too cheap; leave it out
 * const store = new MemoryStore();
 * await store.load([{ key: "name", value: "Ada" }, { key: "picture", value: new Uint8Array(9) }]);
 * const sealed = await exportStore(store, { password: "correct horse", cost });
 * const bytes = new Uint8Array(await new Response(sealed).arrayBuffer());
 *
 * const copy = new MemoryStore();
 * await assert.rejects(importStore(copy, [bytes], { password: "wrong" }), UnsealError);
 * assert.equal(await importStore(copy, [bytes], { password: "correct horse" }), 2);
 * assert.equal((await copy.get("name"))?.value, "Ada");
 * ```
 */
export async function exportStore(
  store: ReadableStore | StoreSnapshot,
  options: ExportOptions,
): Promise<ReadableStream<Uint8Array>> {
  const action = "export";
  checkStore(store, "list", action);
  checkOptions(options ?? null, action);
  checkWait(options, action);
  const { timeout, signal, label, prefix } = options;
  const password = checkPassword(options.password, action);
  const header = makeHeader(checkCost(options.cost, action));
  if (prefix !== undefined && typeof prefix !== "string") {
    throw new TypeError(`Cannot ${action}: prefix must be a string, got ${show(prefix)}`);
  }
  const keys = options.keys === undefined ? undefined : checkKeys(options.keys, action);
  const { key, commitment } = await deriveKeys(password, header);
  const snapshot = "snapshot" in store ? await store.snapshot({ timeout, signal, label }) : store;
  const close = () => {
    if (snapshot !== store) snapshot[Symbol.dispose]();
  };
  const head = encodeHeader(header, commitment);
  return streamOf(
    async function* () {
      // A copy: whoever reads it may move it elsewhere, and what follows is bound to the header.
      yield head.slice();
      yield* seal(itemsOf(snapshot, keys, prefix), header, key, head);
    }(),
    close,
  );
}

/** The items of a version, as bytes. */
async function* itemsOf(
  snapshot: StoreSnapshot,
  keys: ReadonlySet<string> | undefined,
  prefix = "",
): AsyncGenerator<Uint8Array> {
  const wanted = keys === undefined
    ? (await snapshot.list({ prefix })).map(({ key }) => key)
    : [...keys].filter((key) => key.startsWith(prefix));
  for (const key of wanted) {
    const entry = await snapshot.get(key);
    if (entry !== undefined) yield* encodeItem(entry);
  }
}

/** A stream that asks for nothing before it is asked, and calls `close` however it ends. */
function streamOf(
  chunks: AsyncGenerator<Uint8Array>,
  close: () => void,
): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { value, done } = await chunks.next();
        if (!done) return controller.enqueue(value);
      } catch (error) {
        close();
        throw error;
      }
      close();
      controller.close();
    },
    async cancel() {
      try {
        await chunks.return(undefined);
      } finally {
        close();
      }
    },
  }, { highWaterMark: 0 });
}

/**
 * Imports an export into a store: all of it, or nothing. What was exported stands beside what is there,
 * or in the place of all of it; keys that both have are replaced.
 *
 * Nothing is committed before the last chunk has been found genuine, and then everything at once. Where
 * the store is in files, there is never more than one value and one chunk of it in memory.
 *
 * @param store Where to.
 * @param source The bytes of an export, in pieces of any length: a stream, or whatever yields them.
 * @param options The password; whether other keys go away; what scrypt may cost; how long to wait.
 * @returns How many keys were stored.
 * @throws {UnsealError} when the password is another, or the bytes are not just those of an export
 * @throws {LockTimeoutError} when `timeout` milliseconds have passed before its turn came
 * @throws {TypeError | RangeError} when an argument cannot be meant
 * @throws the signal's reason when it has aborted, or whatever `source` throws
 */
export async function importStore(
  store: Pick<Store, "load">,
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: ImportOptions,
): Promise<number> {
  const action = "import";
  checkStore(store, "load", action);
  checkOptions(options ?? null, action);
  checkWait(options, action);
  const { costLimit = DEFAULT_LIMIT, timeout, signal, label, replace } = options;
  const password = checkPassword(options.password, action);
  if (typeof costLimit !== "number") {
    throw new TypeError(`Cannot ${action}: costLimit must be a number, got ${show(costLimit)}`);
  }
  if (!(costLimit >= 0)) {
    throw new RangeError(`Cannot ${action}: costLimit must be 0 or more, got ${costLimit}`);
  }
  const items = unsealItems(pieces(source), password, costLimit);
  return await store.load(items, { timeout, signal, label, replace });
}

/** The items of an export. That they are all of it is known when they have ended. */
async function* unsealItems(
  source: AsyncGenerator<Uint8Array>,
  password: Uint8Array,
  costLimit: number,
) {
  try {
    const { head, rest } = await split(source);
    const header = decodeHeader(head, costLimit);
    const { key, commitment } = await deriveKeys(password, header);
    if (!equal(commitment, header.commitment)) {
      throw new UnsealError("password", "the password is another than it was sealed with");
    }
    yield* decodeItems(unseal(rest, header, key, head));
  } finally {
    // However it ends, nobody asks for more.
    await source.return(undefined);
  }
}

/** Takes the header off a stream. */
async function split(
  source: AsyncGenerator<Uint8Array>,
): Promise<{ head: Uint8Array; rest: AsyncGenerator<Uint8Array> }> {
  let head = new Uint8Array();
  for (;;) {
    const { value, done } = await source.next();
    if (done) return { head, rest: source };
    const all = new Uint8Array(head.length + value.length);
    all.set(head);
    all.set(value, head.length);
    head = all.subarray(0, HEADER_LENGTH);
    if (all.length < HEADER_LENGTH) continue;
    const more = all.subarray(HEADER_LENGTH);
    return {
      head,
      rest: async function* () {
        yield more;
        yield* source;
      }(),
    };
  }
}

/** The pieces of a source, each of which must be bytes. */
async function* pieces(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const { [Symbol.asyncIterator]: later, [Symbol.iterator]: now } = Object(source);
  if (typeof later !== "function" && typeof now !== "function" || typeof source === "string") {
    throw new TypeError(`Cannot import: source must be a stream or iterable, got ${show(source)}`);
  }
  for await (const piece of source) {
    if (!(piece instanceof Uint8Array)) {
      throw new TypeError(`Cannot import: a piece must be a Uint8Array, got ${show(piece)}`);
    }
    yield piece;
  }
}

/** Compares in a time that does not depend on what is compared. */
function equal(a: Uint8Array, b: Uint8Array): boolean {
  let different = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) different |= a[i] ^ b[i];
  return different === 0;
}
