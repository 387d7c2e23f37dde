import type { Evidence, RunView, Strategy } from "./strategy.ts";

/** One strategy of a portfolio, and how many schedules it gets. */
export interface Share {
  readonly strategy: Strategy;
  readonly schedules: number;
}

/**
 * Several strategies, one after another, in a fixed order: seed and budget alone reproduce it.
 *
 * It ends early when one of them has run every order, for then there is nothing left to find.
 */
export class PortfolioStrategy implements Strategy {
  readonly name = "portfolio";
  readonly #shares: readonly Share[];
  #index = 0;
  #used = 0;

  /** @param shares The strategies in order; at least one. */
  constructor(shares: readonly Share[]) {
    this.#shares = shares;
  }

  /** The strategy whose turn it is. */
  get current(): Strategy {
    return this.#shares[this.#index].strategy;
  }

  begin(): boolean {
    if (this.#used === this.#shares[this.#index].schedules) {
      if (this.#index === this.#shares.length - 1) return false;
      this.#index++;
      this.#used = 0;
    }
    if (!this.current.begin()) return false;
    this.#used++;
    return true;
  }

  choose(enabled: readonly number[], run: RunView): number {
    return this.current.choose(enabled, run);
  }

  evidence(): Evidence {
    return this.current.evidence(this.#used);
  }
}
