/** The calls of actors that are elsewhere, told of as they begin and as they end. */
import type { Call } from "../engine/history/mod.ts";

/** The calls of one run. */
export class CallBook {
  readonly #calls = new Map<string, Call>();
  readonly #sequence: (() => number) | undefined;
  readonly #skew: number;

  /**
   * @param sequence Gives the calls their times, in the order in which they are told of.
   * @param skew By how much times from elsewhere may be wrong.
   */
  constructor(sequence: (() => number) | undefined, skew: number) {
    this.#sequence = sequence;
    this.#skew = skew;
  }

  /** Takes what the actor at `place` tells. */
  note(place: number, calls: readonly (readonly [number, Call])[]): void {
    for (const [index, call] of calls) {
      const key = `${place} ${index}`;
      const before = this.#calls.get(key);
      const invoked = before?.invoked ?? this.#sequence?.() ?? call.invoked - this.#skew;
      const returned = call.returned === undefined
        ? undefined
        : this.#sequence?.() ?? call.returned + this.#skew;
      this.#calls.set(key, { ...call, invoked, returned });
    }
  }

  history(): Call[] {
    return [...this.#calls.values()];
  }
}
