/**
 * The actor that lets time pass, in stepped runs.
 *
 * To let it move is to move the clock to the next deadline: so whether a timeout comes before or after
 * another actor's step is a choice like any other, and a wait of thirty seconds costs nothing.
 *
 * Invariant: whatever changes which timers are set, or depends on the clock, touches `TIME_OBJECT`,
 * and every timer names the one object that it touches. So what the next deadline brings is known
 * before it comes, and steps that have nothing to do with it need not be tried on both sides of it. A
 * timer that names none may touch anything.
 */
import {
  type Action,
  macrotask,
  type Operation,
  type Run,
  TIME_OBJECT,
  type Touch,
} from "../engine/mod.ts";
import type { Host } from "../../lib/_host.ts";
import { VirtualClock } from "./simulation/mod.ts";

/** Its name, after those of the actors it serves. */
export const TIME = "time";

const PASS: Operation = { object: TIME_OBJECT, kind: "time passes", effect: "write" };

/** As long as nobody has set a timer, time has nothing to do with anybody. */
const IDLE: Operation = { ...PASS, effect: "enter" };

/** That an operation sets a timer, clears one or looks at the clock. */
export const USES_TIME: Touch = { object: TIME_OBJECT, effect: "read" };

/** The object that the sleep of an actor is: its end touches nothing else. */
export function sleepOf(actor: string): string {
  return `*sleep of ${actor}`;
}

/** Virtual time as one more actor. */
export class Time implements Action {
  readonly argument = undefined;
  readonly #place: number;
  #clock = new VirtualClock();
  #run: Run | undefined;

  /** @param place Its place among the actors: the last. */
  constructor(place: number) {
    this.#place = place;
  }

  /** The time of the run under way. */
  get clock(): VirtualClock {
    return this.#clock;
  }

  /** Passing, with all that the timers touch that are due next. */
  get operation(): Operation {
    const { due, used } = this.#clock;
    if (due.length === 0) return used ? PASS : IDLE;
    if (due.some(({ object }) => object === undefined)) return { ...PASS, undeclared: true };
    const objects = new Set(due.map(({ object }) => object!));
    return { ...PASS, also: [...objects].map((object) => ({ object, effect: "release" })) };
  }

  /**
   * What an operation touches at the moment: where somebody waits with a timeout, what it does to the
   * object may end the wait, and with it the timer.
   */
  now(operation: Operation): Operation {
    if (this.#clock.pending === 0) return operation;
    const { also = [] } = operation;
    if (!this.#mayClear(operation) && !also.some((touch) => this.#mayClear(touch))) {
      return operation;
    }
    return { ...operation, also: [...also, USES_TIME] };
  }

  #mayClear({ object, effect }: Touch): boolean {
    return effect !== "enter" && this.#clock.isSet(object);
  }

  /** Begins a run at time 0, with no timers. */
  start(run: Run): void {
    this.#clock = new VirtualClock();
    this.#run = run;
    run.park(this.#place, this);
  }

  /** Is not to be heard of again. */
  close(): void {
    this.#run = undefined;
  }

  ready(): boolean {
    return this.#clock.pending > 0;
  }

  go(): void {
    const run = this.#run!;
    this.#clock.advance();
    run.returned(this.#place, this.#clock.now());
    // Those whose timers have fired come to their next operation before anybody is chosen.
    macrotask().then(() => {
      if (this.#run === run) run.park(this.#place, this);
    });
  }
}

/** What simulated time looks at. */
export interface Waiters {
  readonly clock: VirtualClock;
  /** Whether time may pass now. */
  isWanted(): boolean;
  /** Who waits. */
  waiting(): readonly { isPossible(): boolean }[];
  /** The next moment that an actor has declared to wait for: a timeout, the end of a sleep. */
  nextDeadline(): number;
}

/** How often processes may ask for a lock again before it is looked whether anything came of it. */
const ROUNDS = 64;

/**
 * Time in a simulation: to let it move is to move the clock until somebody who waits can go on, through
 * all that processes do by themselves meanwhile, such as to ask for a lock again.
 *
 * Where nobody comes to go on by all the timers that were set, it cannot move again until another has.
 */
export class SimulatedTime implements Action {
  readonly operation: Operation = { ...PASS, undeclared: true };
  readonly argument = undefined;
  readonly #run: Run;
  readonly #place: number;
  readonly #waiters: Waiters;
  /** After which step it was found that nothing comes of waiting. */
  #fruitless = -1;

  constructor(run: Run, place: number, waiters: Waiters) {
    this.#run = run;
    this.#place = place;
    this.#waiters = waiters;
    run.park(place, this);
  }

  ready(): boolean {
    const { clock, isWanted, waiting } = this.#waiters;
    return this.#fruitless !== this.#run.steps && clock.pending > 0 && isWanted() &&
      waiting().length > 0;
  }

  go(): void {
    this.#pass();
  }

  async #pass(): Promise<void> {
    const { clock, waiting, nextDeadline } = this.#waiters;
    const waiters = waiting();
    const until = clock.last ?? 0;
    const canGoOn = () => waiters.some((waiter) => waiter.isPossible());
    while (!canGoOn() && (clock.next ?? Infinity) <= until) {
      // Before that moment there is most often nothing but asking in vain.
      const deadline = nextDeadline();
      clock.advance();
      for (let i = 1; i < ROUNDS && (clock.next ?? Infinity) < deadline; i++) clock.advance();
      await macrotask();
    }
    if (!canGoOn()) this.#fruitless = this.#run.steps;
    this.#run.returned(this.#place, clock.now());
    this.#run.park(this.#place, this);
  }
}

/** The world outside for an object that runs in virtual time. */
export function virtualHost(clock: VirtualClock, object: string): Host {
  return {
    now: () => clock.now(),
    timeOrigin: 0,
    setTimer: (callback, ms) => clock.setTimer(callback, ms, object),
    clearTimer: (timer) => clock.clearTimer(timer as ReturnType<VirtualClock["setTimer"]>),
    random: () => 0.5,
    get files(): never {
      throw new TypeError("Cannot reach files: there are none between tasks");
    },
  };
}
