/**
 * Turning back early: some call is illegal in the present state, and nothing that may still come
 * before it can help it, as far as the model tells.
 */
import type { Placement } from "./_placement.ts";
import { HEAD, type Plan } from "./_plan.ts";
import { NO_STATE, type Transitions } from "./_transitions.ts";

/** Tells when a search has come to where nothing can be found. */
export class LookAhead {
  readonly #plan: Plan;
  readonly #transitions: Transitions;
  readonly #placement: Placement;
  #steps = 0;

  /**
   * @param plan The calls.
   * @param transitions The model.
   * @param placement Which of the calls have been placed.
   */
  constructor(plan: Plan, transitions: Transitions, placement: Placement) {
    this.#plan = plan;
    this.#transitions = transitions;
    this.#placement = placement;
  }

  /** How often the model has been asked what helps. */
  get steps(): number {
    return this.#steps;
  }

  /**
   * Whether there is a call that can no longer be placed. Looked at are the calls under way and, though
   * it may be far off, the first that answered what the call placed last was given: if that was put in
   * the wrong place, this is where it shows.
   *
   * @param frontier The first return that is still to be placed.
   * @param state The present state.
   */
  isHopeless(frontier: number, state: number): boolean {
    if (!this.#transitions.tellsHelp) return false;
    const { next, order } = this.#placement;
    for (let node = next[HEAD]; node !== frontier; node = next[node]) {
      if (this.#isLost(node, state)) return true;
    }
    const last = order.length === 0 ? HEAD : order[order.length - 1];
    const user = last > 0 ? this.#firstUser(last, frontier) : undefined;
    return user !== undefined && this.#isLost(user, state);
  }

  /** Whether a call is illegal and not helped. */
  #isLost(wanted: number, state: number): boolean {
    const { kindOf, returnOf, open } = this.#plan;
    const { next, used } = this.#placement;
    const transitions = this.#transitions;
    const kind = kindOf[wanted];
    if (transitions.next(kind, state) !== NO_STATE) return false;
    const last = returnOf[wanted];
    for (let node = next[HEAD]; node !== last; node = next[node]) {
      if (returnOf[node] === 0 || node === wanted || transitions.observes(kindOf[node])) continue;
      this.#steps++;
      if (transitions.helps(state, kind, kindOf[node])) return false;
    }
    for (let queue = 0; queue < open.length; queue++) {
      const { calls, after, kind: helping } = open[queue];
      if (used[queue] === calls.length || after[used[queue]] >= last) continue;
      this.#steps++;
      if (transitions.helps(state, kind, helping)) return false;
    }
    return true;
  }

  /** Of the calls that answered what `node` was given, the first to return that is not placed. */
  #firstUser(node: number, frontier: number): number | undefined {
    const { usersOf, returnOf } = this.#plan;
    const users = usersOf[node];
    // Those that returned before the frontier have been placed: find the first that did not.
    let low = 0;
    let high = users.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (returnOf[users[middle]] < frontier) low = middle + 1;
      else high = middle;
    }
    while (low < users.length && this.#placement.placed[users[low]] === 1) low++;
    return users[low];
  }
}
