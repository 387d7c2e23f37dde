/**
 * The far side: one actor in a worker or a process of its own.
 *
 * It is told which actor to be, builds it from the scenario's module with the shared objects of its
 * distance, and from then on every operation goes through a port that asks the coordinator first
 * (stepped) or only where the coordinator has to carry it out (messages between actors).
 */
import type { Call, OpenCall, Recorder } from "../engine/history/mod.ts";
import type { Medium, RawCell } from "./_medium.ts";
import type { RawLock } from "./_lock_view.ts";
import type { FromActor, RunOrder, ToActor } from "./_protocol.ts";
import { sharedNow, toPlainError } from "./_protocol.ts";
import { plainOrNothing } from "./_plain_data.ts";
import { type Performable, type Port, returnFrom, Standstill } from "./_port.ts";
import type { ObjectKind } from "./object_kind.ts";
import type { Scenario } from "./scenario.ts";
import { start } from "./_near_program.ts";
import { View } from "./_view.ts";

/** The shared objects of one run as a remote actor reaches them. */
export interface RemoteMedium {
  cell(name: string): RawCell;
  lock(name: string): RawLock;
  waiting?(lock: string): readonly string[] | Promise<readonly string[]>;
  object<T extends object, K extends keyof T>(name: string, kind: ObjectKind<T, K>): T;
  readonly files?: Medium["files"];
  reap?(lock: string, actor: string): void;
  /** Where the times of recorded calls come from, if not from the clock all share. */
  readonly sequence?: () => number;
  /** Waits at the common start of a free run. */
  awaitStart(at: number): void;
  /** Gives back what the actor has opened for the run. */
  close(): void | Promise<void>;
}

/** Something is asked for by `parked` and comes with `go`. */
interface Standing {
  readonly operation: Performable;
  go(value: unknown): void;
}

/**
 * How long an asynchronous operation may take, in ms, before it is taken to wait for other actors. A
 * lock of another process is asked for every 20 ms at least.
 */
const PATIENCE = 200;

/** How long an actor of a free run does nothing before it says so, in ms. */
const IDLE = 1_000;

const DISPLACED = Symbol("displaced");

class RemotePort implements Port {
  readonly stepped: boolean;
  readonly signal: AbortSignal;
  actor: string;
  onExpiry: (() => void) | undefined;
  readonly #run: number;
  readonly #still: Standstill | undefined;
  readonly #send: (message: FromActor) => void;
  #standing: Standing | undefined;
  /** Whether what it stands before is the return of something asynchronous. */
  #returning = false;
  /** How often calls were told of that nobody has noted yet, and who waits until all are. */
  #untold = 0;
  #told: (() => void) | undefined;

