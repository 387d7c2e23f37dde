/**
 * One version of a store: what stands at each key. It never changes; `next` makes another one that
 * shares with it all but what is different, so that keeping a version costs what has changed since.
 */
import { Map as PersistentMap } from "immutable";
import type { KeyVersion, ListOptions } from "./store.ts";

/** One value, wherever `C` says it is, and the epoch it was committed at. */
export interface Kept<C> {
  readonly version: number;
  readonly content: C;
}

/** The values of a key that are kept, the newest first; at least one. */
export type Row<C> = readonly Kept<C>[];

/** What a commit changes. */
export interface Changes<C> {
  /** What is to stand at each key; `undefined` for those to take away. */
  readonly entries: ReadonlyMap<string, C | undefined>;
  /** Whether all other keys go away too. */
  readonly replace: boolean;
}

/** What comes of a commit. */
export interface Step<C> {
  readonly version: Version<C>;
  /** What the version before had and this one has not. */
  readonly dropped: readonly C[];
}

/** See above. */
export class Version<C> {
  readonly epoch: number;
  readonly rows: PersistentMap<string, Row<C>>;
  #keys: readonly string[] | undefined;

  constructor(epoch: number, rows: PersistentMap<string, Row<C>>, keys?: readonly string[]) {
    this.epoch = epoch;
    this.rows = rows;
    this.#keys = keys;
  }

  /** The version before the first commit. */
  static empty<C>(): Version<C> {
    return new Version(0, PersistentMap());
  }

  /** All keys, in the order of their code units. Sorted when first asked for. */
  get keys(): readonly string[] {
    return this.#keys ??= [...this.rows.keys()].sort();
  }

  /** The value at a key: the newest, or the one committed at `version`, if it is kept. */
  find(key: string, version?: number): Kept<C> | undefined {
    const row = this.rows.get(key);
    return version === undefined ? row?.[0] : row?.find((kept) => kept.version === version);
  }

  /** The version after this one. Of each key it keeps so many values. */
  next({ entries, replace }: Changes<C>, keep: number): Step<C> {
    const epoch = this.epoch + 1;
    const dropped: C[] = [];
    const drop = (row: Row<C>) => {
      for (const { content } of row) dropped.push(content);
    };
    let sameKeys = !replace;
    const rows = this.rows.withMutations((rows) => {
      if (replace) {
        for (const [key, row] of this.rows) {
          if (entries.has(key)) continue;
          drop(row);
          rows.delete(key);
        }
      }
      for (const [key, content] of entries) {
        const before = rows.get(key);
        if (content !== undefined) {
          const row = [{ version: epoch, content }, ...(before ?? [])];
          drop(row.splice(keep));
          rows.set(key, row);
        } else if (before !== undefined) {
          drop(before);
          rows.delete(key);
        }
        if ((content === undefined) !== (before === undefined)) sameKeys = false;
      }
    });
    return { version: new Version(epoch, rows, sameKeys ? this.#keys : undefined), dropped };
  }
}

/** Where in a sorted list the first key stands that is not before `key`. */
function placeOf(keys: readonly string[], key: string): number {
  let from = 0;
  let to = keys.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if (keys[middle] < key) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** Some of the sorted `keys`, each with its version. */
export function listKeys(
  keys: readonly string[],
  { prefix = "", after, limit = Infinity }: ListOptions,
  versionOf: (key: string) => number,
): KeyVersion[] {
  const found: KeyVersion[] = [];
  let place = placeOf(keys, prefix);
  if (after !== undefined) {
    const behind = placeOf(keys, after);
    place = Math.max(place, keys[behind] === after ? behind + 1 : behind);
  }
  for (; place < keys.length && found.length < limit; place++) {
    const key = keys[place];
    if (!key.startsWith(prefix)) break;
    found.push({ key, version: versionOf(key) });
  }
  return found;
}
