/**
 * How often another process, or a server, is asked again. Two rhythms, for two questions:
 *
 * - *Is the lock free?* is asked by those who hold the gate, so by one writer or by the readers
 *   who share it. The pauses grow by a quarter each from `min` to `max`, which keeps a pause near a
 *   quarter of the time waited so far: short waits end promptly, long ones cost little.
 * - *Is the gate free?* is asked by everyone else, and whoever asks first after it was freed has
 *   it. There the pauses do not grow: were they to, those who have waited longest would ask least
 *   often, and newcomers would overtake them.
 *
 * Both are jittered, so that processes that collided once do not collide for ever.
 *
 * The defaults are where a longer pause stops paying: eight processes that count to 4,000 took
 * 2.3, 1.6, 1.0 and 0.8 s with a `max` of 5, 10, 20 and 50 ms (a process that has the lock uses it
 * for as long as nobody asks), while the longest wait stayed near 100 ms up to 20 and grew to
 * 170 ms at 50. At 20 ms a waiting process costs under 1 % of a processor. A `min` below 1 ms
 * changed nothing, for timers do not keep to it.
 */
import type { Host, Timer } from "./_host.ts";
import { checkDuration, checkOptions } from "./_options.ts";

/** How long to pause between two questions to the system, in milliseconds. */
export interface RetryOptions {
  /**
   * The shortest pause. Timers rarely keep to less than 1 ms.
   *
   * @default 1
   */
  min?: number;
  /**
   * The longest pause: how long a lock that another process frees may go unnoticed.
   *
   * @default 20
   */
  max?: number;
}

/** The same, checked and complete. */
export interface Retry {
  readonly min: number;
  readonly max: number;
}

/** Refuses pauses that cannot be meant, and fills in those not given. */
export function checkRetry(options: RetryOptions | undefined, action: string): Retry {
  checkOptions(options, action);
  if (options?.min !== undefined) checkDuration("retry.min", options.min, action);
  if (options?.max !== undefined) checkDuration("retry.max", options.max, action);
  // Who gives one of the two means that one: the other's default makes way.
  const max = options?.max ?? Math.max(20, options?.min ?? 0);
  const min = options?.min ?? Math.min(1, max);
  if (max === Infinity) {
    throw new RangeError(`Cannot ${action}: retry.max must be finite, got Infinity`);
  }
  if (min > max) {
    throw new RangeError(
      `Cannot ${action}: retry.min must be at most retry.max, got ${min} and ${max}`,
    );
  }
  return { min, max };
}

const GROWTH = 1.25;

/** The pause before the next question, after `asked` that were answered with no. */
export function pause(host: Host, retry: Retry, asked: number): number {
  const grown = Math.min(retry.max, retry.min * GROWTH ** asked);
  return Math.max(retry.min, grown * (0.5 + host.random() / 2));
}

/** The pause before asking for the gate again. */
export function pauseAtGate(host: Host, retry: Retry): number {
  return retry.min + (retry.max - retry.min) * host.random();
}

/** Asks in one of the rhythms until it is told to stop. There is a timer while it pauses. */
export class Asker {
  readonly #host: Host;
  readonly #ask: () => void;
  #timer: Timer | undefined = undefined;
  #asked = 0;

  /** `ask` is to call `askLater` again, or `stop`. */
  constructor(host: Host, ask: () => void) {
    this.#host = host;
    this.#ask = ask;
  }

  /** Whether it is going to ask. */
  get asks(): boolean {
    return this.#timer !== undefined;
  }

  /** Asks after a pause, for the lock or, without the gate, for the gate. */
  askLater(retry: Retry, atGate: boolean): void {
    if (!atGate) this.#asked = 0;
    const wait = atGate ? pause(this.#host, retry, this.#asked++) : pauseAtGate(this.#host, retry);
    this.#timer = this.#host.setTimer(() => {
      this.#timer = undefined;
      this.#ask();
    }, wait);
  }

  /** Asks no more, and begins anew the next time. */
  stop(): void {
    if (this.#timer !== undefined) this.#host.clearTimer(this.#timer);
    this.#timer = undefined;
    this.#asked = 0;
  }
}
