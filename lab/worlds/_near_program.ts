/**
 * A stepped run whose actors are asynchronous functions in this isolate.
 *
 * Nothing here needs a message, so the engine can run hundreds of thousands of schedules a second.
 * Everything an actor's port needs is made once and used again for the next run.
 */
import type { Action, Operation, Outcome, Program, Run } from "../engine/mod.ts";
import type { VirtualClock } from "./simulation/mod.ts";
import type { Medium } from "./_medium.ts";
import { TIME, Time } from "./_time.ts";
import { type Performable, type Port, View } from "./_view.ts";
import type { Actor, EndState, Subject } from "./scenario.ts";

/** The shared objects of a near run. */
export interface NearMedia {
  /** Makes everything as it was declared, in this time. */
  reset(clock: VirtualClock): void;
  /** The shared objects as the actor at `place` reaches them; asked once for each actor. */
  of(place: number): Medium;
  /** What the cells hold now. */
  end(): EndState;
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

  constructor(actor: string, place: number) {
    this.actor = actor;
    this.#place = place;
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
    this.#operation = operation;
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

/** A subject whose actors are in this isolate. */
export class NearProgram implements Program {
  readonly actors: readonly string[];
  readonly daemons = 1;
  readonly remote = false;
  readonly #subject: Subject;
  readonly #media: NearMedia;
  #ports: readonly SteppedPort[] = [];
  #views: readonly View[] = [];
  #time!: Time;

  constructor(subject: Subject, media: NearMedia) {
    this.#subject = subject;
    this.#media = media;
    this.actors = [...subject.actors, TIME];
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
      start(actor).then(port.finished, port.failed);
    }
  }

  check(): string | undefined {
    return this.#subject.variant.check(this.#media.end(), this.#subject.parameters);
  }

  abandon(): void {
    this.#time.close();
    for (const port of this.#ports) port.close();
    this.#connect();
  }

  #connect(): void {
    const { actors } = this.#subject;
    this.#time = new Time(actors.length);
    this.#ports = actors.map((actor, place) => new SteppedPort(actor, place));
    this.#views = this.#ports.map((port, place) => new View(port, this.#media.of(place)));
  }
}

/** Starts an actor; one that throws before its first wait rejects like any other. */
export function start(actor: Actor): Promise<void> {
  try {
    return actor.run();
  } catch (error) {
    return Promise.reject(error);
  }
}

/** What the subject's own check says of an end state. */
export function judge(subject: Subject, end: EndState): Outcome {
  const message = subject.variant.check(end, subject.parameters);
  return message === undefined ? { kind: "passed" } : { kind: "violated", message };
}
