/**
 * One acquire of a `FileLock`: what it wants and until when, from its first wait to its end, through
 * however many files its path comes to lead to meanwhile.
 */
import { type FileMeter, MeteredAcquire } from "./_file_meter.ts";
import type { Request } from "./_file_parked.ts";
import type { Retry } from "./_retry.ts";
import type { Host } from "./_host.ts";
import { Named, nameOf } from "./_named.ts";
import { LockTimeoutError } from "./errors.ts";
import type { AcquireOptions, LockMode, LockQuery } from "./lock.ts";

/** What all acquires of a `FileLock` have in common. */
export interface Wanted {
  readonly host: Host;
  /** The absolute path of the lock file. */
  readonly path: string;
  /** What the lock is called in errors. */
  readonly name: string;
  readonly retry: Retry;
  readonly meter: FileMeter | undefined;
  query(): LockQuery;
}

/** The error for a wait that was too long. */
export function timedOut(lock: Wanted, mode: LockMode, waited: number): LockTimeoutError {
  const { holders } = lock.query();
  // With none in this process it is another's, of which the system says nothing.
  const known = holders.length === 0 ? undefined : holders;
  return new LockTimeoutError({ lock: lock.name, mode, waited, holders: known });
}

/** See the top of the file. */
export class Acquire implements Request {
  readonly mode: LockMode;
  readonly signal: AbortSignal | undefined;
  readonly named: Named | undefined;
  readonly metered: MeteredAcquire | undefined;
  readonly #lock: Wanted;
  readonly #timeout: number;
  readonly #since: number;

  constructor(lock: Wanted, mode: LockMode, options: AcquireOptions) {
    const { host, meter } = lock;
    const { timeout = Infinity, signal } = options;
    this.#lock = lock;
    this.mode = mode;
    this.signal = signal;
    this.named = nameOf(mode === "write", options);
    if (meter !== undefined) {
      this.named ??= new Named({ mode });
      this.metered = new MeteredAcquire(meter, host, this.named);
    }
    this.#timeout = timeout;
    this.#since = timeout === 0 || timeout === Infinity ? 0 : host.now();
  }

  get path(): string {
    return this.#lock.path;
  }

  get retry(): Retry {
    return this.#lock.retry;
  }

  left(): number {
    if (this.#timeout === 0 || this.#timeout === Infinity) return this.#timeout;
    // Whole milliseconds, so that those who wait together share a timer.
    return Math.max(0, Math.ceil(this.#timeout - this.#waited()));
  }

  timedOut(): LockTimeoutError {
    return timedOut(this.#lock, this.mode, this.#waited());
  }

  #waited(): number {
    return this.#timeout === 0 ? 0 : this.#lock.host.now() - this.#since;
  }
}
