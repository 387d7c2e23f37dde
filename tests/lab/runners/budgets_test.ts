/**
 * How soon each broken variant is found: within the budget of the tour, at every seed from 1 to 50.
 *
 * The portfolio begins with a part that takes no seed. What that part finds is found at any seed, by
 * the same run; under `INTERLOCK_LONG` each seed is run all the same, and the figures are printed.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { engine, openDistance, scenarios, Subject } from "../../../lab/mod.ts";
import { TOUR_BUDGETS } from "../../../lab/runners/_budgets.ts";
import { makeStrategy } from "../../../lab/runners/_make_strategy.ts";
import { runs } from "../../_runs.ts";

const timeout = 300_000;

const SEEDS = 50;

/** After how many schedules a program fails as its variant says, for each seed; or that it does not. */
async function findings(
  program: engine.Program,
  budget: number,
  symptom: string,
): Promise<(number | undefined)[]> {
  const found: (number | undefined)[] = [];
  for (let seed = 1; seed <= SEEDS; seed++) {
    const strategy = makeStrategy("portfolio", seed, budget) as engine.PortfolioStrategy;
    const { failure, schedules } = await engine.explore(program, { strategy, budget });
    const at = failure?.outcome.kind === symptom ? schedules : undefined;
    if (strategy.current instanceof engine.PreemptionBoundedStrategy && runs(1, 0)) {
      return Array(SEEDS).fill(at);
    }
    found.push(at);
  }
  return found;
}

describe("each broken variant is found within its budget, at 50 seeds", { timeout }, () => {
  for (const scenario of scenarios) {
    for (const [name, variant] of Object.entries(scenario.variants)) {
      if (variant.expect !== "broken") continue;
      const subject = new Subject(scenario, name);
      const world = subject.worlds.find((each) => TOUR_BUDGETS[each] !== undefined);
      // What makes sense farther away only is looked for in real time, by the tour.
      if (world === undefined) continue;
      // Where somebody is killed, also between operations only: such a schedule can be replayed.
      for (const wholeSteps of subject.mortal ? [false, true] : [false]) {
        const what = `${subject.label} between ${world}${wholeSteps ? ", in whole steps" : ""}`;
        test(what, { timeout }, async () => {
          await using distance = openDistance(world);
          const program = await distance.stepped(subject, { wholeSteps });
          const symptom = variant.symptom ?? "violated";
          const found = await findings(program, TOUR_BUDGETS[world]!, symptom);
          const missed = found.flatMap((at, index) => at === undefined ? [index + 1] : []);
          assert.deepEqual(missed, [], `${what} is not found at seeds ${missed}`);
          const sorted = (found as number[]).sort((a, b) => a - b);
          const figures = [sorted[0], sorted[SEEDS >> 1], sorted[SEEDS - 1]].join(" / ");
          if (runs(0, 1)) console.log(`${what}: found after ${figures} schedules`);
        });
      }
    }
  }
});
