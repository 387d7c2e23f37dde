/**
 * How many schedules it takes until a bug is found: each broken variant that is explored nearby, by each
 * strategy, from several seeds. That is a count and no speed.
 */
import { type Exploration, explore } from "../engine/mod.ts";
import { type Scenario, Subject } from "../worlds/mod.ts";
import { makeStrategy, STRATEGY_NAMES, type StrategyName } from "./_make_strategy.ts";
import { Distances } from "./tour.ts";
import { isNear, nearestWorld } from "./_nearest.ts";

/** Those to whom a seed means nothing: one run says all. */
const UNSEEDED: readonly StrategyName[] = ["bounded", "exhaustive", "dpor"];

/** What came of looking for one variant's bug with one strategy. */
export interface FirstBug {
  /** `scenario/variant`. */
  readonly label: string;
  /** Where it was explored. */
  readonly world: string;
  readonly strategy: StrategyName;
  /** Schedules up to and with the first that failed, in ascending order; only those that found one. */
  readonly found: readonly number[];
  /** From how many seeds it was looked for. */
  readonly seeds: number;
  /** Schedules at most. */
  readonly budget: number;
  /** The fewest schedules after which a search without a bug ended, because there were no more. */
  readonly exhausted?: number;
}

/** How to look. */
export interface FirstBugOptions {
  /** How many seeds, from 1 on. @default 5 */
  readonly seeds?: number;
  /** Schedules at most for each: what the tour has between tasks. @default 4000 */
  readonly budget?: number;
  /** Told before each variant. */
  readonly measuring?: (done: number, total: number, what: string) => void;
}

/** Looks for the bug of every broken variant that is explored between tasks or in the simulation. */
export async function firstBugs(
  scenarios: readonly Scenario[],
  options: FirstBugOptions = {},
): Promise<FirstBug[]> {
  const { seeds = 5, budget = 4_000, measuring } = options;
  const subjects = scenarios.flatMap((scenario) =>
    Object.keys(scenario.variants).map((variant) => new Subject(scenario, variant))
  ).filter((subject) => subject.variant.expect === "broken" && isNear(nearestWorld(subject)));
  await using distances = new Distances();
  const results: FirstBug[] = [];
  for (const [place, subject] of subjects.entries()) {
    const world = nearestWorld(subject);
    const program = await distances.get(world).stepped(subject);
    for (const strategy of STRATEGY_NAMES) {
      measuring?.(place, subjects.length, `${subject.label} by ${strategy}`);
      const searches: Exploration[] = [];
      for (let seed = 1; seed <= (UNSEEDED.includes(strategy) ? 1 : seeds); seed++) {
        searches.push(
          await explore(program, { strategy: makeStrategy(strategy, seed, budget), budget }),
        );
      }
      const without = searches.filter(({ failure, schedules }) =>
        failure === undefined && schedules < budget
      );
      results.push({
        label: subject.label,
        world,
        strategy,
        found: searches.filter(({ failure }) => failure !== undefined)
          .map(({ schedules }) => schedules).sort((a, b) => a - b),
        seeds: searches.length,
        budget,
        exhausted: without.length === 0
          ? undefined
          : Math.min(...without.map(({ schedules }) => schedules)),
      });
    }
  }
  return results;
}
