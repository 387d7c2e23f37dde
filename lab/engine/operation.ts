/**
 * What actors do to shared state, as the engine sees it.
 *
 * The engine knows nothing of cells, locks or channels. It sees operations: each names the object it
 * touches and how. Everything an actor does between two operations is its own business; everything
 * shared happens inside one.
 */

/**
 * How an operation touches its object.
 *
 * `acquire` is the request for a lock, which decides about it; `enter` is the moment at which a
 * request that was granted is taken up, which decides nothing; `release` gives the lock back.
 */
export type Effect = "read" | "write" | "acquire" | "enter" | "release";

/** One object that is touched, and how. */
export interface Touch {
  /** The object's name. */
  readonly object: string;
  /** How it is touched. */
  readonly effect: Effect;
}

/**
 * One kind of thing that can be done to one shared object.
 *
 * What an operation touches may depend on what others have done (the passing of time touches what the
 * timers that are due belong to), but only on operations that it conflicts with: an operation that
 * conflicts with none of those carried out since is what it was.
 */
export interface Operation extends Touch {
  /** What is done, in the words of the object: `read`, `write`, `request write`, … */
  readonly kind: string;
  /** What else it touches. */
  readonly also?: readonly Touch[];
  /**
   * Whether what the actor does until its next operation may touch more than is declared. Such an
   * operation conflicts with every other, so that no reduction counts on what it does not know.
   */
  readonly undeclared?: boolean;
}

/**
 * Virtual time, as an object: what sets a timer, clears one or looks at the clock reads it, and its
 * passing writes it. Objects whose names begin with an asterisk are the engine's own.
 */
export const TIME_OBJECT = "*time";

/** One operation that was carried out in a recorded run. */
export interface Event {
  /** The actor's place in the program's list of actors. */
  readonly actor: number;
  /** What was done. */
  readonly operation: Operation;
  /** What it was done with, if anything. */
  readonly argument: unknown;
  /** The actors that could have gone instead, itself included. */
  readonly enabled: readonly number[];
  /** What it answered; stays `undefined` for an operation that answers nothing. */
  result: unknown;
}

/**
 * Whether the order of two operations can matter.
 *
 * Two reads commute. Taking up a grant commutes with everything but the release that made it
 * possible: other requests join the queue behind it whether it has been taken up or not.
 */
export function conflict(a: Operation, b: Operation): boolean {
  if (a.undeclared || b.undeclared || collide(a, b)) return true;
  return (a.also !== undefined && a.also.some((touch) => collidesWithAny(touch, b))) ||
    (b.also !== undefined && b.also.some((touch) => collide(touch, a)));
}

function collidesWithAny(touch: Touch, operation: Operation): boolean {
  return collide(touch, operation) ||
    (operation.also !== undefined && operation.also.some((other) => collide(touch, other)));
}

function collide(a: Touch, b: Touch): boolean {
  if (a.object !== b.object) return false;
  if (a.effect === "enter") return b.effect === "release";
  if (b.effect === "enter") return a.effect === "release";
  return a.effect !== "read" || b.effect !== "read";
}

/** An operation in words: `write counter`. */
export function describeOperation({ kind, object }: Pick<Operation, "kind" | "object">): string {
  return object.startsWith("*") ? kind : `${kind} ${object}`;
}
