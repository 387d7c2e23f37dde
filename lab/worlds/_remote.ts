/** Where actors live that are elsewhere, what they share there, and how each is told its part. */
import type { WorldError } from "./distance.ts";
import type { FromActor, ToActor } from "./_protocol.ts";
import type { EndState, SharedObjects, Subject } from "./scenario.ts";

/** One place where an actor can live. */
export interface Remote {
  /** What it is, for people: `Bun process 4711`. */
  readonly about: string;
  /** Whether it has died; a dead one is replaced before the next run. */
  readonly dead: boolean;
  /** Takes what comes from it; set anew for each run. */
  onMessage: (message: FromActor) => void;
  /** Told when it has died. */
  onDeath: (error: WorldError) => void;
  send(message: ToActor): void;
  close(): Promise<void>;
}

/** The shared objects of one run, at the near side. */
export interface Storage {
  /** What the actors need to reach them. */
  readonly forActors: unknown;
  /** What the cells hold now. */
  end(): EndState | Promise<EndState>;
  /** The objects that have a kind, opened for whoever checks them. */
  shared(): SharedObjects;
  /** By how much the times of different actors may be wrong, in the unit of their calls' times. */
  readonly skew: number;
  /** Whether the locks of a killed actor are free without anybody's help. */
  readonly freesLocks: boolean;
  /** Removes them. */
  dispose(): void;
}

let lastRun = 0;

/** A number that no other run of this isolate has had. */
export function nextRun(): number {
  return ++lastRun;
}

/** Sends each actor its part in the run of that number. */
export function sendParts(
  run: number,
  { scenario, variantName, parameters, actors, mortal }: Subject,
  remotes: readonly Remote[],
  storage: Storage,
  stepped: boolean,
): void {
  remotes.forEach((remote, place) =>
    remote.send({
      type: "run",
      run,
      module: scenario.module,
      variant: variantName,
      parameters,
      place,
      actors,
      stepped,
      mortal,
      storage: storage.forActors,
    })
  );
}
