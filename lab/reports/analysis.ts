/** What a recorded run shows, found in its steps alone. */
import type { Step } from "./results.ts";
import { showValue } from "./values.ts";

/** A write that buried another which its actor had never seen. Indices are those of the steps. */
export interface BuriedWrite {
  readonly object: string;
  /** The read that was stale by the time of the write. */
  readonly read: number;
  /** The write that is lost. */
  readonly buried: number;
  /** The write that lost it. */
  readonly burying: number;
}

function isWrite(step: Step): boolean {
  return step.kind === "write" || (step.kind === "compare-and-set" && step.result === true);
}

function isRead(step: Step): boolean {
  return step.kind === "read";
}

/**
 * The first write that buried another actor's: between the actor's last look at the object and its
 * write to it, somebody else has written.
 */
export function findBuriedWrite(steps: readonly Step[]): BuriedWrite | undefined {
  for (let burying = 0; burying < steps.length; burying++) {
    const { actor, object, kind } = steps[burying];
    // A compare-and-set looks and writes in one step, so it buries nothing it has not seen.
    if (kind !== "write") continue;
    for (let earlier = burying - 1, buried = -1; earlier >= 0; earlier--) {
      const step = steps[earlier];
      if (step.object !== object) continue;
      if (step.actor !== actor) {
        if (isWrite(step)) buried = earlier;
        continue;
      }
      if (buried >= 0 && isRead(step)) return { object, read: earlier, buried, burying };
      break;
    }
  }
  return undefined;
}

/** A buried write in one sentence. */
export function describeBuriedWrite(steps: readonly Step[], found: BuriedWrite): string {
  const loser = steps[found.buried].actor;
  const winner = steps[found.burying].actor;
  const { result } = steps[found.read];
  const seen = `${found.object} = ${showValue(result)}`;
  const both = steps.slice(0, found.buried).some((step) =>
    step.actor === loser && step.object === found.object && isRead(step) && step.result === result
  );
  return both
    ? `${loser} and ${winner} both read ${seen} before either wrote, so ${winner} buries ${loser}'s write`
    : `${winner} read ${seen} and buries ${loser}'s write, which it has not seen`;
}

/** How often the order passes from one actor to another, and how often one is interrupted for it. */
export interface OrderShape {
  /** Neighbouring steps by different actors. */
  readonly switches: number;
  /** Switches away from an actor that moves again later. */
  readonly preemptions: number;
}

/** Counts switches and preemptions of an order. */
export function shapeOf(choices: readonly number[]): OrderShape {
  let switches = 0;
  let preemptions = 0;
  for (let i = 1; i < choices.length; i++) {
    if (choices[i] === choices[i - 1]) continue;
    switches++;
    if (choices.indexOf(choices[i - 1], i) >= 0) preemptions++;
  }
  return { switches, preemptions };
}
