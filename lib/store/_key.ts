/**
 * Keys, and what else callers hand in. A key is data and nothing else: it stands in the manifest and in
 * exports, and never in a path.
 */
import { checkAcquireOptions, show } from "../_options.ts";
import { throwIfAborted } from "../_signals.ts";
import type { GetOptions, ListOptions, StoreWait } from "./store.ts";

/** The longest key, in bytes of UTF-8. */
export const LONGEST_KEY = 1024;

/** What is wrong with a key; `undefined` if nothing is. */
export function faultOfKey(key: unknown): string | undefined {
  if (typeof key !== "string") return "it is no string";
  if (!key.isWellFormed()) return "it has half of a surrogate pair in it";
  // No character takes more than three bytes for each of its code units.
  if (key.length * 3 <= LONGEST_KEY) return undefined;
  const { length } = new TextEncoder().encode(key);
  return length <= LONGEST_KEY ? undefined : `it has ${length} bytes, of ${LONGEST_KEY} at most`;
}

/** Refuses what is no key; answers what is. */
export function checkKey(key: unknown, action: string): string {
  const fault = faultOfKey(key);
  if (fault === undefined) return key as string;
  const Class = typeof key === "string" && key.isWellFormed() ? RangeError : TypeError;
  throw new Class(`Cannot ${action} ${show(key)}: a key must be a well-formed string; ${fault}`);
}

/** Refuses what is not several keys; answers each once. */
export function checkKeys(keys: unknown, action: string): ReadonlySet<string> {
  const { [Symbol.iterator]: iterate } = Object(keys);
  if (typeof keys === "string" || typeof iterate !== "function") {
    throw new TypeError(`Cannot ${action}: keys must be in an array or a set, got ${show(keys)}`);
  }
  return new Set(Array.from(keys as Iterable<unknown>, (key) => checkKey(key, action)));
}

/** Refuses what is not a version's number. */
export function checkVersion(version: unknown, action: string): void {
  if (typeof version !== "number") {
    throw new TypeError(`Cannot ${action}: a version must be a number, got ${show(version)}`);
  }
  if (!Number.isSafeInteger(version) || version < 1) {
    throw new RangeError(`Cannot ${action}: a version is a whole number from 1 up, got ${version}`);
  }
}

/** Refuses what has no such method, and so is no store, or not the half of one that is needed. */
export function checkStore(store: unknown, method: string, action: string): void {
  if (typeof Object(store)[method] === "function") return;
  throw new TypeError(`Cannot ${action}: a store was expected, got ${show(store)}`);
}

/** Refuses options of a wait that cannot be meant, and a signal that has aborted. */
export function checkWait(options: StoreWait, action: string): void {
  checkAcquireOptions(options, action);
  throwIfAborted(options.signal);
}

/** Refuses options of `get` that cannot be meant. */
export function checkGetOptions(options: GetOptions, action: string): void {
  checkWait(options, action);
  if (options.version !== undefined) checkVersion(options.version, action);
}

/** Refuses options of `list` that cannot be meant. */
export function checkListOptions(options: ListOptions): void {
  const action = "list keys";
  checkWait(options, action);
  const { prefix, after, limit } = options;
  if (prefix !== undefined && typeof prefix !== "string") {
    throw new TypeError(`Cannot ${action}: prefix must be a string, got ${show(prefix)}`);
  }
  if (after !== undefined && typeof after !== "string") {
    throw new TypeError(`Cannot ${action}: after must be a string, got ${show(after)}`);
  }
  if (limit === undefined || limit === Infinity) return;
  if (typeof limit !== "number") {
    throw new TypeError(`Cannot ${action}: limit must be a number, got ${show(limit)}`);
  }
  if (!Number.isSafeInteger(limit) || limit < 0) {
    throw new RangeError(
      `Cannot ${action}: limit must be a whole number from 0 up, or Infinity, got ${limit}`,
    );
  }
}

/** How many versions of each key are kept, if the option can be meant. */
export function checkKeep(keep: unknown, action: string): number {
  if (typeof keep !== "number") {
    throw new TypeError(`Cannot ${action}: keep must be a number of versions, got ${show(keep)}`);
  }
  if (!Number.isSafeInteger(keep) || keep < 1 || keep > 1000) {
    throw new RangeError(`Cannot ${action}: keep must be from 1 to 1000 versions, got ${keep}`);
  }
  return keep;
}
