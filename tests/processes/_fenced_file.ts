/** A store that checks fencing tokens, and the same without the check. */
import { readFileSync, writeFileSync } from "node:fs";

/** What is stored, and the token it was stored with. */
export interface Stored {
  readonly value: string;
  readonly token: string;
}

export function readStored(file: string): Stored {
  return JSON.parse(readFileSync(file, "utf8"));
}

function store(file: string, stored: Stored): void {
  writeFileSync(file, JSON.stringify(stored));
}

/** Stores unless something was stored with a greater token; answers whether it did. */
export function writeFenced(file: string, value: string, token: bigint): boolean {
  if (BigInt(readStored(file).token) > token) return false;
  store(file, { value, token: String(token) });
  return true;
}

/** Stores. */
export function writeBlindly(file: string, value: string): boolean {
  store(file, { ...readStored(file), value });
  return true;
}
