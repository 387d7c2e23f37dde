/** One object of a history: its calls, the search for their order, and why there is none. */
import type { Allowance } from "./_allowance.ts";
import type { Call } from "./call.ts";
import type { Linearization } from "./check_result.ts";
import type { Model } from "./model.ts";
import { type Moment, momentsOf, Plan } from "./_plan.ts";
import { type Finding, Search } from "./_search.ts";
import { Transitions } from "./_transitions.ts";

/** How much longer than the search itself the one for the best explanation may take, and at least. */
const EXPLANATION = 4;
const LEAST_EXPLANATION = 10_000;

/** The calls on one object, and the search for their order. */
export class Part {
  readonly object: unknown;
  readonly #calls: readonly Call[];
  readonly #allowance: Allowance;
  readonly #transitions: Transitions;
  readonly #moments: readonly Moment[];
  readonly #search: Search;

  constructor(object: unknown, calls: readonly Call[], model: Model, allowance: Allowance) {
    this.object = object;
    this.#calls = calls;
    this.#allowance = allowance;
    this.#transitions = new Transitions(model, calls.length, allowance);
    this.#moments = momentsOf(calls);
    this.#search = this.#searchIn(this.#moments);
  }

  get steps(): number {
    return this.#search.steps;
  }

  search(limit: number): Finding {
    return this.#search.run(limit);
  }

  /** The order a search has come to. Calls whose return it has not been told of are open in it. */
  linearization(
    search: Search = this.#search,
    moments: readonly Moment[] = this.#moments,
  ): Linearization {
    const { order, state } = search.best();
    const returns = new Set(moments.filter((moment) => (moment & 1) === 1));
    return {
      object: this.object,
      order: order.map((place) => {
        const call = this.#calls[place];
        const known = call.outcome === "open" || returns.has(2 * place + 1);
        return known ? call : { ...call, outcome: "open", output: undefined };
      }),
      state: this.#transitions.state(state),
    };
  }

  /**
   * The first moment from which there is no order, and an order of what comes before it.
   *
   * The search that failed knew every answer, also those that came after the return it could not get
   * past. So what is before that return has an order; whether it has one with that return too, and
   * nothing known of what comes later, is searched for again, and so on from return to return. Where
   * that takes too long, the return found so far is answered: given all answers, it cannot be placed.
   */
  explain(): { prefix: Linearization; call: Call } {
    let prefix = this.linearization();
    let farthest = this.#search.farthest;
    let room = Math.max(LEAST_EXPLANATION, EXPLANATION * this.#search.steps);
    this.#search.dispose();
    while (room > 0) {
      const known = this.#moments.slice(0, farthest + 1);
      const search = this.#searchIn(known);
      const finding = search.run(room);
      room -= search.steps;
      search.dispose();
      if (finding !== "found") break;
      prefix = this.linearization(search, known);
      farthest++;
      while ((this.#moments[farthest] & 1) === 0) farthest++;
    }
    return { prefix, call: this.#calls[this.#moments[farthest] >> 1] };
  }

  dispose(): void {
    this.#search.dispose();
    this.#transitions.dispose();
  }

  #searchIn(moments: readonly Moment[]): Search {
    const plan = new Plan(this.#calls, moments, this.#transitions);
    return new Search(plan, this.#transitions, this.#allowance);
  }
}
