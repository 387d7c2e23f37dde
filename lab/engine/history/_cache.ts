/**
 * The configurations a search has been through in vain.
 *
 * A configuration is what decides whether the rest of the calls can be placed: the return the search
 * stands before, the calls under way that are still to be placed, the state, and the open calls that
 * were used. One that was in vain makes another so that differs from it only in having used more open
 * calls: whatever those could still do, the fewer used ones could have done too. So an entry answers
 * for every set of used open calls that contains its own.
 *
 * Invariant: entries are exact, never hashes, so that nothing is given up by mistake. Once the
 * allowance is used up nothing more is kept; the search is then slower, and as right as before.
 */
import type { Allowance } from "./_allowance.ts";

/** Where in an entry what stands; the words of both sets follow. */
const NEXT = 0;
const FRONTIER = 1;
const STATE = 2;
const SETS = 3;

const NONE = -1;
const FIRST_ENTRIES = 64;

/** What a search has been through. */
export class Cache {
  readonly #allowance: Allowance;
  readonly #setWords: number;
  readonly #stride: number;
  #buckets: Int32Array;
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
    this.#stride = SETS + setWords + openWords;
    this.#buckets = new Int32Array(FIRST_ENTRIES).fill(NONE);
    this.#entries = new Int32Array(FIRST_ENTRIES * this.#stride);
  }

  /**
   * Whether the search has been here or in a place that is as good; if not, it has now.
   *
   * @param frontier The return before which it stands.
   * @param state The state.
   * @param set The calls still to be placed.
   * @param open The open calls used.
   */
  visit(frontier: number, state: number, set: Int32Array, open: Int32Array): boolean {
    const hash = this.#hash(frontier, state, set, 0);
    const entries = this.#entries;
    let entry = this.#buckets[hash & (this.#buckets.length - 1)];
    while (entry !== NONE) {
      if (
        entries[entry + FRONTIER] === frontier && entries[entry + STATE] === state &&
        this.#answersFor(entry + SETS, set, open)
      ) return true;
      entry = entries[entry + NEXT];
    }
    this.#insert(hash, frontier, state, set, open);
    return false;
  }

  /** Gives the memory back. */
  dispose(): void {
    this.#allowance.give(this.#taken);
    this.#taken = 0;
    this.#entries = this.#buckets = new Int32Array(0);
  }

  #answersFor(sets: number, set: Int32Array, open: Int32Array): boolean {
    const entries = this.#entries;
    const words = this.#setWords;
    for (let word = 0; word < words; word++) {
      if (entries[sets + word] !== set[word]) return false;
    }
    for (let word = 0; word < open.length; word++) {
      if ((entries[sets + words + word] & ~open[word]) !== 0) return false;
    }
    return true;
  }

  #insert(
    hash: number,
    frontier: number,
    state: number,
    set: Int32Array,
    open: Int32Array,
  ): void {
    if (this.#count === this.#buckets.length) this.#grow();
    if (this.#full) return;
    const entry = this.#count++ * this.#stride;
    const entries = this.#entries;
    const bucket = hash & (this.#buckets.length - 1);
    entries[entry + NEXT] = this.#buckets[bucket];
    entries[entry + FRONTIER] = frontier;
    entries[entry + STATE] = state;
    entries.set(set, entry + SETS);
    entries.set(open, entry + SETS + this.#setWords);
    this.#buckets[bucket] = entry;
  }

  #grow(): void {
    const entries = 2 * this.#count;
    const bytes = 4 * entries * (this.#stride + 1);
    if (this.#full || !this.#allowance.take(bytes)) {
      this.#full = true;
      return;
    }
    this.#allowance.give(this.#taken);
    this.#taken = bytes;
    const larger = new Int32Array(entries * this.#stride);
    larger.set(this.#entries);
    this.#entries = larger;
    this.#buckets = new Int32Array(entries).fill(NONE);
    const last = this.#count * this.#stride;
    for (let entry = 0; entry < last; entry += this.#stride) {
      const bucket =
        this.#hash(larger[entry + FRONTIER], larger[entry + STATE], larger, entry + SETS) &
        (entries - 1);
      larger[entry + NEXT] = this.#buckets[bucket];
      this.#buckets[bucket] = entry;
    }
  }

  #hash(frontier: number, state: number, words: Int32Array, first: number): number {
    let hash = Math.imul(frontier, 0x9e3779b1) ^ Math.imul(state + 1, 0x85ebca6b);
    for (let word = 0; word < this.#setWords; word++) {
      hash = Math.imul(hash ^ (hash >>> 15) ^ words[first + word], 0xc2b2ae35);
    }
    return hash ^ (hash >>> 13);
  }
}
