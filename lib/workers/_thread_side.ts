/**
 * A lock in shared memory as one thread sees it: its tasks, and the one seat they share.
 *
 * `inside` is -1 while a task of this thread writes, else how many of them read; the seat is held
 * exactly while it is not 0, so only the first reader in and the last one out touch the word.
 * Tasks that cannot enter at once pass a door one by one, an `RwLock` whose order is theirs, and
 * whoever is in the door waits in the shared queue: a seat is in that queue at most once. While
 * anyone is at the door (`queued`) nobody enters beside it. So the tasks of a thread are served
 * in the order they came, and the threads in the order in which their first ones arrived.
 */
import { type Deadline, type Deadlines, deadlinesOf } from "../_deadlines.ts";
import { currentHost, type Host } from "../_host.ts";
import { tell } from "../_observers.ts";
import { LockTimeoutError } from "../errors.ts";
import type {
  AcquireOptions,
  Guard,
  LockMode,
  LockOptions,
  LockParty,
  LockQuery,
} from "../lock.ts";
import { RwLock } from "../rw_lock.ts";
import type { Words } from "./_memory.ts";
import { Seat } from "./_seat.ts";
import { type Awaited, waitFor } from "./_waiting.ts";

/** What a party goes by. */
type Names = Pick<AcquireOptions, "label" | "owner">;

/** A task at the door; the door knows it as its owner. */
class Caller {
  constructor(readonly mode: LockMode, readonly names: Names) {}
}

/** One task's right to be inside. */
class Hold implements Guard {
  readonly #side: ThreadSide;
  readonly #writes: boolean;
  readonly names: Names;
  #released = false;
  before: Hold | undefined = undefined;
  after: Hold | undefined = undefined;

  constructor(side: ThreadSide, writes: boolean, names: Names) {
    this.#side = side;
    this.#writes = writes;
    this.names = names;
  }

  get mode(): LockMode {
    return this.#writes ? "write" : "read";
  }

  get released(): boolean {
    return this.#released;
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#side.leave(this, this.#writes);
  }

  [Symbol.dispose](): void {
    this.release();
  }
}

const NAMELESS: Names = {};

function party(mode: LockMode, { label, owner }: Names, seat: number): LockParty {
  const named: { mode: LockMode; label: string; owner?: object } = {
    mode,
    label: label ?? `owner ${seat}`,
  };
  if (owner !== undefined) named.owner = owner;
  return named;
}

/** One thread's side of a lock. */
export class ThreadSide {
  readonly seat: Seat;
  readonly label: string;
  readonly #host: Host;
  readonly #deadlines: Deadlines;
  readonly #onContention: LockOptions["onContention"];
  readonly #contentionAfter: number;
  readonly #door = new RwLock();
  /** How many tasks are at the door or in it. */
  #queued = 0;
  /** The task that waits in the shared queue. */
  #front: Caller | undefined;
  #inside = 0;
  #first: Hold | undefined;
  #last: Hold | undefined;

  constructor(words: Words, options: LockOptions, owner: number | undefined) {
    this.label = options.label ?? "the shared lock";
    this.#host = currentHost();
    this.#deadlines = deadlinesOf(this.#host);
    this.#onContention = options.onContention;
    this.#contentionAfter = options.contentionAfter ?? 100;
    this.seat = new Seat(words, this.label, owner);
  }

