/**
 * What waits for one worker, in the order in which it will begin; whoever leaves does so from
 * anywhere, at once. In the order of acceptance that is a `Line`; in any other a binary heap whose
 * members know their places, so that leaving costs no search.
 *
 * The order is somebody else's code: what it throws surfaces as an unhandled rejection, and the two
 * then stay in the order of their acceptance. However wrong it is, nothing is lost by it.
 */
import { type Chunk, Line } from "../_line.ts";
import type { QueuedJob } from "./jobs.ts";
import type { JobOrder } from "./order.ts";

/** What can wait: one job, or several that begin together. */
export interface Entry {
  /** By what it is ordered: the first of its jobs. */
  readonly key: QueuedJob;
  /** Where it stands in a line. */
  chunk: Chunk<Entry> | undefined;
  /** Where it stands in a heap. */
  place: number;
}

/** See above. */
export interface Schedule<E extends Entry> extends Iterable<E> {
  /** The one to begin next. */
  readonly first: E | undefined;
  /** Adds one. */
  add(entry: E): void;
  /** Takes one out, wherever it stands. */
  remove(entry: E): void;
}

/** Whether `a` begins before `b`. */
export type Before = (a: Entry, b: Entry) => boolean;

/** Makes a total order of one that may leave some open, and may be wrong. */
export function beforeIn(order: JobOrder | undefined): Before {
  const older: Before = (a, b) => a.key.id < b.key.id;
  if (order === undefined) return older;
  return (a, b) => {
    let difference: number;
    try {
      difference = order(a.key, b.key);
    } catch (error) {
      Promise.reject(error);
      return older(a, b);
    }
    return difference < 0 || !(difference > 0) && older(a, b);
  };
}

/** In the order of acceptance. */
export class Fifo<E extends Entry> implements Schedule<E> {
  readonly #line = new Line<E>();

  get first(): E | undefined {
    return this.#line.first;
  }

  add(entry: E): void {
    entry.chunk = this.#line.append(entry);
  }

  remove(entry: E): void {
    this.#line.remove(entry.chunk as Chunk<E>, entry);
  }

  [Symbol.iterator](): Iterator<E> {
    return this.#line[Symbol.iterator]();
  }
}

/** In any other order. */
export class Heap<E extends Entry> implements Schedule<E> {
  readonly #entries: E[] = [];
  readonly #before: Before;

  constructor(before: Before) {
    this.#before = before;
  }

  get first(): E | undefined {
    return this.#entries[0];
  }

  add(entry: E): void {
    entry.place = this.#entries.length;
    this.#entries.push(entry);
    this.#rise(entry);
  }

  remove(entry: E): void {
    const last = this.#entries.pop()!;
    if (last === entry) return;
    this.#put(last, entry.place);
    this.#rise(last);
    this.#sink(last);
  }

  [Symbol.iterator](): Iterator<E> {
    return this.#entries[Symbol.iterator]();
  }

  #put(entry: E, place: number): void {
    this.#entries[place] = entry;
    entry.place = place;
  }

  #rise(entry: E): void {
    while (entry.place > 0) {
      const { place } = entry;
      const parent = this.#entries[(place - 1) >> 1];
      if (!this.#before(entry, parent)) return;
      this.#put(entry, parent.place);
      this.#put(parent, place);
    }
  }

  #sink(entry: E): void {
    for (;;) {
      const { place } = entry;
      const [left, right] = this.#entries.slice(2 * place + 1, 2 * place + 3);
      if (left === undefined) return;
      const child = right !== undefined && this.#before(right, left) ? right : left;
      if (!this.#before(child, entry)) return;
      this.#put(entry, child.place);
      this.#put(child, place);
    }
  }
}
