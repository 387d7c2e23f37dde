/**
 * One owner's side of a lock in shared memory: the algorithm, without any waiting.
 *
 * **Safety is one word.** Bit `i` of `HOLDERS` says that owner `i` is inside, `WRITE` that the one
 * inside is a writer. Every change is a compare-and-swap of the whole word, so there is never a
 * writer beside another holder, whatever else goes wrong.
 *
 * **Order is the seats.** A waiter draws a ticket, writes it into its seat, marks the seat
 * waiting, and sets `QUEUED`: then it has *arrived*. Nobody who begins later and conflicts with it
 * enters before it (first come, first served as Lamport defines it), because while `QUEUED` is set
 * one enters only after looking through the seats and finding nobody ahead with a lower ticket;
 * and because `QUEUED` is cleared only when nobody has arrived: the last to leave turns it into
 * `CLOSING`, looks through the seats *after* that, and clears `CLOSING` if they are empty and the
 * word has not changed. Who arrives meanwhile turns `CLOSING` back into `QUEUED` and so spoils
 * that; who had seen `QUEUED` before had marked its seat before, and is found.
 *
 * **No wake-up is lost.** A waiter reads its own signal, then tries to enter, then sleeps only if
 * the signal is still the same. Whoever could make the first in the queue able to enter (the last
 * to leave, a waiter that withdraws, a reaper) does so first and then signals the first. Either
 * the try saw the change, or the signal comes after it was read. A waiter is never *given* the
 * lock: it takes it when it runs, so a grant cannot go astray between threads, and one that is
 * signalled and withdraws passes the signal on.
 *
 * **Death is one step.** Seat and word tell at every instant exactly what an owner holds and
 * whether it waits, so `reap` erases both and signals. One that is dead and runs on (see `_seat.ts`)
 * cannot change its seat; and the word has another `GENERATION` then, so a compare-and-swap it was
 * about to do fails, and before the next it looks at its seat. The generation counts to 512 and
 * wraps: a thread would have to stand still between a load and the compare-and-swap behind it while
 * an exact multiple of 512 owners are reaped.
 */
import { BODY, type Words } from "./_memory.ts";
import type { LockMode } from "../lock.ts";
import {
  IDLE,
  MOST_OWNERS,
  Seat,
  SEATS,
  seatsEnd,
  SIGNAL,
  STATE,
  STRIDE,
  TICKET,
  WAIT_READ,
  WAIT_WRITE,
} from "./_seat.ts";

const HOLDERS = (1 << MOST_OWNERS) - 1;
const WRITE = 1 << 20;
const QUEUED = 1 << 21;
const CLOSING = 1 << 22;
const FLAGS = QUEUED | CLOSING;
const GENERATION = 1 << 23;

/** The lock word and the ticket counter, each in a cache line of its own. */
const WORD = BODY;
const COUNTER = BODY + 16;

/** One who holds or waits, by its seat. */
export interface Sitter {
  readonly owner: number;
  readonly mode: LockMode;
}

/** What a dead owner had. */
export interface Estate {
  /** How it held the lock, if it did. */
  readonly mode: LockMode | undefined;
  /** Its marks. */
  readonly marks: number;
}

/** What else is to be done when an owner is reaped. */
export interface Besides {
  /**
   * Keeps a dead owner that runs on from what only the holder may do. Called when its seat is marked
   * and before anybody else can hold the lock.
   */
  fence(): void;
  /** Wakes those who wait for what it had marked. Called when its marks are gone. */
  tell(): void;
}

const actionOf = (writes: boolean): string => writes ? "write-lock" : "read-lock";

/** See above; its thread alone may use it. */
export class LockSeat extends Seat {
  readonly #tickets: BigInt64Array<SharedArrayBuffer>;
  readonly #bit: number;
  #ticket = 0n;
  /** The word when this seat last saw it free: most often it is so again. */
  #free = 0;
  /** The word as this seat left it when it entered: most often it is so still. */
  #entered = 0;

  /** Sits down on the seat `wanted`, or on the first empty one. */
  constructor(words: Words, label: string, wanted: number | undefined) {
    super(words, label, wanted);
    this.#tickets = new BigInt64Array(words.buffer);
    this.#bit = 1 << this.owner;
  }

