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
import { type Deadlines, deadlinesOf } from "../_deadlines.ts";
import { currentHost, type Host } from "../_host.ts";
import { tell } from "../_observers.ts";
import { LockTimeoutError } from "../errors.ts";
import type { AcquireOptions, Guard, LockMode, LockOptions, LockQuery } from "../lock.ts";
import { RwLock } from "../rw_lock.ts";
import { Hold, holdersOf, Line, type Names, namesOf, party, type Side } from "./_hold.ts";
import type { Words } from "./_memory.ts";
import { Seat } from "./_seat.ts";
import { waitFor } from "./_waiting.ts";

/** A task on its way in; the door knows it as the owner of its place. */
class Caller {
  constructor(
    readonly writes: boolean,
    readonly names: Names | undefined,
    readonly since: number,
  ) {}

  get mode(): LockMode {
    return this.writes ? "write" : "read";
  }
}

/** One thread's side of a lock. */
export class ThreadSide implements Side {
  readonly seat: Seat;
  readonly label: string;
  readonly line: Line = new Line();
  readonly #host: Host;
  readonly #deadlines: Deadlines;
  readonly #onContention: LockOptions["onContention"];
  readonly #contentionAfter: number;
  readonly #door = new RwLock();
  /** How many tasks are at the door or in it. */
  #queued = 0;
  /** The one that waits in the shared queue. */
  #front: Caller | undefined;
  #inside = 0;

  constructor(words: Words, options: LockOptions, owner: number | undefined) {
    this.label = options.label ?? "the shared lock";
    this.#host = currentHost();
    this.#deadlines = deadlinesOf(this.#host);
    this.#onContention = options.onContention;
    this.#contentionAfter = options.contentionAfter ?? 100;
    this.seat = new Seat(words, this.label, owner);
  }

  /** Whether a task of this thread is inside or on its way in. */
  get busy(): boolean {
    return this.#queued !== 0 || this.#inside !== 0;
  }

  /** Enters if that needs no waiting. */
  enter(writes: boolean, names?: Names): Guard | undefined {
    if (this.#queued !== 0 || (writes ? this.#inside !== 0 : this.#inside < 0)) {
      this.seat.verify(writes);
      return undefined;
    }
    return this.seat.enter(writes) ? this.#admit(writes, names) : undefined;
  }

  /** Enters in its turn. */
  async acquire(writes: boolean, options: AcquireOptions | undefined): Promise<Guard> {
    const { timeout = Infinity, signal } = options ?? {};
    signal?.throwIfAborted();
    const names = namesOf(options);
    const entered = this.enter(writes, names);
    if (entered !== undefined) return entered;
    const caller = new Caller(writes, names, this.#host.now());
    if (timeout === 0) throw this.#timedOut(caller);

    const contention = this.#onContention === undefined
      ? undefined
      : this.#deadlines.add(this.#contentionAfter, { expire: () => this.#tell(caller) });
    this.#queued++;
    try {
      // Not awaited where it is open: who calls first has come first.
      using _turn = this.#door.tryWrite() ?? await this.#passDoor(caller, timeout, signal);
      return await this.#waitInQueue(caller, timeout, signal);
    } finally {
      this.#queued--;
      if (contention !== undefined) this.#deadlines.remove(contention);
    }
  }

  /** Enters in its turn, blocking the thread. */
  acquireSync(writes: boolean, timeout: number, names: Names | undefined): Guard {
    const caller = new Caller(writes, names, this.#host.now());
    if (timeout === 0) throw this.#timedOut(caller);
    if (this.busy) {
      throw new Error(
        `Cannot ${caller.mode}-lock ${this.label} synchronously: tasks of this thread hold it ` +
          "or are ahead, and could never run while it waits",
      );
    }
    const seat = this.seat;
    seat.enqueue(writes);
    this.#front = caller;
    let entered = false;
    try {
      let next = this.#onContention === undefined ? timeout : this.#contentionAfter;
      for (let waited = 0;;) {
        const seen = Atomics.load(seat.words, seat.signal);
        entered = seat.attempt(writes);
        if (entered) return this.#admit(writes, names);
        if (waited >= timeout) throw this.#timedOut(caller);
        if (waited >= next) {
          next = timeout;
          this.#tell(caller);
        }
        Atomics.wait(seat.words, seat.signal, seen, Math.min(next, timeout) - waited);
        waited = this.#waited(caller);
      }
    } finally {
      this.#front = undefined;
      if (!entered) {
        seat.withdraw(writes);
        seat.wake();
      }
    }
  }

  /** Gives the seat up. */
  detach(): void {
    if (this.busy) {
      throw new Error(
        `Cannot detach owner ${this.seat.owner} from ${this.label}: ` +
          "a task of this thread holds it or waits for it",
      );
    }
    this.seat.stand();
  }

  /** Takes a guard back, which has left the line. */
  leave(writes: boolean): void {
    if (writes) this.#inside = 0;
    else if (--this.#inside !== 0) return;
    this.seat.leave(writes);
  }

  /** Who holds and who waits: this thread's tasks by their names, other threads by number. */
  query(): LockQuery {
    const own = this.seat.owner;
    const { holders, waiters } = this.seat.look();
    const inside = holders.flatMap(({ owner, mode }) =>
      owner === own && this.busy ? holdersOf(this.line, own) : [party(mode, undefined, owner)]
    );
    const queue = waiters.map(({ owner, mode }) =>
      party(mode, owner === own ? this.#front?.names : undefined, owner)
    );
    for (const { owner } of this.#door.query().waiters) {
      if (owner instanceof Caller) queue.push(party(owner.mode, owner.names, own));
    }
    return { holders: inside, waiters: queue };
  }

  #admit(writes: boolean, names: Names | undefined): Guard {
    if (writes) this.#inside = -1;
    else this.#inside++;
    return new Hold(this, writes, names);
  }

  async #passDoor(
    caller: Caller,
    timeout: number,
    signal: AbortSignal | undefined,
  ): Promise<Guard> {
    try {
      return await this.#door.write({ timeout, signal, owner: caller });
    } catch (error) {
      throw error instanceof LockTimeoutError ? this.#timedOut(caller) : error;
    }
  }

  async #waitInQueue(
    caller: Caller,
    timeout: number,
    signal: AbortSignal | undefined,
  ): Promise<Guard> {
    // It may have aborted since the door opened.
    signal?.throwIfAborted();
    const { seat } = this;
    const { writes } = caller;
    seat.enqueue(writes);
    this.#front = caller;
    const awaited = {
      words: seat.words,
      signal: seat.signal,
      attempt: () => seat.attempt(writes),
      withdraw: () => {
        seat.withdraw(writes);
        this.#front = undefined;
        return true;
      },
      afterwards: () => seat.wake(),
      poke: () => seat.poke(),
      timedOut: () => this.#timedOut(caller),
    };
    const admit = (): Guard => {
      this.#front = undefined;
      return this.#admit(writes, caller.names);
    };
    const left = Math.max(0, timeout - this.#waited(caller));
    return await waitFor(awaited, admit, this.#deadlines, { timeout: left, signal });
  }

  #waited(caller: Caller): number {
    return this.#host.now() - caller.since;
  }

  #tell(caller: Caller): void {
    const { holders } = this.query();
    tell(this.#onContention!, { waited: this.#waited(caller), mode: caller.mode, holders });
  }

  #timedOut(caller: Caller): LockTimeoutError {
    const { holders } = this.query();
    const waited = this.#waited(caller);
    return new LockTimeoutError({ lock: this.label, mode: caller.mode, waited, holders });
  }
}
