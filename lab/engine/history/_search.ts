/**
 * The search for an order: Wing and Gong's, with Lowe's cache.
 *
 * A configuration is a set of calls that have been placed, in some order, and the state they lead to.
 * Next may come any call that was invoked before the first return that is still to be placed (the
 * frontier): whatever returned earlier has been placed. When nothing fits, the last choice is undone.
 * An order is found when every call that returned has been placed; open calls need not be.
 *
 * What keeps the tree small, and why nothing is lost by it:
 * - A configuration that was in vain is not entered again (`Cache`).
 * - A call that only observes comes as soon as it fits, without a choice: in any order that goes on
 *   from here it can be moved to the front, since no other call can tell. (This is not so for one that
 *   merely leaves the present state as it is: a later one may need it to change another.)
 * - Of calls of one kind only the one that returns first is tried: two that could both come now can
 *   change places. Open calls return last of all, those of one kind in the order of invocation.
 * - An open call comes only if what comes right after it would not come out the same without it. An
 *   order with as few open calls as possible has none that could be left out.
 * - Where a call can no longer be placed the search turns back (`LookAhead`).
 *
 * Each of these rules only rearranges or shortens an order, and none makes another's work undone, so
 * that where there is an order there is one that obeys them all.
 *
 * Sources: Wing and Gong, "Testing and Verifying Concurrent Objects", 1993; Lowe, "Testing for
 * Linearizability", 2017.
 */
import type { Allowance } from "./_allowance.ts";
import { Cache, FREE } from "./_cache.ts";
import { LookAhead } from "./_look_ahead.ts";
import { Placement } from "./_placement.ts";
import { HEAD, type Plan } from "./_plan.ts";
import { INITIAL, NO_STATE, type Transitions } from "./_transitions.ts";

/** What became of a search: an order, none, or nothing yet. */
export type Finding = "found" | "none" | "undecided" | "out of memory";

/** One search. It can be interrupted and taken up again. */
export class Search {
  readonly #plan: Plan;
  readonly #transitions: Transitions;
  readonly #placement: Placement;
  readonly #cache: Cache;
  readonly #lookAhead: LookAhead;
  /** The calls under way at the frontier that are still to be placed, as a set of slots. */
  readonly #set: Int32Array;
  /** For each kind, the visit that last met it, and where in `#choices` it then put it. */
  readonly #metOn: Int32Array;
  readonly #metAt: Int32Array;
  /** What can be tried, for all frames. */
  readonly #choices: number[] = [];
  readonly #ranks: number[] = [];
  /** For each frame: its first choice, the next to be tried, its state, the order's length. */
  readonly #frames: number[] = [];
  #state = INITIAL;
  /** The state before the open call that was placed last, or `FREE` if something else was. */
  #before = FREE;
  #visits = 0;
  #steps = 0;
  /** The farthest frontier so far, and how much had been placed when it was first reached. */
  #farthest = HEAD;
  #bestLength = 0;
  /** What had been placed then, once the search has left that path. */
  readonly #best: number[] = [];
  #onBestPath = true;
  /** How far `#best` is the same as the present order. */
  #shared = 0;

  /**
   * @param plan The calls.
   * @param transitions The model.
   * @param allowance Where the memory for the cache comes from.
   */
  constructor(plan: Plan, transitions: Transitions, allowance: Allowance) {
    this.#plan = plan;
    this.#transitions = transitions;
    this.#placement = new Placement(plan);
    this.#lookAhead = new LookAhead(plan, transitions, this.#placement);
    this.#set = new Int32Array((plan.slots >> 5) + 1);
    this.#metOn = new Int32Array(transitions.kinds);
    this.#metAt = new Int32Array(transitions.kinds);
    this.#cache = new Cache(this.#set.length, this.#placement.openSet.length, allowance);
  }

  /** How often the model has been consulted. */
  get steps(): number {
    return this.#steps + this.#lookAhead.steps;
  }

  /** The return that could not be got past: how many moments come before it. */
  get farthest(): number {
    return this.#plan.momentOf[this.#farthest];
  }

  /**
   * The places of the calls in the order that was found or, where there is none, in one that has
   * everything before the farthest return; and the number of the state it leads to.
   */
  best(): { readonly order: number[]; readonly state: number } {
    this.#keepBest();
    const { callOf, open } = this.#plan;
    const used = new Int32Array(open.length);
    const order: number[] = [];
    let state = INITIAL;
    for (const placed of this.#best) {
      const queue = -1 - placed;
      order.push(placed > 0 ? callOf[placed] : open[queue].calls[used[queue]++]);
      state = this.#transitions.next(this.#placement.kind(placed), state);
    }
    return { order, state };
  }

