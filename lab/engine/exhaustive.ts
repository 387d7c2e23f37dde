import { type Evidence, Nondeterminism, type Strategy } from "./strategy.ts";

/**
 * Plain depth-first search over every order.
 *
 * The path is kept as one number a choice: which of the enabled actors went. To go on, the deepest
 * choice that has an untried alternative is advanced and everything below it forgotten; when there
 * is none, every order has been run.
 */
export class ExhaustiveStrategy implements Strategy {
  readonly name = "exhaustive";
  readonly #taken: number[] = [];
  readonly #width: number[] = [];
  #depth = 0;
  #started = false;
  #exhausted = false;

  begin(): boolean {
    const depth = this.#depth;
    this.#depth = 0;
    if (!this.#started) {
      this.#started = true;
      return true;
    }
    if (depth < this.#taken.length) {
      throw differs(`there were ${this.#taken.length} choices`, depth);
    }
    while (this.#taken.length > 0) {
      const deepest = this.#taken.length - 1;
      if (++this.#taken[deepest] < this.#width[deepest]) return true;
      this.#taken.pop();
      this.#width.pop();
    }
    this.#exhausted = true;
    return false;
  }

  choose(enabled: readonly number[]): number {
    if (enabled.length === 1) return enabled[0];
    const depth = this.#depth++;
    if (depth === this.#taken.length) {
      this.#taken.push(0);
      this.#width.push(enabled.length);
    } else if (this.#width[depth] !== enabled.length) {
      throw differs(
        `choice ${depth + 1} had ${this.#width[depth]} alternatives`,
        enabled.length,
      );
    }
    return enabled[this.#taken[depth]];
  }

  evidence(schedules: number): Evidence {
    if (!this.#exhausted) return { kind: "partial", orders: schedules };
    return { kind: "proved", orders: schedules, of: schedules };
  }
}

function differs(before: string, now: number): Error {
  return new Nondeterminism(`Cannot search every order: ${before}, now ${now}`);
}
