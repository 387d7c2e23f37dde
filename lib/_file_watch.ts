/**
 * Waiting for a lock to be free without taking it: a question put again and again, within a time
 * and a signal. Whichever ends it takes timer, deadline and listener away.
 */
import { type Deadline, deadlinesOf, type Expirable } from "./_deadlines.ts";
import { Asker, type Retry } from "./_file_retry.ts";
import type { Host } from "./_host.ts";
import { type Abortable, type AbortLink, onAbort } from "./_signals.ts";

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
  readonly #host: Host;
  readonly #watched: Watched;
  readonly #resolve: () => void;
  readonly #reject: (reason: unknown) => void;
  readonly #deadline: Deadline;
  readonly #link: AbortLink | undefined;
  readonly #asker: Asker;

  constructor(
    host: Host,
    watched: Watched,
    resolve: () => void,
    reject: (reason: unknown) => void,
  ) {
    this.#host = host;
    this.#watched = watched;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#deadline = deadlinesOf(host).add(watched.timeout, this);
    this.#link = watched.signal && onAbort(watched.signal, this);
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
    deadlinesOf(this.#host).remove(this.#deadline);
    this.#link?.remove();
  }
}

/** Resolves when what is watched for has come; rejects on time-out and abort. */
export async function watch(host: Host, watched: Watched): Promise<void> {
  if (watched.signal?.aborted) throw watched.signal.reason;
  if (watched.come()) return;
  if (watched.timeout === 0) throw watched.timedOut(0);
  await new Promise<void>((resolve, reject) => void new Watch(host, watched, resolve, reject));
}
