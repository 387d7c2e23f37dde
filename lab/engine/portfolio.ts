import type { Evidence, RunView, Strategy } from "./strategy.ts";

/** One strategy of a portfolio, and how many schedules it gets. */
export interface Share {
  /** What chooses the orders. */
  readonly strategy: Strategy;
  /** How many schedules it gets at most. */
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
  #proved = false;
  readonly #spent: number[] = [];

  /**
   * Puts strategies one after another.
   *
   * @param shares The strategies in order; at least one.
   */
  constructor(shares: readonly Share[]) {
    this.#shares = shares;
  }

  /** The strategy whose turn it is. */
  get current(): Strategy {
    return this.#shares[this.#index].strategy;
  }

  begin(): boolean {
    if (this.#proved) return false;
    while (this.#used === this.#shares[this.#index].schedules || !this.current.begin()) {
      // A strategy that is through with every order leaves nothing for the others to find.
      this.#proved = this.current.evidence(this.#used).kind === "proved";
      if (this.#proved || this.#index === this.#shares.length - 1) return false;
      this.#spent[this.#index++] = this.#used;
      this.#used = 0;
    }
    this.#used++;
    return true;
  }

  choose(enabled: readonly number[], run: RunView): number {
    return this.current.choose(enabled, run);
  }

  ended(run: RunView): void {
    this.current.ended?.(run);
  }

  evidence(): Evidence {
    const all = this.#shares.slice(0, this.#index + 1).map(({ strategy }, index) =>
      strategy.evidence(index === this.#index ? this.#used : this.#spent[index])
    );
    const best = (kind: Evidence["kind"]) => all.find((evidence) => evidence.kind === kind);
    return best("proved") ?? best("bounded") ?? sum(all.filter(isSample)) ?? all[0];
  }
}

type Sample = Extract<Evidence, { kind: "sampled" }>;

function isSample(evidence: Evidence): evidence is Sample {
  return evidence.kind === "sampled";
}

function sum(samples: readonly Sample[]): Evidence | undefined {
  if (samples.length === 0) return undefined;
  const orders = samples.reduce((total, sample) => total + sample.orders, 0);
  return { ...samples[0], orders };
}
