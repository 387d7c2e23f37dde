/**
 * The near side of a stepped run whose actors are elsewhere.
 *
 * To the engine it is a program like any other; what differs is that an operation is carried out at
 * the far side, by the actor itself, on the real shared object. A lock's grant is the far side's
 * decision too, and takes real time. So the program keeps account of who holds and who waits, and lets
 * the engine choose only when every grant that is due has arrived (`settle`): then the set of those
 * who can move is the same in every replay.
 */
import type { Action, Operation, Program, Run } from "../engine/mod.ts";
import { CallBook } from "./_call_book.ts";
import { WorldError } from "./distance.ts";
import { LockAccounts } from "./_lock_accounts.ts";
import { checkHistory } from "./_near_program.ts";
import { type FromActor, fromPlainError } from "./_protocol.ts";
import { nextRun, type Remote, sendParts, type Storage } from "./_remote.ts";
import type { Subject } from "./scenario.ts";
import type { VirtualTimer } from "./simulation/mod.ts";
import { Switchboard } from "./_switchboard.ts";
import { TIME, Time } from "./_time.ts";

/** How long an actor may be silent in a stepped run before it is taken for lost, in ms. */
const SILENCE = 10_000;

/** How long what waits to return is given after a step that may have made it possible, in ms. */
const PATIENCE = 200;

/** An actor's seat at the engine's table: the operation it stands before. */
class Seat implements Action {
  operation!: Operation;
  argument: unknown;
  readyThere = false;
  awake = false;
  /** Whether it has been let go since. */
  gone = true;
  /** The timer of what it waits for. */
  expiry: VirtualTimer | undefined;
  readonly #program: RemoteProgram;
  readonly #place: number;

  constructor(program: RemoteProgram, place: number) {
    this.#program = program;
    this.#place = place;
  }

  /** Whether it stands before the return of something asynchronous. */
  get returns(): boolean {
    return this.operation.kind.startsWith("return from ");
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
  readonly #places: () => Promise<readonly Remote[]>;
  readonly #makeStorage: () => Promise<Storage>;
  readonly #seats: readonly Seat[];
  readonly #clocks: ReadonlySet<string>;
  readonly #time: Time;
  #locks!: LockAccounts;
  #board!: Switchboard;
  #book!: CallBook;
  #remotes: readonly Remote[] = [];
  #storage: Storage | undefined;
  #run!: Run;
  #number = 0;
  readonly #killed = new Set<number>();
  readonly #ended = new Set<number>();
  #settled: (() => void) | undefined;
  /** Whether those who wait to return were given time since the last step. */
  #patienceSpent = false;
  #silence: ReturnType<typeof setTimeout> | undefined;

  /**
   * @param places Where the actors live; asked for each run, for some may have died in the last.
   * @param makeStorage Makes the shared objects of a run.
   */
  constructor(
    subject: Subject,
    places: () => Promise<readonly Remote[]>,
    makeStorage: () => Promise<Storage>,
  ) {
    this.actors = [...subject.actors, TIME];
    this.#time = new Time(subject.actors.length);
    this.#clocks = new Set(
      subject.objects.filter((object) => object.kind === "clock").map((object) => object.name),
    );
    this.#subject = subject;
    this.#places = places;
    this.#makeStorage = makeStorage;
    this.#seats = subject.actors.map((_, place) => new Seat(this, place));
  }

