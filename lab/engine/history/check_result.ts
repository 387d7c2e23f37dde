/** What a check comes to, as data and in words. */
import { type Call, describeCall, show } from "./call.ts";

/** An order in which calls on one object took effect. */
export interface Linearization {
  /** The object, if the calls name one. */
  readonly object: unknown;
  /** The calls, one after another. Open calls that need not have taken effect are not in it. */
  readonly order: readonly Call[];
  /** The model's state after them. */
  readonly state: unknown;
}

/** What a check comes to. */
export type CheckResult =
  | {
    readonly verdict: "ok";
    /** One of the orders the model allows, for each object. */
    readonly linearizations: readonly Linearization[];
    /** How often the model was consulted. */
    readonly steps: number;
  }
  | {
    readonly verdict: "illegal";
    /** An order of everything up to the moment from which there is none. */
    readonly prefix: Linearization;
    /** The call whose return makes it so: with its answer it cannot be placed anywhere. */
    readonly call: Call;
    /** How often the model was consulted. */
    readonly steps: number;
  }
  | {
    readonly verdict: "unknown";
    /** The objects that were not decided; the others are linearizable. */
    readonly undecided: readonly unknown[];
    /** What was used up. */
    readonly lack: "steps" | "memory";
    /** How often the model was consulted. */
    readonly steps: number;
  };

/** How many calls of an order are shown: the last ones. */
const SHOWN = 6;

/** What a check came to, in one sentence. */
export function describeCheck(result: CheckResult): string {
  switch (result.verdict) {
    case "ok":
      return "linearizable";
    case "unknown": {
      const objects = result.undecided.filter((object) => object !== undefined).map(show);
      const of = objects.length === 0 ? "" : ` for ${objects.join(", ")}`;
      return `unknown${of}: out of ${result.lack} after ${result.steps} steps`;
    }
    case "illegal": {
      const { prefix: { order, state }, call } = result;
      const last = order.slice(-SHOWN).map(describeCall);
      if (order.length > SHOWN) last.unshift("…");
      const after = last.length === 0
        ? ""
        : ` after ${last.join(", ")}, which leave ${show(state)}`;
      const where = call.line === undefined ? "" : ` (line ${call.line})`;
      return `not linearizable: ${describeCall(call)}${where} fits nowhere${after}`;
    }
  }
}
