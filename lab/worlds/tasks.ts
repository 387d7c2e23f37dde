/** The nearest distance: the actors are asynchronous functions in one isolate. */
import type { Outcome, Program } from "../engine/mod.ts";
import { currentHost, withHost } from "../../lib/_host.ts";
import { DeadlockDetector } from "../../lib/deadlock.ts";
import { RwLock } from "../../lib/rw_lock.ts";
import { type Call, type Recorder, recorder } from "../engine/history/mod.ts";
import { Gathering } from "./_barrier.ts";
import type { RawLock } from "./_lock_view.ts";
import type { ObjectKind } from "./object_kind.ts";
import type { Distance, FreeRun } from "./distance.ts";
import { Mailbox } from "./_mailbox.ts";
import type { Medium, RawBarrier, RawCell, RawChannel, RawClock, RawCrash } from "./_medium.ts";
import {
  actorPort,
  CallersPort,
  judge,
  type NearMedia,
  NearProgram,
  start,
} from "./_near_program.ts";
import type { VirtualClock } from "./simulation/mod.ts";
import { virtualHost } from "./_time.ts";
import { FreePort, Standstill } from "./_port.ts";
import { View } from "./_view.ts";
import type { EndState, SharedObjects, Subject } from "./scenario.ts";
import type { LockChoice, World } from "./world.ts";

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

/** Shared objects of one isolate; all actors reach the same ones. */
class TaskMedium implements Medium, NearMedia {
  readonly #cells = new Map<string, { cell: TaskCell; initial: number }>();
  readonly #choices = new Map<string, LockChoice>();
  readonly #locks = new Map<string, RawLock>();
  readonly #channels = new Map<string, Mailbox>();
  readonly #parties = new Map<string, number>();
  readonly #barriers = new Map<string, Gathering>();
  readonly #signals = new Map<string, AbortController>();
  /** What the actors share of kinds of its own, and of their own. */
  readonly #shared = new Map<string, object>();
  #recorder: Recorder | undefined;
  #clock: RawClock = currentHost();
  #stepped = false;

  constructor({ objects }: Subject) {
    for (const object of objects) {
      const { name } = object;
      switch (object.kind) {
        case "cell": {
          const { initial } = object;
          this.#cells.set(name, { cell: new TaskCell(initial), initial });
          break;
        }
        case "lock":
          this.#choices.set(name, object);
          break;
        case "channel":
          this.#channels.set(name, new Mailbox());
          break;
        case "barrier":
          this.#parties.set(name, object.parties);
          break;
      }
    }
    this.#renewLocks();
  }

  get clock(): RawClock {
    return this.#clock;
  }

