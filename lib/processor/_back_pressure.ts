/**
 * Back-pressure that adapts: how many jobs may be pending follows how long they wait.
 *
 * What is looked at is the **shortest** wait of an interval. A burst makes some wait long, and is
 * over before the interval is; only a queue that never empties makes all wait, and that queue does
 * nothing but add to the wait of each job (K. Nichols and V. Jacobson, Controlling Queue Delay, ACM
 * Queue 2012). When even the shortest wait is above the target, the limit goes down by a share of
 * what was pending at most; when it is not and the limit was in the way, it goes up by a fixed step:
 * additive increase and multiplicative decrease, which settle (D. Chiu and R. Jain, 1989).
 *
 * It has no timer: it looks when jobs come and begin, for without them there is nothing to decide.
 */
import type { Host } from "../_host.ts";
import type { Permits } from "./_permits.ts";

/** How back-pressure adapts. */
export interface BackPressureOptions {
  /** How long jobs may wait, in milliseconds, before fewer are accepted. */
  target: number;
  /**
   * How often it is decided, in milliseconds.
   *
   * @default 100
   */
  interval?: number;
  /**
   * The fewest jobs that may be pending.
   *
   * @default the number of workers
   */
  min?: number;
  /**
   * Asked once an interval whether all is well with what the jobs depend on: memory, a database.
   * When it says no, fewer are accepted, as when the target is missed.
   */
  isHealthy?: () => boolean;
}

/** By what share of the pending jobs the limit goes down. */
const DECREASE = 0.1;

/** By what share of all places it goes up. */
const INCREASE = 0.05;

/** See the top of the file. */
export class BackPressure {
  readonly #host: Host;
  readonly #permits: Permits;
  readonly #options: Required<BackPressureOptions>;
  readonly #most: number;
  #since: number;
  #peak = 0;
  #shortest: number | undefined;

  constructor(host: Host, permits: Permits, options: BackPressureOptions, workers: number) {
    const { target, interval = 100, min = workers, isHealthy = () => true } = options;
    this.#host = host;
    this.#permits = permits;
    this.#options = { target, interval, min, isHealthy };
    this.#most = permits.limit;
    this.#since = host.now();
  }

  /** A job comes; to be told before it is decided whether it is accepted. */
  comes(): void {
    const now = this.#host.now();
    if (now - this.#since >= this.#options.interval) this.#decide(now);
    // As many would be pending if it were accepted.
    this.#peak = Math.max(this.#peak, this.#permits.held + 1);
  }

  /** A job has begun. */
  begins(waited: number): void {
    this.#shortest = Math.min(this.#shortest ?? Infinity, waited);
  }

  #decide(now: number): void {
    const { target, min } = this.#options;
    const permits = this.#permits;
    if (this.#shortest !== undefined && this.#shortest > target || !this.#isHealthy()) {
      const pending = Math.min(permits.limit, this.#peak);
      permits.limit = Math.max(min, Math.floor(pending * (1 - DECREASE)));
    } else if (this.#shortest !== undefined && this.#peak >= permits.limit) {
      const step = Math.max(1, Math.floor(this.#most * INCREASE));
      permits.limit = Math.min(this.#most, permits.limit + step);
    }
    this.#since = now;
    this.#peak = permits.held;
    this.#shortest = undefined;
  }

  #isHealthy(): boolean {
    try {
      return this.#options.isHealthy();
    } catch (error) {
      Promise.reject(error);
      return false;
    }
  }
}
