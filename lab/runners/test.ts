/**
 * Scenarios as tests: each variant must be what it is expected to be, at each distance.
 *
 * A broken variant that does not break within its budget fails the suite as surely as a safe one that
 * breaks: a check that cannot fail proves nothing.
 */
import { AssertionError } from "node:assert";
import process from "node:process";
import { after, describe, test } from "node:test";
import { palette, replayCommand, trialReport, type TrialResult } from "../reports/mod.ts";
import { type Scenario, Subject, whyNot, WORLD_NAMES, type WorldName } from "../worlds/mod.ts";
import { Distances, Nearest } from "./tour.ts";

/** How to test a scenario. */
export interface TestOptions {
  /** Fixes every random choice. @default 1 */
  seed?: number;
  /** The distances. @default all that make sense for the scenario */
  worlds?: readonly WorldName[];
  /** How long one variant may take at one distance, in milliseconds. @default 60_000 */
  timeout?: number;
}

const told = new Set<string>();

/**
 * Whether to leave out tests at a distance that cannot be had here, which is said once. In CI they are
 * run, and fail: there nobody would read the line.
 */
function skips(world: WorldName): boolean {
  const why = whyNot(world);
  if (why === undefined || process.env.CI) return false;
  if (!told.has(world)) console.log(`  between ${world} all is skipped: ${why}`);
  told.add(world);
  return true;
}

/**
 * Registers one test for each variant of a scenario at each distance, with `node:test`. At a distance
 * that cannot be had on this machine they are skipped, or in CI, where the variable `CI` is set, fail.
 */
export function testScenario(scenario: Scenario, options: TestOptions = {}): void {
  const { seed = 1, worlds = WORLD_NAMES, timeout = 60_000 } = options;
  describe(scenario.name, () => {
    const distances = new Distances();
    after(() => distances[Symbol.asyncDispose]());
    for (const [name, variant] of Object.entries(scenario.variants)) {
      const subject = new Subject(scenario, name);
      const known = new Nearest(distances, subject, { seed });
      const verb = variant.expect === "broken" ? "breaks" : "is safe";
      for (const world of subject.worlds.filter((each) => worlds.includes(each))) {
        const what = `${scenario.name}/${name} ${verb} between ${world}`;
        test(what, { timeout, skip: skips(world) }, async () => expectMet(await known.at(world)));
      }
    }
  });
}

/**
 * Fails unless a result is as expected, with all that is needed to see it again.
 *
 * @throws {AssertionError} with the report and the command that reproduces it.
 */
export function expectMet(result: TrialResult): void {
  if (result.met) return;
  const { scenario, variant, world, seed, schedule } = result;
  const again = schedule === undefined
    ? `deno task lab run ${scenario}/${variant} --world ${world} --seed ${seed}`
    : replayCommand(result);
  throw new AssertionError({
    message: `${
      trialReport(result, { palette: palette(false), width: 100 })
    }\n\nto see it again: ${again}`,
  });
}
