/**
 * A stepped run whose actors are asynchronous functions in this isolate.
 *
 * Nothing here needs a message, so the engine can run hundreds of thousands of schedules a second.
 * Everything an actor's port needs is made once and used again for the next run.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import {
  macrotask,
  type Outcome,
  type Program,
  type Run,
  verdict,
  violation,
} from "../engine/mod.ts";
import { type Call, check, describeCheck } from "../engine/history/mod.ts";
import type { VirtualClock } from "./simulation/mod.ts";
import type { Medium } from "./_medium.ts";
import { plainOrNothing } from "./_plain_data.ts";
import type { Performable, Port } from "./_port.ts";
import { SteppedPort } from "./_stepped_port.ts";
import { TIME, Time } from "./_time.ts";
import { View } from "./_view.ts";
import type { Actor, EndState, SharedObjects, Subject } from "./scenario.ts";

/** What is left of a run, for whoever checks it. */
export interface Remains {
  /** What the cells hold now. */
  end(): EndState;
  /** The objects that are no cells, locks or channels, by name. */
  shared(): SharedObjects;
  /** The calls the actors have recorded. */
  calls(): readonly Call[];
}

/** The shared objects of a near run. */
export interface NearMedia extends Remains {
  /** Makes everything as it was declared, in this time. */
  reset(clock: VirtualClock): void;
  /** The shared objects as the actor at `place` reaches them; asked once for each actor. */
  of(place: number): Medium;
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

  waits(ms: number): void {
    actorPort.getStore()?.waits(ms);
  }
}

/** A subject whose actors are in this isolate. */
export class NearProgram implements Program {
  readonly actors: readonly string[];
  readonly daemons = 1;
  readonly remote = false;
  readonly #subject: Subject;
  readonly #media: NearMedia;
  readonly #sharing: boolean;
  /** Whether operations may be asynchronous. */
  readonly #waiting: boolean;
  /** Whether there are locks that look for deadlocks, which take a few microtasks to refuse. */
  readonly #detecting: boolean;
  #ports: readonly SteppedPort[] = [];
  #views: readonly View[] = [];
  #time!: Time;
  #run!: Run;
  /** After which step everything that could has gone on by itself. */
  #settledAt = -1;

  constructor(subject: Subject, media: NearMedia) {
    this.#subject = subject;
    this.#media = media;
    this.actors = [...subject.actors, TIME];
    this.#sharing = subject.objects.some((object) => object.kind === "shared");
    this.#detecting = subject.objects.some((object) =>
      object.kind === "lock" && object.detectDeadlocks === true
    );
    this.#waiting = subject.objects.some((object) => object.kind === "object");
    if (this.#waiting || this.#detecting) this.settle = () => this.#settle();
    this.#connect();
  }

  start(run: Run): void {
    this.#run = run;
    this.#settledAt = -1;
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
      const ended = this.#sharing
        ? actorPort.run(port, () => begin(port, actor))
        : this.#waiting
        ? actorPort.run(port, () => start(actor))
        : start(actor);
      ended.then(port.finished, port.failed);
    }
  }

  /** Left out where nothing goes on by itself. */
  readonly settle: (() => Promise<void> | undefined) | undefined;

  #settle(): Promise<void> | undefined {
    if (this.#settledAt === this.#run.steps) return undefined;
    if (!this.#detecting && !this.#ports.some((port) => port.pending)) return undefined;
    this.#settledAt = this.#run.steps;
    return macrotask();
  }

  check(): string | undefined | Promise<string | undefined> {
    const { variant, parameters } = this.#subject;
    const found = variant.check(this.#media.end(), parameters, this.#media.shared());
    if (found instanceof Promise) return found.then((message) => message ?? this.#checkHistory());
    return found ?? this.#checkHistory();
  }

  #checkHistory(): string | undefined {
    return checkHistory(this.#subject, this.#media);
  }

  state(): string {
    const end = JSON.stringify(this.#media.end());
    if (!this.#sharing) return end;
    const shared = Object.entries(this.#media.shared()).map(([name, object]) =>
      `${name} ${plainFields(object)}`
    );
    return [end, ...shared].join(", ");
  }

  abandon(): void {
    this.#time.close();
    for (const port of this.#ports) port.close();
    this.#connect();
  }

  #connect(): void {
    const { actors } = this.#subject;
    const time = this.#time = new Time(actors.length);
    // Which calls overlap is not declared by the steps they are made of.
    const undeclared = this.#sharing || this.#subject.model !== undefined;
    const context = this.#sharing || this.#waiting ? actorPort : undefined;
    this.#ports = actors.map((actor, place) =>
      new SteppedPort(actor, place, time, undeclared, { context })
    );
    this.#views = this.#ports.map((port, place) => new View(port, this.#media.of(place)));
  }
}

/** What an object of the user's own holds, as far as it is plain data. */
function plainFields(object: unknown): string {
  const fields = Object.entries(object as object).map(([name, value]) => [
    name,
    plainOrNothing(value),
  ]);
  return JSON.stringify(Object.fromEntries(fields));
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
    const ended: unknown = actor.run();
    if (ended instanceof Promise) return ended;
    if (typeof (ended as PromiseLike<void> | undefined)?.then === "function") {
      return Promise.resolve(ended as PromiseLike<void>);
    }
  } catch (error) {
    return Promise.reject(error);
  }
  return Promise.reject(
    new TypeError(`Cannot tell when ${actor.name} has ended: its run() answers no promise`),
  );
}

/** What is wrong with what the actors recorded, if the subject has a model of it. */
export function checkHistory(
  { model }: Subject,
  recorded: { calls(): readonly Call[] },
): string | undefined {
  if (model === undefined) return undefined;
  const result = check(recorded.calls(), model);
  return result.verdict === "ok" ? undefined : describeCheck(result);
}

/** What the subject's own check and its model say of a run in which all have finished. */
export async function judge(
  subject: Subject,
  left: Omit<Remains, "end"> & { end(): EndState | Promise<EndState> },
): Promise<Outcome> {
  const { variant, parameters } = subject;
  try {
    return verdict(
      await variant.check(await left.end(), parameters, left.shared()) ??
        checkHistory(subject, left),
    );
  } catch (error) {
    return violation(error);
  }
}
