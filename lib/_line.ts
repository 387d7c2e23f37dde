/**
 * A queue whose members can leave from anywhere, each in constant time.
 *
 * Members stand in chunks of a few dozen, chunks in a doubly linked list. What always holds: no
 * chunk but the only one is without a member, so what is held is bounded by the members there
 * are; and the first member stands at `from` of the head. `#vacate` keeps both.
 *
 * Why members are not linked to each other, which would be shorter: V8 copies a list of young
 * objects link by link, and with 20,000 waiters in one list each collection took 30 ms where the
 * same waiters in arrays took 10.
 *
 * The fields are not `#private`: nothing here is reached by users, and JavaScriptCore reads a
 * private field across an object twice as slowly, which the fast path of a lock would show.
 */

/** Members in a chunk. Fewer make more links to follow, more leave more empty places behind. */
const CHUNK = 32;

/** Some neighbouring places. A member keeps the chunk it stands in, to leave from there. */
export class Chunk<M> {
  before: Chunk<M> | undefined = undefined;
  after: Chunk<M> | undefined = undefined;
  /** How many members stand here. */
  size = 0;
  /** Where the first of them stands. */
  from = 0;
  /** How many places were ever taken. */
  filled = 0;
  readonly places: (M | undefined)[] = [];

  constructor(readonly line: Line<M>) {}
}

/** Members in the order they came. */
export class Line<M> {
  /** How many there are. */
  size = 0;
  head: Chunk<M> | undefined = undefined;
  tail: Chunk<M> | undefined = undefined;

  /** The one that has been here longest. */
  get first(): M | undefined {
    const { head } = this;
    return head === undefined ? undefined : head.places[head.from];
  }

  /** Adds a member at the end; answers the chunk that `remove` will ask for. */
  append(member: M): Chunk<M> {
    let { tail } = this;
    if (tail === undefined || tail.filled === CHUNK) tail = this.#extend();
    tail.places[tail.filled++] = member;
    tail.size++;
    this.size++;
    return tail;
  }

  /** Puts a member before all others; answers the chunk that `remove` will ask for. */
  prepend(member: M): Chunk<M> {
    const { head } = this;
    if (head === undefined || this.size === 0) return this.append(member);
    const chunk = new Chunk<M>(this);
    chunk.places.push(member);
    chunk.size = chunk.filled = 1;
    chunk.after = head;
    this.head = head.before = chunk;
    this.size++;
    return chunk;
  }

  /** Takes out the first member, which there must be. */
  shift(): void {
    const head = this.head!;
    this.#vacate(head, head.from);
  }

  /** Takes out a member from the chunk it was put in. */
  remove(chunk: Chunk<M>, member: M): void {
    const { places, from } = chunk;
    this.#vacate(chunk, places[from] === member ? from : places.indexOf(member, from));
  }

  /** All members, in order; none may come or go meanwhile. */
  *[Symbol.iterator](): Generator<M, void> {
    for (let chunk = this.head; chunk !== undefined; chunk = chunk.after) {
      for (const member of chunk.places) if (member !== undefined) yield member;
    }
  }

  #vacate(chunk: Chunk<M>, place: number): void {
    const { places } = chunk;
    places[place] = undefined;
    this.size--;
    if (--chunk.size === 0) return this.#drop(chunk);
    if (place !== chunk.from) return;
    let from = place + 1;
    while (places[from] === undefined) from++;
    chunk.from = from;
  }

  #extend(): Chunk<M> {
    const chunk = new Chunk<M>(this);
    chunk.before = this.tail;
    if (this.tail === undefined) this.head = chunk;
    else this.tail.after = chunk;
    return this.tail = chunk;
  }

  #drop(chunk: Chunk<M>): void {
    const { before, after } = chunk;
    if (before === undefined && after === undefined) {
      // The only chunk stays for the next members: a queue that fills and empties makes none.
      chunk.from = chunk.filled = 0;
      return;
    }
    if (before === undefined) this.head = after;
    else before.after = after;
    if (after === undefined) this.tail = before;
    else after.before = before;
  }
}
