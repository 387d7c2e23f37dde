/** Trying one variant at one distance: exploring it, replaying a schedule, running it free. */
import {
  describeError,
  describeOutcome,
  encodeSchedule,
  explore,
  type Failure,
  failureSignature,
  findInequivalence,
  findUncontrolled,
  firstDifference,
  LenientReplayStrategy,
  nearestPassing,
  Nondeterminism,
  type Outcome,
  PortfolioStrategy,
  PreemptionBoundedStrategy,
  type Program,
  record,
  type Recording,
  replay,
  shrink,
} from "../engine/mod.ts";
import {
  type Repetition,
  type RunResult,
  toFailure,
  toRun,
  type TrialResult,
} from "../reports/mod.ts";
import { benchParameters, type Distance, Subject, type WorldName } from "../worlds/mod.ts";
import { makeStrategy, type StrategyName } from "./_make_strategy.ts";
import { isNear } from "./_nearest.ts";
import { programOf } from "./_program_of.ts";
import type { KnownSchedule, ReadSchedule } from "./recall.ts";

/** How many schedules are run at most where nothing else is asked for: as many as take seconds. */
const BUDGETS: Readonly<Record<WorldName, number>> = {
  tasks: 20_000,
  simulation: 2_000,
  workers: 50,
  processes: 50,
  machines: 50,
};

/** How often a failing schedule is run again before it is reported. */
export const REPLAYS = 10;

/** After how long no further free run is begun, in ms. */
const FREE_TIME = 700;

/** How many pairs of equivalent orders are compared before a reduced search counts as a proof. */
const EQUIVALENT = 25;

/** How many steps are taken at most to make an order small, and as many to find one that passes. */
const STEPS = 500_000;

/** How many orders are run twice before a search without a failure counts as more than so many runs. */
const TWICE = 25;

/** How to look for a failure. */
export interface TrialOptions {
  /**
   * How the orders are chosen.
   *
   * @default "portfolio" between tasks and in the simulation, else "random"
   */
  strategy?: StrategyName;
  /** Fixes every random choice. @default 1 */
  seed?: number;
  /** How many schedules to run at most. @default 20_000 between tasks, 2_000 in the simulation, else 50 */
  budget?: number;
  /** After how many operations a run ends as endless. @default 10_000 */
  maxSteps?: number;
  /**
   * How many runs at full speed to make besides, with the bench parameters; fewer if they take long.
   *
   * @default 0
   */
  freeRuns?: number;
  /** Whether nobody is cut off in the midst of an operation. @default false */
  wholeSteps?: boolean;
  /** Whether to show one run when none fails. @default false */
  showPassing?: boolean;
  /** Told from time to time how many schedules have been run. */
  onProgress?: (schedules: number) => void;
}

/**
 * Looks for an order that fails, makes it small, and runs it again.
 *
 * @throws {RangeError} when the budget, the seed or another number makes no sense.
 * @throws {WorldError} when the distance could not carry a run through.
 */
export async function investigate(
  distance: Distance,
  subject: Subject,
  options: TrialOptions = {},
): Promise<TrialResult> {
  const near = isNear(distance.name);
  const { seed = 1, budget = BUDGETS[distance.name], freeRuns = 0 } = options;
  const { onProgress } = options;
  if (!(budget >= 1)) {
    throw new RangeError(`Cannot explore ${subject.label} with a budget of ${budget}: from 1 on`);
  }
  if (!Number.isSafeInteger(seed)) {
    throw new RangeError(`Cannot explore ${subject.label} with seed ${seed}: whole numbers only`);
  }
  if (!(Number.isSafeInteger(freeRuns) && freeRuns >= 0)) {
    throw new RangeError(
      `Cannot run ${subject.label} free ${freeRuns} times: whole numbers from 0 on`,
    );
  }
  const name = options.strategy ?? (near ? "portfolio" : "random");
  const started = performance.now();
  const program = await programOf(distance, subject, options);
  const strategy = makeStrategy(name, seed, budget);
  const search = await explore(program, { strategy, budget, onProgress }).catch((error) =>
    tellNondeterminism(program, seed, error)
  );
  // A proof by reduction counts on every operation declaring what it touches: that is sampled.
  const reduced = search.evidence.kind === "proved" && search.evidence.orders < search.evidence.of;
  const undeclared = reduced ? await findInequivalence(program, seed, EQUIVALENT) : undefined;
  // And every search counts on the choices alone deciding a run: that is sampled too.
  const { kind } = search.evidence;
  const decided = search.failure === undefined && undeclared === undefined &&
    near && kind !== "partial";
  const uncontrolled = decided ? await findUncontrolled(program, seed, TWICE) : undefined;
  const failure = search.failure ?? undeclared?.failure ?? uncontrolled?.failure;
  const shown = failure === undefined
    ? {
      ...await showPassing(program, options.showPassing ?? false),
      nondeterminism: uncontrolled?.difference,
    }
    : await showFailing(program, failure, near);
  const free = await runFreely(distance, subject, freeRuns);
  return conclude(distance, subject, program, {
    strategy: name,
    foundBy: search.failure !== undefined && strategy instanceof PortfolioStrategy
      ? strategy.current.name
      : undefined,
    seed,
    schedules: search.schedules,
    evidence: undeclared === undefined && uncontrolled === undefined
      ? search.evidence
      : { kind: "partial", orders: search.evidence.orders },
    undeclared: undeclared &&
      `orders that differ only in steps that do not conflict end as ${undeclared.first} and as ${undeclared.second}`,
    bestEffort: search.bestEffort,
    intervention: search.intervention,
    elapsed: performance.now() - started,
    free,
    ...shown,
  });
}

