/**
 * Two threads that take turns, by locks and by nothing but wait and notify. Neither way does a
 * thread ever go on while it is the other's turn, so that no time slice is spent on going twice.
 */
import type { Guard } from "../lib/lock.ts";
import type { SharedRwLock } from "../lib/workers/mod.ts";

/** Memory of both sides. */
export type Words = Int32Array<SharedArrayBuffer>;

/** How often a lock has changed hands; a plain word, which only the one whose turn it is changes. */
export const CHANGES = 0;
/** Turns of the one side, and of the other. */
const PING = 16;
const PONG = 32;

/** How many round trips a sample has: after two times a multiple of three all is as before. */
export const ROUND_TRIPS = 999;

/**
 * One side of a game with three locks. Turn `k` is to release lock `k mod 3`, on which the other
 * side waits, and then to wait for the next, which the other side releases in its turn. The side
 * that begins holds the first lock and the third, the other the second.
 */
export class Side {
  readonly #locks: readonly SharedRwLock[];
  readonly #guards: (Guard | undefined)[];
  readonly #begins: boolean;

  constructor(locks: readonly SharedRwLock[], begins: boolean) {
    this.#locks = locks;
    this.#begins = begins;
    this.#guards = locks.map((lock, i) => (i === 1) === begins ? undefined : lock.writeSync());
  }

  /** Plays all turns of a sample; the other side does so at the same time. */
  play(words: Words): void {
    const turns = 2 * ROUND_TRIPS;
    if (!this.#begins) this.#acquire(0);
    for (let turn = this.#begins ? 0 : 1; turn < turns; turn += 2) {
      words[CHANGES]++;
      this.#guards[turn % 3]!.release();
      if (turn < turns - 1) this.#acquire((turn + 1) % 3);
    }
  }

  #acquire(index: number): void {
    this.#guards[index] = this.#locks[index].writeSync();
  }
}

function turn(words: Words, mine: number): void {
  Atomics.add(words, mine, 1);
  Atomics.notify(words, mine);
}

function awaitTurn(words: Words, theirs: number, turns: number): void {
  for (let seen = Atomics.load(words, theirs); seen < turns; seen = Atomics.load(words, theirs)) {
    Atomics.wait(words, theirs, seen);
  }
}

/** Begins each round trip; answers how many there were. */
export function ask(words: Words): number {
  const before = Atomics.load(words, PING);
  for (let i = 1; i <= ROUND_TRIPS; i++) {
    turn(words, PING);
    awaitTurn(words, PONG, before + i);
  }
  return Atomics.load(words, PONG) - before;
}

/** Ends each round trip; the other side may have begun already. */
export function answer(words: Words): void {
  const before = Atomics.load(words, PONG);
  for (let i = 1; i <= ROUND_TRIPS; i++) {
    awaitTurn(words, PING, before + i);
    turn(words, PONG);
  }
}
