/**
 * The near side: a run whose actors are elsewhere.
 *
 * Stepped, it is a program like any other to the engine; what differs is that an operation is carried
 * out at the far side, by the actor itself, on the real shared object. A lock's grant is the far
 * side's decision too, and takes real time. So the program keeps account of who holds and who waits,
 * and lets the engine choose only when every grant that is due has arrived (`settle`): then the set
 * of those who can move is the same in every replay.
 */
import type { Action, Operation, Outcome, Program, Run } from "../engine/mod.ts";
import type { LockMode } from "../../lib/lock.ts";
import { type FreeRun, WorldError } from "./distance.ts";
import { Mailbox } from "./_mailbox.ts";
import { type FromActor, fromPlainError, sharedNow, type ToActor } from "./_protocol.ts";
import type { EndState, Subject } from "./scenario.ts";
import { judge } from "./_near_program.ts";
import { TIME, Time } from "./_time.ts";
import { REFUSED } from "./_view.ts";

/** One place where an actor can live. */
export interface Remote {
  /** What it is, for people: `Bun process 4711`. */
  readonly about: string;
  /** Whether it has died; a dead one is replaced before the next run. */
  readonly dead: boolean;
  /** Takes what comes from it; set anew for each run. */
  onMessage: (message: FromActor) => void;
  /** Told when it has died. */
  onDeath: (error: WorldError) => void;
  send(message: ToActor): void;
  close(): Promise<void>;
}

/** The shared objects of one run, at the near side. */
export interface Storage {
  /** What the actors need to reach them. */
  readonly forActors: unknown;
  /** What the cells hold now. */
  end(): EndState;
  /** Removes them. */
  dispose(): void;
}

/** How long an actor may be silent in a stepped run before it is taken for lost, in ms. */
const SILENCE = 10_000;

/** How long a free run may take before it is taken for stuck, in ms. */
const FREE_LIMIT = 120_000;

/** How long before a common start it is announced, in ms. */
const HEAD_START = 3;

let lastRun = 0;

/** Sends each actor its part. */
function order(subject: Subject, remotes: readonly Remote[], storage: Storage, stepped: boolean) {
  const run = ++lastRun;
  const { scenario, variantName, parameters } = subject;
  remotes.forEach((remote, place) =>
    remote.send({
      type: "run",
      run,
      module: scenario.module,
      variant: variantName,
      parameters,
      place,
      stepped,
      storage: storage.forActors,
    })
  );
  return run;
}

/** Who holds and who waits for one lock, as the far sides have told. */
class LockAccount {
  readonly held = new Map<number, LockMode>();
  readonly waiting = new Map<number, LockMode>();

  /** Whether a grant is on its way that has not arrived. */
  get due(): boolean {
    if (this.waiting.size === 0) return false;
    if (this.held.size === 0) return true;
    const shared = ![...this.held.values(), ...this.waiting.values()].includes("write");
    return shared;
  }

  granted(place: number): void {
    const mode = this.waiting.get(place);
    if (mode === undefined) return;
    this.waiting.delete(place);
    this.held.set(place, mode);
  }
}

/** An actor's seat at the engine's table: the operation it stands before. */
class Seat implements Action {
  operation!: Operation;
  argument: unknown;
  readyThere = false;
  awake = false;
  readonly #program: RemoteProgram;
  readonly #place: number;

  constructor(program: RemoteProgram, place: number) {
    this.#program = program;
    this.#place = place;
  }

  ready(): boolean {
    return this.#program.canGo(this);
  }

  go(): void {
    this.#program.go(this.#place, this);
  }
}

/** A stepped run of actors that are elsewhere. */
export class RemoteProgram implements Program {
  readonly actors: readonly string[];
  readonly daemons = 1;
  readonly remote = true;
  readonly #subject: Subject;
  readonly #remotes: readonly Remote[];
  readonly #makeStorage: () => Storage;
  readonly #seats: readonly Seat[];
  readonly #locks = new Map<string, LockAccount>();
  readonly #mailboxes = new Map<string, Mailbox>();
  readonly #clocks: ReadonlySet<string>;
  readonly #time: Time;
  #storage: Storage | undefined;
  #run!: Run;
  #number = 0;
  #settled: (() => void) | undefined;
  #silence: ReturnType<typeof setTimeout> | undefined;

