/**
 * The guards of one thread's side of a lock, in the order they were given.
 *
 * A guard is linked into its side's line exactly while it is not released: it goes in where it is
 * made and out in `release`, which does nothing the second time because the guard forgets its
 * side. Its state is `#private`, so nobody can alter the line through a guard.
 */
import type { AcquireOptions, Guard, LockMode, LockParty } from "../lock.ts";

/** What a party goes by. */
export type Names = Pick<AcquireOptions, "label" | "owner">;

/** The part of `options` that names a party, copied: they may be used again for the next. */
export function namesOf(options: AcquireOptions | undefined): Names | undefined {
  if (options === undefined) return undefined;
  const { label, owner } = options;
  return label === undefined && owner === undefined ? undefined : { label, owner };
}

/** A party as `query()` shows it; one without a label goes by the number of its thread. */
export function party(mode: LockMode, names: Names | undefined, thread: number): LockParty {
  const label = names?.label ?? `owner ${thread}`;
  return names?.owner === undefined ? { mode, label } : { mode, label, owner: names.owner };
}

/** Whose guards they are. */
export interface Side {
  /** Its guards. */
  readonly line: Line;
  /** Called by a guard when it is released. */
  leave(writes: boolean): void;
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
  readonly #names: Names | undefined;
  #before: Hold | undefined;
  #after: Hold | undefined = undefined;

  constructor(side: Side, writes: boolean, names: Names | undefined) {
    this.#side = side;
    this.#writes = writes;
    this.#names = names;
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
    side.leave(this.#writes);
  }

  [Symbol.dispose](): void {
    this.release();
  }

  static {
    list = (line, thread) => {
      const parties: LockParty[] = [];
      for (let hold = line.first; hold !== undefined; hold = hold.#after) {
        parties.push(party(hold.mode, hold.#names, thread));
      }
      return parties;
    };
  }
}
