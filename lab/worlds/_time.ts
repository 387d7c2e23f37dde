/** The actor that lets time pass, in stepped runs. */
import { type Action, ANYTHING, macrotask, type Operation, type Run } from "../engine/mod.ts";
import type { Host } from "../../lib/_host.ts";
import { VirtualClock } from "./simulation/mod.ts";

/** Its name, after those of the actors it serves. */
export const TIME = "time";

const PASS: Operation = { object: ANYTHING, kind: "time passes", effect: "write" };

/**
 * Virtual time as one more actor: to let it move is to move the clock to the next deadline.
 *
 * So whether a timeout comes before or after another actor's step is a choice like any other, and a
 * wait of thirty seconds costs nothing. What a timer sets off can touch anything.
 */
export class Time implements Action {
  readonly operation = PASS;
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
  readonly operation = PASS;
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

/** The world outside for what runs in virtual time. */
export function virtualHost(clock: VirtualClock): Host {
  return {
    now: () => clock.now(),
    timeOrigin: 0,
    setTimer: (callback, ms) => clock.setTimer(callback, ms),
    clearTimer: (timer) => clock.clearTimer(timer as ReturnType<VirtualClock["setTimer"]>),
    random: () => 0.5,
    get files(): never {
      throw new TypeError("Cannot reach files: there are none between tasks");
    },
  };
}
