import {
  DporStrategy,
  ExhaustiveStrategy,
  PctStrategy,
  PortfolioStrategy,
  PreemptionBoundedStrategy,
  RandomStrategy,
  type Strategy,
  WeightedRandomStrategy,
} from "../engine/mod.ts";

/** The strategies that can be asked for by name. */
export const STRATEGY_NAMES = [
  "portfolio",
  "random",
  "weighted",
  "pct",
  "bounded",
  "exhaustive",
  "dpor",
] as const;

/** The name of a strategy. */
export type StrategyName = typeof STRATEGY_NAMES[number];

/** Of an endless budget the first strategies get their parts of so many schedules. */
const FINITE = 20_000;

/**
 * Makes a strategy by name.
 *
 * The portfolio begins with small preemption bounds, for what they find is easy to read; then come
 * what finds other kinds of bug soon; and the rest of the budget goes to the only one that can prove
 * that there is none.
 */
export function makeStrategy(name: StrategyName, seed: number, budget: number): Strategy {
  switch (name) {
    case "random":
      return new RandomStrategy(seed);
    case "weighted":
      return new WeightedRandomStrategy(seed);
    case "pct":
      return new PctStrategy(seed);
    case "bounded":
      return new PreemptionBoundedStrategy();
    case "exhaustive":
      return new ExhaustiveStrategy();
    case "dpor":
      return new DporStrategy();
    case "portfolio": {
      const part = (share: number) => Math.ceil((budget === Infinity ? FINITE : budget) * share);
      return new PortfolioStrategy([
        { strategy: new PreemptionBoundedStrategy(), schedules: part(0.15) },
        { strategy: new PctStrategy(seed), schedules: part(0.1) },
        { strategy: new WeightedRandomStrategy(seed), schedules: part(0.1) },
        { strategy: new DporStrategy(), schedules: budget },
      ]);
    }
    default:
      throw new TypeError(
        `Cannot explore with strategy "${name}": there are ${STRATEGY_NAMES.join(", ")}`,
      );
  }
}