  start(run: Run): void {
    this.#run = run;
    this.#settled = undefined;
    this.#killed.clear();
    this.#ended.clear();
    for (const seat of this.#seats) seat.expiry = undefined;
    const locks = this.#subject.objects.filter((object) => object.kind === "lock");
    this.#locks = new LockAccounts(locks.map((lock) => lock.name));
    this.#board = new Switchboard(this.#subject);
    let told = 0;
    // Only one actor runs at a time, so what they tell comes in the order in which it happened.
    this.#book = new CallBook(() => told++, 0);
    this.#time.start(run);
    const number = this.#number = nextRun();
    this.#prepare(number).catch((error) => this.#fail(error));
  }

  /** Finds the actors a place each, makes what they share, and tells them their parts. */
  async #prepare(number: number): Promise<void> {
    const remotes = this.#remotes = await this.#places();
    remotes.forEach((remote, place) => {
      remote.onMessage = (message) => this.#receive(place, message);
      remote.onDeath = (error) => {
        if (!this.#killed.has(place)) this.#fail(error);
      };
    });
    const storage = await this.#makeStorage();
    if (this.#number !== number) return storage.dispose();
    this.#storage = storage;
    sendParts(number, this.#subject, remotes, storage, true);
    this.#listen();
  }

  async check(): Promise<string | undefined> {
    const { variant, parameters } = this.#subject;
    try {
      const storage = this.#storage!;
      return await variant.check(await storage.end(), parameters, storage.shared()) ??
        checkHistory(this.#subject, { calls: () => this.#book.history() });
    } finally {
      this.#close();
    }
  }

  settle(): Promise<void> | undefined {
    const returning = this.#seats.some((seat) => !seat.gone && seat.returns && !seat.readyThere);
    const { due } = this.#locks;
    if (!due && (!returning || this.#patienceSpent)) return undefined;
    return new Promise((resolve) => {
      this.#settled = resolve;
      if (due) return;
      // Who waits to return may have to wait for others still.
      setTimeout(() => {
        this.#patienceSpent = true;
        resolve();
      }, PATIENCE);
    });
  }

  abandon(): void {
    this.#time.close();
    for (const remote of this.#remotes) remote.send({ type: "abandon", run: this.#number });
    this.#close();
  }

  canGo(seat: Seat): boolean {
    const { operation: { object, kind }, argument } = seat;
    if (this.#clocks.has(object)) return kind !== "wake" || seat.awake;
    const { mailboxes, barriers } = this.#board;
    if (kind === "receive" && mailboxes.has(object)) return mailboxes.get(object)!.size > 0;
    if (kind === "pass" && barriers.has(object)) {
      return barriers.get(object)!.isOver(argument as number);
    }
    if (kind === "after" && this.#board.crashes.has(object)) return this.#isOver();
    return seat.readyThere;
  }

  /** Whether there was a crash, or none can come: all have ended who do not wait for one. */
  #isOver(): boolean {
    return this.#killed.size > 0 ||
      this.#seats.every((seat, place) =>
        this.#ended.has(place) || !seat.gone && this.#waitsForCrash(seat)
      );
  }

  #waitsForCrash({ operation: { object, kind } }: Seat): boolean {
    return kind === "after" && this.#board.crashes.has(object);
  }

  /** Kills an actor for real, and then lets the one who asked for it go on. */
  async #kill(place: number, actor: string): Promise<void> {
    const victim = this.#subject.actors.indexOf(actor);
    const number = this.#number;
    if (victim < 0) {
      const known = this.#subject.actors.join(", ");
      return this.#run.threw(
        place,
        new TypeError(`Cannot kill "${actor}": the actors are ${known}`),
      );
    }
    if (!this.#ended.has(victim)) {
      this.#killed.add(victim);
      this.#seats[victim].gone = true;
      await this.#remotes[victim].close();
      if (this.#number !== number) return;
      this.#locks.died(victim, this.#storage!.freesLocks);
      this.#ended.add(victim);
      this.#run.leave(victim);
    }
    this.#remotes[place].send({ type: "go", run: number });
  }

  go(place: number, seat: Seat): void {
    seat.gone = true;
    this.#patienceSpent = false;
    const { operation } = seat;
    if (this.#board.crashes.has(operation.object)) {
      if (operation.kind === "kill") return void this.#kill(place, seat.argument as string);
      if (operation.kind === "cut") {
        return this.#run.threw(
          place,
          new TypeError("Cannot cut the power: that is possible in the simulation only"),
        );
      }
    }
    const carriedOut = this.#carryOut(seat);
    if (carriedOut !== undefined) this.#run.returned(place, carriedOut.value);
    this.#locks.began(operation, place, seat.argument);
    if (operation.kind.startsWith("request ")) this.#setTimeout(place, seat);
    this.#remotes[place].send({ type: "go", run: this.#number, value: carriedOut?.value });
  }

  /** How long an actor waits for a lock is told in the time of the run. */
  #setTimeout(place: number, seat: Seat): void {
    const { timeout } = (seat.argument ?? {}) as { timeout?: number };
    if (timeout === undefined || timeout === 0) return;
    const { clock } = this.#time;
    const number = this.#number;
    seat.expiry = clock.setTimer(() => {
      seat.expiry = undefined;
      this.#locks.expire(place);
      this.#remotes[place].send({ type: "expire", run: number });
    }, timeout);
  }

  /** What is carried out here: messages, time and the like go through whoever steers the run. */
  #carryOut(seat: Seat): { value: unknown } | undefined {
    const { operation: { object, kind }, argument } = seat;
    const { mailboxes, barriers, signals } = this.#board;
    if (this.#clocks.has(object)) {
      if (kind === "now") return { value: this.#time.clock.now() };
      if (kind === "sleep") {
        seat.awake = false;
        this.#time.clock.setTimer(() => seat.awake = true, argument as number);
      }
      return { value: undefined };
    }
    const mailbox = mailboxes.get(object);
    if (mailbox !== undefined) {
      return { value: kind === "receive" ? mailbox.receive() : mailbox.send(argument) };
    }
    const barrier = barriers.get(object);
    if (barrier !== undefined) return { value: kind === "pass" ? undefined : barrier.arrive() };
    if (this.#board.crashes.has(object)) return { value: undefined };
    if (!signals.has(object)) return undefined;
    this.#locks.fired(object);
    for (const remote of this.#remotes) {
      remote.send({ type: "fire", run: this.#number, signal: object });
    }
    return { value: undefined };
  }

  #receive(place: number, message: FromActor): void {
    if (message.run !== this.#number) return;
    this.#listen();
    const seat = this.#seats[place];
    switch (message.type) {
      case "parked": {
        const { object, kind, effect, undeclared, argument, ready } = message;
        seat.operation = { object, kind, effect, undeclared };
        seat.argument = argument;
        seat.readyThere = ready;
        seat.gone = false;
        if (ready && kind.startsWith("enter ")) this.#arrived(place, seat);
        this.#run.park(place, seat);
        break;
      }
      case "ready":
        seat.readyThere = true;
        this.#arrived(place, seat);
        break;
      case "did":
        this.#locks.did(seat.operation, place, message.value);
        if (seat.operation.kind === "reap") {
          const dead = this.#subject.actors.indexOf(seat.argument as string);
          this.#locks.reaped(seat.operation.object, dead);
        }
        this.#run.returned(place, message.value);
        break;
      case "calls":
        this.#book.note(place, message.calls);
        break;
      case "finished":
        this.#ended.add(place);
        this.#run.finish(place);
        break;
      case "threw":
        this.#run.threw(place, fromPlainError(message.error));
        break;
    }
  }

  /** What the actor stands before has become possible. */
  #arrived(place: number, seat: Seat): void {
    this.#locks.arrived(seat.operation, place);
    if (seat.expiry !== undefined) this.#time.clock.clearTimer(seat.expiry);
    seat.expiry = undefined;
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

  #fail(error: unknown): void {
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
