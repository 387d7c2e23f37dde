import { Prng } from "./prng.ts";
import type { Evidence, Strategy } from "./strategy.ts";

/** A uniform random walk: at each step every enabled actor is as likely as the next. */
export class RandomStrategy implements Strategy {
  readonly name = "random";
  readonly #seed: number;
  readonly #prng: Prng;

  /** @param seed Fixes every choice of every schedule. */
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
