/**
 * What a `FileLock` with `stats: true` counts: what every lock counts, and how much of it was the
 * other processes' doing. It counts the acquires of that one object. Objects that lead to the same
 * file are one lock, and share a descriptor and a queue, but not their counts.
 */
import { Histogram } from "./_histogram.ts";
import type { Host } from "./_host.ts";
import { Meter } from "./_meter.ts";
import type { Named } from "./_named.ts";
import type { FileLockStats } from "./file_lock.ts";

/** See above. */
export class FileMeter extends Meter {
  polls = 0;
  handOffs = 0;
  readonly waiting: Set<Named> = new Set();
  inside = 0;
  readonly others: Histogram = new Histogram();

  /** All of it. */
  summary(): FileLockStats {
    return {
      ...this.read(this.inside, Array.from(this.waiting, ({ party }) => party)),
      others: this.others.summary(),
      polls: this.polls,
      handOffs: this.handOffs,
    };
  }
}

/** One acquire as the meter sees it, from when it is made until its guard is released. */
export class MeteredAcquire {
  readonly #meter: FileMeter;
  readonly #host: Host;
  readonly #named: Named;
  #parkedAt = 0;

  constructor(meter: FileMeter, host: Host, named: Named) {
    this.#meter = meter;
    this.#host = host;
    this.#named = named;
  }

  /** It has to wait, for whomever. It may have waited before. */
  waits(): void {
    if (this.#named.waiting) return;
    this.#meter.waits(this.#named);
    this.#meter.waiting.add(this.#named);
  }

  /** It has its place among the tasks of this process, and has to wait for another process. */
  parks(): void {
    this.waits();
    this.#parkedAt = this.#host.now();
  }

  /** Another process is waited for no longer. */
  unparks(): void {
    this.#meter.others.record(this.#host.now() - this.#parkedAt);
  }

  /** The system was asked again. */
  polls(): void {
    this.#meter.polls++;
  }

  /** It is inside; `kept` tells whether this process held the lock already. */
  enters(kept: boolean): void {
    this.#meter.waiting.delete(this.#named);
    this.#meter.entered(this.#named);
    this.#meter.inside++;
    if (kept) this.#meter.handOffs++;
  }

  /** It is no longer inside. */
  leaves(): void {
    this.#meter.inside--;
    this.#meter.left(this.#named);
  }

  /** It has ended without the lock. */
  fails(how: "timedOut" | "aborted" | "failed"): void {
    if (how !== "failed") this.#meter[how]++;
    if (this.#named.waiting) this.#meter.gaveUp(this.#named);
    this.#meter.waiting.delete(this.#named);
  }
}
