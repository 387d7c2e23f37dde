/**
 * One owner's seat at a lock in shared memory: the algorithm, without any waiting.
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
 * whether it waits, so `reap` erases both and signals. A dead owner may not be quite dead: a
 * terminated Worker that slept in `Atomics.wait` can wake and run on. Its seat has another number
 * then, so no change to its seat succeeds; and the word has another `GENERATION`, so a
 * compare-and-swap it was about to do fails, and before the next it looks at its seat.
 * The generation counts to 512 and wraps: a thread would have to stand still between a load and
 * the compare-and-swap behind it while an exact multiple of 512 owners are reaped.
 */
import { BODY, countOf, type Words } from "./_memory.ts";
import type { LockMode } from "../lock.ts";
import { OwnerReapedError } from "./_errors.ts";

/** As many owners as the word has bits for. */
export const MOST_OWNERS = 20;

const HOLDERS = (1 << MOST_OWNERS) - 1;
const WRITE = 1 << 20;
const QUEUED = 1 << 21;
const CLOSING = 1 << 22;
const FLAGS = QUEUED | CLOSING;
const GENERATION = 1 << 23;

/** The lock word; the ticket counter and the seats each begin a cache line of 16 words. */
const WORD = BODY;
const COUNTER = BODY + 16;
const SEATS = BODY + 32;
const STRIDE = 16;
const SIGNAL = 1;
const TICKET = 2;

/** What a seat says in its lowest three bits; above them is how often it has been given up. */
const STATE = 7;
const EMPTY = 0;
const IDLE = 1;
const WAIT_READ = 2;
const WAIT_WRITE = 3;
const DEAD = 4;
const TENURE = 8;

/** How many words the memory of a lock for `owners` has. */
export function lockLength(owners: number): number {
  return SEATS + owners * STRIDE;
}

/** One who holds or waits, by its seat. */
export interface Sitter {
  readonly owner: number;
  readonly mode: LockMode;
}

/** One owner's side of a lock; its thread alone may use it. */
export class Seat {
  /** The memory, for waiting on. */
  readonly words: Words;
  /** Which word to wait on. */
  readonly signal: number;
  /** The number of this owner. */
  readonly owner: number;
  readonly #tickets: BigInt64Array<SharedArrayBuffer>;
  readonly #seats: number;
  readonly #bit: number;
  /** Where this seat's state is, and what it is while nothing is wrong. */
  readonly #at: number;
  readonly #idle: number;
  readonly #label: string;
  #ticket = 0n;
  #stood = false;
  /** The word when this seat last saw it free: most often it is so again. */
  #free = 0;
  /** The word as this seat left it when it entered: most often it is so still. */
  #entered = 0;

  /** Sits down on the seat `wanted`, or on the first empty one. */
  constructor(words: Words, label: string, wanted: number | undefined) {
    this.words = words;
    this.#label = label;
    this.#tickets = new BigInt64Array(words.buffer);
    this.#seats = countOf(words);
    const [owner, idle] = this.#sit(wanted);
    this.owner = owner;
    this.#idle = idle;
    this.#bit = 1 << owner;
    this.#at = SEATS + owner * STRIDE;
    this.signal = this.#at + SIGNAL;
  }

