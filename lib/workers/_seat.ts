/**
 * Owners: the threads that have attached to shared memory, and the seat that each of them has.
 *
 * A seat is a state and how often it has been given up, in one word. Only its owner changes it,
 * by a compare-and-swap from the word it left there itself; so once another has changed it, by
 * which an owner is declared dead, every later change of its owner's fails. A dead owner may not
 * be quite dead: a terminated Worker that slept in `Atomics.wait` can wake and run on. By its seat
 * it finds out, and whoever is given the seat next has another number in it.
 *
 * **Dying takes three steps**, so that several can see to it at once, and again when one of them
 * dies over it. `condemn` marks the seat dead: from then on the owner changes nothing. What it had
 * is taken away by whoever keeps it; each thing is taken away once, from this owner and no later
 * one, because it changes only while the seat says that its owner is dead. `vacate` comes last and
 * gives the seat out.
 *
 * **Marks** are what an owner has besides the seat: 24 bits in a word next to it, whose meaning is
 * for whoever uses them. They change under the same rule, and their word has the last 8 bits of
 * the seat's number in it. An owner looks at its seat before it changes its marks, so only one that
 * stands still between the two while an exact multiple of 256 owners come and go could be wrong.
 */
import { BODY, countOf, type Words } from "./_memory.ts";
import { OwnerReapedError } from "./_errors.ts";

/** As many owners as a word of holders has bits for; see `_lock_seat.ts`. */
export const MOST_OWNERS = 20;

/** As many marks as an owner has. */
export const MOST_MARKS = 24;

/** Where the seats begin, behind two lines of the lock's own; each has a cache line of 16 words. */
export const SEATS = BODY + 32;
/** How many words a seat has. */
export const STRIDE = 16;

/** A word of the seat to wait on. */
export const SIGNAL = 1;
/** Two words for the place in a queue. */
export const TICKET = 2;
const MARKS = 4;

/** What a seat says in its lowest three bits; above them is how often it has been given up. */
export const STATE = 7;
const EMPTY = 0;
/** Somebody has the seat, and waits for nothing. */
export const IDLE = 1;
/** It waits to read. */
export const WAIT_READ = 2;
/** It waits to write. */
export const WAIT_WRITE = 3;
const DEAD = 4;
const TENURE = 8;

const ALL_MARKS = (1 << MOST_MARKS) - 1;

/** The part of a word of marks that says in whose time they were set. */
function tagOf(state: number): number {
  return (state >>> 3) << MOST_MARKS;
}

/** How many words the memory has up to the end of the seats of so many owners. */
export function seatsEnd(owners: number): number {
  return SEATS + owners * STRIDE;
}

/** One owner's seat; its thread alone may use it. */
export class Seat {
  /** The memory, for waiting on. */
  readonly words: Words;
  /** What is shared, in errors. */
  readonly label: string;
  /** For how many owners there are seats. */
  readonly seats: number;
  /** The number of this owner. */
  readonly owner: number;
  /** Where this seat is, and what it says while nothing is wrong and nothing is waited for. */
  readonly at: number;
  readonly idle: number;
  /** Which word to wait on. */
  readonly signal: number;
  /** The marks as this owner left them. */
  #marks: number;
  #stood = false;

  /** Sits down on the seat `wanted`, or on the first empty one. */
  constructor(words: Words, label: string, wanted: number | undefined) {
    this.words = words;
    this.label = label;
    this.seats = countOf(words);
    const [owner, idle] = this.#sit(wanted);
    this.owner = owner;
    this.idle = idle;
    this.at = SEATS + owner * STRIDE;
    this.signal = this.at + SIGNAL;
    // Whoever gave the seat up, or took it away, has left it so.
    this.#marks = tagOf(idle);
  }

