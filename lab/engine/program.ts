/** What the engine runs: actors that stop before each operation until they are let go. */
import type { Operation } from "./operation.ts";
import type { Run } from "./run.ts";

/** An operation an actor stands before. */
export interface Action {
  /** What it will do. */
  readonly operation: Operation;
  /** What it will do it with. */
  readonly argument: unknown;
  /** Whether it can be carried out now. */
  ready(): boolean;
  /**
   * Whether it waits for what may come from outside the engine's sight, such as a real timer: then that
   * nobody can move is no deadlock yet.
   */
  readonly patient?: boolean;
  /** Carries it out and lets the actor run on. Reports the answer through `Run.returned`. */
  go(): void;
}

/** What can be run again and again under the engine's eye. */
export interface Program {
  /** The actors' names; their order is that of the choices. */
  readonly actors: readonly string[];
  /** How many of the last actors only serve the others: a run ends without waiting for them. */
  readonly daemons?: number;
  /** Whether operations are carried out elsewhere, so that a macrotask without progress is no sign. */
  readonly remote: boolean;
  /**
   * After how many operations a run ends as endless, unless whoever explores says otherwise.
   *
   * @default 10_000
   */
  maxSteps?: number;
  /**
   * Starts a fresh run: from now on every actor calls `park` before each operation and `finish` at
   * its end.
   */
  start(run: Run): void;
  /** Looks at the end state of a run in which all finished; answers what is wrong with it. */
  check(): string | undefined | Promise<string | undefined>;
  /** All of the state at the end of a run in which all finished, in one string. */
  state?(): string;
  /** Something already under way decides who can move: the choice waits for it. */
  settle?(): Promise<void> | undefined;
  /** The run has ended with actors still in it; they must not be heard of again. */
  abandon?(): void;
}