  constructor(subject: Subject, remotes: readonly Remote[], makeStorage: () => Storage) {
    this.actors = [...subject.actors, TIME];
    this.#time = new Time(subject.actors.length);
    this.#clocks = new Set(
      subject.objects.filter((object) => object.kind === "clock").map((object) => object.name),
    );
    this.#subject = subject;
    this.#remotes = remotes;
    this.#makeStorage = makeStorage;
    this.#seats = remotes.map((_, place) => new Seat(this, place));
  }

  start(run: Run): void {
    this.#run = run;
    this.#settled = undefined;
    this.#locks.clear();
    this.#mailboxes.clear();
    for (const object of this.#subject.objects) {
      if (object.kind === "lock") this.#locks.set(object.name, new LockAccount());
      if (object.kind === "channel") this.#mailboxes.set(object.name, new Mailbox());
    }
    this.#remotes.forEach((remote, place) => {
      remote.onMessage = (message) => this.#receive(place, message);
      remote.onDeath = (error) => this.#fail(error);
    });
    this.#storage = this.#makeStorage();
    this.#number = order(this.#subject, this.#remotes, this.#storage, true);
    this.#time.start(run);
    this.#listen();
  }

  check(): string | undefined {
    const { variant, parameters } = this.#subject;
    const message = variant.check(this.#storage!.end(), parameters, {});
    this.#close();
    return message;
  }

  settle(): Promise<void> | undefined {
    for (const account of this.#locks.values()) {
      if (account.due) {
        return new Promise((resolve) => {
          this.#settled = resolve;
        });
      }
    }
    return undefined;
  }

  abandon(): void {
    this.#time.close();
    for (const remote of this.#remotes) remote.send({ type: "abandon", run: this.#number });
    this.#close();
  }

  canGo(seat: Seat): boolean {
    const { object, kind } = seat.operation;
    if (this.#clocks.has(object)) return kind !== "wake" || seat.awake;
    const mailbox = this.#mailboxes.get(object);
    if (mailbox !== undefined && kind === "receive") return mailbox.size > 0;
    return seat.readyThere;
  }

  go(place: number, seat: Seat): void {
    const { object, kind } = seat.operation;
    const value = this.#carryOut(seat);
    if (this.#mailboxes.has(object) || this.#clocks.has(object)) this.#run.returned(place, value);
    if (kind.startsWith("request ")) {
      this.#locks.get(object)!.waiting.set(place, kind.slice("request ".length) as LockMode);
    }
    this.#remotes[place].send({ type: "go", run: this.#number, value });
  }

  /** What is carried out here: messages and time go through whoever steers the run. */
  #carryOut(seat: Seat): unknown {
    const { operation: { object, kind }, argument } = seat;
    if (this.#clocks.has(object)) {
      if (kind === "now") return this.#time.clock.now();
      if (kind === "sleep") {
        seat.awake = false;
        this.#time.clock.setTimer(() => seat.awake = true, argument as number);
      }
      return undefined;
    }
    const mailbox = this.#mailboxes.get(object);
    if (kind === "receive") return mailbox?.receive();
    mailbox?.send(argument);
    return undefined;
  }

  #receive(place: number, message: FromActor): void {
    if (message.run !== this.#number) return;
    this.#listen();
    const seat = this.#seats[place];
    switch (message.type) {
      case "parked":
        seat.operation = { object: message.object, kind: message.kind, effect: message.effect };
        seat.argument = message.argument;
        seat.readyThere = message.ready;
        if (message.ready && message.kind.startsWith("enter ")) this.#granted(place, seat);
        this.#run.park(place, seat);
        break;
      case "ready":
        seat.readyThere = true;
        this.#granted(place, seat);
        break;
      case "did":
        if (seat.operation.kind.startsWith("leave ")) {
          this.#locks.get(seat.operation.object)!.held.delete(place);
        } else if (message.value === REFUSED) {
          this.#locks.get(seat.operation.object)?.held.delete(place);
        }
        this.#run.returned(place, message.value);
        break;
      case "finished":
        this.#run.finish(place);
        break;
      case "threw":
        this.#run.threw(place, fromPlainError(message.error));
        break;
    }
  }

  #granted(place: number, seat: Seat): void {
    this.#locks.get(seat.operation.object)!.granted(place);
    const settled = this.#settled;
    this.#settled = undefined;
    settled?.();
  }

  /** Something was heard: the time after which silence is an error begins again. */
  #listen(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => {
      // Whoever is silent now may stay so: the next run gets others.
      for (const remote of this.#remotes) remote.close();
      this.#fail(
        new WorldError(
          `Cannot go on with ${this.#subject.label}: no actor has been heard of for ${
            SILENCE / 1000
          } s; does one wait for something that is not declared?`,
        ),
      );
    }, SILENCE);
  }

  #fail(error: WorldError): void {
    this.#run.fail(error);
    this.#close();
  }

  #close(): void {
    clearTimeout(this.#silence);
    this.#number = 0;
    this.#storage?.dispose();
    this.#storage = undefined;
  }
}