  /** @param still Notices when nothing is done in a free run. */
  constructor(
    order: RunOrder,
    signal: AbortSignal,
    still: Standstill | undefined,
    send: (message: FromActor) => void,
  ) {
    this.#still = still;
    this.stepped = order.stepped;
    if (order.stepped) this.onExpiry = () => {};
    this.actor = `actor ${order.place + 1}`;
    this.signal = signal;
    this.#run = order.run;
    this.#send = (message) => {
      if (!signal.aborted) send(message);
    };
  }

  async operate(operation: Performable, argument: unknown): Promise<unknown> {
    const { perform, object, kind } = operation;
    if (this.#still !== undefined) this.#still.moves++;
    if (this.#untold > 0) await new Promise<void>((told) => this.#told = told);
    if (!this.stepped && perform !== undefined) return perform(argument);
    if (this.#returning) {
      this.#returning = false;
      this.go(DISPLACED);
    } else if (this.#standing !== undefined) {
      const other = this.#standing.operation;
      throw new TypeError(
        `Cannot ${kind} ${object}: ${this.actor} has not finished its ${other.kind} ${other.object}; an actor does one operation at a time`,
      );
    }
    const value = await this.#stand(operation, argument);
    if (perform === undefined) return value;
    const performed = perform(argument);
    const result = performed instanceof Promise
      ? await this.#outcome(operation, performed)
      : performed;
    this.#send({ type: "did", run: this.#run, value: plainOrNothing(result) });
    return result;
  }

  go(value: unknown): void {
    const standing = this.#standing;
    this.#standing = undefined;
    standing?.go(value);
  }

  waits(ms: number): void {
    this.#still?.waits(ms);
  }

  /**
   * Calls have been told of. Whoever is killed takes with it what is still on its way: so nothing more
   * is done before they have been noted, or what a call did could be seen and the call not be known.
   */
  holdBack(): void {
    this.#untold++;
  }

  noted(): void {
    if (--this.#untold === 0) this.#told?.();
  }

  readied(): void {
    if (this.#standing?.operation.ready?.()) this.#send({ type: "ready", run: this.#run });
  }

  #stand(operation: Performable, argument: unknown): Promise<unknown> {
    const { object, kind, effect, undeclared } = operation;
    const ready = operation.ready?.() ?? true;
    return new Promise((go) => {
      this.#standing = { operation, go };
      this.#send({
        ...{ type: "parked", run: this.#run, object, kind, effect, undeclared, ready },
        argument: plainOrNothing(argument),
      });
    });
  }

  /** Waits for something asynchronous: within the step it was begun in, or until its return. */
  async #outcome(operation: Performable, performed: Promise<unknown>): Promise<unknown> {
    const { takes = 0 } = operation;
    if (takes === Infinity) return await performed;
    let ended = false;
    const end = () => {
      ended = true;
      this.readied();
    };
    performed.then(end, end);
    while (!ended) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const patience = new Promise((resolve) => timer = setTimeout(resolve, PATIENCE + takes));
      await Promise.race([performed.catch(() => {}), patience]);
      clearTimeout(timer);
      if (ended || this.#standing !== undefined) continue;
      this.#returning = true;
      const went = await this.#stand(
        { ...returnFrom(operation), ready: () => ended },
        undefined,
      );
      if (went === DISPLACED) continue;
      this.#returning = false;
      break;
    }
    return await performed;
  }
}

/** What the actor's own side of a medium adds to it. */
class ActorMedium implements Medium {
  readonly clock: Medium["clock"];
  readonly #medium: RemoteMedium;
  readonly #recorder: Recorder;
  readonly #signals = new Map<string, AbortController>();

  constructor(
    medium: RemoteMedium,
    stepped: boolean,
    tell: (index: number, call: Call) => void,
  ) {
    this.#medium = medium;
    // In a free run an actor keeps the time itself.
    this.clock = stepped
      ? undefined
      : { now: sharedNow, setTimer: (callback, ms) => setTimeout(callback, ms) };
    this.#recorder = new TellingRecorder(medium.sequence ?? sharedNow, tell);
  }

  cell(name: string): RawCell {
    return this.#medium.cell(name);
  }

  lock(name: string): RawLock {
    return this.#medium.lock(name);
  }

  get waiting(): Medium["waiting"] {
    const medium = this.#medium;
    return medium.waiting && ((lock) => medium.waiting!(lock));
  }

  object<T extends object, K extends keyof T>(name: string, kind: ObjectKind<T, K>): T {
    return this.#medium.object(name, kind);
  }

  get files(): Medium["files"] {
    return this.#medium.files;
  }

  reap(lock: string, actor: string): void {
    this.#medium.reap?.(lock, actor);
  }

  recorder(): Recorder {
    return this.#recorder;
  }

  signal(name: string): AbortSignal {
    return this.controller(name).signal;
  }

  controller(name: string): AbortController {
    let controller = this.#signals.get(name);
    if (controller === undefined) this.#signals.set(name, controller = new AbortController());
    return controller;
  }
}