  /** Enters if that needs no waiting. Not to be called while this seat waits. */
  enter(writes: boolean): boolean {
    const words = this.words;
    // A guess spares two loads, each as dear as the swap that proves it right. The guessed word
    // was seen while this seat was alive, so a reaper since has left another generation; the
    // plain read is for a seat that slept until the generations had come round.
    const guess = this.#free;
    const entered = guess | (writes ? this.#bit | WRITE : this.#bit);
    if (
      words[this.at] !== this.idle ||
      Atomics.compareExchange(words, WORD, guess, entered) !== guess
    ) return this.#enterUnsure(writes);
    this.#entered = entered;
    return true;
  }

  // Apart, so that what is done most often is small enough for compilers to inline.
  #enterUnsure(writes: boolean): boolean {
    const words = this.words;
    const entry = writes ? this.#bit | WRITE : this.#bit;
    const barred = writes ? HOLDERS | WRITE : WRITE;
    for (;;) {
      const word = Atomics.load(words, WORD);
      // After the load: a reaper marks the seat first and changes the word then.
      if (Atomics.load(words, this.at) !== this.idle) throw this.gone(actionOf(writes));
      if ((word & barred) !== 0) return false;
      if ((word & FLAGS) !== 0 && this.#anyoneWaits()) return false;
      const entered = word | entry;
      if (Atomics.compareExchange(words, WORD, word, entered) !== word) continue;
      this.#entered = entered;
      return true;
    }
  }

  /** Arrives in the queue. */
  enqueue(writes: boolean): void {
    const words = this.words;
    this.#ticket = Atomics.add(this.#tickets, COUNTER / 2, 1n);
    Atomics.store(this.#tickets, (this.at + TICKET) / 2, this.#ticket);
    const waiting = this.idle - IDLE + (writes ? WAIT_WRITE : WAIT_READ);
    if (Atomics.compareExchange(words, this.at, this.idle, waiting) !== this.idle) {
      throw this.gone(actionOf(writes));
    }
    for (;;) {
      const word = Atomics.load(words, WORD);
      if ((word & QUEUED) !== 0) return;
      const queued = (word & ~CLOSING) | QUEUED;
      if (Atomics.compareExchange(words, WORD, word, queued) === word) return;
    }
  }

  /** Enters from the queue if it is this seat's turn; it no longer waits then. */
  attempt(writes: boolean): boolean {
    const words = this.words;
    const waiting = this.idle - IDLE + (writes ? WAIT_WRITE : WAIT_READ);
    const barred = writes ? HOLDERS | WRITE : WRITE;
    const entry = writes ? this.#bit | WRITE : this.#bit;
    for (;;) {
      const word = Atomics.load(words, WORD);
      if (Atomics.load(words, this.at) !== waiting) throw this.gone(actionOf(writes));
      if ((word & barred) !== 0 || this.#someoneAhead(writes)) return false;
      if (Atomics.compareExchange(words, WORD, word, word | entry) !== word) continue;
      this.#entered = word | entry;
      // If this fails a reaper came in between, and it takes the bit out of the word again.
      if (Atomics.compareExchange(words, this.at, waiting, this.idle) !== waiting) {
        throw this.gone(actionOf(writes));
      }
      return true;
    }
  }

  /** Leaves the queue. `wake()` must follow, for this seat may have been the first. */
  withdraw(writes: boolean): void {
    const waiting = this.idle - IDLE + (writes ? WAIT_WRITE : WAIT_READ);
    Atomics.compareExchange(this.words, this.at, waiting, this.idle);
  }

  /** Gives back what this seat holds; does nothing when it has been reaped. */
  leave(writes: boolean): void {
    const words = this.words;
    // The same guess as in `enter`: nobody has come since, and then nobody need be woken.
    const guess = this.#entered;
    const left = guess & ~(writes ? this.#bit | WRITE : this.#bit);
    if (
      (guess & FLAGS) !== 0 || words[this.at] !== this.idle ||
      Atomics.compareExchange(words, WORD, guess, left) !== guess
    ) return this.#leaveUnsure(writes);
    if ((left & HOLDERS) === 0) this.#free = left;
  }

  #leaveUnsure(writes: boolean): void {
    const words = this.words;
    const kept = ~(writes ? this.#bit | WRITE : this.#bit);
    for (;;) {
      const word = Atomics.load(words, WORD);
      if (!this.alive) return;
      const rest = word & kept;
      if ((word & FLAGS) === 0 || (rest & HOLDERS) !== 0) {
        // If others are inside, whoever is first still cannot enter, or could have before.
        if (Atomics.compareExchange(words, WORD, word, rest) === word) return;
      } else if (this.#anyoneWaits()) {
        if (Atomics.compareExchange(words, WORD, word, rest) === word) return this.wake();
      } else if ((word & QUEUED) !== 0) {
        Atomics.compareExchange(words, WORD, word, word ^ FLAGS);
      } else if (Atomics.compareExchange(words, WORD, word, rest & ~CLOSING) === word) {
        return;
      }
    }
  }

  /** Signals those who may enter now: the first writer, or all readers before it. */
  wake(): void {
    const word = Atomics.load(this.words, WORD);
    if ((word & WRITE) !== 0) return;
    let writer = -1;
    let earliest: bigint | undefined;
    let readers = 0;
    for (let owner = 0; owner < this.seats; owner++) {
      const state = Atomics.load(this.words, SEATS + owner * STRIDE) & STATE;
      if (state === WAIT_READ) readers |= 1 << owner;
      else if (state === WAIT_WRITE) {
        const ticket = this.#ticketOf(owner);
        if (earliest === undefined || ticket < earliest) {
          earliest = ticket;
          writer = owner;
        }
      }
    }
    let first = true;
    for (; readers !== 0; readers &= readers - 1) {
      const owner = 31 - Math.clz32(readers & -readers);
      if (earliest !== undefined && this.#ticketOf(owner) > earliest) continue;
      first = false;
      this.#poke(owner);
    }
    if (first && writer >= 0 && (word & HOLDERS) === 0) this.#poke(writer);
  }

  /** Signals all who wait: they may have reason to go. */
  pokeQueue(): void {
    for (const { owner } of this.look().waiters) this.#poke(owner);
  }

  /** Wakes whatever of this thread waits on its signal. */
  poke(): void {
    this.#poke(this.owner);
  }

  /**
   * Takes away what `owner` holds, its place in the queue and its marks, and empties its seat;
   * answers what it had. Several threads may do it at once, and again if one of them died over it.
   *
   * @param besides What else there is to do.
   */
  reap(owner: number, besides?: Besides): Estate | undefined {
    const dead = this.condemn(owner);
    if (dead === undefined) return undefined;
    besides?.fence();
    const words = this.words;
    const bit = 1 << owner;
    let mine: number;
    for (;;) {
      const word = Atomics.load(words, WORD);
      if (!this.isCondemned(owner, dead)) return undefined;
      mine = (word & bit) === 0 ? 0 : (word & WRITE) === 0 ? bit : bit | WRITE;
      const next = ((word & ~mine) + GENERATION) | 0;
      if (Atomics.compareExchange(words, WORD, word, next) === word) break;
    }
    const marks = this.strip(owner, dead);
    besides?.tell();
    // One that sleeps wakes, finds itself reaped, and can end.
    this.#poke(owner);
    this.wake();
    // Last, so that if this thread dies over it another finds that there is still work to do.
    this.vacate(owner, dead);
    return { mode: mine === 0 ? undefined : mine === bit ? "read" : "write", marks };
  }

  /** Who is inside, and who waits in which order. */
  look(): { holders: Sitter[]; waiters: Sitter[] } {
    const word = Atomics.load(this.words, WORD);
    const holders: Sitter[] = [];
    const waiters: (Sitter & { ticket: bigint })[] = [];
    for (let owner = 0; owner < this.seats; owner++) {
      if ((word & (1 << owner)) !== 0) {
        holders.push({ owner, mode: (word & WRITE) === 0 ? "read" : "write" });
      }
      const state = Atomics.load(this.words, SEATS + owner * STRIDE) & STATE;
      if (state !== WAIT_READ && state !== WAIT_WRITE) continue;
      const mode = state === WAIT_READ ? "read" : "write";
      waiters.push({ owner, mode, ticket: this.#ticketOf(owner) });
    }
    waiters.sort((a, b) => a.ticket < b.ticket ? -1 : 1);
    return { holders, waiters };
  }

  #anyoneWaits(): boolean {
    for (let at = SEATS, end = seatsEnd(this.seats); at < end; at += STRIDE) {
      const state = Atomics.load(this.words, at) & STATE;
      if (state === WAIT_READ || state === WAIT_WRITE) return true;
    }
    return false;
  }

  /** Whether someone with a lower ticket waits whom this seat must not overtake. */
  #someoneAhead(writes: boolean): boolean {
    for (let owner = 0; owner < this.seats; owner++) {
      if (owner === this.owner) continue;
      const state = Atomics.load(this.words, SEATS + owner * STRIDE) & STATE;
      if (state !== WAIT_WRITE && !(writes && state === WAIT_READ)) continue;
      if (this.#ticketOf(owner) < this.#ticket) return true;
    }
    return false;
  }

  #ticketOf(owner: number): bigint {
    return Atomics.load(this.#tickets, (SEATS + owner * STRIDE + TICKET) / 2);
  }

  #poke(owner: number): void {
    const signal = SEATS + owner * STRIDE + SIGNAL;
    Atomics.add(this.words, signal, 1);
    Atomics.notify(this.words, signal);
  }
}
