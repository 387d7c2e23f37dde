/**
 * One stepped run of simulated processes, on one disk in this isolate.
 *
 * Each actor has a process of its own in a `Simulation`, and reaches what is shared as real processes
 * do: cells are files, the lock is `FileLock`, objects are what they are on files. An actor runs from
 * one operation to the next without another coming between, as far as it need not wait. Time passes
 * when the engine says so, to the moment at which somebody who waits can go on; and by itself only
 * while a lock that is free is on its way to whoever asks for it from time to time.
 */
import { macrotask, type Operation, type Run, TIME_OBJECT, type Touch } from "../engine/mod.ts";
import { LockAccounts } from "./_lock_accounts.ts";
import type { RawCrash } from "./_medium.ts";
import { checkHistory, start } from "./_near_program.ts";
import { lookAtDisk, type ProcessStorage } from "./_process_medium.ts";
import { CrashPlan, startCrashDaemons, type Strike, type Target } from "./_simulated_crash.ts";
import { SimulatedMedia } from "./_simulated_media.ts";
import { type Footprint, type Overseer, SteppedPort } from "./_stepped_port.ts";
import type { Subject } from "./scenario.ts";
import { type DiskNames, SimulatedDisk } from "./simulation/_disk.ts";
import type { Process } from "./simulation/_process.ts";
import type { TakenStep } from "./simulation/_step.ts";
import { captureImage, type DiskKeys, survive } from "./simulation/_survivors.ts";
import { machineOf, Simulation } from "./simulation/simulation.ts";
import { SimulatedTime, USES_TIME } from "./_time.ts";
import { View } from "./_view.ts";

const TAKES_TIME: Touch = { object: TIME_OBJECT, effect: "write" };

/** How long a check, or a lock that is free, may take, in virtual ms. */
const TIME_LIMIT = 600_000;

/** How many bytes of a file survive or are lost together: few, for what is written is short. */
export const BLOCK_SIZE = 16;

/** A disk on which all that is shared has been made. */
export interface Prepared {
  readonly names: DiskNames;
  readonly storage: ProcessStorage;
}

/** One run. */
export class SimulatedRun implements Overseer, Footprint, Strike {
  longest = 0;
  readonly #subject: Subject;
  readonly #prepared: Prepared;
  readonly #run: Run;
  readonly #keys: DiskKeys;
  readonly #simulation = new Simulation({ blockSize: BLOCK_SIZE });
  readonly #machine = machineOf(this.#simulation);
  readonly #ports: readonly SteppedPort[];
  readonly #ended = new Set<number>();
  readonly #dead = new Set<number>();
  readonly #locks = new Set<string>();
  readonly #accounts: LockAccounts;
  /** The moments that actors have declared to wait for. */
  readonly #deadlines = new Set<number>();
  /** Whether who waits for a lock would wait for ever. */
  readonly #patient: boolean[] = [];
  readonly #shared: SimulatedMedia;
  readonly #crashes = new Set<string>();
  readonly #plan: CrashPlan;
  #closed = false;
  #steps = 0;
  /** Who was let go last. */
  #moving = -1;
  /** Who asked for a power loss. */
  #asking = -1;
  /** After which step everything that could has gone on by itself. */
  #settledAt = -1;
  /** Whether somebody is killed in the midst of a write. */
  #tearing = false;

