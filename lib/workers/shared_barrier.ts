/**
 * A barrier in shared memory: nobody leaves a round before all have arrived in it.
 *
 * Round and number of arrivals are one word, and every change of it is a compare-and-swap. The
 * arrival that completes a round begins the next in the same step, so the barrier is reusable
 * without a reset, and whether a waiter may go on is one comparison: the round is no longer its
 * own. For the same reason a party that gives up either takes its arrival back from a round that
 * is still open or finds that it has been let through; there is nothing in between.
 */
import { type Deadlines, deadlinesOf } from "../_deadlines.ts";
import { currentHost, type Host } from "../_host.ts";
import { checkAcquireOptions } from "../_options.ts";
import { throwIfAborted } from "../_signals.ts";
import { BarrierTimeoutError } from "./_errors.ts";
import {
  allocate,
  BODY,
  checkCount,
  checkNoSignal,
  countOf,
  open,
  VERSION,
  type Words,
} from "./_memory.ts";
import { blockFor, waitFor } from "./_waiting.ts";

/** What is posted to another thread, for it to `attach()` to. A plain object, freely cloned. */
export interface SharedBarrierHandle {
  /** What it is a handle of. */
  readonly kind: "SharedBarrier";
  /** The version of the memory's layout. */
  readonly version: number;
  /** The memory itself. */
  readonly memory: SharedArrayBuffer;
}

/** How to wait at a barrier with the thread blocked. */
export interface BarrierSyncOptions {
  /**
   * The longest wait in milliseconds. When it has passed, the arrival is taken back and the wait
   * ends with a `BarrierTimeoutError`.
   *
   * @default Infinity
   */
  timeout?: number;
}

/** How to wait at a barrier. */
export interface BarrierOptions extends BarrierSyncOptions {
  /** Ends the wait: the arrival is taken back, and the wait rejects with the signal's reason. */
  signal?: AbortSignal;
}

/** As many parties as the low bits of the word can count, one less than where rounds begin. */
const MOST_PARTIES = 1023;
const ROUND = 1024;
const WORD = BODY;

/** Memory of a barrier has one length, however many parties. */
const length = (): number => BODY + 16;

/** The round a word is in: what is left without the arrivals. */
function roundOf(word: number): number {
  return word & ~MOST_PARTIES;
}

/**
 * A meeting point for a fixed number of parties: nobody leaves before all have arrived.
 *
 * The parties may be threads, tasks of one thread, or both: each call of `wait` or `waitSync` is
 * one party. When the last has arrived all go on, and the next call begins the next round. Where
 * more parties come than a round takes, the surplus wait for the next.
 *
 * A wait that times out or aborts takes its arrival back, as if it had never come: the others
 * wait on, and whoever arrives next takes its place. If the round was completed in that very
 * moment it has been let through, and the wait succeeds. A thread that dies while it waits has
 * arrived all the same; one that dies before never does, so give a `timeout` where threads may
 * die.
 *
 * @example
 * ```ts
 * import { SharedBarrier } from "@interlock/core/workers";
 * import assert from "node:assert/strict";
 *
 * const barrier = SharedBarrier.create(2);
 * const theirs = SharedBarrier.attach(structuredClone(barrier.handle)); // in a Worker
 * const first = theirs.wait();
 * assert.equal(barrier.arrived, 1);
 * assert.equal(barrier.waitSync(), 1);
 * assert.equal(await first, 0);
 * ```
 */
export class SharedBarrier {
  readonly #words: Words;
  readonly #handle: SharedBarrierHandle;
  readonly #host: Host;
  readonly #deadlines: Deadlines;
  /** How many a round waits for. */
  readonly parties: number;

  private constructor(words: Words, handle: SharedBarrierHandle) {
    this.#words = words;
    this.#handle = handle;
    this.#host = currentHost();
    this.#deadlines = deadlinesOf(this.#host);
    this.parties = countOf(words);
  }

  /**
   * Creates a barrier at which nobody has arrived.
   *
   * @param parties How many a round waits for, from 1 to 1023.
   * @throws {TypeError | RangeError} when `parties` is not such a number
   */
  static create(parties: number): SharedBarrier {
    checkCount("parties", parties, MOST_PARTIES, "create shared barrier");
    const words = allocate("SharedBarrier", parties, length());
    const handle = { kind: "SharedBarrier", version: VERSION, memory: words.buffer } as const;
    return new SharedBarrier(words, handle);
  }

