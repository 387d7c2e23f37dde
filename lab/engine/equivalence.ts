/** Checking what a reduction takes on trust: that operations touch what they declare, and no more. */
import { type Failure, record, type Recording, replay } from "./explore.ts";
import { conflict, type Event } from "./operation.ts";
import { describeOutcome } from "./outcome.ts";
import { Prng } from "./prng.ts";
import { RandomStrategy } from "./random.ts";
import type { Program } from "./program.ts";

/** Two orders that differ only in steps that do not conflict, and yet end differently. */
export interface Inequivalence {
  /** Where the first order ended. */
  readonly first: string;
  /** Where the second ended. */
  readonly second: string;
  /** The second order. */
  readonly choices: readonly number[];
  /** The second order, where it failed: then the program is broken, whatever a reduced search found. */
  readonly failure?: Failure;
}

/**
 * Draws orders at random, and for each an equivalent one, and compares where they end.
 *
 * A reduction runs one order of each kind and counts on the others ending alike. They do if every
 * operation declares what it touches. This samples whether they do. It is for programs of which a
 * reduced search has found no order that fails: one that does fail here is equivalent to one that passed.
 *
 * @param program What to run; it has to be able to tell its state.
 * @param seed Fixes every choice.
 * @param samples How many pairs to compare.
 * @returns A pair that ends differently, if one was met.
 */
export async function findInequivalence(
  program: Program,
  seed: number,
  samples: number,
): Promise<Inequivalence | undefined> {
  if (program.state === undefined) return undefined;
  const random = new RandomStrategy(seed);
  const prng = new Prng(seed);
  for (let i = 0; i < samples; i++) {
    const original = await record(program, random);
    if (original.outcome.kind === "pruned") continue;
    if (original.outcome.kind !== "passed") return differs("passed", original);
    const first = program.state();
    const choices = reorder(original.events, prng);
    const again = await replay(program, choices);
    if (again.outcome.kind !== "passed") return differs(first, again);
    const second = program.state();
    if (first !== second) return { first, second, choices };
  }
  return undefined;
}

/** A run did not end as one that it is equivalent to. */
function differs(first: string, { outcome, choices }: Recording): Inequivalence {
  const second = describeOutcome(outcome);
  // A run that took another way is no failure of the program's.
  if (outcome.kind === "diverged") return { first, second, choices };
  return { first, second, choices, failure: { outcome, choices } };
}

/** A random order in which every event still comes after all that it depends on. */
function reorder(events: readonly Event[], prng: Prng): number[] {
  const left = [...events];
  const choices: number[] = [];
  while (left.length > 0) {
    const free = left.filter((event, index) =>
      !left.slice(0, index).some((earlier) =>
        earlier.actor === event.actor || conflict(earlier.operation, event.operation)
      )
    );
    const next = free[prng.below(free.length)];
    choices.push(next.actor);
    left.splice(left.indexOf(next), 1);
  }
  return choices;
}
