/**
 * One acquire of a `FileLock`: what it wants and until when, from its first wait to its end, through
 * however many files its path comes to lead to meanwhile.
 */
import type { Retry } from "./_file_retry.ts";
import type { Request } from "./_file_parked.ts";
import type { Host } from "./_host.ts";
import { LockTimeoutError } from "./errors.ts";
import type { AcquireOptions, LockMode, LockQuery } from "./lock.ts";

/** As much of a `FileLock` as an acquire looks at. */
export interface Wanted {
  readonly path: string;
  query(): LockQuery;
}

/** The error for a wait that was too long. */
export function timedOut(
  lock: Wanted,
  name: string,
  mode: LockMode,
  waited: number,
): LockTimeoutError {
  const { holders } = lock.query();
  // With none in this process it is another's, of which the system says nothing.
  const known = holders.length === 0 ? undefined : holders;
  return new LockTimeoutError({ lock: name, mode, waited, holders: known });
}

/** See the top of the file. */
export class Acquire implements Request {
  readonly #lock: Wanted;
  readonly #host: Host;
  readonly #name: string;
  readonly #options: AcquireOptions;
  readonly #timeout: number;
  readonly #since: number;

  constructor(
    lock: Wanted,
    host: Host,
    name: string,
    readonly retry: Retry,
    readonly mode: LockMode,
    options: AcquireOptions,
  ) {
    this.#lock = lock;
    this.#host = host;
    this.#name = name;
    this.#options = options;
    this.#timeout = options.timeout ?? Infinity;
    this.#since = this.#timeout === 0 || this.#timeout === Infinity ? 0 : host.now();
  }

  get path(): string {
    return this.#lock.path;
  }

  get signal(): AbortSignal | undefined {
    return this.#options.signal;
  }

  queueOptions(): AcquireOptions {
    const { label, owner, signal } = this.#options;
    return { label, owner, signal, timeout: this.left() };
  }

  left(): number {
    if (this.#timeout === 0 || this.#timeout === Infinity) return this.#timeout;
    // Whole milliseconds, so that those who wait together share a timer.
    return Math.max(0, Math.ceil(this.#timeout - this.#waited()));
  }

  timedOut(): LockTimeoutError {
    return timedOut(this.#lock, this.#name, this.mode, this.#waited());
  }

  #waited(): number {
    return this.#timeout === 0 ? 0 : this.#host.now() - this.#since;
  }
}
