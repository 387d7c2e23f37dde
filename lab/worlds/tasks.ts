/**
 * The nearest distance: the actors are asynchronous functions in one isolate.
 *
 * Here a stepped run needs no messages, so the engine can run hundreds of thousands of schedules a
 * second. Everything an actor's port needs is made once and used again for the next run.
 */
import type { Action, Operation, Outcome, Program, Run } from "../engine/mod.ts";
import { RwLock } from "../../lib/rw_lock.ts";
import type { ReadWriteLock } from "../../lib/lock.ts";
import type { Distance, FreeRun } from "./distance.ts";
import { Mailbox } from "./_mailbox.ts";
import type { Medium, RawCell, RawChannel } from "./_medium.ts";
import { FreePort, type Performable, type Port, View } from "./_view.ts";
import type { Declared } from "./_declaration.ts";
import type { Actor, EndState, Subject } from "./scenario.ts";

class TaskCell implements RawCell {
  value: number;

  constructor(initial: number) {
    this.value = initial;
  }

  read(): number {
    return this.value;
  }

  write(value: number): void {
    this.value = value;
  }

  compareAndSet(expected: number, next: number): boolean {
    if (this.value !== expected) return false;
    this.value = next;
    return true;
  }
}

/** Shared objects of one isolate. */
class TaskMedium implements Medium {
  readonly #cells = new Map<string, { cell: TaskCell; initial: number }>();
  readonly #locks = new Map<string, RwLock>();
  readonly #channels = new Map<string, Mailbox>();

  constructor(objects: readonly Declared[]) {
    for (const object of objects) {
      if (object.kind === "cell") {
        const { initial } = object;
        this.#cells.set(object.name, { cell: new TaskCell(initial), initial });
      } else if (object.kind === "lock") this.#locks.set(object.name, new RwLock());
      else this.#channels.set(object.name, new Mailbox());
    }
  }

  /** Makes everything as it was declared. */
  reset(): void {
    for (const entry of this.#cells.values()) entry.cell.value = entry.initial;
    for (const label of this.#locks.keys()) this.#locks.set(label, new RwLock({ label }));
    for (const name of this.#channels.keys()) this.#channels.set(name, new Mailbox());
  }

  cell(name: string): RawCell {
    return this.#cells.get(name)!.cell;
  }

  lock(name: string): ReadWriteLock {
    return this.#locks.get(name)!;
  }

  channel(name: string): RawChannel {
    // Each run has a mailbox of its own, so a view must look it up each time.
    const current = (): Mailbox => this.#channels.get(name)!;
    return {
      get size() {
        return current().size;
      },
      send: (value) => current().send(value),
      receive: () => current().receive(),
    };
  }

  end(): EndState {
    const end: Record<string, number> = {};
    for (const [name, { cell }] of this.#cells) end[name] = cell.value;
    return end;
  }
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

/** A subject whose actors are tasks. */
class TaskProgram implements Program {
  readonly actors: readonly string[];
  readonly remote = false;
  readonly #subject: Subject;
  readonly #medium: TaskMedium;
  #ports: SteppedPort[] = [];
  #views: View[] = [];

  constructor(subject: Subject) {
    this.#subject = subject;
    this.actors = subject.actors;
    this.#medium = new TaskMedium(subject.objects);
    this.#connect();
  }

  start(run: Run): void {
    this.#medium.reset();
    const { variant, parameters } = this.#subject;
    for (let place = 0; place < this.#ports.length; place++) {
      const port = this.#ports[place];
      port.attach(run);
      const actor = variant.build(this.#views[place], parameters)[place];
      start(actor).then(port.finished, port.failed);
    }
  }

  check(): string | undefined {
    return this.#subject.variant.check(this.#medium.end(), this.#subject.parameters);
  }

  abandon(): void {
    for (const port of this.#ports) port.close();
    this.#connect();
  }

  #connect(): void {
    this.#ports = this.actors.map((actor, place) => new SteppedPort(actor, place));
    this.#views = this.#ports.map((port) => new View(port, this.#medium));
  }
}

/** Tasks in this isolate. */
export class TasksDistance implements Distance {
  readonly name = "tasks";
  readonly about = "asynchronous functions in one isolate";

  stepped(subject: Subject): Promise<Program> {
    return Promise.resolve(new TaskProgram(subject));
  }

  async free(subject: Subject): Promise<FreeRun> {
    const medium = new TaskMedium(subject.objects);
    const { variant, parameters, actors } = subject;
    const started = performance.now();
    const runs = actors.map((actor, place) => {
      const view = new View(new FreePort(actor), medium);
      return start(variant.build(view, parameters)[place]);
    });
    let outcome: Outcome | undefined;
    const results = await Promise.allSettled(runs);
    const elapsed = performance.now() - started;
    results.forEach((result, place) => {
      if (result.status === "rejected") {
        outcome ??= { kind: "threw", actor: actors[place], error: result.reason };
      }
    });
    outcome ??= judge(subject, medium.end());
    return { outcome, elapsed };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
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
