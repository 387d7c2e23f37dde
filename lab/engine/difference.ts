/**
 * Where two runs of one schedule differ, though the engine decided alike.
 *
 * Operations, those who could move, and what was given and answered are compared, step by step. What is
 * no plain data (a function, an object that leads to itself) is not, for it is another one in each run.
 */
import type { Recording } from "./explore.ts";
import { describeOperation, type Event } from "./operation.ts";
import { describeOutcome } from "./outcome.ts";

/** A step at which two runs of one schedule differ. */
export interface Difference {
  /** The step, from 1. */
  readonly step: number;
  /** What was to be seen there in the first run. */
  readonly first: string;
  /** What was to be seen there in the second. */
  readonly second: string;
}

/**
 * The first step at which two runs of one schedule differ; `undefined` where none does.
 *
 * @param actors The actors' names.
 */
export function firstDifference(
  actors: readonly string[],
  a: Recording,
  b: Recording,
): Difference | undefined {
  const length = Math.max(a.events.length, b.events.length);
  for (let index = 0; index < length; index++) {
    const [one, other] = [a.events[index], b.events[index]];
    const sights = one !== undefined && other !== undefined && isOther(one.enabled, other.enabled)
      ? [able(actors, one), able(actors, other)]
      : [look(actors, a, one), look(actors, b, other)];
    if (sights[0] !== sights[1]) {
      return { step: index + 1, first: sights[0], second: sights[1] };
    }
  }
}

function isOther(a: readonly number[], b: readonly number[]): boolean {
  return a.length !== b.length || a.some((actor, index) => actor !== b[index]);
}

function able(actors: readonly string[], { enabled }: Event): string {
  return `${enabled.map((actor) => actors[actor]).join(" and ")} able to move`;
}

/** What is to be seen of one step. */
function look(
  actors: readonly string[],
  { outcome }: Recording,
  event: Event | undefined,
): string {
  if (event === undefined) return describeOutcome(outcome);
  const { actor, operation, argument, result } = event;
  const words = [`${actors[actor]}: ${describeOperation(operation)}`];
  if (argument !== undefined) words.push(`← ${plain(argument)}`);
  if (result !== undefined) words.push(`→ ${plain(result)}`);
  return words.join(" ");
}

function plain(value: unknown): string {
  if (typeof value === "function") return "a function";
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return `a ${typeof value}`;
  }
}
