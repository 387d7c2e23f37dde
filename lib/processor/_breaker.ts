/**
 * A circuit breaker: once too many of a method's jobs fail, no more are accepted, so that what it
 * depends on can recover and nobody waits for what will fail. After a while a few are let through
 * as trials. (M. Nygard, Release It!; the window of the last calls is Resilience4j's.)
 *
 * What always holds: an outcome counts only in the state in which its job was let through. Each
 * state has a number, and a pass is the number of the state that gave it; `leave` ignores the passes
 * of former states, so that what was begun before the circuit opened neither closes nor opens it
 * again. A trial that ends without an outcome (its caller aborted it, say) gives its place back: else
 * the circuit would wait for ever for a trial that nobody makes.
 *
 * Written here and not taken from a library because it decides within the call that accepts a job,
 * and on the host's clock; those there are wrap a function, and ask `Date` for the time.
 */
import type { Host } from "../_host.ts";

/** When a circuit opens, and how it closes again. */
export interface BreakerOptions {
  /**
   * From which share of failures on it opens; more than 0, and at most 1.
   *
   * @default 0.5
   */
  rate?: number;
  /**
   * Of how many of the last jobs the share is taken.
   *
   * @default 20
   */
  window?: number;
  /**
   * How many jobs must have ended before there is a share; at most `window`.
   *
   * @default half the window, rounded up
   */
  minimum?: number;
  /**
   * How long it stays open before trials are let through, in milliseconds.
   *
   * @default 10_000
   */
  cooldown?: number;
  /**
   * How many trials must succeed for it to close; one that fails opens it again.
   *
   * @default 1
   */
  trials?: number;
  /**
   * Which errors are failures, where not all are: an invalid request, say, is none of the method. A
   * caller's abort and a `timeout` before the job began never are.
   *
   * @default all of them
   */
  isFailure?: (error: unknown) => boolean;
}

/** Whether jobs are accepted: all, none, or a few as trials. */
export type BreakerState = "closed" | "open" | "half-open";

/** By what a job that was let through is known when it ends. */
export type Pass = number;

/** How a job ended, as far as the circuit cares. */
export type Verdict = "good" | "bad" | "none";

/** See the top of the file. */
export class Breaker {
  readonly #host: Host;
  readonly #options: Required<BreakerOptions>;
  #state: BreakerState = "closed";
  #number: Pass = 0;
  /** The last outcomes, as far as they are in the window; `true` is a failure. */
  #outcomes: boolean[] = [];
  #oldest = 0;
  #failures = 0;
  #openedAt = 0;
  /** Trials that are under way or have succeeded. */
  #trials = 0;
  #succeeded = 0;

  constructor(host: Host, options: BreakerOptions) {
    this.#host = host;
    const { window = 20 } = options;
    this.#options = {
      window,
      rate: options.rate ?? 0.5,
      minimum: options.minimum ?? Math.ceil(window / 2),
      cooldown: options.cooldown ?? 10_000,
      trials: options.trials ?? 1,
      isFailure: options.isFailure ?? (() => true),
    };
  }

  /** The state at this moment; a circuit whose cooldown has passed lets a trial through. */
  get state(): BreakerState {
    return this.#state === "open" && this.retryAfter === 0 ? "half-open" : this.#state;
  }

  /** In how many milliseconds trials are let through. */
  get retryAfter(): number {
    if (this.#state !== "open") return 0;
    return Math.max(0, this.#openedAt + this.#options.cooldown - this.#host.now());
  }

  /** Lets a job through, if it does now. */
  enter(): Pass | undefined {
    if (this.#state === "closed") return this.#number;
    if (this.#state === "open") {
      if (this.retryAfter > 0) return undefined;
      this.#turn("half-open");
    }
    if (this.#trials >= this.#options.trials) return undefined;
    this.#trials++;
    return this.#number;
  }

  /** A job that was let through has ended. */
  leave(pass: Pass, verdict: Verdict): void {
    if (pass !== this.#number) return;
    if (this.#state === "half-open") this.#tried(verdict);
    else if (verdict !== "none") this.#count(verdict === "bad");
  }

  /** What an error says. */
  judge(error: unknown): Verdict {
    try {
      return this.#options.isFailure(error) ? "bad" : "good";
    } catch (thrown) {
      Promise.reject(thrown);
      return "bad";
    }
  }

  #tried(verdict: Verdict): void {
    if (verdict === "none") this.#trials--;
    else if (verdict === "bad") this.#open();
    else if (++this.#succeeded === this.#options.trials) this.#turn("closed");
  }

  #count(failed: boolean): void {
    const { window, minimum, rate } = this.#options;
    if (this.#outcomes.length === window) {
      if (this.#outcomes[this.#oldest]) this.#failures--;
      this.#outcomes[this.#oldest] = failed;
      this.#oldest = (this.#oldest + 1) % window;
    } else this.#outcomes.push(failed);
    if (failed) this.#failures++;
    const { length } = this.#outcomes;
    if (length >= minimum && this.#failures >= rate * length) this.#open();
  }

  #open(): void {
    this.#turn("open");
    this.#openedAt = this.#host.now();
  }

  #turn(state: BreakerState): void {
    this.#state = state;
    this.#number++;
    this.#outcomes = [];
    this.#oldest =
      this.#failures =
      this.#trials =
      this.#succeeded =
        0;
  }
}
