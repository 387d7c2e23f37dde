/**
 * Waiting for a lock to be free without taking it: a question put again and again, within a time
 * and a signal. Whichever ends it takes timer, deadline and listener away.
 */
import { deadlinesOf, type Expirable } from "./_deadlines.ts";
import { Asker, type Retry } from "./_retry.ts";
import type { Host } from "./_host.ts";
import { Limit } from "./_limit.ts";
import type { Abortable } from "./_signals.ts";

/** What is watched for, and how long. */
export interface Watched {
  readonly retry: Retry;
  readonly timeout: number;
  readonly signal: AbortSignal | undefined;
  /** Whether what is waited for has come. */
  come(): boolean;
  /** The error for one that may wait no longer. */
  timedOut(waited: number): Error;
}

class Watch implements Expirable, Abortable {
  readonly #watched: Watched;
  readonly #resolve: () => void;
  readonly #reject: (reason: unknown) => void;
  readonly #limit: Limit;
  readonly #asker: Asker;

  constructor(
    host: Host,
    watched: Watched,
    resolve: () => void,
    reject: (reason: unknown) => void,
  ) {
    this.#watched = watched;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#limit = new Limit(deadlinesOf(host), this, watched.timeout, watched.signal);
    this.#asker = new Asker(host, () => this.#ask());
    this.#askLater();
  }

  expire(waited: number): void {
    this.abort(this.#watched.timedOut(waited));
  }

  abort(reason: unknown): void {
    this.#stop();
    this.#reject(reason);
  }

  afterAbort(): void {}

  #askLater(): void {
    // As if at the gate: who only looks keeps nobody from passing.
    this.#asker.askLater(this.#watched.retry, true);
  }

  #ask(): void {
    try {
      if (!this.#watched.come()) return this.#askLater();
    } catch (error) {
      return this.abort(error);
    }
    this.#stop();
    this.#resolve();
  }

  #stop(): void {
    this.#asker.stop();
    this.#limit.end();
  }
}

/** Resolves when what is watched for has come; rejects on time-out and abort. */
export async function watch(host: Host, watched: Watched): Promise<void> {
  if (watched.signal?.aborted) throw watched.signal.reason;
  if (watched.come()) return;
  if (watched.timeout === 0) throw watched.timedOut(0);
  await new Promise<void>((resolve, reject) => void new Watch(host, watched, resolve, reject));
}
