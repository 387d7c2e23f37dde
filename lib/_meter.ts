/**
 * What a lock with `stats: true` counts. Each acquire is counted where its fate is decided: once
 * in `acquired`, `timedOut` or `aborted`. Without statistics a lock has no meter and reads no clock
 * for one.
 */
import { Histogram } from "./_histogram.ts";
import type { Host } from "./_host.ts";
import type { LockMode, LockParty, LockStats } from "./lock.ts";

/** A holder or waiter whose times are taken. */
export interface Timed {
  party: LockParty;
  /** Whether it waits, and `since` is when it began to. */
  waiting: boolean;
}

/** See above. */
export class Meter {
  timedOut = 0;
  aborted = 0;
  readonly #host: Host;
  readonly #acquired: Record<LockMode, number> = { read: 0, write: 0 };
  #contended = 0;
  readonly #wait = new Histogram();
  readonly #hold = new Histogram();

  constructor(host: Host) {
    this.#host = host;
  }

  /** One begins to wait. */
  waits(timed: Timed): void {
    this.#contended++;
    timed.waiting = true;
    this.#stamp(timed, this.#host.now());
  }

  /** One stops waiting without the lock. */
  gaveUp(timed: Timed): void {
    this.#wait.record(this.#host.now() - timed.party.since!);
  }

  /** One comes in, whether or not it has waited. */
  entered(timed: Timed): void {
    const now = this.#host.now();
    if (timed.waiting) this.#wait.record(now - timed.party.since!);
    timed.waiting = false;
    this.#acquired[timed.party.mode]++;
    this.#stamp(timed, now);
  }

  /** One goes out. */
  left(timed: Timed): void {
    this.#hold.record(this.#host.now() - timed.party.since!);
  }

  /** All of it, with those who hold and wait now. */
  read(holders: number, waiters: readonly LockParty[]): LockStats {
    const now = this.#host.now();
    const waiting = waiters.map(({ since }) => now - since!);
    return {
      acquired: { ...this.#acquired },
      contended: this.#contended,
      timedOut: this.timedOut,
      aborted: this.aborted,
      holders,
      waiters: waiters.length,
      longestWait: waiting.reduce((a, b) => Math.max(a, b), this.#wait.max),
      wait: this.#wait.summary(),
      hold: this.#hold.summary(),
    };
  }

  #stamp(timed: Timed, since: number): void {
    timed.party = { ...timed.party, since };
  }
}