  #sit(wanted: number | undefined): [owner: number, idle: number] {
    const last = wanted ?? this.#seats - 1;
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
        ? `Cannot attach to ${this.#label}: all ${this.#seats} owners are taken; ` +
          "detach() one, or reap() one that has died"
        : `Cannot attach to ${this.#label}: owner ${wanted} is taken`,
    );
  }

  /** For how many owners the lock is. */
  get seats(): number {
    return this.#seats;
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
      words[this.#at] !== this.#idle ||
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
      if (Atomics.load(words, this.#at) !== this.#idle) throw this.#gone(writes);
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
    Atomics.store(this.#tickets, (this.#at + TICKET) / 2, this.#ticket);
    const waiting = this.#idle - IDLE + (writes ? WAIT_WRITE : WAIT_READ);
    if (Atomics.compareExchange(words, this.#at, this.#idle, waiting) !== this.#idle) {
      throw this.#gone(writes);
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
    const waiting = this.#idle - IDLE + (writes ? WAIT_WRITE : WAIT_READ);
    const barred = writes ? HOLDERS | WRITE : WRITE;
    const entry = writes ? this.#bit | WRITE : this.#bit;
    for (;;) {
      const word = Atomics.load(words, WORD);
      if (Atomics.load(words, this.#at) !== waiting) throw this.#gone(writes);
      if ((word & barred) !== 0 || this.#someoneAhead(writes)) return false;
      if (Atomics.compareExchange(words, WORD, word, word | entry) !== word) continue;
      this.#entered = word | entry;
      // If this fails a reaper came in between, and it takes the bit out of the word again.
      if (Atomics.compareExchange(words, this.#at, waiting, this.#idle) !== waiting) {
        throw this.#gone(writes);
      }
      return true;
    }
  }

  /** Leaves the queue. `wake()` must follow, for this seat may have been the first. */
  withdraw(writes: boolean): void {
    const waiting = this.#idle - IDLE + (writes ? WAIT_WRITE : WAIT_READ);
    Atomics.compareExchange(this.words, this.#at, waiting, this.#idle);
  }

  /** Gives back what this seat holds; does nothing when it has been reaped. */
  leave(writes: boolean): void {
    const words = this.words;
    // The same guess as in `enter`: nobody has come since, and then nobody need be woken.
    const guess = this.#entered;
    const left = guess & ~(writes ? this.#bit | WRITE : this.#bit);
    if (
      (guess & FLAGS) !== 0 || words[this.#at] !== this.#idle ||
      Atomics.compareExchange(words, WORD, guess, left) !== guess
    ) return this.#leaveUnsure(writes);
    if ((left & HOLDERS) === 0) this.#free = left;
  }

  #leaveUnsure(writes: boolean): void {
    const words = this.words;
    const kept = ~(writes ? this.#bit | WRITE : this.#bit);
    for (;;) {
      const word = Atomics.load(words, WORD);
      if (!this.#alive()) return;
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
    for (let owner = 0; owner < this.#seats; owner++) {
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

  /** Wakes whatever of this thread waits on its signal. */
  poke(): void {
    this.#poke(this.owner);
  }

  /**
   * Takes away what `owner` holds and its place in the queue, and empties its seat; answers how
   * it held the lock. Several threads may do it at once, and again if one of them died over it.
   */
  reap(owner: number): LockMode | undefined {
    const words = this.words;
    const at = SEATS + owner * STRIDE;
    let state = Atomics.load(words, at);
    const tenure = state & ~STATE;
    const dead = tenure | DEAD;
    for (;;) {
      if (state === (tenure | EMPTY)) return undefined;
      const found = Atomics.compareExchange(words, at, state, dead);
      if (found === state) break;
      // Another reaper may have finished, and the seat may have been taken again.
      if ((found & ~STATE) !== tenure) return undefined;
      state = found;
    }
    const bit = 1 << owner;
    let mine: number;
    for (;;) {
      const word = Atomics.load(words, WORD);
      if (Atomics.load(words, at) !== dead) return undefined;
      mine = (word & bit) === 0 ? 0 : (word & WRITE) === 0 ? bit : bit | WRITE;
      const next = ((word & ~mine) + GENERATION) | 0;
      if (Atomics.compareExchange(words, WORD, word, next) === word) break;
    }
    // One that sleeps wakes, finds itself reaped, and can end.
    this.#poke(owner);
    this.wake();
    // Last, so that if this thread dies over it another finds that there is still work to do.
    Atomics.compareExchange(words, at, dead, (dead & ~STATE) + TENURE);
    return mine === 0 ? undefined : mine === bit ? "read" : "write";
  }

  /** Throws when the seat has been taken away. */
  verify(writes: boolean): void {
    if (!this.#alive()) throw this.#gone(writes);
  }

  /** Gives up the seat, which must neither hold nor wait. */
  stand(): void {
    this.#stood = true;
    const given = (this.#idle & ~STATE) + TENURE;
    Atomics.compareExchange(this.words, this.#at, this.#idle, given);
  }

  /** Who is inside, and who waits in which order. */
  look(): { holders: Sitter[]; waiters: Sitter[] } {
    const word = Atomics.load(this.words, WORD);
    const holders: Sitter[] = [];
    const waiters: (Sitter & { ticket: bigint })[] = [];
    for (let owner = 0; owner < this.#seats; owner++) {
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

  #alive(): boolean {
    const state = Atomics.load(this.words, this.#at);
    return (state & ~STATE) === (this.#idle & ~STATE) && (state & STATE) !== DEAD;
  }

  #anyoneWaits(): boolean {
    for (let at = SEATS, end = lockLength(this.#seats); at < end; at += STRIDE) {
      const state = Atomics.load(this.words, at) & STATE;
      if (state === WAIT_READ || state === WAIT_WRITE) return true;
    }
    return false;
  }

  /** Whether someone with a lower ticket waits whom this seat must not overtake. */
  #someoneAhead(writes: boolean): boolean {
    for (let owner = 0; owner < this.#seats; owner++) {
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

  #gone(writes: boolean): Error {
    const action = writes ? "write-lock" : "read-lock";
    return this.#stood
      ? new Error(`Cannot ${action} ${this.#label}: this thread has detached from it`)
      : new OwnerReapedError(action, this.#label, this.owner);
  }
}