  #sit(wanted: number | undefined): [owner: number, idle: number] {
    const last = wanted ?? this.seats - 1;
    for (let owner = wanted ?? 0; owner <= last; owner++) {
      const at = SEATS + owner * STRIDE;
      const state = Atomics.load(this.words, at);
      if ((state & STATE) !== EMPTY) continue;
      const idle = state | IDLE;
      if (Atomics.compareExchange(this.words, at, state, idle) === state) return [owner, idle];
      // Someone sat down in between; a wanted seat is gone then, and any other is too.
    }
    throw new Error(
      wanted === undefined
        ? `Cannot attach to ${this.label}: all ${this.seats} owners are taken; ` +
          "detach() one, or reap() one that has died"
        : `Cannot attach to ${this.label}: owner ${wanted} is taken`,
    );
  }

  /** Whether the seat is still this owner's. */
  get alive(): boolean {
    const state = Atomics.load(this.words, this.at);
    return (state & ~STATE) === (this.idle & ~STATE) && (state & STATE) !== DEAD;
  }

  /** Throws when the seat has been taken away; `action` is what was tried. */
  verify(action: string): void {
    if (!this.alive) throw this.gone(action);
  }

  /** What an owner whose seat has been taken away is told. */
  gone(action: string): Error {
    return this.#stood
      ? new Error(`Cannot ${action} ${this.label}: this thread has detached from it`)
      : new OwnerReapedError(action, this.label, this.owner);
  }

  /** Gives up the seat, which must neither hold nor wait nor have marks. */
  stand(): void {
    this.#stood = true;
    const given = (this.idle & ~STATE) + TENURE;
    // First, for who has sat down next may set marks at once.
    Atomics.compareExchange(this.words, this.at + MARKS, this.#marks, tagOf(given));
    Atomics.compareExchange(this.words, this.at, this.idle, given);
  }

  /** Sets some marks and clears others; answers `false`, and changes nothing, when reaped. */
  mark(set: number, clear: number): boolean {
    const words = this.words;
    const before = this.#marks;
    const after = before & ~clear | set;
    if (!this.alive || Atomics.compareExchange(words, this.at + MARKS, before, after) !== before) {
      return false;
    }
    this.#marks = after;
    return true;
  }

  /** The marks of `owner` now. */
  marksOf(owner: number): number {
    return Atomics.load(this.words, SEATS + owner * STRIDE + MARKS) & ALL_MARKS;
  }

  /** What anybody has marked, looked at one owner after the other. */
  allMarks(): number {
    let marks = 0;
    const end = seatsEnd(this.seats);
    for (let at = SEATS + MARKS; at < end; at += STRIDE) marks |= Atomics.load(this.words, at);
    return marks & ALL_MARKS;
  }

  /** Declares `owner` dead; answers what its seat says from now on, or nothing if it is empty. */
  protected condemn(owner: number): number | undefined {
    const at = SEATS + owner * STRIDE;
    let state = Atomics.load(this.words, at);
    const tenure = state & ~STATE;
    const dead = tenure | DEAD;
    for (;;) {
      if (state === (tenure | EMPTY)) return undefined;
      const found = Atomics.compareExchange(this.words, at, state, dead);
      if (found === state) return dead;
      // Another reaper may have finished, and the seat may have been taken again.
      if ((found & ~STATE) !== tenure) return undefined;
      state = found;
    }
  }

  /** Whether that is still so: else all is done, and the seat may have another owner. */
  protected isCondemned(owner: number, dead: number): boolean {
    return Atomics.load(this.words, SEATS + owner * STRIDE) === dead;
  }

  /** Takes the marks of a dead owner away; answers which it had. */
  protected strip(owner: number, dead: number): number {
    const at = SEATS + owner * STRIDE + MARKS;
    for (;;) {
      const marks = Atomics.load(this.words, at);
      // It may have given them up itself, when it died over giving up its seat.
      if (!this.isCondemned(owner, dead) || marks >>> MOST_MARKS !== tagOf(dead) >>> MOST_MARKS) {
        return 0;
      }
      const bare = tagOf(dead + TENURE);
      if (Atomics.compareExchange(this.words, at, marks, bare) === marks) return marks & ALL_MARKS;
    }
  }

  /** Gives the seat of a dead owner out, from whom all has been taken. */
  protected vacate(owner: number, dead: number): void {
    const empty = (dead & ~STATE) + TENURE;
    Atomics.compareExchange(this.words, SEATS + owner * STRIDE, dead, empty);
  }
}
