/** What a recorded run shows, found in its steps alone. */
import type { Step } from "./results.ts";
import { showValue } from "./values.ts";

/** A write that buried another which its actor had never seen. Indices are those of the steps. */
export interface BuriedWrite {
  /** The object both wrote. */
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

/** One actor in a deadlock: what it waits for, and who has it. */
export interface Wait {
  /** Who waits. */
  readonly actor: string;
  /** What it waits to do. */
  readonly operation: string;
  /** The object it waits for. */
  readonly object: string;
  /** Who holds the object, how, and since which step (counted from 1). */
  readonly holders: readonly {
    readonly actor: string;
    readonly mode: string;
    readonly since: number;
  }[];
}

/** Who waits for whom at the end of a run that came to a stand. */
export function findWaits(
  steps: readonly Step[],
  waiting: readonly { readonly actor: string; readonly operation?: string }[],
): Wait[] {
  return waiting.flatMap(({ actor, operation }) => {
    const match = /^(enter \w+|receive) (.+)$/.exec(operation ?? "");
    if (match === null) return [];
    const object = match[2];
    return [{ actor, operation: match[1], object, holders: holdersOf(object, steps) }];
  });
}

function holdersOf(object: string, steps: readonly Step[]): Wait["holders"] {
  const held = new Map<string, { actor: string; mode: string; since: number }>();
  steps.forEach(({ actor, object: other, kind }, index) => {
    if (other !== object) return;
    const [verb, mode] = kind.split(" ");
    if (verb === "enter") held.set(actor, { actor, mode, since: index + 1 });
    if (verb === "leave") held.delete(actor);
  });
  return [...held.values()];
}

/** The waits of a deadlock in one sentence each, in the order in which they close the circle. */
export function describeWaits(waits: readonly Wait[]): string[] {
  const order: Wait[] = [];
  for (let next: Wait | undefined = waits[0]; next !== undefined && !order.includes(next);) {
    order.push(next);
    const holders: readonly string[] = next.holders.map((holder) => holder.actor);
    next = waits.find((wait) => holders.includes(wait.actor));
  }
  return [...order, ...waits.filter((wait) => !order.includes(wait))].map((wait) => {
    const what = wait.operation === "receive"
      ? `waits for a message in ${wait.object}, and nobody is left to send one`
      : `waits to ${wait.operation} ${wait.object}`;
    const held = wait.holders.map(({ actor, mode, since }) =>
      `${actor} (${mode}, since step ${since})`
    );
    return `${wait.actor} ${what}${held.length === 0 ? "" : `, held by ${held.join(" and ")}`}`;
  });
}
