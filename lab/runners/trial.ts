/** Trying one variant at one distance: exploring it, replaying a schedule, running it free. */
import {
  decodeSchedule,
  encodeSchedule,
  type Event,
  ExhaustiveStrategy,
  explore,
  type Outcome,
  PortfolioStrategy,
  RandomStrategy,
  type Recording,
  replay,
  type Schedule,
  ScheduleCodeError,
  type Strategy,
} from "../engine/mod.ts";
import { type Repetition, toFailure, type TrialResult } from "../reports/mod.ts";
import { type Distance, openDistance, type Scenario, Subject } from "../worlds/mod.ts";
import { findScenario } from "../scenarios/mod.ts";

/** The strategies that can be asked for by name. */
export const STRATEGY_NAMES = ["portfolio", "random", "exhaustive"] as const;

/** The name of a strategy. */
export type StrategyName = typeof STRATEGY_NAMES[number];

/** How often a failing schedule is run again before it is reported. */
export const REPLAYS = 10;

/** How to look for a failure. */
export interface TrialOptions {
  /**
   * How the orders are chosen.
   *
   * @default "portfolio" between tasks, else "random"
   */
  strategy?: StrategyName;
  /** Fixes every random choice. @default 1 */
  seed?: number;
  /** How many schedules to run at most. @default 20_000 between tasks, else 50 */
  budget?: number;
  /** How many runs at full speed to make besides, with the bench parameters. @default 0 */
  freeRuns?: number;
  /** Told from time to time how many schedules have been run. */
  onProgress?: (schedules: number) => void;
}

function makeStrategy(name: StrategyName, seed: number, budget: number): Strategy {
  switch (name) {
    case "random":
      return new RandomStrategy(seed);
    case "exhaustive":
      return new ExhaustiveStrategy();
    case "portfolio": {
      const half = Math.ceil(budget / 2);
      return new PortfolioStrategy([
        { strategy: new ExhaustiveStrategy(), schedules: half },
        { strategy: new RandomStrategy(seed), schedules: budget - half },
      ]);
    }
  }
}

/**
 * Looks for an order that fails, and runs what it finds again.
 *
 * @throws {WorldError} when the distance could not carry a run through.
 */
export async function investigate(
  distance: Distance,
  subject: Subject,
  options: TrialOptions = {},
): Promise<TrialResult> {
  const near = distance.name === "tasks";
  const { seed = 1, budget = near ? 20_000 : 50 } = options;
  const name = options.strategy ?? (near ? "portfolio" : "random");
  const started = performance.now();
  const program = await distance.stepped(subject);
  const found = await explore(program, {
    strategy: makeStrategy(name, seed, budget),
    budget,
    onProgress: options.onProgress,
  });
  let recording: Recording | undefined;
  let reproduced: Repetition | undefined;
  if (found.failure !== undefined) {
    const { choices, outcome } = found.failure;
    recording = await replay(program, choices);
    reproduced = await repeat(() => replay(program, choices, recording!.events), outcome);
  }
  const free = await runFreely(distance, subject, options.freeRuns ?? 0);
  return conclude(distance, subject, {
    strategy: name,
    seed,
    schedules: found.schedules,
    evidence: found.evidence,
    bestEffort: found.bestEffort,
    elapsed: performance.now() - started,
    recording,
    reproduced,
    free,
  });
}

/** A schedule together with what it belongs to and the run it was made from. */
export interface KnownSchedule {
  readonly subject: Subject;
  readonly schedule: Schedule;
  /** The operations of the schedule's run between tasks. */
  readonly reference: Recording;
}

/** What a schedule code may belong to. */
export interface RecallOptions {
  /** The scenarios to look among. @default those that come with the lab */
  among?: readonly Scenario[];
  /** `scenario/variant` that the code must be for, if the caller has one in mind. */
  target?: string;
}

/**
 * Reads a schedule code, finds what it belongs to, and runs it once between tasks, so that a replay
 * further away can be compared with it step by step.
 *
 * @param code The schedule code.
 * @param options Where to look for its scenario, and what it must be for.
 * @throws {ScheduleCodeError} when it is no code, or for something else.
 * @throws {UsageError} when the scenario or variant does not exist here.
 */
