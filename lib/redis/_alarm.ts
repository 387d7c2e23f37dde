/** A timer that goes off at the earliest of the moments it was set to, and then is not set. */
import type { Host, Timer } from "../_host.ts";

/** The longest time a host's timer can be set for; longer waits take several. */
const LONGEST = 2 ** 31 - 1;

/** The first of some moments; `Infinity` of none. Of more than `Math.min` takes at once, too. */
export function earliest(moments: readonly number[]): number {
  return moments.reduce((first, moment) => Math.min(first, moment), Infinity);
}

/** See above. */
export class Alarm {
  readonly #host: Host;
  readonly #ring: (due: number) => void;
  #timer: Timer | undefined;
  #due = Infinity;

  /** @param ring Told when it was to go off, by the host's clock. */
  constructor(host: Host, ring: (due: number) => void) {
    this.#host = host;
    this.#ring = ring;
  }

  /** Sees to it that it goes off at `due` at the latest; at once if that is past. */
  setBy(due: number): void {
    if (due >= this.#due) return;
    this.clear();
    this.#due = due;
    const wait = Math.max(0, due - this.#host.now());
    this.#timer = this.#host.setTimer(() => {
      this.clear();
      if (wait > LONGEST) this.setBy(due);
      else this.#ring(due);
    }, Math.min(wait, LONGEST));
  }

  /** It does not go off. */
  clear(): void {
    if (this.#timer !== undefined) this.#host.clearTimer(this.#timer);
    this.#timer = undefined;
    this.#due = Infinity;
  }
}
