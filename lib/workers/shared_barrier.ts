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
import { checkDuration, checkOptions, show } from "../_options.ts";
import { BarrierTimeoutError } from "./_errors.ts";
import { allocate, BODY, checkCount, countOf, open, VERSION, type Words } from "./_memory.ts";
import { waitFor } from "./_waiting.ts";

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

export class SharedBarrier {
  readonly #words: Words;
  readonly #handle: SharedBarrierHandle;
  readonly #host: Host;
  readonly #deadlines: Deadlines;
  /** How many wait for the barrier. */
  readonly parties: number;

  private constructor(words: Words, handle: SharedBarrierHandle) {
    this.#words = words;
    this.#handle = handle;
    this.#host = currentHost();
    this.#deadlines = deadlinesOf(this.#host);
    this.parties = countOf(words);
  }

  static create(parties: number): SharedBarrier {
    checkCount("parties", parties, MOST_PARTIES, "create shared barrier");
    const words = allocate("SharedBarrier", parties, length());
    return new SharedBarrier(words, {
      kind: "SharedBarrier",
      version: VERSION,
      memory: words.buffer,
    });
  }

  static attach(handle: SharedBarrierHandle): SharedBarrier {
    return new SharedBarrier(open("SharedBarrier", handle, MOST_PARTIES, length), handle);
  }

  get handle(): SharedBarrierHandle {
    return this.#handle;
  }

  /** How many have arrived in the round that is open now. */
  get arrived(): number {
    return Atomics.load(this.#words, WORD) & MOST_PARTIES;
  }

  async wait(options: BarrierOptions = {}): Promise<number> {
    const action = "wait at barrier";
    checkOptions(options, action);
    const { timeout = Infinity, signal } = options;
    checkDuration("timeout", timeout, action);
    if (signal !== undefined && typeof signal?.throwIfAborted !== "function") {
      throw new TypeError(`Cannot ${action}: signal must be an AbortSignal, got ${show(signal)}`);
    }
    signal?.throwIfAborted();
    const begun = timeout === Infinity ? 0 : this.#host.now();
    const { index, round } = this.#arrive();
    if (round === undefined) return index;
    const words = this.#words;
    return await waitFor(
      {
        words,
        signal: WORD,
        attempt: () => roundOf(Atomics.load(words, WORD)) !== round,
        withdraw: () => this.#withdraw(round),
        afterwards() {},
        poke: () => Atomics.notify(words, WORD),
        timedOut: () => this.#timedOut(begun),
      },
      () => index,
      this.#deadlines,
      { timeout, signal },
    );
  }

  waitSync(options: BarrierSyncOptions = {}): number {
    const action = "wait at barrier";
    checkOptions(options, action);
    const { timeout = Infinity } = options;
    checkDuration("timeout", timeout, action);
    const begun = timeout === Infinity ? 0 : this.#host.now();
    const { index, round } = this.#arrive();
    if (round === undefined) return index;
    for (let left = timeout;;) {
      const word = Atomics.load(this.#words, WORD);
      if (roundOf(word) !== round) return index;
      if (left <= 0) {
        const error = this.#timedOut(begun);
        if (this.#withdraw(round)) throw error;
        return index;
      }
      Atomics.wait(this.#words, WORD, word, left);
      if (timeout !== Infinity) left = timeout - (this.#host.now() - begun);
    }
  }

  /** Arrives; answers the round to wait for, or none when this arrival completed it. */
  #arrive(): { index: number; round: number | undefined } {
    for (;;) {
      const word = Atomics.load(this.#words, WORD);
      const index = word & MOST_PARTIES;
      const last = index + 1 === this.parties;
      const next = last ? (roundOf(word) + ROUND) | 0 : word + 1;
      if (Atomics.compareExchange(this.#words, WORD, word, next) !== word) continue;
      if (!last) return { index, round: roundOf(word) };
      Atomics.notify(this.#words, WORD);
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
