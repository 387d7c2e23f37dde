/**
 * The configurations a search has been through in vain.
 *
 * A configuration is what decides whether the rest of the calls can be placed: the return the search
 * stands before, the calls under way that are still to be placed, the state, the open calls that were
 * used, and, right after an open call, the state before it (see `Search`), which can only forbid.
 * So one that was in vain makes vain
 * - another that has used the same open calls and more: whatever the additional ones could do, nothing
 *   that is possible without them;
 * - another that is right after an open call, if the one in vain was not.
 *
 * Invariant: entries are exact, never hashes, so that nothing is given up by mistake. Looking for an
 * entry that merely answers for another has an end after some entries; finding the same one has not.
 * Once the allowance is used up nothing more is kept; the search is then slower, and as right as before.
 */
import type { Allowance } from "./_allowance.ts";

/** The state before, where the search is not right after an open call. */
export const FREE = -1;

/** Where in an entry what stands; the words of both sets follow. */
const NEXT_SAME = 0;
const NEXT_ALIKE = 1;
const FRONTIER = 2;
const STATE = 3;
const BEFORE = 4;
const SETS = 5;

const NONE = -1;
const FIRST_ENTRIES = 64;

/** How many entries alike but for open calls are looked at, the latest first. */
const ALIKE = 32;

/** What a search has been through. */
export class Cache {
  readonly #allowance: Allowance;
  readonly #setWords: number;
  readonly #openWords: number;
  readonly #stride: number;
  /** The first entry for each hash of everything, and for each hash of all but the open calls. */
  #same: Int32Array;
  #alike: Int32Array;
  #entries: Int32Array;
  #count = 0;
  #taken = 0;
  #full = false;

  /**
   * @param setWords How many words the set of calls still to be placed takes.
   * @param openWords How many words the set of open calls used takes.
   * @param allowance Where the memory comes from.
   */
  constructor(setWords: number, openWords: number, allowance: Allowance) {
    this.#allowance = allowance;
    this.#setWords = setWords;
    this.#openWords = openWords;
    this.#stride = SETS + setWords + openWords;
    this.#same = new Int32Array(FIRST_ENTRIES).fill(NONE);
    this.#alike = new Int32Array(FIRST_ENTRIES).fill(NONE);
    this.#entries = new Int32Array((FIRST_ENTRIES + 1) * this.#stride);
  }

  /**
   * Whether the search has been here, or where it was no worse off; if not, it has now.
   *
   * @param frontier The return before which it stands.
   * @param state The state.
   * @param before The state before the open call that was placed last, or `FREE`.
   * @param set The calls still to be placed.
   * @param open The open calls used.
   */
  visit(
    frontier: number,
    state: number,
    before: number,
    set: Int32Array,
    open: Int32Array,
  ): boolean {
    // What is looked for is written behind the last entry, where it stays if it is new.
    const entries = this.#entries;
    const entry = this.#count * this.#stride;
    entries[entry + FRONTIER] = frontier;
    entries[entry + STATE] = state;
    entries[entry + BEFORE] = before;
    let at = entry + SETS;
    for (let word = 0; word < set.length; word++) entries[at++] = set[word];
    for (let word = 0; word < open.length; word++) entries[at++] = open[word];
    const alike = this.#hash(entry);
    const same = this.#hashOpen(alike, entry);
    if (this.#hasSame(entry, same) || (open.length > 0 && this.#hasBetter(entry, alike))) {
      return true;
    }
    this.#keep(entry, same, alike);
    return false;
  }

  /** Gives the memory back. */
  dispose(): void {
    this.#allowance.give(this.#taken);
    this.#taken = 0;
    this.#entries = this.#same = this.#alike = new Int32Array(0);
  }

  #hasSame(entry: number, hash: number): boolean {
    const entries = this.#entries;
    let other = this.#same[hash & (this.#same.length - 1)];
    for (; other !== NONE; other = entries[other + NEXT_SAME]) {
      if (entries[other + BEFORE] !== entries[entry + BEFORE] || !this.#areAlike(other, entry)) {
        continue;
      }
      let at = SETS + this.#setWords;
      while (at < this.#stride && entries[other + at] === entries[entry + at]) at++;
      if (at === this.#stride) return true;
    }
    return false;
  }

  #hasBetter(entry: number, hash: number): boolean {
    const entries = this.#entries;
    const before = entries[entry + BEFORE];
    let other = this.#alike[hash & (this.#alike.length - 1)];
    for (let left = ALIKE; other !== NONE && left > 0; left--) {
      const free = entries[other + BEFORE];
      if ((free === before || free === FREE) && this.#areAlike(other, entry)) {
        let at = SETS + this.#setWords;
        while (at < this.#stride && (entries[other + at] & ~entries[entry + at]) === 0) at++;
        if (at === this.#stride) return true;
      }
      other = entries[other + NEXT_ALIKE];
    }
    return false;
  }

  /** Whether two entries are the same but for the open calls. */
  #areAlike(a: number, b: number): boolean {
    const entries = this.#entries;
    if (entries[a + FRONTIER] !== entries[b + FRONTIER]) return false;
    if (entries[a + STATE] !== entries[b + STATE]) return false;
    for (let at = SETS; at < SETS + this.#setWords; at++) {
      if (entries[a + at] !== entries[b + at]) return false;
    }
    return true;
  }

  #keep(entry: number, same: number, alike: number): void {
    if (this.#full) return;
    if (this.#count === this.#same.length) {
      this.#grow();
      if (this.#full) return;
    }
    this.#count++;
    this.#link(entry, same, alike);
  }

  #link(entry: number, same: number, alike: number): void {
    const mask = this.#same.length - 1;
    this.#entries[entry + NEXT_SAME] = this.#same[same & mask];
    this.#same[same & mask] = entry;
    if (this.#openWords === 0) return;
    this.#entries[entry + NEXT_ALIKE] = this.#alike[alike & mask];
    this.#alike[alike & mask] = entry;
  }

  #grow(): void {
    const count = this.#count;
    const bytes = 4 * (2 * count + 1) * (this.#stride + 2);
    if (!this.#allowance.take(bytes)) {
      this.#full = true;
      return;
    }
    this.#allowance.give(this.#taken);
    this.#taken = bytes;
    const larger = new Int32Array((2 * count + 1) * this.#stride);
    larger.set(this.#entries);
    this.#entries = larger;
    this.#same = new Int32Array(2 * count).fill(NONE);
    this.#alike = new Int32Array(2 * count).fill(NONE);
    for (let entry = 0; entry < count * this.#stride; entry += this.#stride) {
      const alike = this.#hash(entry);
      this.#link(entry, this.#hashOpen(alike, entry), alike);
    }
  }

  /** A hash of all but the open calls. */
  #hash(entry: number): number {
    const entries = this.#entries;
    let hash = Math.imul(entries[entry + FRONTIER], 0x9e3779b1) ^
      Math.imul(entries[entry + STATE] + 1, 0x85ebca6b);
    for (let at = SETS; at < SETS + this.#setWords; at++) hash = mix(hash, entries[entry + at]);
    return mix(hash, 0);
  }

  #hashOpen(hash: number, entry: number): number {
    const entries = this.#entries;
    if (this.#openWords === 0) return hash;
    for (let at = SETS + this.#setWords; at < this.#stride; at++) {
      hash = mix(hash, entries[entry + at]);
    }
    return mix(hash, entries[entry + BEFORE]);
  }
}

function mix(hash: number, word: number): number {
  return Math.imul(hash ^ (hash >>> 15) ^ word, 0xc2b2ae35);
}
