/**
 * What may end a wait, or a run, before its time: a deadline and a signal. Whatever ends it takes
 * both off, so that neither is left behind.
 */
import type { Deadline, Deadlines, Expirable } from "./_deadlines.ts";
import { type Abortable, type AbortLink, onAbort } from "./_signals.ts";

/** See above. */
export class Limit {
  readonly #deadlines: Deadlines;
  readonly #deadline: Deadline | undefined;
  readonly #link: AbortLink | undefined;

  /** Tells `target` when `ms` milliseconds have passed or `signal`, which has not yet, aborts. */
  constructor(
    deadlines: Deadlines,
    target: Expirable & Abortable,
    ms: number,
    signal: AbortSignal | undefined,
  ) {
    this.#deadlines = deadlines;
    if (ms !== Infinity) this.#deadline = deadlines.add(ms, target);
    if (signal !== undefined) this.#link = onAbort(signal, target);
  }

  /** How long it has lasted, in milliseconds, if there is a deadline; else 0. */
  get elapsed(): number {
    return this.#deadline === undefined ? 0 : this.#deadlines.elapsed(this.#deadline);
  }

  /** Takes both off. Does nothing the second time. */
  end(): void {
    if (this.#deadline !== undefined) this.#deadlines.remove(this.#deadline);
    this.#link?.remove();
  }
}
