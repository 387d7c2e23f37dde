import { Prng } from "./prng.ts";
import type { Evidence, RunView, Strategy } from "./strategy.ts";

/** A uniform random walk: at each step every enabled actor is as likely as the next. */
export class RandomStrategy implements Strategy {
  readonly name = "random";
  readonly #seed: number;
  readonly #prng: Prng;

  /**
   * Starts from a seed.
   *
   * @param seed Fixes every choice of every schedule.
   */
  constructor(seed: number) {
    this.#seed = seed;
    this.#prng = new Prng(seed);
  }

  begin(): boolean {
    return true;
  }

  choose(enabled: readonly number[]): number {
    if (enabled.length === 1) return enabled[0];
    return enabled[this.#prng.below(enabled.length)];
  }

  evidence(schedules: number): Evidence {
    return { kind: "sampled", orders: schedules, seed: this.#seed };
  }
}

/**
 * A random walk in which every order is about as likely as the next: an actor is chosen in proportion
 * to the steps it has left.
 *
 * A uniform walk favours orders in which the actors end one after another; with the steps left as
 * weights, each interleaving of actors with a fixed number of steps is equally likely. How many steps
 * an actor has is learnt from the run before.
 */
export class WeightedRandomStrategy implements Strategy {
  readonly name = "weighted";
  readonly #seed: number;
  readonly #prng: Prng;
  #expected: number[] = [];
  #taken: number[] = [];

  /**
   * Starts from a seed.
   *
   * @param seed Fixes every choice of every schedule.
   */
  constructor(seed: number) {
    this.#seed = seed;
    this.#prng = new Prng(seed);
  }

  begin(): boolean {
    this.#taken = [];
    return true;
  }

  choose(enabled: readonly number[]): number {
    let total = 0;
    for (const actor of enabled) total += this.#left(actor);
    let point = this.#prng.below(total);
    let chosen = enabled[enabled.length - 1];
    for (const actor of enabled) {
      point -= this.#left(actor);
      if (point < 0) {
        chosen = actor;
        break;
      }
    }
    this.#taken[chosen] = (this.#taken[chosen] ?? 0) + 1;
    return chosen;
  }

  ended(run: RunView): void {
    this.#expected = run.actors.map((_, actor) => this.#taken[actor] ?? 0);
  }

  evidence(schedules: number): Evidence {
    return { kind: "sampled", orders: schedules, seed: this.#seed };
  }

  /** At least one, for an actor that is enabled has at least the step it stands before. */
  #left(actor: number): number {
    return Math.max(1, (this.#expected[actor] ?? 1) - (this.#taken[actor] ?? 0));
  }
}
