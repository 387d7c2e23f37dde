/** How one run can end. */

/** An actor that waits, and for what. */
export interface Waiting {
  /** The actor's name. */
  readonly actor: string;
  /** The operation it cannot carry out, or `undefined` when it waits outside the engine's sight. */
  readonly operation?: string;
}

/** How one run ended. */
export type Outcome =
  | { readonly kind: "passed" }
  | { readonly kind: "violated"; readonly message: string }
  | { readonly kind: "deadlock"; readonly waiting: readonly Waiting[] }
  | { readonly kind: "threw"; readonly actor: string; readonly error: unknown }
  | {
    readonly kind: "endless";
    readonly steps: number;
    /** Who stood waiting while the others went on; where there are none, all go on for ever. */
    readonly starved: readonly string[];
  }
  | { readonly kind: "pruned" }
  | {
    readonly kind: "diverged";
    readonly step: number;
    readonly expected: string;
    readonly found: string;
  };

const NUMBERS = /-?\d+(\.\d+)?/g;

/**
 * What was thrown, in words, whatever it is.
 *
 * @param named Whether the name of an error's class is told with its message.
 */
export function describeError(error: unknown, named: boolean = true): string {
  try {
    if (!(error instanceof Error)) return String(error);
    const message = String(error.message);
    return named ? `${String(error.name)}: ${message}` : message;
  } catch {
    return typeof error === "object" ? "an object that cannot be shown" : `a ${typeof error}`;
  }
}

/** How a run ended, by what its check answered. */
export function verdict(answer: unknown): Outcome {
  if (answer === undefined) return { kind: "passed" };
  if (typeof answer === "string") return { kind: "violated", message: answer };
  return {
    kind: "violated",
    message: `the check answered ${
      describeError(answer)
    } instead of what is wrong, in words, or undefined`,
  };
}

/** How a run ended whose check threw: a check may also be written with assertions. */
export function violation(error: unknown): Outcome {
  return { kind: "violated", message: describeError(error, false) };
}

/** An outcome in one sentence. */
export function describeOutcome(outcome: Outcome): string {
  switch (outcome.kind) {
    case "passed":
      return "passed";
    case "violated":
      return outcome.message;
    case "deadlock": {
      const parts = outcome.waiting.map(({ actor, operation }) =>
        `${actor} waits ${
          operation === undefined ? "outside the engine's sight" : `to ${operation}`
        }`
      );
      return `deadlock: ${parts.join(", ")}`;
    }
    case "threw":
      return `${outcome.actor} threw ${describeError(outcome.error)}`;
    case "endless":
      return outcome.starved.length === 0
        ? `livelock: all move, and none comes to an end in ${outcome.steps} steps`
        : `starvation: ${
          outcome.starved.join(", ")
        } cannot move while the others have taken ${outcome.steps} steps`;
    case "pruned":
      return "given up: every way on from here has been taken elsewhere";
    case "diverged":
      return `at step ${outcome.step} expected ${outcome.expected}, found ${outcome.found}`;
  }
}

/**
 * What makes two failures the same one: how they failed, without the numbers that depend on the order.
 */
export function failureSignature(outcome: Outcome): string {
  switch (outcome.kind) {
    case "violated":
      return `violated ${outcome.message.replace(NUMBERS, "#")}`;
    case "threw":
      return `threw ${describeError(outcome.error).replace(NUMBERS, "#")}`;
    case "deadlock":
      return `deadlock ${outcome.waiting.map(({ operation }) => operation).sort().join(", ")}`;
    case "endless":
      return `endless ${outcome.starved.join(", ")}`;
    default:
      return outcome.kind;
  }
}