/** Records calls, and tells of each as it begins and as it ends. */
class TellingRecorder implements Recorder {
  readonly #calls: Call[] = [];
  readonly #sequence: () => number;
  readonly #tell: (index: number, call: Call) => void;

  constructor(sequence: () => number, tell: (index: number, call: Call) => void) {
    this.#sequence = sequence;
    this.#tell = tell;
  }

  invoke(process: string | number, name: string, input?: unknown, object?: unknown): OpenCall {
    const index = this.#calls.length;
    const invoked = this.#sequence();
    const call: Call = { process, name, input, object, outcome: "open", invoked };
    const note = (now: Call) => this.#tell(index, this.#calls[index] = now);
    note(call);
    return {
      ok: (output) => note({ ...call, outcome: "ok", output, returned: this.#sequence() }),
      fail: () => note({ ...call, outcome: "failed" }),
      unknown: () => note(call),
    };
  }

  async call<R>(
    process: string | number,
    name: string,
    input: unknown,
    perform: () => Promise<R>,
    object?: unknown,
  ): Promise<R> {
    const call = this.invoke(process, name, input, object);
    const output = await perform();
    call.ok(output);
    return output;
  }

  history(): Call[] {
    return [...this.#calls];
  }
}

/** Plays one actor after another, as the coordinator asks. */
export class RemoteActor {
  readonly #send: (message: FromActor) => void;
  readonly #open: (order: RunOrder) => RemoteMedium | Promise<RemoteMedium>;
  #current:
    | {
      run: number;
      port: RemotePort;
      abort: AbortController;
      begin(at: number): void;
      medium?: ActorMedium;
    }
    | undefined;

  /**
   * @param send Speaks to the coordinator.
   * @param open Opens the shared objects of a run.
   */
  constructor(
    send: (message: FromActor) => void,
    open: (order: RunOrder) => RemoteMedium | Promise<RemoteMedium>,
  ) {
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
    else if (message.type === "noted") current.port.noted();
    else if (message.type === "start") current.begin(message.at);
    else if (message.type === "expire") current.port.onExpiry?.();
    else if (message.type === "fire") current.medium?.controller(message.signal).abort();
    else current.abort.abort();
  }

  async #play(order: RunOrder): Promise<void> {
    const { run, place } = order;
    const abort = new AbortController();
    const idle = () => this.#send({ type: "idle", run });
    const still = order.stepped ? undefined : new Standstill(IDLE, idle);
    abort.signal.addEventListener("abort", () => still?.end());
    const port = new RemotePort(order, abort.signal, still, this.#send);
    const called = new Promise<number>((begin) => {
      this.#current = { run, port, abort, begin };
    });
    const current = this.#current!;
    const calls = new Map<number, Call>();
    const flush = () => {
      if (calls.size > 0) this.#send({ type: "calls", run, calls: [...calls] });
      calls.clear();
    };
    const tell = (index: number, call: Call) => {
      if (abort.signal.aborted) return;
      calls.set(index, call);
      if (order.stepped || order.mortal) flush();
      if (!order.stepped && order.mortal) port.holdBack();
    };
    let medium: RemoteMedium | undefined;
    try {
      const scenario: Scenario = (await import(order.module)).default;
      medium = await this.#open(order);
      const shared = current.medium = new ActorMedium(medium, order.stepped, tell);
      const variant = scenario.variants[order.variant];
      port.actor = order.actors[place];
      const actor = variant.build(new View(port, shared), order.parameters)[place];
      if (!order.stepped) {
        this.#send({ type: "prepared", run });
        medium.awaitStart(await called);
      }
      const started = sharedNow();
      await start(actor);
      still?.end();
      await medium.close();
      if (abort.signal.aborted) return;
      flush();
      this.#send({ type: "finished", run, started });
    } catch (error) {
      still?.end();
      await medium?.close();
      if (abort.signal.aborted) return;
      flush();
      this.#send({ type: "threw", run, error: toPlainError(error) });
    }
  }
}