  /** Enters if that needs no waiting. */
  enter(writes: boolean, names: Names = NAMELESS): Guard | undefined {
    if (this.#queued !== 0 || (writes ? this.#inside !== 0 : this.#inside < 0)) return undefined;
    if (!this.seat.enter(writes)) return undefined;
    return this.#admit(writes, names);
  }

  /** Enters in its turn. */
  async acquire(writes: boolean, options: AcquireOptions): Promise<Guard> {
    const { timeout = Infinity, signal } = options;
    signal?.throwIfAborted();
    const entered = this.enter(writes, options);
    if (entered !== undefined) return entered;
    if (timeout === 0) throw this.#timedOut(writes, 0);

    const caller = new Caller(writes ? "write" : "read", options);
    const begun = this.#host.now();
    const contention = this.#watch(caller.mode);
    this.#queued++;
    try {
      using _turn = await this.#door.write({ timeout, signal, owner: caller }).catch((error) => {
        throw error instanceof LockTimeoutError ? this.#timedOut(writes, error.waited) : error;
      });
      signal?.throwIfAborted();
      this.seat.enqueue(writes);
      this.#front = caller;
      const left = Math.max(0, timeout - (this.#host.now() - begun));
      const patience = { timeout: left, signal };
      return await waitFor(
        this.#turnOf(writes, begun),
        () => this.#admit(writes, options),
        this.#deadlines,
        patience,
      );
    } finally {
      this.#front = undefined;
      this.#queued--;
      if (contention !== undefined) this.#deadlines.remove(contention);
    }
  }

  /** Enters in its turn, blocking the thread. */
  acquireSync(writes: boolean, timeout: number, names: Names): Guard {
    const entered = this.enter(writes, names);
    if (entered !== undefined) return entered;
    if (timeout === 0) throw this.#timedOut(writes, 0);
    const mode = writes ? "write" : "read";
    if (this.#queued !== 0 || this.#inside !== 0) {
      throw new Error(
        `Cannot ${mode}-lock ${this.label} synchronously: tasks of this thread hold it or are ` +
          "ahead, and could never run while it waits",
      );
    }
    const seat = this.seat;
    seat.enqueue(writes);
    let over = false;
    try {
      const begun = this.#host.now();
      const told = this.#onContention === undefined ? Infinity : this.#contentionAfter;
      for (let waited = 0, next = Math.min(told, timeout);;) {
        const seen = Atomics.load(seat.words, seat.signal);
        if (seat.attempt(writes)) {
          over = true;
          return this.#admit(writes, names);
        }
        if (waited >= timeout) throw this.#timedOut(writes, waited);
        if (waited >= next) {
          next = Infinity;
          this.#tell(mode, waited);
        }
        Atomics.wait(seat.words, seat.signal, seen, Math.min(next, timeout) - waited);
        waited = this.#host.now() - begun;
      }
    } finally {
      if (!over) {
        seat.withdraw(writes);
        seat.wake();
      }
    }
  }

  /** Takes one hold back; called by the guard, once. */
  leave(hold: Hold, writes: boolean): void {
    const { before, after } = hold;
    if (before === undefined) this.#first = after;
    else before.after = after;
    if (after === undefined) this.#last = before;
    else after.before = before;
    hold.before = hold.after = undefined;
    if (writes) this.#inside = 0;
    else if (--this.#inside !== 0) return;
    this.seat.leave(writes);
  }

  /** Who holds and who waits: this thread's tasks by name, other threads by their number. */
  query(): LockQuery {
    const own = this.seat.owner;
    const { holders, waiters } = this.seat.look();
    const inside = holders.flatMap(({ owner, mode }) =>
      owner === own ? this.#holds() : [party(mode, NAMELESS, owner)]
    );
    const queue = waiters.map(({ owner, mode }) =>
      party(mode, owner === own ? this.#front?.names ?? NAMELESS : NAMELESS, owner)
    );
    for (const { owner } of this.#door.query().waiters) {
      if (owner instanceof Caller) queue.push(party(owner.mode, owner.names, own));
    }
    return { holders: inside, waiters: queue };
  }

  #holds(): LockParty[] {
    const parties: LockParty[] = [];
    for (let hold = this.#first; hold !== undefined; hold = hold.after) {
      parties.push(party(hold.mode, hold.names, this.seat.owner));
    }
    return parties;
  }

  #admit(writes: boolean, names: Names): Guard {
    const hold = new Hold(this, writes, names);
    if (writes) this.#inside = -1;
    else this.#inside++;
    const last = this.#last;
    if (last === undefined) this.#first = hold;
    else {
      hold.before = last;
      last.after = hold;
    }
    this.#last = hold;
    return hold;
  }

  #turnOf(writes: boolean, begun: number): Awaited {
    const seat = this.seat;
    return {
      words: seat.words,
      signal: seat.signal,
      attempt: () => seat.attempt(writes),
      withdraw: () => {
        seat.withdraw(writes);
        return true;
      },
      afterwards: () => seat.wake(),
      poke: () => seat.poke(),
      timedOut: () => this.#timedOut(writes, this.#host.now() - begun),
    };
  }

  #watch(mode: LockMode): Deadline | undefined {
    if (this.#onContention === undefined) return undefined;
    return this.#deadlines.add(this.#contentionAfter, {
      expire: (waited) => this.#tell(mode, waited),
    });
  }

  #tell(mode: LockMode, waited: number): void {
    tell(this.#onContention!, { waited, mode, holders: this.query().holders });
  }

  #timedOut(writes: boolean, waited: number): LockTimeoutError {
    const { holders } = this.query();
    return new LockTimeoutError({
      lock: this.label,
      mode: writes ? "write" : "read",
      waited,
      holders,
    });
  }
}
