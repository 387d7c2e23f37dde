/** What goes by which name: the guards of one thread's side of a lock, and parties in `query()`. */
import type { Timed } from "../_meter.ts";
import type { AcquireOptions, Guard, LockMode, LockParty } from "../lock.ts";

/** What goes by what `options` name, copied from them: they may be used again for the next. */
export function named(mode: LockMode, options: AcquireOptions | undefined): Timed {
  const { label, owner } = options ?? {};
  const party: { mode: LockMode; label?: string; owner?: object } = { mode };
  if (label !== undefined) party.label = label;
  if (owner !== undefined) party.owner = owner;
  return { party, waiting: false };
}

/** Whether `options` name anything. */
export function isNamed(options: AcquireOptions | undefined): boolean {
  return options?.label !== undefined || options?.owner !== undefined;
}

/** A party as `query()` shows it; one without a label goes by the number of its thread. */
export function shown(party: LockParty, thread: number): LockParty {
  return { label: `owner ${thread}`, ...party };
}

/** Whose guards they are. */
export interface Side {
  /** Called by a guard when it is released, once. */
  leave(writes: boolean, timed: Timed | undefined): void;
}

// Two small classes and not one with a mode: an acquire costs two compare-and-swaps and its guard.

/** One task's right to write; it forgets its side when it gives that back. */
export class WriteHold implements Guard {
  #side: Side | undefined;
  readonly #timed: Timed | undefined;

  constructor(side: Side, timed: Timed | undefined) {
    this.#side = side;
    this.#timed = timed;
  }

  get mode(): LockMode {
    return "write";
  }

  get label(): string | undefined {
    return this.#timed?.party.label;
  }

  get released(): boolean {
    return this.#side === undefined;
  }

  release(): void {
    const side = this.#side;
    if (side === undefined) return;
    this.#side = undefined;
    side.leave(true, this.#timed);
  }

  [Symbol.dispose](): void {
    this.release();
  }
}

/** One task's right to read; it forgets its side when it gives that back. */
export class ReadHold implements Guard {
  #side: Side | undefined;
  readonly #timed: Timed | undefined;

  constructor(side: Side, timed: Timed | undefined) {
    this.#side = side;
    this.#timed = timed;
  }

  get mode(): LockMode {
    return "read";
  }

  get label(): string | undefined {
    return this.#timed?.party.label;
  }

  get released(): boolean {
    return this.#side === undefined;
  }

  release(): void {
    const side = this.#side;
    if (side === undefined) return;
    this.#side = undefined;
    side.leave(false, this.#timed);
  }

  [Symbol.dispose](): void {
    this.release();
  }
}
