/** Checking what a proof takes on trust: that the choices alone decide a run. */
import { firstDifference } from "./difference.ts";
import { type Failure, record, replay } from "./explore.ts";
import { describeOutcome } from "./outcome.ts";
import type { Program } from "./program.ts";
import { RandomStrategy } from "./random.ts";
import { macrotask } from "./watchdog.ts";

/** After how many orders one is run again at another time of day. */
const TICKING = 8;

/** Waits until the clock shows another millisecond. */
async function tick(): Promise<void> {
  const now = Date.now();
  while (Date.now() === now) await macrotask();
}

/** What running orders twice has shown. */
export interface Uncontrolled {
  /** Where two runs of one order differ, in words, with the step; left out where both failed alike. */
  readonly difference?: string;
  /** The order and its failure, if a run failed: then the program is broken, whatever a search found. */
  readonly failure?: Failure;
}

/**
 * Draws orders at random, runs each of them twice, and looks for a difference between the two: in what
 * was done and answered, in who could move, in the end and in the state that is left.
 *
 * A search runs each order once and counts on it going the same way always. It does unless something
 * decides that the engine does not: `Math.random()`, the time of day, what one run leaves to the next.
 *
 * @param program What to run; one of which no order has failed so far.
 * @param seed Fixes every choice.
 * @param samples How many orders to run twice.
 * @returns The first difference or failure met, if any.
 */
export async function findUncontrolled(
  program: Program,
  seed: number,
  samples: number,
): Promise<Uncontrolled | undefined> {
  const random = new RandomStrategy(seed);
  for (let i = 0; i < samples; i++) {
    const first = await record(program, random);
    const state = program.state?.();
    if (i % TICKING === 0) await tick();
    const second = await replay(program, first.choices);
    const other = program.state?.();
    const failing = [first, second].find(({ outcome }) =>
      outcome.kind !== "passed" && outcome.kind !== "diverged"
    );
    const failure = failing && { outcome: failing.outcome, choices: failing.choices };
    const step = firstDifference(program.actors, first, second);
    if (step !== undefined) {
      const difference = `at step ${step.step} one run has ${step.first}, another ${step.second}`;
      return { difference, failure };
    }
    if (second.outcome.kind === "diverged") {
      return {
        difference: `the same order run again: ${describeOutcome(second.outcome)}`,
        failure,
      };
    }
    const [end, otherEnd] = [first, second].map(({ outcome }) => describeOutcome(outcome));
    if (end !== otherEnd) return { difference: told(end, otherEnd), failure };
    if (failure !== undefined) return { failure };
    if (state !== other) return { difference: told(state!, other!) };
  }
  return undefined;
}

function told(first: string, second: string): string {
  return `one run ends as ${first}, another of the same order as ${second}; no step differs, so it is in what is between steps`;
}
