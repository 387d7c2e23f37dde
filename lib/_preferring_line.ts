/**
 * A queue that serves one kind of its members before the other, each kind in the order it came.
 *
 * It is two lines, of which the second is served while the first is empty. A member that was put
 * before all others stands at the head of the first, whatever its kind; that it is found again is
 * due to its chunk, which knows the line it belongs to.
 */
import { type Chunk, Line } from "./_line.ts";

/** Members of two kinds, with the same methods as a `Line`. */
export class PreferringLine<M> {
  /** How many there are. */
  size = 0;
  readonly #prefers: (member: M) => boolean;
  readonly #preferred: Line<M> = new Line();
  readonly #others: Line<M> = new Line();

  /** `prefers` tells whether a member is of the kind that is served first. */
  constructor(prefers: (member: M) => boolean) {
    this.#prefers = prefers;
  }

  /** The one to be served next. */
  get first(): M | undefined {
    return this.#preferred.first ?? this.#others.first;
  }

  /** Adds a member after those of its kind; answers the chunk that `remove` will ask for. */
  append(member: M): Chunk<M> {
    this.size++;
    return (this.#prefers(member) ? this.#preferred : this.#others).append(member);
  }

  /** Puts a member before all others; answers the chunk that `remove` will ask for. */
  prepend(member: M): Chunk<M> {
    this.size++;
    return this.#preferred.prepend(member);
  }

  /** Takes out the one to be served next, which there must be. */
  shift(): void {
    this.size--;
    (this.#preferred.size > 0 ? this.#preferred : this.#others).shift();
  }

  /** Takes out a member from the chunk it was put in. */
  remove(chunk: Chunk<M>, member: M): void {
    this.size--;
    chunk.line.remove(chunk, member);
  }

  /** All members in the order in which they will be served; none may come or go meanwhile. */
  *[Symbol.iterator](): Generator<M, void> {
    yield* this.#preferred;
    yield* this.#others;
  }
}
