/**
 * What simulated processes share, as each actor reaches it.
 *
 * Files, locks and objects are reached by the actor's own process, which is made when it first needs
 * one: so an actor that survives a power loss comes to have another. Messages, meetings and signals are
 * not on the disk; they go from actor to actor.
 */
import { type Call, type Recorder, recorder } from "../engine/history/mod.ts";
import { Gathering } from "./_barrier.ts";
import { Mailbox } from "./_mailbox.ts";
import type { Medium, RawBarrier, RawCell, RawChannel, RawClock } from "./_medium.ts";
import type { RawLock } from "./_lock_view.ts";
import type { ObjectKind } from "./object_kind.ts";
import { ProcessMedium, type ProcessStorage } from "./_process_medium.ts";
import type { Subject } from "./scenario.ts";
import type { Process } from "./simulation/_process.ts";
import { machineOf, type Simulation } from "./simulation/simulation.ts";

/** The shared objects of one run. */
export class SimulatedMedia {
  readonly #subject: Subject;
  readonly #storage: ProcessStorage;
  readonly #simulation: Simulation;
  readonly #run: Pick<Medium, "crash" | "waiting">;
  readonly #processes: (Process | undefined)[] = [];
  readonly #media: (ProcessMedium | undefined)[] = [];
  readonly #mailboxes = new Map<string, Mailbox>();
  readonly #barriers = new Map<string, Gathering>();
  readonly #signals = new Map<string, AbortController>();
  readonly #recorder: Recorder = recorder();

  /** @param run What the run itself sees to. */
  constructor(
    subject: Subject,
    storage: ProcessStorage,
    simulation: Simulation,
    run: Pick<Medium, "crash" | "waiting">,
  ) {
    this.#subject = subject;
    this.#storage = storage;
    this.#simulation = simulation;
    this.#run = run;
    for (const object of subject.objects) {
      const { name } = object;
      if (object.kind === "channel") this.#mailboxes.set(name, new Mailbox());
      else if (object.kind === "barrier") this.#barriers.set(name, new Gathering(object.parties));
      else if (object.kind === "signal") this.#signals.set(name, new AbortController());
    }
  }

  /** The calls that the actors have recorded. */
  calls(): readonly Call[] {
    return this.#recorder.history();
  }

  isSignal(name: string): boolean {
    return this.#signals.has(name);
  }

  /** The process of the actor at `place`, if it has come to have one. */
  process(place: number): Process | undefined {
    return this.#processes[place];
  }

  /** Whose process it is; -1 where it is none of an actor's. */
  placeOf(process: Process): number {
    return this.#processes.indexOf(process);
  }

  /** After a power loss: whoever goes on gets another process, and what was under way has not come. */
  restart(): void {
    this.#processes.length = 0;
    this.#media.length = 0;
    for (const name of this.#mailboxes.keys()) this.#mailboxes.set(name, new Mailbox());
  }

  #own(place: number): ProcessMedium {
    let medium = this.#media[place];
    if (medium === undefined) {
      const machine = machineOf(this.#simulation);
      const process = this.#processes[place] = machine.process(this.#subject.actors[place]);
      medium = this.#media[place] = new ProcessMedium(this.#storage, process);
    }
    return medium;
  }

  /** The cell as whichever process the actor has now reaches it. */
  #cell(place: number, name: string): RawCell {
    let medium: ProcessMedium | undefined;
    let inner!: RawCell;
    const now = () => {
      const own = this.#own(place);
      if (medium !== own) inner = (medium = own).cell(name);
      return inner;
    };
    return {
      read: () => now().read(),
      write: (value) => now().write(value),
      compareAndSet: (expected, next) => now().compareAndSet(expected, next),
    };
  }

  /** What is shared, as the actor at `place` reaches it. */
  of(place: number): Medium {
    const own = () => this.#own(place);
    const cells = new Map<string, RawCell>();
    const signal = (name: string) => this.#signals.get(name)!;
    return {
      cell: (name: string): RawCell => {
        let cell = cells.get(name);
        if (cell === undefined) cells.set(name, cell = this.#cell(place, name));
        return cell;
      },
      lock: (name: string): RawLock => own().lock(name),
      object: <T extends object, K extends keyof T>(name: string, kind: ObjectKind<T, K>): T =>
        own().object(name, kind),
      get files() {
        return own().files;
      },
      ...this.#run,
      recorder: () => this.#recorder,
      signal: (name) => signal(name).signal,
      fire: (name) => signal(name).abort(),
      channel: (name): RawChannel => {
        const mailbox = () => this.#mailboxes.get(name)!;
        return {
          get size() {
            return mailbox().size;
          },
          send: (value) => mailbox().send(value),
          receive: () => mailbox().receive(),
        };
      },
      barrier: (name): RawBarrier => this.#barriers.get(name)!,
      clock: this.#simulation.clock as RawClock,
    };
  }
}
