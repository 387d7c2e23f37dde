/**
 * What actors do to shared state, as the engine sees it.
 *
 * The engine knows nothing of cells, locks or channels. It sees operations: each names the object it
 * touches and how. Everything an actor does between two operations is its own business; everything
 * shared happens inside one.
 */

/**
 * How an operation touches its object. Two operations conflict when they touch the same object and
 * at least one of them is not a `read`.
 */
export type Effect = "read" | "write" | "acquire" | "release";

/** One kind of thing that can be done to one shared object. */
export interface Operation {
  /** The object's declared name. */
  readonly object: string;
  /** What is done, in the words of the object: `read`, `write`, `request write`, … */
  readonly kind: string;
  /** How it touches the object. */
  readonly effect: Effect;
}

/** One operation that was carried out in a recorded run. */
export interface Event {
  /** The actor's place in the program's list of actors. */
  readonly actor: number;
  /** What was done. */
  readonly operation: Operation;
  /** What it was done with, if anything. */
  readonly argument: unknown;
  /** What it answered; stays `undefined` for an operation that answers nothing. */
  result: unknown;
}

/** An operation in words: `write counter`. */
export function describeOperation(operation: Pick<Operation, "kind" | "object">): string {
  return `${operation.kind} ${operation.object}`;
}
