import { type Evidence, Nondeterminism, type RunView, type Strategy } from "./strategy.ts";

/** One choice on the path: who could go, in the order they are tried, and who goes. */
interface Choice {
  readonly order: readonly number[];
  /** Whether going on with another than the first counts as a preemption. */
  readonly preempts: boolean;
  /** Preemptions spent before this choice. */
  readonly spent: number;
  taken: number;
}

/**
 * Every order with no preemption, then every order with up to one, with up to two, and so on.
 *
 * A preemption is a switch away from an actor that could have gone on. Most races need one or two, so
 * small bounds find them in a tiny part of the orders, and what they find needs no shrinking
 * (Musuvathi and Qadeer, "Iterative context bounding for systematic testing", PLDI 2007).
 */
export class PreemptionBoundedStrategy implements Strategy {
  readonly name = "bounded";
  readonly #maximum: number;
  readonly #path: Choice[] = [];
  #bound = 0;
  #depth = 0;
  #previous = -1;
  #spent = 0;
  #cut = false;
  #longest = 0;
  #started = false;
  #complete = false;
  #finishedBound = -1;
  #runsAtBound = 0;

  /**
   * Starts with no preemptions.
   *
   * @param maximum The largest bound; the search ends when all its orders have been run.
   */
  constructor(maximum = 2) {
    this.#maximum = maximum;
  }

  begin(): boolean {
    const depth = this.#depth;
    this.#depth = 0;
    this.#previous = -1;
    this.#spent = 0;
    this.#runsAtBound++;
    if (!this.#started) return this.#started = true;
    if (depth < this.#path.length) {
      throw new Nondeterminism(
        `Cannot bound preemptions: there were ${this.#path.length} choices, now ${depth}`,
      );
    }
    while (this.#path.length > 0) {
      const choice = this.#path[this.#path.length - 1];
      if (choice.taken + 1 < choice.order.length) {
        const cost = choice.preempts ? 1 : 0;
        if (choice.spent + cost <= this.#bound) {
          choice.taken++;
          return true;
        }
        this.#cut = true;
      }
      this.#path.pop();
    }
    this.#runsAtBound--;
    this.#finishedBound = this.#bound;
    this.#complete = !this.#cut;
    if (this.#complete || this.#bound === this.#maximum) return false;
    this.#bound++;
    this.#cut = false;
    this.#runsAtBound = 1;
    return true;
  }

  choose(enabled: readonly number[], run: RunView): number {
    const previous = this.#previous;
    const preempts = enabled.includes(previous);
    let actor = enabled[0];
    if (enabled.length > 1) {
      const depth = this.#depth++;
      if (depth === this.#path.length) {
        const order = preempts
          ? [previous, ...enabled.filter((other) => other !== previous)]
          : [...enabled];
        this.#path.push({ order, preempts, spent: this.#spent, taken: 0 });
      }
      const choice = this.#path[depth];
      actor = choice.order[choice.taken];
      if (preempts && actor !== previous) this.#spent++;
    }
    this.#previous = actor;
    this.#longest = Math.max(this.#longest, run.steps + 1);
    return actor;
  }

  evidence(schedules: number): Evidence {
    // Each bound runs the orders of the smaller ones again; the last alone has them all.
    if (this.#complete) return { kind: "proved", orders: this.#runsAtBound, of: this.#runsAtBound };
    if (this.#finishedBound < 0) return { kind: "partial", orders: schedules };
    return {
      kind: "bounded",
      orders: schedules,
      preemptions: this.#finishedBound,
      steps: this.#longest,
    };
  }
}
