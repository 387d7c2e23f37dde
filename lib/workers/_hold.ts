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

/** One task's right to read or to write; it forgets its side when it gives that back. */
export class Hold implements Guard {
  readonly mode: LockMode;
  #side: Side | undefined;
  readonly #timed: Timed | undefined;

  constructor(side: Side, mode: LockMode, timed: Timed | undefined) {
    this.mode = mode;
    this.#side = side;
    this.#timed = timed;
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
    side.leave(this.mode === "write", this.#timed);
  }

  [Symbol.dispose](): void {
    this.release();
  }
}