  constructor(
    subject: Subject,
    prepared: Prepared,
    run: Run,
    deepest: number,
    keys: DiskKeys,
  ) {
    this.#subject = subject;
    this.#prepared = prepared;
    this.#run = run;
    this.#keys = keys;
    this.#machine.disk = new SimulatedDisk(BLOCK_SIZE, prepared.names);
    this.#machine.onStep = (step) => this.#onStep(step);
    for (const object of subject.objects) {
      const { name } = object;
      if (object.kind === "lock") this.#locks.add(name);
      else if (object.kind === "crash") this.#crashes.add(name);
    }
    this.#accounts = new LockAccounts(this.#locks);
    this.#plan = new CrashPlan(this, deepest, keys);
    this.#shared = new SimulatedMedia(subject, prepared.storage, this.#simulation, {
      crash: this.#crash(),
      waiting: (name) => this.#accounts.waiting(name).map((waiter) => subject.actors[waiter]),
    });
    const undeclared = subject.model !== undefined;
    this.#ports = subject.actors.map((actor, place) =>
      new SteppedPort(actor, place, this, undeclared, { overseer: this })
    );
  }

  start(): void {
    const run = this.#run;
    const { variant, parameters, actors } = this.#subject;
    new SimulatedTime(run, actors.length, {
      clock: this.#simulation.clock,
      isWanted: () => !this.#plan.isTelling && !this.#plan.isPutOff && !this.#plan.isArmed,
      waiting: () => this.#ports.filter((port, place) => this.#waits(port, place)),
      nextDeadline: () => this.#nextDeadline(),
    });
    if (this.#crashes.size > 0) this.#startDaemons(actors.length + 1);
    this.#ports.forEach((port, place) => {
      port.attach(run);
      const actor = variant.build(new View(port, this.#shared.of(place)), parameters)[place];
      start(actor).then(() => {
        this.#ended.add(place);
        port.finished();
      }, port.failed);
    });
  }

  #startDaemons(first: number): void {
    const asking = () => this.#ports.find((port) => port.standing && this.#asks(port.operation));
    startCrashDaemons(this.#run, first, this.#plan, {
      object: () => asking()?.operation.object,
      isInTheMidst: () => {
        const port = asking();
        if (port === undefined) return false;
        const { operation: { kind }, argument } = port;
        const victim = this.#subject.actors.indexOf(argument as string);
        return this.#isInTheMidst(kind === "kill" ? { kill: victim } : { power: true });
      },
    });
  }

  settle(): Promise<void> | undefined {
    this.longest = Math.max(this.longest, this.#steps);
    const nothing = !this.#plan.isDue && !this.#accounts.due &&
      !this.#ports.some((port) => port.pending);
    if (nothing) return undefined;
    if (this.#settledAt === this.#run.steps) return undefined;
    this.#settledAt = this.#run.steps;
    return this.#rest();
  }

  /** Everything goes on that can by itself, and locks that are free come to whoever wants them. */
  async #rest(): Promise<void> {
    await macrotask();
    if (this.#plan.isDue) {
      this.#hit();
      await macrotask();
    }
    const { clock } = this.#simulation;
    const until = clock.now() + TIME_LIMIT;
    while (this.#accounts.due && !this.#closed && (clock.next ?? Infinity) <= until) {
      clock.advance();
      await macrotask();
    }
  }

  async check(): Promise<string | undefined> {
    const { variant, parameters } = this.#subject;
    const machine = this.#machine;
    machine.onStep = undefined;
    for (const process of machine.running) process.exit();
    const left = lookAtDisk(machine.process("check"), this.#prepared.storage, this.#subject);
    const found = (async () => {
      const message = await variant.check(left.end(), parameters, left.shared());
      await left.close();
      return message ?? checkHistory(this.#subject, { calls: () => this.#shared.calls() });
    })();
    return await this.#simulation.finish(found, this.#simulation.clock.now() + TIME_LIMIT);
  }

  /** All that is on the disk, as every process sees it. */
  state(): string {
    return survive(captureImage(this.#machine.disk), (options) => options - 1, this.#keys).key;
  }

  close(): void {
    this.#closed = true;
    this.#machine.onStep = undefined;
    for (const port of this.#ports) port.close();
    for (const process of this.#machine.running) process.kill();
  }

  mayGo(place: number, operation: Operation): boolean {
    const plan = this.#plan;
    if (plan.isTelling) return false;
    if (plan.isPutOff) return this.#asks(operation);
    return plan.target === undefined || this.#canHit(plan.target, place);
  }

  goes(place: number, operation: Operation, argument: unknown): void {
    this.#moving = place;
    this.#steps = 0;
    if (this.#plan.target !== undefined && this.#canHit(this.#plan.target, place)) {
      this.#plan.moves();
    }
    this.#accounts.began(operation, place, argument);
    const now = this.#simulation.clock.now();
    if (operation.kind.startsWith("request ")) {
      const { timeout } = (argument ?? {}) as { timeout?: number };
      this.#patient[place] = timeout === undefined;
      if (timeout !== undefined) this.#deadlines.add(now + timeout);
    } else if (operation.kind === "sleep") this.#deadlines.add(now + (argument as number));
    // An actor that waits for what is not declared would stop everything.
    macrotask().then(() => this.#expectMove(place));
  }

  did(place: number, operation: Operation, value: unknown): void {
    this.#accounts.did(operation, place, value);
    if (operation.kind === "fire" && this.#shared.isSignal(operation.object)) {
      this.#accounts.fired(operation.object);
    }
  }

  arrived(place: number, operation: Operation): void {
    this.#accounts.arrived(operation, place);
  }

  isDead(place: number): boolean {
    return this.#closed || this.#dead.has(place);
  }

  #expectMove(place: number): void {
    const port = this.#ports[place];
    const gone = this.#closed || this.#dead.has(place) || this.#ended.has(place);
    if (gone || this.#moving !== place || port.standing || port.pending) return;
    this.#run.threw(
      place,
      new TypeError(`Cannot go on: ${port.actor} waits for something that is not declared`),
    );
  }

  #nextDeadline(): number {
    const now = this.#simulation.clock.now();
    return Math.min(...[...this.#deadlines].filter((deadline) => deadline > now));
  }

  /** What takes a lock, or whatever else may ask again from time to time, may let time pass. */
  now(operation: Operation): Operation {
    const { object, effect, also = [] } = operation;
    const takesTime = this.#locks.has(object) || also.includes(USES_TIME);
    return effect === "enter" || !takesTime
      ? operation
      : { ...operation, also: [...also, TAKES_TIME] };
  }

  /** Whether an actor waits for what time may bring about. */
  #waits(port: SteppedPort, place: number): boolean {
    if (!port.standing || this.#dead.has(place) || port.isPossible()) return false;
    const { operation } = port;
    if (this.#awaitsCrash(operation)) return false;
    // A lock comes to who waits for it as soon as it is free; all that time can bring is the timeout.
    return !this.#locks.has(operation.object) || this.#patient[place] === false;
  }

  #asks({ object, kind }: Operation): boolean {
    return this.#crashes.has(object) && (kind === "kill" || kind === "cut");
  }

  #awaitsCrash({ object, kind }: Operation): boolean {
    return this.#crashes.has(object) && kind === "after";
  }

  #canHit(target: Target, place: number): boolean {
    if (this.#dead.has(place) || this.#ended.has(place)) return false;
    if ("kill" in target) return target.kill === place;
    const { operation, standing } = this.#ports[place];
    return !standing || !this.#awaitsCrash(operation) && !this.#asks(operation);
  }

  /** Somebody is about to do a step of input or output. */
  #onStep(step: TakenStep): void {
    this.#steps += Math.max(1, step.blocks);
    const { target } = this.#plan;
    if (target === undefined) return;
    const place = this.#shared.placeOf(step.process as Process);
    if ("kill" in target && target.kill !== place) return;
    if (this.#plan.comesBefore(step)) return this.#hit();
    if (step.torn === undefined) return;
    // The part of it that is written is written first, and whoever writes it is killed by that.
    this.#tearing = true;
    this.#hit();
    this.#tearing = false;
  }

  /** The crash comes that was put off. */
  #hit(): void {
    if (!this.#plan.isArmed) return;
    const target = this.#plan.come();
    if ("kill" in target) this.#plan.killed(target.kill);
    else this.#plan.powerLost(captureImage(this.#machine.disk));
  }

  killed(place: number): void {
    if (!this.#tearing) this.#shared.process(place)?.kill();
    this.#bury([place]);
  }

  lost(): void {
    const under = this.#ports.map((_, place) => place).filter((place) =>
      this.#canHit({ power: true }, place) && place !== this.#asking
    );
    for (const process of this.#machine.running) process.kill();
    this.#shared.restart();
    this.#ports.forEach((_, place) => this.#accounts.died(place, true));
    this.#bury(under);
  }

  left(names: DiskNames): void {
    this.#machine.disk = new SimulatedDisk(BLOCK_SIZE, names);
  }

  /** Dead actors leave the run, once the code they were in the midst of has been left. */
  #bury(places: readonly number[]): void {
    for (const place of places) {
      this.#dead.add(place);
      this.#ports[place].close();
      this.#accounts.died(place, true);
    }
    const leave = () => {
      if (this.#closed) return;
      for (const place of places) this.#run.leave(place);
    };
    if (places.includes(this.#moving)) macrotask().then(leave);
    else leave();
  }

  #crash(): RawCrash {
    const { actors } = this.#subject;
    return {
      kill: (actor) => {
        const victim = actors.indexOf(actor);
        if (victim < 0) {
          throw new TypeError(`Cannot kill "${actor}": the actors are ${actors.join(", ")}`);
        }
        if (this.#ended.has(victim) || this.#dead.has(victim)) return this.#plan.cancel();
        const target: Target = { kill: victim };
        if (this.#plan.ask(target, this.#isInTheMidst(target))) this.#plan.killed(victim);
      },
      losePower: () => {
        this.#asking = this.#moving;
        const target: Target = { power: true };
        if (this.#plan.ask(target, this.#isInTheMidst(target))) {
          this.#plan.powerLost(captureImage(this.#machine.disk));
        }
      },
      isOver: () =>
        this.#plan.isOver ||
        this.#ports.every((port, place) =>
          this.#ended.has(place) || this.#dead.has(place) ||
          port.standing && this.#awaitsCrash(port.operation)
        ),
    };
  }

  /** Whether anybody can move who may be hit, so that there is something to cut off. */
  #isInTheMidst(target: Target): boolean {
    return this.#ports.some((port, place) =>
      place !== this.#moving && port.standing && this.#canHit(target, place) && port.isPossible()
    );
  }
}
