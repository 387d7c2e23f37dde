/** The nearest distance: the actors are asynchronous functions in one isolate. */
import type { Outcome, Program } from "../engine/mod.ts";
import { currentHost, withHost } from "../../lib/_host.ts";
import type { ReadWriteLock } from "../../lib/lock.ts";
import { RwLock } from "../../lib/rw_lock.ts";
import type { Distance, FreeRun } from "./distance.ts";
import { Mailbox } from "./_mailbox.ts";
import type { Medium, RawCell, RawChannel, RawClock } from "./_medium.ts";
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
import { FreePort, View } from "./_view.ts";
import type { Declared } from "./_declaration.ts";
import type { EndState, SharedObjects, Subject } from "./scenario.ts";
import type { World } from "./world.ts";

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
  readonly #locks = new Map<string, RwLock>();
  readonly #channels = new Map<string, Mailbox>();
  readonly #shared = new Map<string, object>();
  #clock: RawClock = currentHost();
  #stepped = false;

  constructor(objects: readonly Declared[]) {
    for (const object of objects) {
      switch (object.kind) {
        case "cell": {
          const { name, initial } = object;
          this.#cells.set(name, { cell: new TaskCell(initial), initial });
          break;
        }
        case "lock":
          this.#locks.set(object.name, new RwLock({ label: object.name }));
          break;
        case "channel":
          this.#channels.set(object.name, new Mailbox());
          break;
      }
    }
  }

  get clock(): RawClock {
    return this.#clock;
  }

  reset(clock: VirtualClock): void {
    this.#clock = clock;
    this.#stepped = true;
    this.#shared.clear();
    for (const entry of this.#cells.values()) entry.cell.value = entry.initial;
    if (this.#locks.size > 0) withHost(virtualHost(clock), () => this.#renewLocks());
    for (const name of this.#channels.keys()) this.#channels.set(name, new Mailbox());
  }

  #renewLocks(): void {
    for (const label of this.#locks.keys()) this.#locks.set(label, new RwLock({ label }));
  }

  of(): Medium {
    return this;
  }

  cell(name: string): RawCell {
    const entry = this.#cells.get(name);
    if (entry === undefined) throw undeclared(name);
    return entry.cell;
  }

  lock(name: string): ReadWriteLock {
    const lock = this.#locks.get(name);
    if (lock === undefined) throw undeclared(name);
    return lock;
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

  shared(): SharedObjects;
  shared(name: string, make: (world: World) => object): object;
  shared(name?: string, make?: (world: World) => object): object {
    if (name === undefined || make === undefined) return Object.fromEntries(this.#shared);
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

function undeclared(name: string): TypeError {
  return new TypeError(`Cannot use ${name}: it was not declared where the actors are built`);
}

/** How long a free run may take before it is taken for stuck, in ms. */
const FREE_LIMIT = 20_000;

/** Tasks in this isolate. */
export class TasksDistance implements Distance {
  readonly name = "tasks";
  readonly about = "asynchronous functions in one isolate";

  stepped(subject: Subject): Promise<Program> {
    return Promise.resolve(new NearProgram(subject, new TaskMedium(subject.objects)));
  }

  async free(subject: Subject): Promise<FreeRun> {
    const medium = new TaskMedium(subject.objects);
    const { variant, parameters, actors } = subject;
    const started = performance.now();
    const runs = actors.map((actor, place) => {
      const port = new FreePort(actor);
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
    let limit: ReturnType<typeof setTimeout> | undefined;
    await Promise.race([all, new Promise((resolve) => limit = setTimeout(resolve, FREE_LIMIT))]);
    clearTimeout(limit);
    const elapsed = performance.now() - started;
    if (left.size > 0) {
      outcome ??= { kind: "deadlock", waiting: [...left].map((actor) => ({ actor })) };
    }
    outcome ??= judge(subject, medium.end(), medium.shared());
    return { outcome, elapsed };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}