/** Runs were not alike: says at which step, so far as running orders twice shows it. */
async function tellNondeterminism(program: Program, seed: number, error: unknown): Promise<never> {
  if (error instanceof Nondeterminism) {
    const difference = (await findUncontrolled(program, seed, TWICE))?.difference;
    if (difference !== undefined) error.message += `: ${difference}`;
  }
  throw error;
}

/** What is shown of the runs themselves. */
interface Shown {
  /** The failing run, made small. */
  readonly recording?: Recording;
  /** The failing run as it was found. */
  readonly found?: Recording;
  readonly contrast?: RunResult;
  readonly passing?: RunResult;
  readonly reproduced?: Repetition;
  readonly nondeterminism?: string;
}

async function showPassing(program: Program, wanted: boolean): Promise<Shown> {
  if (!wanted) return {};
  const recording = await record(program, new PreemptionBoundedStrategy());
  return { passing: toRun(program.actors, recording) };
}

async function showFailing(
  program: Program,
  { choices, outcome }: Failure,
  near: boolean,
): Promise<Shown> {
  const found = await replay(program, choices);
  if (failureSignature(found.outcome) !== failureSignature(outcome)) {
    const again = describeOutcome(found.outcome);
    const where = found.outcome.kind === "diverged" ? "" : `; ${await tellApart(program, found)}`;
    return {
      // It did fail: what is shown is the order, with the outcome it had then.
      recording: { ...found, choices, outcome },
      nondeterminism: `${
        describeOutcome(outcome)
      }, and when the same order is run again: ${again}${where}`,
    };
  }
  const { recording } = await shrink(program, found, near ? runsFor(500, found) : 20);
  const nearest = near
    ? await nearestPassing(program, recording, runsFor(200, recording))
    : undefined;
  return {
    recording,
    found,
    contrast: nearest && toRun(program.actors, nearest),
    ...await repeat(program, recording, REPLAYS, near),
  };
}

/** So many runs, or fewer where they are long: who waits for a report waits for seconds, not minutes. */
function runsFor(most: number, { choices }: Recording): number {
  return Math.min(most, Math.ceil(STEPS / Math.max(1, choices.length)));
}

/** Runs an order again until a step shows what is different, for one run was not like another. */
async function tellApart(program: Program, recording: Recording): Promise<string> {
  for (let i = 0; i < REPLAYS; i++) {
    const again = await replay(program, recording.choices);
    const difference = firstDifference(program.actors, recording, again);
    if (difference === undefined) continue;
    const { step, first, second } = difference;
    return `at step ${step} one run has ${first}, another ${second}`;
  }
  return `no step differs in ${
    REPLAYS + 1
  } runs, so it is in what is between steps, or in the check`;
}

/** Replays a schedule at a distance, several times. */
export async function reproduce(
  distance: Distance,
  known: KnownSchedule,
  times: number = REPLAYS,
  freeRuns = 0,
): Promise<TrialResult> {
  const { subject, schedule, reference } = known;
  const started = performance.now();
  const program = await programOf(distance, subject, known);
  const recording = await replay(program, schedule.choices, reference.events);
  const first = isSame(recording.outcome, reference.outcome, false) ? 1 : 0;
  const again = await repeat(program, reference, times - 1, false);
  const free = await runFreely(distance, subject, freeRuns);
  return conclude(distance, subject, program, {
    ...replayed(times, started),
    recording,
    reproduced: { times: again.reproduced.times + first, of: times },
    nondeterminism: again.nondeterminism,
    free,
  });
}

