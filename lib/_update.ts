/**
 * One run of an update's function, which ends with its result, with what it threw, when its limit
 * passes or when its signal aborts, whichever comes first: a promise settles once, and each end
 * takes timer and listener off. What the function does after that is its own affair; its late
 * result is dropped and its late rejection counts as handled.
 */
import type { Deadlines, Expirable } from "./_deadlines.ts";
import { LazySignal } from "./_lazy_signal.ts";
import { Limit } from "./_limit.ts";
import type { Abortable } from "./_signals.ts";
import { UpdateLimitError } from "./errors.ts";
import type { UpdateContext, UpdateOptions } from "./_snapshots_types.ts";

/** See above. */
export class UpdateRun<T> implements Expirable, Abortable {
  /** How it has ended, if it did not end well. */
  failure: "failed" | "overran" | "aborted" = "failed";
  readonly #deadlines: Deadlines;
  readonly #options: UpdateOptions;
  readonly #context: Context;
  #limit: Limit | undefined;
  #resolve!: (value: T) => void;
  #reject!: (reason: unknown) => void;

  constructor(deadlines: Deadlines, epoch: number, options: UpdateOptions) {
    this.#deadlines = deadlines;
    this.#options = options;
    this.#context = new Context(epoch);
  }

  /** Runs `fn` on `value` and answers its result, or rejects with what ended the run before it. */
  start(fn: (value: T, context: UpdateContext) => T | Promise<T>, value: T): Promise<T> {
    const { signal, limit = Infinity } = this.#options;
    // The signal may have aborted after the turn was granted and before it began.
    if (signal?.aborted) {
      this.failure = "aborted";
      return Promise.reject(signal.reason);
    }
    const promise = new Promise<T>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    if (limit !== Infinity || signal !== undefined) {
      this.#limit = new Limit(this.#deadlines, this, limit, signal);
    }
    this.#call(fn, value).then((next) => this.#finish(next), (error) => this.#fail(error));
    return promise;
  }

  /** Tells the function that its result is no longer wanted, and lets it end by itself. */
  discourage(reason: unknown): void {
    this.#context.abort(reason);
  }

  expire(): void {
    this.failure = "overran";
    this.#abandon(new UpdateLimitError(this.#options.limit!, this.#options.label));
  }

  abort(reason: unknown): void {
    this.failure = "aborted";
    this.#abandon(reason);
  }

  afterAbort(): void {}

  async #call(fn: (value: T, context: UpdateContext) => T | Promise<T>, value: T): Promise<T> {
    return await fn(value, this.#context);
  }

  #finish(next: T): void {
    const { limit = Infinity } = this.#options;
    // A function that kept the thread to itself is past its limit before any timer could fire.
    if (this.#limit !== undefined && this.#limit.elapsed > limit) {
      this.expire();
    } else {
      this.#limit?.end();
      this.#resolve(next);
    }
  }

  #fail(reason: unknown): void {
    this.#limit?.end();
    this.#reject(reason);
  }

  #abandon(reason: unknown): void {
    this.#fail(reason);
    this.#context.abort(reason);
  }
}

/** What an update's function is told. */
class Context extends LazySignal implements UpdateContext {
  constructor(readonly epoch: number) {
    super();
  }
}
