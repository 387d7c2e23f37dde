/**
 * Which calls have been placed so far, and in which order; the last can be taken back.
 *
 * What is placed is written as one number: the node of its invocation for a call that returned, and
 * -1 - the place of its kind in `Plan.open` for an open call, of which the first unused is meant.
 */
import { HEAD, type Plan } from "./_plan.ts";

/** The calls of a plan, each placed or still to be placed. */
export class Placement {
  /** For each node, the next that is still to be placed; after the last comes the head. */
  readonly next: Int32Array;
  /** For each node, the one before it; of one that is placed, the one before it at that moment. */
  readonly previous: Int32Array;
  /** For each invocation, 1 if its call has been placed. */
  readonly placed: Uint8Array;
  /** For each kind of open calls, how many have been used. */
  readonly used: Int32Array;
  /** The open calls used, as a set; of each kind the first ones. */
  readonly openSet: Int32Array;
  /** What has been placed. */
  readonly order: number[] = [];
  readonly #plan: Plan;

  /** @param plan The calls; none has been placed. */
  constructor(plan: Plan) {
    this.#plan = plan;
    const size = plan.callOf.length;
    this.next = new Int32Array(size);
    this.previous = new Int32Array(size);
    for (let node = 0; node < size; node++) {
      this.next[node] = node + 1 === size ? HEAD : node + 1;
      this.previous[node] = node === HEAD ? size - 1 : node - 1;
    }
    this.placed = new Uint8Array(size);
    this.used = new Int32Array(plan.open.length);
    this.openSet = new Int32Array((plan.openCalls + 31) >> 5);
  }

  /** The kind of a call. */
  kind(placed: number): number {
    return placed > 0 ? this.#plan.kindOf[placed] : this.#plan.open[-1 - placed].kind;
  }

  /** Puts a call at the end of the order. */
  place(placed: number): void {
    this.order.push(placed);
    if (placed > 0) {
      this.placed[placed] = 1;
      this.#takeOut(placed);
      this.#takeOut(this.#plan.returnOf[placed]);
    } else {
      const queue = -1 - placed;
      const bit = this.#plan.open[queue].firstBit + this.used[queue]++;
      this.openSet[bit >> 5] |= 1 << (bit & 31);
    }
  }

  /** Takes back what was placed last, until `length` calls are left. */
  takeBack(length: number): void {
    const order = this.order;
    while (order.length > length) {
      const placed = order.pop()!;
      if (placed > 0) {
        this.#putBack(this.#plan.returnOf[placed]);
        this.#putBack(placed);
        this.placed[placed] = 0;
      } else {
        const queue = -1 - placed;
        const bit = this.#plan.open[queue].firstBit + --this.used[queue];
        this.openSet[bit >> 5] &= ~(1 << (bit & 31));
      }
    }
  }

  #takeOut(node: number): void {
    const before = this.previous[node];
    const after = this.next[node];
    this.next[before] = after;
    this.previous[after] = before;
  }

  #putBack(node: number): void {
    this.next[this.previous[node]] = node;
    this.previous[this.next[node]] = node;
  }
}