  reset(clock: VirtualClock): void {
    this.#clock = clock;
    this.#stepped = true;
    if (this.#shared.size > 0) this.#shared.clear();
    if (this.#barriers.size > 0) this.#barriers.clear();
    if (this.#signals.size > 0) this.#signals.clear();
    this.#recorder = undefined;
    for (const entry of this.#cells.values()) entry.cell.value = entry.initial;
    if (this.#choices.size > 0) this.#renewLocks(clock);
    for (const name of this.#channels.keys()) this.#channels.set(name, new Mailbox());
  }

  #renewLocks(clock?: VirtualClock): void {
    let detector: DeadlockDetector | undefined;
    for (const [label, { policy, detectDeadlocks }] of this.#choices) {
      const make = () => new RwLock(policy === undefined ? { label } : { label, policy });
      const watched = detectDeadlocks === true;
      const lock = clock === undefined ? make() : withHost(virtualHost(clock, label), make);
      this.#locks.set(
        label,
        watched ? (detector ??= new DeadlockDetector()).watch(lock, label) : lock,
      );
    }
  }

  of(): Medium {
    return this;
  }

  cell(name: string): RawCell {
    const entry = this.#cells.get(name);
    if (entry === undefined) throw undeclared(name);
    return entry.cell;
  }

  lock(name: string): RawLock {
    const lock = this.#locks.get(name);
    if (lock === undefined) throw undeclared(name);
    return lock;
  }

  waiting(name: string): readonly string[] {
    return this.lock(name).query!().waiters.map(({ label }) => label!);
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

  barrier(name: string): RawBarrier {
    let barrier = this.#barriers.get(name);
    if (barrier === undefined) {
      const parties = this.#parties.get(name);
      if (parties === undefined) throw undeclared(name);
      this.#barriers.set(name, barrier = new Gathering(parties));
    }
    return barrier;
  }

  signal(name: string): AbortSignal {
    return this.#controller(name).signal;
  }

  fire(name: string): void {
    this.#controller(name).abort();
  }

  #controller(name: string): AbortController {
    let controller = this.#signals.get(name);
    if (controller === undefined) this.#signals.set(name, controller = new AbortController());
    return controller;
  }

  readonly crash: RawCrash = { kill: refuseCrash, losePower: refuseCrash, isOver: () => true };

  recorder(): Recorder {
    return this.#recorder ??= recorder();
  }

  calls(): readonly Call[] {
    return this.#recorder?.history() ?? [];
  }

  object<T extends object, K extends keyof T>(name: string, kind: ObjectKind<T, K>): T {
    const { tasks } = kind;
    if (tasks === undefined) throw new TypeError(`Cannot use ${name}: tasks cannot share it`);
    return this.#share(
      name,
      (world) =>
        withHost(
          this.#stepped ? virtualHost(this.#clock as VirtualClock, name) : currentHost(),
          () => tasks(world),
        ),
    ) as T;
  }

  shared(): SharedObjects;
  shared(name: string, make: (world: World) => object): object;
  shared(name?: string, make?: (world: World) => object): object {
    if (name === undefined || make === undefined) return Object.fromEntries(this.#shared);
    return this.#share(name, make);
  }

  #share(name: string, make: (world: World) => object): object {
    let object = this.#shared.get(name);
    if (object === undefined) {
      object = make(new View(new CallersPort(this.#stepped), this));
      this.#shared.set(name, object);
    }
    return object;
  }

  end(): EndState {
    const end: Record<string, number> = {};
    for (const [name, { cell }] of this.#cells) end[name] = cell.value;
    return end;
  }
}

function refuseCrash(): never {
  throw new TypeError("Cannot crash a task: tasks live and die together");
}

function undeclared(name: string): TypeError {
  return new TypeError(`Cannot use ${name}: it was not declared where the actors are built`);
}

/** How long the actors of a free run may do nothing before they are taken for stuck, in ms. */
const PATIENCE = 500;

/** How long a free run may take in all, in ms: more, and it has no end. */
const FREE_LIMIT = 20_000;

/** Tasks in this isolate. */
export class TasksDistance implements Distance {
  readonly name = "tasks";
  readonly about = "asynchronous functions in one isolate";

  stepped(subject: Subject): Promise<Program> {
    return Promise.resolve(new NearProgram(subject, new TaskMedium(subject)));
  }

  async free(subject: Subject): Promise<FreeRun> {
    const medium = new TaskMedium(subject);
    const { variant, parameters, actors } = subject;
    let stop!: () => void;
    const stuck = new Promise<void>((resolve) => stop = resolve);
    const still = new Standstill(PATIENCE, stop);
    const started = performance.now();
    const ports = actors.map((actor) => new FreePort(actor, still));
    const runs = ports.map((port, place) => {
      const mine = variant.build(new View(port, medium), parameters)[place];
      return actorPort.run(port, () => start(mine));
    });
    const left = new Set(actors);
    let outcome: Outcome | undefined;
    const all = Promise.all(runs.map(async (run, place) => {
      try {
        await run;
      } catch (error) {
        outcome ??= { kind: "threw", actor: actors[place], error };
      }
      left.delete(actors[place]);
    }));
    const limit = setTimeout(stop, FREE_LIMIT);
    await Promise.race([all, stuck]);
    clearTimeout(limit);
    still.end();
    for (const port of ports) port.close();
    const elapsed = left.size > 0 ? NaN : performance.now() - started;
    if (left.size > 0) {
      outcome ??= { kind: "deadlock", waiting: [...left].map((actor) => ({ actor })) };
    }
    outcome ??= await judge(subject, medium);
    return { outcome, elapsed };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}