  /**
   * The same barrier in another thread.
   *
   * @param handle What the other thread's `handle` was.
   * @throws {TypeError} when `handle` is not that of a `SharedBarrier` of this release
   */
  static attach(handle: SharedBarrierHandle): SharedBarrier {
    return new SharedBarrier(open("SharedBarrier", handle, MOST_PARTIES, length), handle);
  }

  /** What to post to another thread; `structuredClone` and `postMessage` share its memory. */
  get handle(): SharedBarrierHandle {
    return this.#handle;
  }

  /** How many have arrived in the round that is open now. */
  get arrived(): number {
    return Atomics.load(this.#words, WORD) & MOST_PARTIES;
  }

  /**
   * Arrives, and waits for the others.
   *
   * @param options How long to wait in milliseconds, and what ends the wait.
   * @returns How many had arrived in the round before. Exactly one party of a round, the last,
   *   is answered `parties - 1`; the others' numbers are distinct unless someone took its arrival
   *   back.
   * @throws {BarrierTimeoutError} when `timeout` milliseconds have passed
   * @throws {TypeError | RangeError} when an option cannot be meant
   * @throws the signal's reason when it has aborted
   */
  async wait(options: BarrierOptions = {}): Promise<number> {
    checkAcquireOptions(options, "wait at barrier");
    const { timeout = Infinity, signal } = options;
    throwIfAborted(signal);
    const begun = this.#host.now();
    const { index, round } = this.#arrive();
    if (round === undefined) return index;
    const words = this.#words;
    const awaited = {
      words,
      signal: WORD,
      attempt: () => roundOf(Atomics.load(words, WORD)) !== round,
      withdraw: () => this.#withdraw(round),
      afterwards() {},
      poke: () => Atomics.notify(words, WORD),
      timedOut: () => this.#timedOut(begun),
    };
    return await waitFor(awaited, () => index, this.#deadlines, { timeout, signal });
  }

  /**
   * Arrives, and blocks the thread until the others have.
   *
   * @param options How long to wait in milliseconds.
   * @returns As for `wait()`.
   * @throws {BarrierTimeoutError} when `timeout` milliseconds have passed
   * @throws {TypeError | RangeError} when an option cannot be meant
   */
  waitSync(options: BarrierSyncOptions = {}): number {
    checkAcquireOptions(options, "wait at barrier");
    checkNoSignal(options, "wait at barrier");
    const { timeout = Infinity } = options;
    const begun = this.#host.now();
    const { index, round } = this.#arrive();
    if (round === undefined) return index;
    const words = this.#words;
    let over = false;
    const attempt = () => over = roundOf(Atomics.load(words, WORD)) !== round;
    try {
      if (blockFor({ words, signal: WORD, attempt }, timeout, this.#host)) return index;
      const error = this.#timedOut(begun);
      over = true;
      if (this.#withdraw(round)) throw error;
      return index;
    } finally {
      // Where the thread may not block, `Atomics.wait` throws.
      if (!over) this.#withdraw(round);
    }
  }

  /** Arrives; answers the round to wait for, or none when this arrival has completed it. */
  #arrive(): { index: number; round: number | undefined } {
    for (;;) {
      const word = Atomics.load(this.#words, WORD);
      const index = word & MOST_PARTIES;
      const last = index + 1 === this.parties;
      const next = last ? (roundOf(word) + ROUND) | 0 : word + 1;
      if (Atomics.compareExchange(this.#words, WORD, word, next) !== word) continue;
      if (!last) return { index, round: roundOf(word) };
      if (index > 0) Atomics.notify(this.#words, WORD);
      return { index, round: undefined };
    }
  }

  /** Takes an arrival back; answers whether the round was still open. */
  #withdraw(round: number): boolean {
    for (;;) {
      const word = Atomics.load(this.#words, WORD);
      if (roundOf(word) !== round) return false;
      if (Atomics.compareExchange(this.#words, WORD, word, word - 1) === word) return true;
    }
  }

  #timedOut(begun: number): BarrierTimeoutError {
    return new BarrierTimeoutError(this.#host.now() - begun, this.arrived, this.parties);
  }
}
