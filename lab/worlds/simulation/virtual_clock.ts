/**
 * Time that stands still until it is moved, and timers in it.
 *
 * What always holds: no timer of the past is set. Time moves in `advance` alone, to the earliest
 * deadline there is, and in `jump`, which refuses to pass one; so timers fire in the order of their
 * deadlines, those of one deadline in the order they were set, with the clock at their deadline.
 * Nothing here waits: the same calls give the same times on every runtime, and a wait of 30 seconds
 * costs what one of a millisecond does.
 */

/** What a timer of a `VirtualClock` is known by. */
export interface VirtualTimer {
  /** When it is due, in virtual milliseconds. */
  readonly deadline: number;
  /** The shared object it belongs to, and all that it touches; `undefined` where that is not known. */
  readonly object?: string;
}

class Planned implements VirtualTimer {
  constructor(
    readonly deadline: number,
    /** How many timers were set before it. */
    readonly order: number,
    readonly callback: () => void,
    readonly object: string | undefined,
  ) {}

  /** Whether it fires before `other`. */
  before(other: Planned): boolean {
    return this.deadline < other.deadline ||
      this.deadline === other.deadline && this.order < other.order;
  }
}

/** The longest time a runtime's own timers can be set for: more, and they fire at once. */
const LONGEST = 2 ** 31 - 1;

/**
 * A clock that is moved by hand.
 *
 * @example A timeout of 30 seconds costs nothing
 * ```ts
 * import { VirtualClock } from "@interlock/core/lab";
 * import assert from "node:assert/strict";
 *
 * const clock = new VirtualClock();
 * const fired: string[] = [];
 * clock.setTimer(() => fired.push("timeout"), 30_000);
 * const retry = clock.setTimer(() => fired.push("retry"), 5);
 * clock.setTimer(() => fired.push("poll"), 5);
 * clock.clearTimer(retry);
 *
 * assert.equal(clock.advance(), 1);
 * assert.deepEqual([fired, clock.now(), clock.next], [["poll"], 5, 30_000]);
 * clock.advance();
 * assert.deepEqual([fired, clock.now(), clock.pending], [["poll", "timeout"], 30_000, 0]);
 * ```
 */
export class VirtualClock {
  /** Those that are set, the last to fire first: most often the end is what is wanted. */
  readonly #timers: Planned[] = [];
  #now: number;
  #order = 0;

  /**
   * A clock without timers.
   *
   * @param start What it shows at first, in milliseconds.
   */
  constructor(start = 0) {
    this.#now = start;
  }

  /** Virtual time, in milliseconds. */
  now(): number {
    return this.#now;
  }

  /** How many timers are set. */
  get pending(): number {
    return this.#timers.length;
  }

  /** Whether a timer was ever set. */
  get used(): boolean {
    return this.#order > 0;
  }

  /** When the earliest timer is due; `undefined` when none is set. */
  get next(): number | undefined {
    return this.#timers.at(-1)?.deadline;
  }

  /** When the last timer is due; `undefined` when none is set. */
  get last(): number | undefined {
    return this.#timers[0]?.deadline;
  }

  /** The timers that the next `advance` fires, in order, unless one of them clears another. */
  get due(): readonly VirtualTimer[] {
    let first = this.#timers.length;
    while (first > 0 && this.#timers[first - 1].deadline === this.next) first--;
    return this.#timers.slice(first).reverse();
  }

  /** Whether a timer of that object is set. */
  isSet(object: string): boolean {
    return this.#timers.some((timer) => timer.object === object);
  }

  /**
   * Calls back once, when time has been moved `ms` milliseconds on; never within this call, nor
   * within the `advance` that is under way, even for 0.
   *
   * @param callback What to call.
   * @param ms From 0 to 2^31 - 1 milliseconds from now.
   * @param object The shared object that the timer belongs to, if it touches that one alone.
   * @returns What to clear the timer by.
   * @throws {RangeError} when no runtime's timer could wait `ms`: one that is too long fires at
   *   once there, which a simulation must not hide
   */
  setTimer(callback: () => void, ms: number, object?: string): VirtualTimer {
    if (!(ms >= 0 && ms <= LONGEST)) {
      throw new RangeError(`Cannot set a timer for ${ms} ms: from 0 to ${LONGEST} ms are possible`);
    }
    const timer = new Planned(this.#now + ms, this.#order++, callback, object);
    this.#timers.splice(this.#place(timer), 0, timer);
    return timer;
  }

  /** Forgets a timer; does nothing for one that has fired or was forgotten. */
  clearTimer(timer: VirtualTimer): void {
    const planned = timer as Planned;
    const place = this.#place(planned);
    if (this.#timers[place] === planned) this.#timers.splice(place, 1);
  }

  /**
   * Moves time to the earliest deadline and fires the timers due then, in the order they were set.
   * What a timer sets for 0 ms while this runs is left to the next call, and what it clears does
   * not fire. Should one throw, those after it stay set.
   *
   * @returns How many fired; 0 when no timer is set.
   * @throws whatever a timer throws
   */
  advance(): number {
    const limit = this.#order;
    const time = this.next ?? this.#now;
    this.#now = time;
    let fired = 0;
    for (;;) {
      const timer = this.#timers.at(-1);
      if (timer === undefined || timer.deadline > time || timer.order >= limit) return fired;
      this.#timers.pop();
      fired++;
      timer.callback();
    }
  }

  /**
   * Moves time to `time`, at which nothing is due yet or just then, and fires nothing.
   *
   * @throws {RangeError} when `time` is past, or a timer is due before it
   */
  jump(time: number): void {
    if (!(time >= this.#now && time <= (this.next ?? Infinity) && time < Infinity)) {
      const next = this.next === undefined ? "" : ` and a timer is due at ${this.next}`;
      throw new RangeError(`Cannot move the clock to ${time}: it is ${this.#now}${next}`);
    }
    this.#now = time;
  }

  /** Where `timer` stands, or would. */
  #place(timer: Planned): number {
    let low = 0, high = this.#timers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (timer.before(this.#timers[middle])) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
