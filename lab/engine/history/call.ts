/**
 * Histories: who called what, when, and what came of it.
 *
 * A history is a plain list of calls, in any order, that can be sent between threads and processes as
 * it is. Time is a number that grows; whatever gave it, two calls overlap unless one returned before
 * the other was invoked. Calls whose times are equal overlap too, so that a clock too coarse to tell
 * makes the check more lenient, never a liar.
 */

/**
 * What became of a call.
 *
 * - `ok`: it returned, and its output is known.
 * - `failed`: it is known not to have happened.
 * - `open`: nobody knows. It timed out, its process crashed, or the history ends first. It may take
 *   effect at any time after its invocation, also after the end of the history, or never.
 */
export type CallOutcome = "ok" | "failed" | "open";

/** One call of an operation, from its invocation to its return. */
export interface Call {
  /** Who called: an actor, a thread, a client. */
  readonly process: string | number;
  /** What was called, as the model names it: `read`, `write`, `enqueue`, … */
  readonly name: string;
  /**
   * What it was called on. Calls on different objects are checked apart from each other; left out,
   * they are all on one and the same object.
   */
  readonly object?: unknown;
  /** What it was called with. Plain data. */
  readonly input?: unknown;
  /** What became of it. */
  readonly outcome: CallOutcome;
  /** What it answered, if its outcome is `ok`. Plain data. */
  readonly output?: unknown;
  /** When it was invoked. */
  readonly invoked: number;
  /** When it returned; of no meaning unless its outcome is `ok`. */
  readonly returned?: number;
  /** The line of its invocation in the file it was read from, from 1. */
  readonly line?: number;
}

/** A call in words: `7: cas [3, 0] → true`. */
export function describeCall(call: Call): string {
  const { process, name, object, input, outcome, output } = call;
  const words = [`${process}:`, name];
  if (object !== undefined) words.push(show(object));
  if (input !== undefined) words.push(show(input));
  if (outcome === "open") words.push("→ ?");
  else if (outcome === "failed") words.push("→ failed");
  else if (output !== undefined) words.push(`→ ${show(output)}`);
  return words.join(" ");
}

/** Plain data in words, on one line. */
export function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "symbol") return Symbol.keyFor(value) ?? value.toString();
  if (Array.isArray(value)) return `[${value.map(show).join(", ")}]`;
  if (value instanceof Set) return `{${[...value].map(show).join(", ")}}`;
  if (value instanceof Map) return showEntries(value);
  if (value !== null && typeof value === "object") return showEntries(Object.entries(value));
  return String(value);
}

function showEntries(entries: Iterable<[unknown, unknown]>): string {
  const texts = [...entries].map(([key, value]) =>
    `${typeof key === "string" ? key : show(key)}: ${show(value)}`
  );
  return `{${texts.join(", ")}}`;
}
