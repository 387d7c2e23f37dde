import { Prng } from "./prng.ts";
import type { Evidence, RunView, Strategy } from "./strategy.ts";

/** How long a run is taken to be before the first has been seen. */
const FIRST_GUESS = 50;

/**
 * Probabilistic concurrency testing: random priorities, and a few random points at which the running
 * actor falls behind all others.
 *
 * A bug that needs `depth` ordering constraints among n actors and k steps is found by a run with
 * probability of at least 1/(n·k^(depth−1)) (Burckhardt et al., "A randomized scheduler with
 * probabilistic guarantees of finding bugs", ASPLOS 2010). What a uniform walk all but never does,
 * letting one actor take many steps while the others take none, it does half the time.
 */
export class PctStrategy implements Strategy {
  readonly name = "pct";
  readonly #depth: number;
  readonly #seed: number;
  readonly #prng: Prng;
  /** The higher goes first. Those at the start are positive, those of fallen actors negative. */
  #priorities: number[] = [];
  #changes: number[] = [];
  #length = FIRST_GUESS;
  #previous = -1;
  #fallen = 0;

  /**
   * Starts from a seed.
   *
   * @param seed Fixes every choice.
   * @param depth How many ordering constraints the bug needs; one less is the number of falls.
   */
  constructor(seed: number, depth = 3) {
    this.#seed = seed;
    this.#depth = depth;
    this.#prng = new Prng(seed);
  }

  begin(): boolean {
    this.#priorities = [];
    this.#previous = -1;
    this.#fallen = 0;
    this.#changes = Array.from({ length: this.#depth - 1 }, () => this.#prng.below(this.#length));
    return true;
  }

  choose(enabled: readonly number[], run: RunView): number {
    if (this.#priorities.length === 0) this.#shuffle(run.actors.length);
    if (this.#previous >= 0 && this.#changes.includes(run.steps)) {
      this.#priorities[this.#previous] = --this.#fallen;
    }
    let first = enabled[0];
    for (const actor of enabled) {
      if (this.#priorities[actor] > this.#priorities[first]) first = actor;
    }
    return this.#previous = first;
  }

  ended(run: RunView): void {
    this.#length = Math.max(run.steps, 1);
  }

  evidence(schedules: number): Evidence {
    return { kind: "sampled", orders: schedules, seed: this.#seed };
  }

  #shuffle(actors: number): void {
    const priorities = Array.from({ length: actors }, (_, index) => index + 1);
    for (let i = actors - 1; i > 0; i--) {
      const j = this.#prng.below(i + 1);
      [priorities[i], priorities[j]] = [priorities[j], priorities[i]];
    }
    this.#priorities = priorities;
  }
}
