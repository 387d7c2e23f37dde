/**
 * The far side: one actor in a worker or a process of its own.
 *
 * It is told which actor to be, builds it from the scenario's module with the shared objects of its
 * distance, and from then on every operation goes through a port that asks the coordinator first
 * (stepped) or only where the coordinator has to carry it out (messages between actors).
 */
import type { Medium } from "./_medium.ts";
import type { FromActor, RunOrder, ToActor } from "./_protocol.ts";
import { sharedNow, toPlainError } from "./_protocol.ts";
import type { Scenario } from "./scenario.ts";
import { start } from "./_near_program.ts";
import { type Performable, type Port, View } from "./_view.ts";

/** The shared objects of one run as a remote actor reaches them. */
export interface RemoteMedium extends Medium {
  /** Waits at the common start of a free run. */
  awaitStart(at: number): void;
  /** Gives back what the actor has opened for the run. */
  close(): void;
}

/** Something is asked for by `parked` and comes with `go`. */
interface Standing {
  readonly operation: Performable;
  go(value: unknown): void;
}

class RemotePort implements Port {
  readonly stepped: boolean;
  readonly actor: string;
  readonly signal: AbortSignal;
  readonly #run: number;
  readonly #send: (message: FromActor) => void;
  #standing: Standing | undefined;

  constructor(order: RunOrder, signal: AbortSignal, send: (message: FromActor) => void) {
    this.stepped = order.stepped;
    this.actor = `actor ${order.place + 1}`;
    this.signal = signal;
    this.#run = order.run;
    this.#send = (message) => {
      if (!signal.aborted) send(message);
    };
  }

  async operate(operation: Performable, argument: unknown): Promise<unknown> {
    const { perform, object, kind, effect } = operation;
    if (!this.stepped && perform !== undefined) return perform(argument);
    if (this.#standing !== undefined) {
      const other = this.#standing.operation;
      throw new TypeError(
        `Cannot ${kind} ${object}: ${this.actor} has not finished its ${other.kind} ${other.object}; an actor does one operation at a time`,
      );
    }
    const run = this.#run;
    const ready = operation.ready?.() ?? true;
    const value = await new Promise((go) => {
      this.#standing = { operation, go };
      this.#send({ type: "parked", run, object, kind, effect, argument, ready });
    });
    if (perform === undefined) return value;
    const result = await perform(argument);
    this.#send({ type: "did", run, value: result });
    return result;
  }

  go(value: unknown): void {
    const standing = this.#standing;
    this.#standing = undefined;
    standing?.go(value);
  }

  readied(): void {
    if (this.#standing?.operation.ready?.()) this.#send({ type: "ready", run: this.#run });
  }
}

/** In a free run an actor keeps the time itself. */
function withRealTime(medium: Medium): Medium {
  return {
    cell: (name) => medium.cell(name),
    lock: (name) => medium.lock(name),
    clock: { now: sharedNow, setTimer: (callback, ms) => setTimeout(callback, ms) },
  };
}

/** Plays one actor after another, as the coordinator asks. */
export class RemoteActor {
  readonly #send: (message: FromActor) => void;
  readonly #open: (order: RunOrder) => RemoteMedium;
  #current:
    | { run: number; port: RemotePort; abort: AbortController; begin(at: number): void }
    | undefined;

  /**
   * @param send Speaks to the coordinator.
   * @param open Opens the shared objects of a run.
   */
  constructor(send: (message: FromActor) => void, open: (order: RunOrder) => RemoteMedium) {
    this.#send = send;
    this.#open = open;
  }

  /** Takes what the coordinator says. */
  receive(message: ToActor): void {
    if (message.type === "run") {
      this.#current?.abort.abort();
      this.#play(message);
      return;
    }
    const current = this.#current;
    if (current === undefined || current.run !== message.run) return;
    if (message.type === "go") current.port.go(message.value);
    else if (message.type === "start") current.begin(message.at);
    else current.abort.abort();
  }

  async #play(order: RunOrder): Promise<void> {
    const { run, place } = order;
    const abort = new AbortController();
    const port = new RemotePort(order, abort.signal, this.#send);
    const called = new Promise<number>((begin) => {
      this.#current = { run, port, abort, begin };
    });
    let medium: RemoteMedium | undefined;
    try {
      const scenario: Scenario = (await import(order.module)).default;
      medium = this.#open(order);
      const variant = scenario.variants[order.variant];
      const shared: Medium = order.stepped ? medium : withRealTime(medium);
      const actor = variant.build(new View(port, shared), order.parameters)[place];
      if (!order.stepped) {
        this.#send({ type: "prepared", run });
        medium.awaitStart(await called);
      }
      const started = sharedNow();
      await start(actor);
      const ended = sharedNow();
      medium.close();
      if (!abort.signal.aborted) this.#send({ type: "finished", run, started, ended });
    } catch (error) {
      medium?.close();
      if (!abort.signal.aborted) this.#send({ type: "threw", run, error: toPlainError(error) });
    }
  }
}
