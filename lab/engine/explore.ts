/** Runs a program again and again, each time in another order, until one order fails. */
import type { Event } from "./operation.ts";
import type { Outcome } from "./outcome.ts";
import { ReplayStrategy } from "./replay.ts";
import { MAX_STEPS, type Program, Run } from "./run.ts";
import type { Evidence, Strategy } from "./strategy.ts";
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
   * @default 10_000
   */
  maxSteps?: number;
  /** Told from time to time how many schedules have been run. */
  onProgress?: (schedules: number) => void;
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
}

/** A run with all that happened in it. */
export interface Recording {
  /** How it ended. */
  readonly outcome: Outcome;
  /** The actor of each step. */
  readonly choices: readonly number[];
  /** What happened, in order. */
  readonly events: readonly Event[];
}

/** How long exploring may keep timers and input waiting, in milliseconds. */
const SLICE = 20;

/**
 * Explores a program until an order fails, the strategy has no more, or the budget is used up.
 *
 * @param program What to run.
 * @param options The strategy and its budget.
 * @returns The first failure, if any, and what the rest is evidence of.
 * @throws Whatever kept the program from being run; a failing actor is an outcome, not an error.
 */
export function explore(program: Program, options: ExploreOptions): Promise<Exploration> {
  const { strategy, budget, signal, onProgress } = options;
  const run = new Run(program, options.maxSteps ?? MAX_STEPS);
  return new Promise((resolve, reject) => {
    let schedules = 0;
    let bestEffort = false;
    let sliceEnd = performance.now() + SLICE;
    const finish = (failure?: Failure) =>
      resolve({ schedules, failure, evidence: strategy.evidence(schedules), bestEffort });
    const next = (): void => {
      try {
        signal?.throwIfAborted();
        if (schedules === budget || !strategy.begin()) return finish();
        schedules++;
        run.begin(strategy, undefined, listener);
      } catch (error) {
        reject(error);
      }
    };
    const listener = {
      ended(outcome: Outcome): void {
        bestEffort ||= run.bestEffort;
        if (outcome.kind !== "passed") finish({ outcome, choices: run.choices.slice() });
        else if ((schedules & 63) !== 0 || performance.now() < sliceEnd) next();
        else {
          onProgress?.(schedules);
          macrotask().then(() => {
            sliceEnd = performance.now() + SLICE;
            next();
          });
        }
      },
      failed: reject,
    };
    next();
  });
}

/**
 * Runs one schedule once more and records what happens.
 *
 * @param program What to run.
 * @param choices The actor of each step.
 * @param expected The operations of the original run; a run that differs ends as diverged.
 */
export function replay(
  program: Program,
  choices: readonly number[],
  expected?: readonly Event[],
): Promise<Recording> {
  return record(program, new ReplayStrategy(choices, expected));
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
  maxSteps: number = MAX_STEPS,
): Promise<Recording> {
  strategy.begin();
  const run = new Run(program, maxSteps);
  const events: Event[] = [];
  return new Promise((resolve, reject) => {
    run.begin(strategy, events, {
      ended: (outcome) => resolve({ outcome, choices: run.choices.slice(), events }),
      failed: reject,
    });
  });
}
