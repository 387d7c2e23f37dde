/**
 * What came of running a variant somewhere: plain data, so that it is its own JSON.
 *
 * Everything the reports print is made from this and from nothing else.
 */
import { describeOutcome, type Event, type Evidence, type Outcome } from "../engine/mod.ts";
import { describeBuriedWrite, findBuriedWrite, shapeOf } from "./analysis.ts";

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

/** A run that failed, and how to see it again. */
export interface FailureResult {
  /** How it failed. */
  readonly kind: string;
  /** What was wrong, in a sentence. */
  readonly message: string;
  /** What happened, in a sentence, where the steps show it. */
  readonly headline: string;
  /** Neighbouring steps by different actors. */
  readonly switches: number;
  /** Switches away from an actor that had more to do. */
  readonly preemptions: number;
  /** The index of the step that broke it, where the steps show it. */
  readonly breakingStep?: number;
  /** The actors' names, in their order. */
  readonly actors: readonly string[];
  /** What happened, in order. */
  readonly steps: readonly Step[];
}

/** How often something that was repeated turned out the same. */
export interface Repetition {
  readonly times: number;
  readonly of: number;
}

/** What came of one variant at one distance. */
export interface TrialResult {
  readonly scenario: string;
  readonly variant: string;
  readonly parameters: Readonly<Record<string, number>>;
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
  readonly seed: number;
  /** How many schedules were run step by step. */
  readonly schedules: number;
  /** What the orders that passed are evidence of. */
  readonly evidence: Evidence;
  /** Whether something outside the engine's control decided part of an order. */
  readonly bestEffort: boolean;
  /** How long it took, in milliseconds. */
  readonly elapsed: number;
  /** The code that reproduces the failure. */
  readonly schedule?: string;
  readonly failure?: FailureResult;
  /** How often the schedule lost again when it was replayed. */
  readonly reproduced?: Repetition;
  /** How many runs at full speed went wrong. */
  readonly free?: Repetition;
}

/** A recorded run that failed, as plain data. */
export function toFailure(
  actors: readonly string[],
  events: readonly Event[],
  outcome: Outcome,
): FailureResult {
  const steps = events.map(({ actor, operation: { object, kind }, argument, result }) => ({
    actor: actors[actor],
    object,
    kind,
    argument,
    result,
  }));
  const message = describeOutcome(outcome);
  const buried = outcome.kind === "violated" ? findBuriedWrite(steps) : undefined;
  return {
    kind: outcome.kind,
    message,
    headline: buried === undefined ? message : describeBuriedWrite(steps, buried),
    ...shapeOf(events.map((event) => event.actor)),
    breakingStep: buried?.burying,
    actors,
    steps,
  };
}

/** What came of measuring one variant at one distance. */
export interface BenchResult {
  readonly scenario: string;
  readonly variant: string;
  readonly world: string;
  readonly parameters: Readonly<Record<string, number>>;
  readonly expect: "broken" | "safe";
  /** From the common start to the last actor's end. */
  readonly milliseconds: { readonly p25: number; readonly p50: number; readonly p75: number };
  /** How many runs were made, each with its result checked. */
  readonly samples: number;
  /** How many of them had a wrong result. */
  readonly wrong: number;
}
