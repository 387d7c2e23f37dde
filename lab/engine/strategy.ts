/** What decides who moves next. */
import type { Operation } from "./operation.ts";

/** What a search without a failure amounts to, and what it does not. */
export type Evidence =
  | {
    readonly kind: "proved";
    /** How many orders were run. */
    readonly orders: number;
    /** How many orders there are, each equivalent to one that was run; at most this many. */
    readonly of: number;
  }
  | {
    readonly kind: "bounded";
    readonly orders: number;
    /** All orders with up to so many preemptions. */
    readonly preemptions: number;
    /** The longest of them. */
    readonly steps: number;
  }
  | { readonly kind: "sampled"; readonly orders: number; readonly seed: number }
  | { readonly kind: "partial"; readonly orders: number };

/** What a strategy may look at while it chooses. */
export interface RunView {
  /** How many operations have been carried out. */
  readonly steps: number;
  /** The actors' names. */
  readonly actors: readonly string[];
  /** The actor of each step so far. */
  readonly choices: readonly number[];
  /** The operation an actor stands before, enabled or not; `undefined` when it stands before none. */
  pending(actor: number): Operation | undefined;
}

/** What `choose` answers to give a run up. */
export const PRUNE: number = -1;

/** A way through the space of schedules: one choice at a time, one schedule after another. */
export interface Strategy {
  /** What it is called on the command line and in reports. */
  readonly name: string;
  /** Called before each schedule. Answers `false` when there is nothing left to try. */
  begin(): boolean;
  /**
   * Picks who moves next.
   *
   * @param enabled The actors that can move, in ascending order; at least one. Only valid during
   * the call.
   * @param run The run so far.
   * @returns One of `enabled`, or `PRUNE` to give the run up because it would repeat another.
   * @throws {Divergence} when the run is not the one the strategy was made for.
   */
  choose(enabled: readonly number[], run: RunView): number;
  /** Told at the end of each run. */
  ended?(run: RunView): void;
  /** What `schedules` schedules without a failure are evidence of. */
  evidence(schedules: number): Evidence;
}

/** A run was not like those before it, though the choices were: so no search can count on them. */
export class Nondeterminism extends Error {
  /** Always `Nondeterminism`. */
  override readonly name = "Nondeterminism";

  /**
   * Says what could not be done, and why: something differs between runs.
   *
   * @param what What could not be done.
   */
  constructor(what: string) {
    super(`${what}; something the engine does not control differs between runs`);
  }
}

/** A run took another way than the one it was to follow. */
export class Divergence extends Error {
  /** Always `Divergence`. */
  override readonly name = "Divergence";
  /** What should have happened at this step. */
  readonly expected: string;
  /** What stands there instead. */
  readonly found: string;

  /** Keeps both sides for the report. */
  constructor(expected: string, found: string) {
    super(`expected ${expected}, found ${found}`);
    this.expected = expected;
    this.found = found;
  }
}
