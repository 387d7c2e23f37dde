/** Exports for tests: cheap ones, taken apart, and opened by other means. */
import { createDecipheriv, scryptSync } from "node:crypto";
import {
  type ExportOptions,
  exportStore,
  importStore,
  type ReadableStore,
  type Store,
} from "../../../lib/store/mod.ts";

/** As little as scrypt can cost. */
export const cheap = { N: 2, r: 8, p: 1 };

export const password = "correct horse battery staple";

export const HEADER = 96;
export const CHUNK = 2 ** 16 + 16;

/** All bytes of a stream. */
export async function collect(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of stream) pieces.push(piece);
  return join(pieces);
}

export function join(pieces: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let filled = 0;
  for (const piece of pieces) {
    all.set(piece, filled);
    filled += piece.length;
  }
  return all;
}

/** The export of a store, at little cost. */
export async function sealed(
  store: ReadableStore,
  options: Partial<ExportOptions> = {},
): Promise<Uint8Array> {
  return await collect(await exportStore(store, { password, cost: cheap, ...options }));
}

/** Imports it. */
export function open(store: Pick<Store, "load">, bytes: Uint8Array): Promise<number> {
  return importStore(store, [bytes], { password });
}

/** All that is in a store. */
export async function contentsOf(
  store: Pick<ReadableStore, "list" | "get">,
): Promise<[string, unknown, number][]> {
  const found: [string, unknown, number][] = [];
  for (const { key } of await store.list()) {
    const { value, version } = (await store.get(key))!;
    found.push([key, value, version]);
  }
  return found;
}

/** The same, without versions, which an import does not keep. */
export async function valuesOf(store: Pick<ReadableStore, "list" | "get">): Promise<unknown> {
  return (await contentsOf(store)).map(([key, value]) => [key, value]);
}

/** Header and chunks. */
export function takeApart(bytes: Uint8Array): Uint8Array[] {
  const pieces = [bytes.subarray(0, HEADER)];
  for (let at = HEADER; at < bytes.length; at += CHUNK) pieces.push(bytes.subarray(at, at + CHUNK));
  return pieces;
}

/** The text of an export, by what the documentation of its format says and nothing else. */
export function decryptByTheBook(bytes: Uint8Array, password: string): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const N = 2 ** bytes[17];
  const keys = scryptSync(password.normalize("NFC"), bytes.subarray(24, 56), 64, {
    ...{ N, r: bytes[18], p: bytes[19] },
    maxmem: 2 ** 29,
  });
  if (keys.subarray(32).compare(bytes.subarray(64, HEADER)) !== 0) throw new Error("password");
  const size = view.getUint32(20) + 16;
  const texts: Uint8Array[] = [];
  for (let at = HEADER, number = 0; at < bytes.length; at += size, number++) {
    const chunk = bytes.subarray(at, at + size);
    const nonce = new Uint8Array(12);
    nonce.set(bytes.subarray(56, 63));
    new DataView(nonce.buffer).setUint32(7, number);
    nonce[11] = at + size >= bytes.length ? 1 : 0;
    const decipher = createDecipheriv("aes-256-gcm", keys.subarray(0, 32), nonce);
    decipher.setAAD(bytes.subarray(0, HEADER));
    decipher.setAuthTag(chunk.subarray(-16));
    texts.push(new Uint8Array(decipher.update(chunk.subarray(0, -16))));
    decipher.final();
  }
  return join(texts);
}
