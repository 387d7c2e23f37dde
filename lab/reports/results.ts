/**
 * What came of running a variant somewhere: plain data, so that it is its own JSON.
 *
 * Everything the reports print is made from this and from nothing else.
 */
import { describeOutcome, type Evidence, type Recording, switches } from "../engine/mod.ts";
import { describeBuriedWrite, findBuriedWrite, findWaits, type Wait } from "./analysis.ts";

/** One step of a recorded run. */
export interface Step {
  /** The actor's name. */
  readonly actor: string;
  /** The shared object. */
  readonly object: string;
  /** What was done to it. */
  readonly kind: string;
  /** What it was done with, if anything. */
  readonly argument?: unknown;
  /** What it answered, if anything. */
  readonly result?: unknown;
}

/** A run, as plain data. */
export interface RunResult {
  /** How it ended: `passed`, `violated`, `deadlock`, … */
  readonly kind: string;
  /** The actors' names, in their order. */
  readonly actors: readonly string[];
  /** What happened, in order. */
  readonly steps: readonly Step[];
  /** How often an actor that could have gone on was interrupted by another. */
  readonly preemptions: number;
  /** How often the order passes from one actor to another. */
  readonly switches: number;
}

/** A run that failed. */
export interface FailureResult extends RunResult {
  /** What was wrong, in a sentence. */
  readonly message: string;
  /** What happened, in a sentence, where the steps show it. */
  readonly headline: string;
  /** The index of the step that broke it, where the steps show it. */
  readonly breakingStep?: number;
  /** Who waits for whom, where the run came to a stand. */
  readonly waits?: readonly Wait[];
  /** The order as it was found, before it was made small. */
  readonly found?: { readonly preemptions: number; readonly switches: number };
}

/** How often something that was repeated turned out the same. */
export interface Repetition {
  /** How often it did. */
  readonly times: number;
  /** How often it was tried. */
  readonly of: number;
}

/** What came of one variant at one distance. */
export interface TrialResult {
  /** The scenario's name. */
  readonly scenario: string;
  /** The variant's name. */
  readonly variant: string;
  /** The values of the scenario's parameters. */
  readonly parameters: Readonly<Record<string, number>>;
  /** The distance. */
  readonly world: string;
  /** What the variant is expected to be. */
  readonly expect: "broken" | "safe";
  /** Why it is expected to be that. */
  readonly because: string;
  /** What was found. */
  readonly verdict: "broken" | "safe";
  /** Whether it is what was expected. */
  readonly met: boolean;
  /** How the orders were chosen. */
  readonly strategy: string;
  /** The strategy of the portfolio that found the failure. */
  readonly foundBy?: string;
  /** Fixes every random choice. */
  readonly seed: number;
  /** How many schedules were run step by step. */
  readonly schedules: number;
  /** What the orders that passed are evidence of. */
  readonly evidence: Evidence;
  /** How orders that should be equivalent differ: an operation touches what it does not declare. */
  readonly undeclared?: string;
  /** Whether something outside the engine's control decided part of an order. */
  readonly bestEffort: boolean;
  /** What that was, in words. */
  readonly intervention?: string;
  /** Where a run that was to follow a schedule as far as it can took another way. */
  readonly diverged?: string;
  /** How long it took, in milliseconds. */
  readonly elapsed: number;
  /** After how many steps a run counted as endless, where not as usual: to be said again in a replay. */
  readonly maxSteps?: number;
  /** The code that reproduces the failure. */
  readonly schedule?: string;
  /** The order that failed, made small. */
  readonly failure?: FailureResult;
  /** The passing order nearest to the failing one, if one was found. */
  readonly contrast?: RunResult;
  /** A run that passed, to look at. */
  readonly passing?: RunResult;
  /** What differed when the schedule was run again, though the engine decided alike. */
  readonly nondeterminism?: string;
  /** How often the schedule lost again when it was replayed. */
  readonly reproduced?: Repetition;
  /** How many runs at full speed went wrong. */
  readonly free?: Repetition;
}

/** A recorded run as plain data. */
export function toRun(actors: readonly string[], recording: Recording): RunResult {
  const { events, outcome, choices, preemptions } = recording;
  return {
    kind: outcome.kind,
    actors: actors.filter((_, place) => choices.includes(place)),
    steps: events.map(({ actor, operation: { object, kind }, argument, result }) => ({
      actor: actors[actor],
      object,
      kind,
      argument,
      result,
    })),
    preemptions,
    switches: switches(choices),
  };
}

/**
 * A recorded run that failed, as plain data.
 *
 * @param actors The actors' names.
 * @param recording The run that is shown.
 * @param found The run that was found first, if it is another.
 */
export function toFailure(
  actors: readonly string[],
  recording: Recording,
  found: Recording = recording,
): FailureResult {
  const { outcome } = recording;
  const run = toRun(actors, recording);
  const message = describeOutcome(outcome);
  const buried = outcome.kind === "violated" ? findBuriedWrite(run.steps) : undefined;
  return {
    ...run,
    message,
    headline: buried === undefined ? message : describeBuriedWrite(run.steps, buried),
    breakingStep: buried?.burying,
    waits: outcome.kind === "deadlock" ? findWaits(run.steps, outcome.waiting) : undefined,
    found: found === recording
      ? undefined
      : { preemptions: found.preemptions, switches: switches(found.choices) },
  };
}

/** What came of measuring one variant at one distance. */
export interface BenchResult {
  /** The scenario's name. */
  readonly scenario: string;
  /** The variant's name. */
  readonly variant: string;
  /** The distance. */
  readonly world: string;
  /** The values of the scenario's parameters. */
  readonly parameters: Readonly<Record<string, number>>;
  /** What the variant is expected to be. */
  readonly expect: "broken" | "safe";
  /** From the common start to the last actor's end; missing where no run came to one. */
  readonly milliseconds?: { readonly p25: number; readonly p50: number; readonly p75: number };
  /** Of how many runs that is. */
  readonly timed: number;
  /**
   * Its time / that of the unguarded variant: the median of the rounds in which both came to an end, and
   * where there were rounds enough the interval that holds it with 95 % confidence.
   */
  readonly ratio?: { readonly median: number; readonly interval?: readonly [number, number] };
  /** How many runs were made, each with its result checked. */
  readonly samples: number;
  /** How many of them had a wrong result. */
  readonly wrong: number;
}
