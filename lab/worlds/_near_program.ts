/**
 * A stepped run whose actors are asynchronous functions in this isolate.
 *
 * Nothing here needs a message, so the engine can run hundreds of thousands of schedules a second.
 * Everything an actor's port needs is made once and used again for the next run.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { Action, Operation, Outcome, Program, Run } from "../engine/mod.ts";
import type { VirtualClock } from "./simulation/mod.ts";
import type { Medium } from "./_medium.ts";
import { TIME, Time } from "./_time.ts";
import { type Performable, type Port, View } from "./_view.ts";
import type { Actor, EndState, SharedObjects, Subject } from "./scenario.ts";

/** The shared objects of a near run. */
export interface NearMedia {
  /** Makes everything as it was declared, in this time. */
  reset(clock: VirtualClock): void;
  /** The shared objects as the actor at `place` reaches them; asked once for each actor. */
  of(place: number): Medium;
  /** What the cells hold now. */
  end(): EndState;
  /** The objects of the user's own, by name. */
  shared(): SharedObjects;
}

let resolveLast: (value: unknown) => void;
let rejectLast: (error: unknown) => void;

/** Hands a promise's two ends out without a closure for each promise. */
function capture(resolve: (value: unknown) => void, reject: (error: unknown) => void): void {
  resolveLast = resolve;
  rejectLast = reject;
}

/** An actor's port in a stepped run; it is itself the action the actor stands before. */
class SteppedPort implements Port, Action {
  readonly stepped = true;
  readonly actor: string;
  readonly #place: number;
  #run: Run | undefined;
  #operation!: Performable;
  #argument: unknown;
  #resolve: (value: unknown) => void = () => {};
  #reject: (error: unknown) => void = () => {};
  #standing = false;
  readonly #undeclared: boolean;

  /** @param undeclared Whether actors share more than what they declare. */
  constructor(actor: string, place: number, undeclared: boolean) {
    this.actor = actor;
    this.#place = place;
    this.#undeclared = undeclared;
  }

  get operation(): Operation {
    return this.#operation;
  }

  get argument(): unknown {
    return this.#argument;
  }

  attach(run: Run): void {
    this.#run = run;
    this.#standing = false;
  }

  /** The actor is not to be heard of again: what it asks for never happens. */
  close(): void {
    this.#run = undefined;
  }

  operate(operation: Performable, argument: unknown): Promise<unknown> {
    if (this.#standing) {
      return Promise.reject(
        new TypeError(
          `Cannot ${operation.kind} ${operation.object}: ${this.actor} has not finished its ${this.#operation.kind} ${this.#operation.object}; an actor does one operation at a time`,
        ),
      );
    }
    this.#operation = this.#undeclared ? { ...operation, undeclared: true } : operation;
    this.#argument = argument;
    this.#standing = true;
    const promise = new Promise(capture);
    this.#resolve = resolveLast;
    this.#reject = rejectLast;
    this.#run?.park(this.#place, this);
    return promise;
  }

  ready(): boolean {
    const { ready } = this.#operation;
    return ready === undefined || ready();
  }

  go(): void {
    this.#standing = false;
    const resolve = this.#resolve;
    let value: unknown;
    try {
      value = this.#operation.perform!(this.#argument);
    } catch (error) {
      this.#reject(error);
      return;
    }
    this.#run!.returned(this.#place, value);
    resolve(value);
  }

  readied(): void {}

  readonly finished = (): void => this.#run?.finish(this.#place);
  readonly failed = (error: unknown): void => this.#run?.threw(this.#place, error);
}

/**
 * The port of the actor on whose behalf code runs, also inside objects that actors share. It is only
 * set where there are such objects, for it costs time at every `await`.
 */
export const actorPort: AsyncLocalStorage<Port> = new AsyncLocalStorage();

/** The port of whichever actor is calling. */
export class CallersPort implements Port {
  readonly stepped: boolean;
  readonly actor = "whoever calls";

  constructor(stepped: boolean) {
    this.stepped = stepped;
  }

  operate(operation: Performable, argument: unknown): Promise<unknown> {
    const port = actorPort.getStore();
    if (port === undefined) {
      return Promise.reject(
        new TypeError(
          `Cannot ${operation.kind} ${operation.object}: it was not called by an actor`,
        ),
      );
    }
    return port.operate(operation, argument);
  }

  readied(): void {}
}

/** A subject whose actors are in this isolate. */
export class NearProgram implements Program {
  readonly actors: readonly string[];
  readonly daemons = 1;
  readonly remote = false;
  readonly #subject: Subject;
  readonly #media: NearMedia;
  readonly #sharing: boolean;
  #ports: readonly SteppedPort[] = [];
  #views: readonly View[] = [];
  #time!: Time;

  constructor(subject: Subject, media: NearMedia) {
    this.#subject = subject;
    this.#media = media;
    this.actors = [...subject.actors, TIME];
    this.#sharing = subject.objects.some((object) => object.kind === "shared");
    this.#connect();
  }

  start(run: Run): void {
    this.#time.start(run);
    this.#media.reset(this.#time.clock);
    const { variant, parameters } = this.#subject;
    // A run that ends while it is being started gets new ports; what is started here keeps its own.
    const ports = this.#ports;
    const views = this.#views;
    for (let place = 0; place < ports.length; place++) {
      const port = ports[place];
      port.attach(run);
      const actor = variant.build(views[place], parameters)[place];
      const ended = this.#sharing ? actorPort.run(port, () => begin(port, actor)) : start(actor);
      ended.then(port.finished, port.failed);
    }
  }

  check(): string | undefined {
    const { variant, parameters } = this.#subject;
    return variant.check(this.#media.end(), parameters, this.#media.shared());
  }

  state(): string {
    return JSON.stringify(this.#media.end());
  }

  abandon(): void {
    this.#time.close();
    for (const port of this.#ports) port.close();
    this.#connect();
  }

  #connect(): void {
    const { actors } = this.#subject;
    this.#time = new Time(actors.length);
    this.#ports = actors.map((actor, place) => new SteppedPort(actor, place, this.#sharing));
    this.#views = this.#ports.map((port, place) => new View(port, this.#media.of(place)));
  }
}

/**
 * What an actor does before its first operation can touch what is shared without being declared: so
 * whose beginning comes first is a choice too.
 */
async function begin(port: SteppedPort, actor: Actor): Promise<void> {
  await port.operate(BEGIN, undefined);
  await start(actor);
}

const BEGIN: Performable = { object: "run", kind: "begin", effect: "write", perform: () => {} };

/** Starts an actor; one that throws before its first wait rejects like any other. */
export function start(actor: Actor): Promise<void> {
  try {
    return actor.run();
  } catch (error) {
    return Promise.reject(error);
  }
}

/** What the subject's own check says of an end state. */
export function judge(subject: Subject, end: EndState, shared: SharedObjects = {}): Outcome {
  try {
    const message = subject.variant.check(end, subject.parameters, shared);
    return message === undefined ? { kind: "passed" } : { kind: "violated", message };
  } catch (error) {
    return { kind: "violated", message: error instanceof Error ? error.message : String(error) };
  }
}
