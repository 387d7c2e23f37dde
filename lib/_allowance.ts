/**
 * One timeout for several waits, one after the other: what is left of it for the next. Reads no clock
 * where none is needed.
 */
import type { Host } from "./_host.ts";

/** See above. */
export class Allowance {
  readonly #host: Host;
  readonly #timeout: number;
  readonly #timed: boolean;
  readonly #since: number;

  /** `timeout` milliseconds from now, by the clock of `host`. */
  constructor(host: Host, timeout: number) {
    this.#host = host;
    this.#timeout = timeout;
    this.#timed = timeout > 0 && timeout !== Infinity;
    this.#since = this.#timed ? host.now() : 0;
  }

  /** How long may still be waited. */
  get left(): number {
    return this.#timed ? Math.max(0, this.#timeout - this.waited) : this.#timeout;
  }

  /** How long has been waited, if a clock was needed; else 0. */
  get waited(): number {
    return this.#timed ? this.#host.now() - this.#since : 0;
  }
}