/**
 * One free run of actors that are elsewhere.
 *
 * @throws {WorldError} when one of the actors' workers or processes dies.
 */
export async function runFree(
  subject: Subject,
  remotes: readonly Remote[],
  makeStorage: () => Storage,
): Promise<FreeRun> {
  const storage = makeStorage();
  const mailboxes = new Map<string, Mailbox>();
  for (const object of subject.objects) {
    if (object.kind === "channel") mailboxes.set(object.name, new Mailbox());
  }
  const prepared = new Set<number>();
  const finished = new Set<number>();
  let run = 0;
  const announceStart = () => {
    const at = sharedNow() + HEAD_START;
    for (const remote of remotes) remote.send({ type: "start", run, at });
  };
  let started = Infinity;
  let ended = 0;
  let limit: ReturnType<typeof setTimeout> | undefined;
  try {
    const outcome = await new Promise<Outcome | undefined>((resolve, reject) => {
      limit = setTimeout(() => {
        const stuck = subject.actors.filter((_, place) => !finished.has(place));
        for (const remote of remotes) remote.close();
        resolve({ kind: "deadlock", waiting: stuck.map((actor) => ({ actor })) });
      }, FREE_LIMIT);
      remotes.forEach((remote, place) => {
        remote.onDeath = reject;
        remote.onMessage = async (message) => {
          if (message.run !== run) return;
          switch (message.type) {
            case "prepared":
              if (prepared.add(place).size < remotes.length) break;
              announceStart();
              break;
            case "parked": {
              const mailbox = mailboxes.get(message.object)!;
              if (message.kind === "send") {
                mailbox.send(message.argument);
                remote.send({ type: "go", run });
              } else remote.send({ type: "go", run, value: await mailbox.receive() });
              break;
            }
            case "finished":
              started = Math.min(started, message.started);
              ended = Math.max(ended, message.ended);
              if (finished.add(place).size === remotes.length) resolve(undefined);
              break;
            case "threw":
              resolve({
                kind: "threw",
                actor: subject.actors[place],
                error: fromPlainError(message.error),
              });
              break;
          }
        };
      });
      run = order(subject, remotes, storage, false);
    });
    const elapsed = sharedNow() - started;
    if (outcome !== undefined) {
      for (const remote of remotes) remote.send({ type: "abandon", run });
    }
    return { outcome: outcome ?? judge(subject, storage.end()), elapsed };
  } finally {
    clearTimeout(limit);
    storage.dispose();
  }
}