export async function recallSchedule(
  code: string,
  { among, target }: RecallOptions = {},
): Promise<KnownSchedule> {
  const schedule = decodeSchedule(code);
  const label = `${schedule.scenario}/${schedule.variant}`;
  if (target !== undefined && target !== label) {
    throw new ScheduleCodeError(`Cannot replay schedule on ${target}: the code is for ${label}`);
  }
  const scenario = findScenario(schedule.scenario, among);
  const names = Object.keys(scenario.parameters);
  const parameters = Object.fromEntries(
    names.map((name, index) => [name, schedule.parameters[index]]),
  );
  const subject = new Subject(scenario, schedule.variant, parameters);
  if (names.length !== schedule.parameters.length || subject.structure !== schedule.structure) {
    throw new ScheduleCodeError(
      `Cannot replay schedule on ${label}: the code was made for another structure of it (${schedule.structure}, here it is ${subject.structure})`,
    );
  }
  await using tasks = openDistance("tasks");
  const reference = await replay(await tasks.stepped(subject), schedule.choices);
  if (reference.outcome.kind === "diverged") {
    const { step, expected, found } = reference.outcome;
    throw new ScheduleCodeError(
      `Cannot replay schedule on ${label}: at step ${step} expected ${expected}, found ${found}`,
    );
  }
  return { subject, schedule, reference };
}

/** Replays a schedule at a distance, several times. */
export async function reproduce(
  distance: Distance,
  known: KnownSchedule,
  times: number = REPLAYS,
  freeRuns = 0,
): Promise<TrialResult> {
  const { subject, schedule: { choices }, reference } = known;
  const started = performance.now();
  const program = await distance.stepped(subject);
  let recording: Recording | undefined;
  const reproduced = await repeat(
    async () => {
      const next = await replay(program, choices, reference.events);
      // The run that is shown is one that went as the schedule says, if there is one.
      if (recording === undefined || recording.outcome.kind === "diverged") recording = next;
      return next;
    },
    reference.outcome,
    times,
  );
  const free = await runFreely(distance, subject, freeRuns);
  return conclude(distance, subject, {
    strategy: "replay",
    seed: 0,
    schedules: times,
    evidence: { kind: "partial", orders: times },
    bestEffort: false,
    elapsed: performance.now() - started,
    recording,
    reproduced,
    free,
  });
}

async function repeat(
  run: () => Promise<{ outcome: Outcome; events: readonly Event[] }>,
  expected: Outcome,
  of: number = REPLAYS,
): Promise<Repetition> {
  let times = 0;
  for (let i = 0; i < of; i++) {
    if ((await run()).outcome.kind === expected.kind) times++;
  }
  return { times, of };
}

/** Runs at full speed, with the numbers meant for benchmarks: so there is something to race for. */
async function runFreely(
  distance: Distance,
  subject: Subject,
  of: number,
): Promise<Repetition | undefined> {
  if (of === 0) return undefined;
  const { scenario, variantName } = subject;
  const parameters = Object.fromEntries(
    Object.entries(scenario.parameters).map(([name, { bench }]) => [name, bench]),
  );
  const large = new Subject(scenario, variantName, parameters);
  let times = 0;
  for (let i = 0; i < of; i++) {
    if ((await distance.free(large)).outcome.kind !== "passed") times++;
  }
  return { times, of };
}

type Findings =
  & Pick<
    TrialResult,
    | "strategy"
    | "seed"
    | "schedules"
    | "evidence"
    | "bestEffort"
    | "elapsed"
    | "reproduced"
    | "free"
  >
  & { recording: Recording | undefined };

/** Holds what was found against what the variant is expected to be. */
function conclude(distance: Distance, subject: Subject, findings: Findings): TrialResult {
  const { recording, ...rest } = findings;
  const { scenario, variantName, variant, actors, parameters, values, structure } = subject;
  const { reproduced, free } = rest;
  const failed = recording !== undefined && recording.outcome.kind !== "passed";
  const wentWrong = failed || (variant.expect === "safe" && (free?.times ?? 0) > 0);
  const met = variant.expect === "safe"
    ? !wentWrong
    : failed && recording.outcome.kind === (variant.symptom ?? "violated") &&
      reproduced?.times === reproduced?.of;
  return {
    scenario: scenario.name,
    variant: variantName,
    parameters,
    world: distance.name,
    expect: variant.expect,
    because: variant.because,
    verdict: wentWrong ? "broken" : "safe",
    met,
    ...rest,
    schedule: failed
      ? encodeSchedule({
        scenario: scenario.name,
        variant: variantName,
        parameters: values,
        structure,
        choices: recording.choices,
      })
      : undefined,
    failure: failed ? toFailure(actors, recording.events, recording.outcome) : undefined,
  };
}
