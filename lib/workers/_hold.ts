/**
 * The guards of one thread's side of a lock, in the order they were given.
 *
 * A guard is linked into its side's line exactly while it is not released: it goes in where it is
 * made and out in `release`, which does nothing the second time because the guard forgets its
 * side. Its state is `#private`, so nobody can alter the line through a guard.
 */
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
export function shown(mode: LockMode, timed: Timed | undefined, thread: number): LockParty {
  return { label: `owner ${thread}`, ...timed?.party ?? { mode } };
}

/** Whose guards they are. */
export interface Side {
  /** Its guards. */
  readonly line: Line;
  /** Called by a guard when it is released. */
  leave(writes: boolean, timed: Timed | undefined): void;
}

/** All guards of one side. */
export class Line {
  first: Hold | undefined;
  last: Hold | undefined;
}

// Given its body inside `Hold`, where the links can be seen.
let list: (line: Line, thread: number) => LockParty[];

/** Those in a line, in its order. */
export function holdersOf(line: Line, thread: number): LockParty[] {
  return list(line, thread);
}

/** One task's right to be inside. */
export class Hold implements Guard {
  #side: Side | undefined;
  readonly #writes: boolean;
  readonly #timed: Timed | undefined;
  #before: Hold | undefined;
  #after: Hold | undefined = undefined;

  constructor(side: Side, writes: boolean, timed: Timed | undefined) {
    this.#side = side;
    this.#writes = writes;
    this.#timed = timed;
    const line = side.line;
    const last = line.last;
    this.#before = last;
    if (last === undefined) line.first = this;
    else last.#after = this;
    line.last = this;
  }

  get mode(): LockMode {
    return this.#writes ? "write" : "read";
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
    const line = side.line;
    const before = this.#before;
    const after = this.#after;
    if (before === undefined) line.first = after;
    else before.#after = after;
    if (after === undefined) line.last = before;
    else after.#before = before;
    // A guard someone keeps must not keep its neighbours.
    this.#before = this.#after = undefined;
    side.leave(this.#writes, this.#timed);
  }

  [Symbol.dispose](): void {
    this.release();
  }

  static {
    list = (line, thread) => {
      const parties: LockParty[] = [];
      for (let hold = line.first; hold !== undefined; hold = hold.#after) {
        parties.push(shown(hold.mode, hold.#timed, thread));
      }
      return parties;
    };
  }
}