/** Runs a schedule as far as it leads, on what may take other steps by now. */
export async function follow(
  distance: Distance,
  read: ReadSchedule,
): Promise<TrialResult> {
  const { subject, schedule } = read;
  const started = performance.now();
  const program = await programOf(distance, subject, read);
  const strategy = new LenientReplayStrategy(schedule.choices);
  const recording = await record(program, strategy);
  const { divergence } = strategy;
  const { reproduced, nondeterminism } = await repeat(program, recording, REPLAYS - 1, true);
  return conclude(distance, subject, program, {
    ...replayed(REPLAYS, started),
    recording,
    reproduced: { times: reproduced.times + 1, of: REPLAYS },
    nondeterminism,
    diverged: divergence && describeOutcome({ kind: "diverged", ...divergence }),
  });
}

/** What is said of every replay: one order was run so often, and nothing was looked for. */
function replayed(times: number, started: number) {
  return {
    strategy: "replay",
    seed: 0,
    schedules: times,
    evidence: { kind: "partial", orders: times },
    bestEffort: false,
    elapsed: performance.now() - started,
  } as const;
}

/** Runs a schedule again, and says what differed if the engine was not alone in deciding. */
async function repeat(
  program: Program,
  recording: Recording,
  of: number,
  exact: boolean,
): Promise<{ reproduced: Repetition; nondeterminism?: string }> {
  let times = 0;
  let nondeterminism: string | undefined;
  for (let i = 0; i < of; i++) {
    const again = await replay(program, recording.choices, recording.events, exact);
    if (isSame(again.outcome, recording.outcome, exact)) times++;
    else nondeterminism ??= describeOutcome(again.outcome);
    // Farther away a run may be told in other words.
    const other = exact ? firstDifference(program.actors, recording, again) : undefined;
    if (other !== undefined) {
      nondeterminism ??= `at step ${other.step} expected ${other.first}, found ${other.second}`;
    }
  }
  return { reproduced: { times, of }, nondeterminism };
}

/**
 * Whether two runs ended alike. An error's message may say what can be known at one distance only: who
 * holds a lock, say.
 */
function isSame(a: Outcome, b: Outcome, exact: boolean): boolean {
  if (exact || a.kind !== "threw" || b.kind !== "threw") {
    return failureSignature(a) === failureSignature(b);
  }
  return a.actor === b.actor && nameOf(a.error) === nameOf(b.error);
}

function nameOf(error: unknown): string {
  return error instanceof Error ? String(error.name) : describeError(error);
}

/** Runs at full speed, with the numbers meant for benchmarks: so there is something to race for. */
async function runFreely(
  distance: Distance,
  subject: Subject,
  of: number,
): Promise<Repetition | undefined> {
  const { scenario, variantName, variant: { symptom } } = subject;
  // What comes to no end is known not to, and every standstill has to be waited for.
  if (of === 0 || distance.free === undefined || symptom === "endless") return undefined;
  if (symptom === "deadlock") of = 1;
  const large = new Subject(scenario, variantName, benchParameters(scenario, distance.name));
  let times = 0;
  let runs = 0;
  for (const started = performance.now(); runs < of; runs++) {
    // What takes so long is as good as several short runs.
    if (runs > 0 && performance.now() - started > FREE_TIME) break;
    if ((await distance.free(large)).outcome.kind !== "passed") times++;
  }
  return { times, of: runs };
}

type Findings =
  & Pick<
    TrialResult,
    | "strategy"
    | "foundBy"
    | "seed"
    | "schedules"
    | "evidence"
    | "undeclared"
    | "bestEffort"
    | "intervention"
    | "diverged"
    | "elapsed"
    | "free"
  >
  & Shown;

/** Holds what was found against what the variant is expected to be. */
function conclude(
  distance: Distance,
  subject: Subject,
  program: Program,
  findings: Findings,
): TrialResult {
  const { recording, found, ...rest } = findings;
  const { scenario, variantName, variant, parameters, values, structure } = subject;
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
    maxSteps: program.maxSteps,
    schedule: failed
      ? encodeSchedule({
        scenario: scenario.name,
        variant: variantName,
        parameters: values,
        structure,
        choices: recording.choices,
      })
      : undefined,
    failure: failed ? toFailure(program.actors, recording, found) : undefined,
  };
}
