/**
 * Your own code under the engine: a race written down in a test, explored, and reported with the
 * recipe by which it is seen again.
 */
import { AssertionError } from "node:assert";
import type { Model } from "../engine/history/mod.ts";
import { palette, type Repetition, trialReport, type TrialResult } from "../reports/mod.ts";
import {
  type Actor,
  defineScenario,
  type EndState,
  openDistance,
  type SharedObjects,
  Subject,
  type World,
} from "../worlds/mod.ts";
import { readSchedule, recallSchedule } from "./recall.ts";
import { follow, investigate, reproduce, type TrialOptions } from "./trial.ts";

/** A race between tasks of one isolate. */
export interface Race {
  /** What it is called in reports and schedule codes. */
  readonly name: string;
  /**
   * Declares what is shared and answers the actors. Called anew for every actor and every run: share
   * objects of your own by `world.shared`.
   */
  build(world: World): readonly Actor[];
  /** Looks at what is left when all actors have finished; answers what is wrong with it, if anything. */
  check?(end: EndState, shared: SharedObjects): string | undefined | Promise<string | undefined>;
  /**
   * What the calls that actors record (`world.calls()`) must be linearizable as. Then no order is left
   * out as equivalent to another, for which calls overlap is not declared by the steps they are made of.
   */
  readonly model?: Model;
}

const VARIANT = "race";

function subjectOf(race: Race): Subject {
  const words = race.name.toLowerCase().match(/[a-z0-9]+/g) ?? [];
  const name = words.join("-").replace(/^[^a-z]+/, "").slice(0, 40).replace(/-$/, "");
  const scenario = defineScenario({
    module: import.meta.url,
    name: name === "" ? VARIANT : name,
    title: race.name,
    lesson: [],
    seed: "a race of the user's own",
    parameters: {},
    worlds: ["tasks"],
    variants: {
      [VARIANT]: {
        expect: "safe",
        because: "that is what the test asks for",
        build: (world) => race.build(world),
        check: (end, _, shared) => race.check?.(end, shared),
        model: race.model,
      },
    },
  });
  return new Subject(scenario, VARIANT);
}

/**
 * Explores a race: runs its orders until one fails or the budget is used up.
 *
 * @param race What to run.
 * @param options The strategy, its seed and its budget.
 * @returns The verdict with its evidence, and where an order failed the smallest such order found.
 */
export async function explore(race: Race, options: TrialOptions = {}): Promise<TrialResult> {
  await using tasks = openDistance("tasks");
  return await investigate(tasks, subjectOf(race), options);
}

/**
 * Explores a race and fails if any order fails.
 *
 * @throws {AssertionError} with the order that fails, step by step, and the code that runs it again.
 *
 * @example A cache that fills itself twice
 * ```ts
 * import { expectSafe, team } from "@interlock/core/lab";
 * import assert from "node:assert/strict";
 *
 * class Cache {
 *   value?: string;
 *   constructor(readonly load: () => Promise<string>) {}
 *   async get(): Promise<string> {
 *     return this.value ??= await this.load();
 *   }
 * }
 *
 * let loads = 0;
 * const filledOnce = expectSafe({
 *   name: "the cache loads once",
 *   build: (world) => {
 *     const cache = world.shared("cache", (world) => {
 *       loads = 0;
 *       return new Cache(world.operation("source", "read", () => `load ${++loads}`));
 *     });
 *     return team(2, async () => void await cache.get());
 *   },
 *   check: () => loads === 1 ? undefined : `the source was read ${loads} times`,
 * });
 * await assert.rejects(filledOnce, /the source was read 2 times/);
 * ```
 */
export async function expectSafe(race: Race, options: TrialOptions = {}): Promise<TrialResult> {
  const result = await explore(race, options);
  if (result.verdict === "broken") throw failure(result);
  return result;
}

/** How to run a schedule again. */
export interface ReplayOptions {
  /**
   * Whether the schedule is followed as far as it leads, for code that takes other steps by now: a step
   * whose actor cannot move is left out, and where the schedule ends the run goes on to its own end. The
   * result says where it first took another way.
   *
   * @default false
   */
  lenient?: boolean;
  /** After how many operations a run ends as endless. @default 10_000 */
  maxSteps?: number;
}

/**
 * Runs a schedule of a race again and fails as it failed.
 *
 * @param code The schedule code from a failed `expectSafe`.
 * @param race The race the code was made for, mended or not.
 * @param options Whether the race may take other steps than it did.
 * @returns The result, when the schedule passes now.
 * @throws {AssertionError} when it fails.
 * @throws {ScheduleCodeError} when the code is damaged or of another race; unless `lenient`, also when
 * the race has another structure by now, or takes other steps.
 */
export async function replay(
  code: string,
  race: Race,
  { lenient = false, maxSteps }: ReplayOptions = {},
): Promise<TrialResult> {
  const subject = subjectOf(race);
  const known = { among: [subject.scenario], target: subject.label, maxSteps };
  await using tasks = openDistance("tasks");
  const result = lenient
    ? await follow(tasks, readSchedule(code, known))
    : await reproduce(tasks, await recallSchedule(code, known));
  if (result.verdict === "broken") throw failure(result);
  return result;
}

/**
 * Runs a race at full speed, so often, and counts how often it goes wrong.
 *
 * @param race What to run.
 * @param runs How often; from 1 on.
 * @throws {RangeError} when `runs` is no whole number from 1 on: what never ran shows nothing.
 */
export async function stress(race: Race, runs = 100): Promise<Repetition> {
  if (!(Number.isSafeInteger(runs) && runs >= 1)) {
    throw new RangeError(`Cannot run ${race.name} ${runs} times: whole numbers from 1 on`);
  }
  const subject = subjectOf(race);
  await using tasks = openDistance("tasks");
  let times = 0;
  for (let i = 0; i < runs; i++) {
    if ((await tasks.free!(subject)).outcome.kind !== "passed") times++;
  }
  return { times, of: runs };
}

function failure(result: TrialResult): AssertionError {
  const { scenario, schedule, seed, maxSteps } = result;
  const report = trialReport(result, { palette: palette(false), width: 100, noReplay: true });
  const steps = maxSteps === undefined ? "" : `, { maxSteps: ${maxSteps} }`;
  const message =
    `${report}\n\nto see it again: await replay("${schedule}", race${steps}) for the race ${
      JSON.stringify(scenario)
    }; found with seed ${seed}`;
  return new AssertionError({ message });
}