  /**
   * Searches on.
   *
   * @param limit How many steps there may have been when it stops undecided.
   */
  run(limit: number): Finding {
    while (this.steps < limit) {
      const more = this.#visit();
      // Without memory the transitions are no longer true, so this comes before any answer.
      if (this.#transitions.exhausted) return "out of memory";
      if (!more) return "found";
      do {
        if (this.#frames.length === 0) return "none";
      } while (!this.#advance());
    }
    return "undecided";
  }

  /** Gives the memory back; the search is over. */
  dispose(): void {
    this.#cache.dispose();
  }

  /**
   * Looks at the configuration the search has come to. Places what comes without a choice, and makes
   * a frame of the choices, if it is new. Answers `false` if nothing is left to be placed.
   */
  #visit(): boolean {
    const { returnOf, kindOf, slotOf, open } = this.#plan;
    const { next, previous, used, openSet, order } = this.#placement;
    const transitions = this.#transitions;
    const choices = this.#choices;
    const state = this.#state;
    const firstChoice = choices.length;
    const visit = ++this.#visits;
    const set = this.#set;
    for (let word = 0; word < set.length; word++) set[word] = 0;

    let before = this.#before;
    let node = next[HEAD];
    while (returnOf[node] !== 0) {
      const kind = kindOf[node];
      const after = transitions.next(kind, state);
      this.#steps++;
      if (after === state && transitions.observes(kind)) {
        // It did not fit before an open call, or it would have come then: the open call was needed.
        before = FREE;
        this.#placement.place(node);
        node = next[previous[node]];
        continue;
      }
      set[slotOf[node] >> 5] |= 1 << (slotOf[node] & 31);
      if (after !== NO_STATE) {
        if (this.#metOn[kind] !== visit) {
          this.#metOn[kind] = visit;
          this.#metAt[kind] = choices.push(node) - 1;
        } else if (returnOf[node] < returnOf[choices[this.#metAt[kind]]]) {
          choices[this.#metAt[kind]] = node;
        }
      }
      node = next[node];
    }
    if (node > this.#farthest || node === HEAD) {
      this.#farthest = node;
      this.#bestLength = order.length;
      this.#onBestPath = true;
    }
    if (node === HEAD) return false;

    const vain = this.#cache.visit(node, state, before, set, openSet) ||
      this.#lookAhead.isHopeless(node, state);
    if (vain) {
      choices.length = firstChoice;
      return true;
    }
    for (let queue = 0; queue < open.length; queue++) {
      const { calls, after, kind } = open[queue];
      if (used[queue] === calls.length || after[used[queue]] >= node) continue;
      const changed = transitions.next(kind, state);
      this.#steps++;
      if (changed !== NO_STATE && changed !== state) choices.push(-1 - queue);
    }
    if (before !== FREE) this.#dropUnneeding(firstChoice, state, before);
    this.#arrange(firstChoice, node, state);
    this.#frames.push(firstChoice, firstChoice, state, order.length);
    return true;
  }

  /**
   * Puts the most promising choices first: what returns first; what makes that fit; then the others
   * in the order of their returns. To place no more than must be placed leaves most open for later.
   */
  #arrange(first: number, frontier: number, state: number): void {
    const choices = this.#choices;
    const { kindOf, returnOf } = this.#plan;
    const last = kindOf[frontier];
    const stuck = this.#transitions.next(last, state) === NO_STATE;
    const ranks = this.#ranks;
    const size = returnOf.length;
    for (let place = first; place < choices.length; place++) {
      const choice = choices[place];
      let rank = choice > 0 ? returnOf[choice] : size;
      if (stuck) {
        this.#steps++;
        const after = this.#transitions.next(this.#placement.kind(choice), state);
        if (this.#transitions.next(last, after) === NO_STATE) rank += size + 1;
      }
      let at = place;
      for (; at > first && ranks[at - 1] > rank; at--) {
        choices[at] = choices[at - 1];
        ranks[at] = ranks[at - 1];
      }
      choices[at] = choice;
      ranks[at] = rank;
    }
  }

  /** Makes the next choice of the last frame; answers `false` if it had none left, and is gone. */
  #advance(): boolean {
    const frames = this.#frames;
    const frame = frames.length - 4;
    const choice = frames[frame + 1];
    this.#takeBack(frames[frame + 3]);
    if (choice === this.#choices.length) {
      this.#choices.length = frames[frame];
      frames.length = frame;
      return false;
    }
    frames[frame + 1]++;
    const placed = this.#choices[choice];
    const state = frames[frame + 2];
    this.#before = placed > 0 ? FREE : state;
    this.#state = this.#transitions.next(this.#placement.kind(placed), state);
    this.#placement.place(placed);
    return true;
  }

  /** Drops the choices that would lead to the same state without the open call right before them. */
  #dropUnneeding(first: number, state: number, before: number): void {
    const choices = this.#choices;
    const transitions = this.#transitions;
    let kept = first;
    for (let place = first; place < choices.length; place++) {
      const kind = this.#placement.kind(choices[place]);
      this.#steps++;
      if (transitions.next(kind, before) === transitions.next(kind, state)) continue;
      choices[kept++] = choices[place];
    }
    choices.length = kept;
  }

  #takeBack(length: number): void {
    if (length < this.#bestLength) this.#keepBest();
    if (length < this.#shared) this.#shared = length;
    this.#placement.takeBack(length);
  }

  /** Copies what had been placed at the farthest frontier, unless that has been done. */
  #keepBest(): void {
    if (!this.#onBestPath) return;
    this.#onBestPath = false;
    this.#best.length = this.#shared;
    for (let place = this.#shared; place < this.#bestLength; place++) {
      this.#best.push(this.#placement.order[place]);
    }
    this.#shared = this.#bestLength;
  }
}
