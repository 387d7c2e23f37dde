/** Runs a program again and again, each time in another order, until one order fails. */
import type { Event } from "./operation.ts";
import type { Outcome } from "./outcome.ts";
import { ReplayStrategy } from "./replay.ts";
import type { Program } from "./program.ts";
import { Run } from "./run.ts";
import { type Evidence, Nondeterminism, type Strategy } from "./strategy.ts";
import { macrotask } from "./watchdog.ts";

/** How to explore. */
export interface ExploreOptions {
  /** Chooses the orders. */
  strategy: Strategy;
  /** How many schedules to run at most. */
  budget: number;
  /**
   * After how many operations a run ends as endless.
   *
   * @default what the program says
   */
  maxSteps?: number;
  /** Told from time to time how many schedules have been run. */
  onProgress?: (schedules: number) => void;
  /**
   * Told of every run with all that happened in it. Recording costs time; with it the search goes on
   * past failures, for whoever looks at every run decides what to make of it.
   */
  visit?: (recording: Recording) => void;
  /** Stops between two schedules, rejecting with the signal's reason. */
  signal?: AbortSignal;
}

/** A schedule that failed. */
export interface Failure {
  /** How the run ended. */
  readonly outcome: Outcome;
  /** The actor of each step. */
  readonly choices: readonly number[];
}

/** What came of exploring. */
export interface Exploration {
  /** How many schedules were run. */
  readonly schedules: number;
  /** The schedule that failed, if one did; it is the last that was run. */
  readonly failure?: Failure;
  /** What the schedules that passed are evidence of. */
  readonly evidence: Evidence;
  /** Whether something outside the engine's control decided part of an order. */
  readonly bestEffort: boolean;
  /** What that was, the first time, in words. */
  readonly intervention?: string;
}

/** A run with all that happened in it. */
export interface Recording {
  /** How it ended. */
  readonly outcome: Outcome;
  /** The actor of each step. */
  readonly choices: readonly number[];
  /** What happened, in order. */
  readonly events: readonly Event[];
  /** How often an actor that could have gone on was interrupted by another. */
  readonly preemptions: number;
}

/** How often the order of a run passes from one actor to another. */
export function switches(choices: readonly number[]): number {
  return choices.filter((actor, index) => index > 0 && actor !== choices[index - 1]).length;
}

/** How long exploring may keep timers and input waiting, in milliseconds. */
const SLICE = 20;

/**
 * Explores a program until an order fails, the strategy has no more, or the budget is used up.
 *
 * @param program What to run.
 * @param options The strategy and its budget.
 * @returns The first failure, if any, and what the rest is evidence of.
 * @throws {RangeError} when the budget is no number from 0 on, or `maxSteps` none from 1 on.
 * @throws Whatever kept the program from being run, and what `visit` and `onProgress` throw; a failing
 * actor is an outcome, not an error.
 */
export function explore(program: Program, options: ExploreOptions): Promise<Exploration> {
  const { strategy, budget, signal, onProgress, visit } = options;
  if (!(budget >= 0)) throw new RangeError(`Cannot explore with a budget of ${budget}: from 0 on`);
  const run = new Run(program, options.maxSteps);
  return new Promise((resolve, reject) => {
    let schedules = 0;
    let intervention: string | undefined;
    let events: Event[] | undefined;
    let sliceEnd = performance.now() + SLICE;
    const finish = (failure?: Failure) => {
      const evidence = strategy.evidence(schedules);
      const decided = evidence.kind === "proved" || evidence.kind === "bounded";
      resolve({
        schedules,
        failure,
        // Orders that the engine did not wholly decide prove nothing about those it would have.
        evidence: intervention !== undefined && decided
          ? { kind: "partial", orders: evidence.orders }
          : evidence,
        bestEffort: intervention !== undefined,
        intervention,
      });
    };
    const fail = (error: unknown): void => {
      intervention ??= run.intervention;
      // Where the order is not the engine's alone runs need not be alike: what was run was run.
      if (intervention !== undefined && error instanceof Nondeterminism) finish();
      else reject(error);
    };
    const next = (): void => {
      try {
        signal?.throwIfAborted();
        if (schedules >= budget || !strategy.begin()) return finish();
        schedules++;
        events = visit === undefined ? undefined : [];
        run.begin(strategy, events, listener);
      } catch (error) {
        fail(error);
      }
    };
    const listener = {
      ended(outcome: Outcome): void {
        // It is told within a step of an actor, where nobody would hear of what is thrown.
        try {
          follow(outcome);
        } catch (error) {
          reject(error);
        }
      },
      failed: fail,
    };
    const follow = (outcome: Outcome): void => {
      intervention ??= run.intervention;
      if (visit !== undefined) visit(recordingOf(run, outcome, events!));
      const failed = outcome.kind !== "passed" && outcome.kind !== "pruned";
      if (failed && visit === undefined) finish({ outcome, choices: run.choices.slice() });
      // Where each schedule takes long there may be no more than these.
      else if (schedules > 64 && (schedules & 63) !== 0 || performance.now() < sliceEnd) next();
      else {
        onProgress?.(schedules);
        macrotask().then(() => {
          sliceEnd = performance.now() + SLICE;
          next();
        });
      }
    };
    next();
  });
}

/**
 * Runs one schedule once more and records what happens.
 *
 * @param program What to run.
 * @param choices The actor of each step.
 * @param expected The events of the original run; a run that differs ends as diverged.
 * @param exact Whether the actors that can move must be the same too, as they are when the original
 * run was at the same distance.
 */
export function replay(
  program: Program,
  choices: readonly number[],
  expected?: readonly Event[],
  exact = false,
): Promise<Recording> {
  return record(program, new ReplayStrategy(choices, expected, exact));
}

function recordingOf(run: Run, outcome: Outcome, events: readonly Event[]): Recording {
  return { outcome, choices: run.choices.slice(), events, preemptions: run.preemptions };
}

/**
 * Runs one schedule of a strategy's choosing and records what happens.
 *
 * @param program What to run.
 * @param strategy Chooses the order; its `begin` is called once.
 * @param maxSteps After how many operations the run ends as endless.
 */
export function record(
  program: Program,
  strategy: Strategy,
  maxSteps?: number,
): Promise<Recording> {
  strategy.begin();
  const run = new Run(program, maxSteps);
  const events: Event[] = [];
  return new Promise((resolve, reject) => {
    run.begin(strategy, events, {
      ended: (outcome) => resolve(recordingOf(run, outcome, events)),
      failed: reject,
    });
  });
}
