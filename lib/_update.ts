/**
 * One run of an update's function, which ends with its result or with what it threw; if it has a
 * limit or a signal it ends when the limit passes or the signal aborts, if that comes first: a
 * promise settles once, and each end takes timer and listener off. What the function does after that
 * is its own affair; its late result is dropped and its late rejection counts as handled.
 */
import type { Deadlines, Expirable } from "./_deadlines.ts";
import { LazySignal } from "./_lazy_signal.ts";
import { Limit } from "./_limit.ts";
import type { Abortable } from "./_signals.ts";
import type { UpdateContext, UpdateOptions } from "./_snapshots_types.ts";
import { UpdateLimitError } from "./errors.ts";

/** The function of an update. */
type Update<T> = (value: T, context: UpdateContext) => T | Promise<T>;

/** See above. The function is given it as its context. */
export class UpdateRun extends LazySignal implements UpdateContext {
  readonly epoch: number;
  #failure: "failed" | "overran" | "aborted" = "failed";

  constructor(epoch: number) {
    super();
    this.epoch = epoch;
  }

  /**
   * Runs `fn` on `value` and answers its result; throws, or rejects with, what `fn` does or what
   * ended the run before it.
   */
  start<T>(
    fn: Update<T>,
    value: T,
    options: UpdateOptions,
    deadlines: Deadlines,
  ): T | Promise<T> {
    const { signal, limit = Infinity } = options;
    if (limit === Infinity && signal === undefined) return fn(value, this);
    // The signal may have aborted after the turn was granted and before it began.
    if (signal?.aborted) {
      this.#failure = "aborted";
      return Promise.reject(signal.reason);
    }
    return new Promise((resolve, reject) => {
      const bounded = new BoundedRun<T>(this, options, resolve, reject);
      bounded.start(deadlines, fn, value);
    });
  }

  /** How it ended, if it did not end well. */
  static failureOf(run: UpdateRun): "failed" | "overran" | "aborted" {
    return run.#failure;
  }

  /** The function's result is no longer wanted, and not waited for either. */
  static abandon(run: UpdateRun, how: "overran" | "aborted", reason: unknown): void {
    run.#failure = how;
    run.abort(reason);
  }
}

/** A run that may end before its function does. */
class BoundedRun<T> implements Expirable, Abortable {
  readonly #run: UpdateRun;
  readonly #options: UpdateOptions;
  readonly #resolve: (value: T) => void;
  readonly #reject: (reason: unknown) => void;
  #limit!: Limit;

  constructor(
    run: UpdateRun,
    options: UpdateOptions,
    resolve: (value: T) => void,
    reject: (reason: unknown) => void,
  ) {
    this.#run = run;
    this.#options = options;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  start(deadlines: Deadlines, fn: Update<T>, value: T): void {
    const { limit = Infinity, signal } = this.#options;
    this.#limit = new Limit(deadlines, this, limit, signal);
    this.#call(fn, value).then((next) => this.#finish(next), (error) => this.#fail(error));
  }

  expire(): void {
    const { limit, label } = this.#options;
    this.#abandon("overran", new UpdateLimitError(limit!, label));
  }

  abort(reason: unknown): void {
    this.#abandon("aborted", reason);
  }

  afterAbort(): void {}

  async #call(fn: Update<T>, value: T): Promise<T> {
    return await fn(value, this.#run);
  }

  #finish(next: T): void {
    const { limit = Infinity } = this.#options;
    // A function that kept the thread to itself is past its limit before any timer could fire.
    if (this.#limit.elapsed > limit) {
      this.expire();
    } else {
      this.#limit.end();
      this.#resolve(next);
    }
  }

  #fail(reason: unknown): void {
    this.#limit.end();
    this.#reject(reason);
  }

  #abandon(how: "overran" | "aborted", reason: unknown): void {
    this.#fail(reason);
    UpdateRun.abandon(this.#run, how, reason);
  }
}
