/**
 * What the coordinator and a remote actor say to each other, over `postMessage` or as lines of JSON.
 *
 * Each message names the run it belongs to, so that what an abandoned run still says is not taken for
 * the next one's. A coordinator sends `run`; in a free run the actor answers `prepared` and waits for
 * `start`. Before an operation that somebody else decides about, the actor sends `parked` and waits
 * for `go`; when it has carried it out it sends `did`. It ends with `finished` or `threw`. Calls that
 * it records are told of as they begin and as they end, so that those of an actor that dies are known:
 * where actors may be killed, nothing is done in a free run before the answer `noted` has come.
 */
import type { Call } from "../engine/history/mod.ts";
import { describeError, type Effect } from "../engine/mod.ts";
import type { Parameters } from "./scenario.ts";

/** To an actor: become this one. */
export interface RunOrder {
  readonly type: "run";
  readonly run: number;
  readonly module: string;
  readonly variant: string;
  readonly parameters: Parameters;
  readonly place: number;
  /** The names of all actors. */
  readonly actors: readonly string[];
  readonly stepped: boolean;
  /** Whether actors may be killed. */
  readonly mortal: boolean;
  /** Where the shared objects are; what it means is the distance's own business. */
  readonly storage: unknown;
}

/** What an actor can be told. */
export type ToActor =
  | RunOrder
  | { readonly type: "start"; readonly run: number; readonly at: number }
  | { readonly type: "go"; readonly run: number; readonly value?: unknown }
  | { readonly type: "fire"; readonly run: number; readonly signal: string }
  /** What was told of calls has come; said in free runs in which actors may be killed. */
  | { readonly type: "noted"; readonly run: number }
  /** The time is up that the actor was ready to wait for a lock. */
  | { readonly type: "expire"; readonly run: number }
  | { readonly type: "abandon"; readonly run: number };

/** An error as data, for structured clone and JSON both lose classes. */
export interface PlainError {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
}

/** What an actor can say. */
export type FromActor =
  | { readonly type: "prepared"; readonly run: number }
  | {
    readonly type: "parked";
    readonly run: number;
    readonly object: string;
    readonly kind: string;
    readonly effect: Effect;
    readonly undeclared?: boolean;
    readonly argument?: unknown;
    readonly ready: boolean;
  }
  | { readonly type: "ready"; readonly run: number }
  /** It has done nothing for a while; said again and again as long as it lasts. */
  | { readonly type: "idle"; readonly run: number }
  | { readonly type: "did"; readonly run: number; readonly value?: unknown }
  | {
    readonly type: "calls";
    readonly run: number;
    /** Calls that have begun or ended, each with its number among those of the actor. */
    readonly calls: readonly (readonly [number, Call])[];
  }
  | {
    readonly type: "finished";
    readonly run: number;
    /** When the actor left the common start, by `sharedNow`. */
    readonly started: number;
  }
  | { readonly type: "threw"; readonly run: number; readonly error: PlainError };

/** An error as data, or whatever else was thrown. */
export function toPlainError(error: unknown): PlainError {
  try {
    if (error instanceof Error) {
      const { name, message, stack } = error;
      return {
        name: String(name),
        message: String(message),
        stack: stack === undefined ? undefined : String(stack),
      };
    }
  } catch {
    // One that cannot be looked at is told of in the words that are left for it.
  }
  return { name: "Error", message: describeError(error) };
}

/** An error from data. */
export function fromPlainError({ name, message, stack }: PlainError): Error {
  return Object.assign(new Error(message), { name, stack });
}

/** Milliseconds since the epoch with the fine resolution that workers and processes share. */
export function sharedNow(): number {
  return performance.timeOrigin + performance.now();
}
