/** One interface over all distances. */
import type { Outcome, Program } from "../engine/mod.ts";
import type { Subject } from "./scenario.ts";
import type { WorldName } from "./world.ts";

/** A place where scenarios can be run, stepped and free. */
export interface Distance extends AsyncDisposable {
  /** Its name. */
  readonly name: WorldName;
  /** What it is made of, for people: `2 Deno and 2 Bun processes`. */
  readonly about: string;
  /** The subject as the engine runs it: each operation waits to be let go. */
  stepped(subject: Subject, options?: SteppedOptions): Promise<Program>;
  /**
   * One run at full speed from a common start; left out where there is no speed but the engine's.
   *
   * @returns How it ended, and how long it took from the start to the last actor's end, in ms.
   */
  free?(subject: Subject): Promise<FreeRun>;
}

/** How the engine runs a subject. */
export interface SteppedOptions {
  /**
   * Whether nobody is cut off in the midst of an operation, which only the simulation can do: then what
   * is found can be replayed wherever actors can be killed.
   *
   * @default false
   */
  wholeSteps?: boolean;
}

/** How a free run went. */
export interface FreeRun {
  /** How it ended. */
  readonly outcome: Outcome;
  /** From the common start to the last actor's end in milliseconds; NaN when not all came to one. */
  readonly elapsed: number;
}

/** The world could not carry a run through: an actor's worker or process has died, say. */
export class WorldError extends Error {
  /** Always `WorldError`. */
  override readonly name = "WorldError";
}
