/**
 * One run of an update's function, which ends with its result, with what it threw, when its limit
 * passes or when its signal aborts, whichever comes first: a promise settles once, and each end
 * takes timer and listener off. What the function does after that is its own affair; its late
 * result is dropped and its late rejection counts as handled.
 */
import type { Deadline, Deadlines, Expirable } from "./_deadlines.ts";
import { type Abortable, type AbortLink, onAbort } from "./_signals.ts";
import { UpdateLimitError } from "./errors.ts";
import type { UpdateContext, UpdateOptions } from "./snapshots.ts";

/** See above. */
export class UpdateRun<T> implements Expirable, Abortable {
  readonly #deadlines: Deadlines;
  readonly #options: UpdateOptions;
  readonly #context: Context;
  #deadline: Deadline | undefined;
  #link: AbortLink | undefined;
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
    if (signal?.aborted) return Promise.reject(signal.reason);
    const promise = new Promise<T>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    if (limit !== Infinity) this.#deadline = this.#deadlines.add(limit, this);
    if (signal !== undefined) this.#link = onAbort(signal, this);
    this.#call(fn, value).then((next) => this.#finish(next), (error) => this.#fail(error));
    return promise;
  }

  /** Tells the function that its result is no longer wanted, and lets it end by itself. */
  discourage(reason: unknown): void {
    this.#context.abort(reason);
  }

  expire(): void {
    this.#abandon(new UpdateLimitError(this.#options.limit!, this.#options.label));
  }

  abort(reason: unknown): void {
    this.#abandon(reason);
  }

  afterAbort(): void {}

  async #call(fn: (value: T, context: UpdateContext) => T | Promise<T>, value: T): Promise<T> {
    return await fn(value, this.#context);
  }

  #finish(next: T): void {
    const deadline = this.#deadline;
    // A function that kept the thread to itself is past its limit before any timer could fire.
    if (deadline !== undefined && this.#deadlines.elapsed(deadline) > this.#options.limit!) {
      this.expire();
    } else {
      this.#detach();
      this.#resolve(next);
    }
  }

  #fail(reason: unknown): void {
    this.#detach();
    this.#reject(reason);
  }

  #abandon(reason: unknown): void {
    this.#fail(reason);
    this.#context.abort(reason);
  }

  #detach(): void {
    if (this.#deadline !== undefined) this.#deadlines.remove(this.#deadline);
    this.#link?.remove();
  }
}

/** What an update's function is told; its signal is only made when asked for. */
class Context implements UpdateContext {
  readonly epoch: number;
  #controller: AbortController | undefined;
  #aborted: { reason: unknown } | undefined;

  constructor(epoch: number) {
    this.epoch = epoch;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#aborted !== undefined) this.#controller.abort(this.#aborted.reason);
    }
    return this.#controller.signal;
  }

  abort(reason: unknown): void {
    this.#aborted ??= { reason };
    this.#controller?.abort(reason);
  }
}
