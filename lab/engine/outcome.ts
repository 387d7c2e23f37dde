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
  | { readonly kind: "endless"; readonly steps: number }
  | {
    readonly kind: "diverged";
    readonly step: number;
    readonly expected: string;
    readonly found: string;
  };

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
      return `${outcome.actor} threw ${
        outcome.error instanceof Error
          ? `${outcome.error.name}: ${outcome.error.message}`
          : String(outcome.error)
      }`;
    case "endless":
      return `no end after ${outcome.steps} steps`;
    case "diverged":
      return `at step ${outcome.step} expected ${outcome.expected}, found ${outcome.found}`;
  }
}
