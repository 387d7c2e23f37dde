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
import { Meter, type Timed } from "../_meter.ts";
import { tell } from "../_observers.ts";
import { type AbortLink, relayAbort, throwIfAborted } from "../_signals.ts";
import { LockTimeoutError } from "../errors.ts";
import type {
  AcquireOptions,
  Guard,
  LockMode,
  LockOptions,
  LockParty,
  LockQuery,
  LockStats,
} from "../lock.ts";
import { RwLock } from "../rw_lock.ts";
import { Hold, isNamed, named, shown, type Side } from "./_hold.ts";
import type { Words } from "./_memory.ts";
import { LockSeat } from "./_lock_seat.ts";
import { blockFor, waitFor } from "./_waiting.ts";

/** Throws what a wait ends with that has become pointless. */
export type Worthwhile = () => void;

/** A task on its way in; the door knows it as the owner of its place. */
class Caller {
  readonly timed: Timed;
  constructor(
    readonly writes: boolean,
    options: AcquireOptions | undefined,
    readonly begun: number,
    readonly worthwhile: Worthwhile | undefined,
  ) {
    this.timed = named(this.mode, options);
  }

  get mode(): LockMode {
    return this.writes ? "write" : "read";
  }
}

/** One thread's side of a lock. */
export class ThreadSide implements Side {
  readonly seat: LockSeat;
  readonly label: string;
  readonly #host: Host;
  readonly #deadlines: Deadlines;
  readonly #onContention: LockOptions["onContention"];
  readonly #contentionAfter: number;
  readonly #door = new RwLock();
  /** Those at the door whose wait may become pointless, and what ends it then. */
  readonly #doubtful = new Map<Worthwhile, AbortController>();
  /** How many tasks are at the door or in it. */
  #queued = 0;
  /** The one that waits in the shared queue. */
  #front: Caller | undefined;
  #inside = 0;
  /** Those inside who have a name or are timed; the others are only counted. */
  readonly #named = new Set<Timed>();

  readonly #meter: Meter | undefined;

  constructor(words: Words, options: LockOptions, owner?: number) {
    this.label = options.label ?? "the shared lock";
    this.#host = currentHost();
    this.#deadlines = deadlinesOf(this.#host);
    this.#onContention = options.onContention;
    this.#contentionAfter = options.contentionAfter ?? 100;
    this.#meter = options.stats ? new Meter(this.#host) : undefined;
    this.seat = new LockSeat(words, this.label, owner);
  }

  /** Whether a task of this thread is inside or on its way in. */
  get busy(): boolean {
    return this.#queued !== 0 || this.#inside !== 0;
  }

  /**
   * Enters if that needs no waiting and leaves nothing to note; a guard without a name is owed
   * then. This is what is done most often, so it is small enough for compilers to inline.
   */
  slip(writes: boolean): boolean {
    if (
      this.#meter !== undefined || this.#queued !== 0 ||
      (writes ? this.#inside !== 0 : this.#inside < 0) || !this.seat.enter(writes)
    ) return false;
    if (writes) this.#inside = -1;
    else this.#inside++;
    return true;
  }

  /** Enters if that needs no waiting. */
  enter(writes: boolean, options?: AcquireOptions): Guard | undefined {
    // First, for what a getter of the options throws must find nothing begun.
    const timed = this.#timedFor(writes, options);
    return this.#pass(writes) ? this.#hold(writes, this.#admit(writes, timed)) : undefined;
  }

  /**
   * Enters in its turn.
   *
   * @param worthwhile Called whenever this thread's signal was given; when it throws, the wait is over.
   */
  async acquire(
    writes: boolean,
    options: AcquireOptions | undefined,
    worthwhile?: Worthwhile,
  ): Promise<Guard> {
    const { timeout = Infinity, signal } = options ?? {};
    if (signal?.aborted) {
      if (this.#meter !== undefined) this.#meter.aborted++;
      throw signal.reason;
    }
    const entered = this.enter(writes, options);
    if (entered !== undefined) return entered;
    const caller = new Caller(writes, options, this.#host.now(), worthwhile);
    if (timeout === 0) throw this.#timedOut(caller);

    const contention = this.#onContention === undefined
      ? undefined
      : this.#deadlines.add(this.#contentionAfter, { expire: () => this.#tell(caller) });
    this.#meter?.waits(caller.timed);
    this.#queued++;
    try {
      // Not awaited where it is open: who calls first has come first.
      using _turn = this.#door.tryWrite() ?? await this.#passDoor(caller, timeout, signal);
      return await this.#waitInQueue(caller, timeout, signal);
    } catch (error) {
      this.#gaveUp(caller, signal?.aborted && error === signal.reason);
      throw error;
    } finally {
      this.#queued--;
      if (contention !== undefined) this.#deadlines.remove(contention);
    }
  }

  /** The same with the thread blocked; answers by what the guard that is owed goes. */
  acquireSync(
    writes: boolean,
    options: AcquireOptions | undefined,
    worthwhile?: Worthwhile,
  ): Timed | undefined {
    const timed = this.#timedFor(writes, options);
    if (this.#pass(writes)) return this.#admit(writes, timed);
    const { timeout = Infinity } = options ?? {};
    const caller = new Caller(writes, options, this.#host.now(), worthwhile);
    if (timeout === 0) throw this.#timedOut(caller);
    if (this.busy) {
      throw new Error(
        `Cannot ${caller.mode}-lock ${this.label} synchronously: tasks of this thread hold it ` +
          "or are ahead, and could never run while it waits",
      );
    }
    const { seat } = this;
    let entered = false;
    const sought = {
      words: seat.words,
      signal: seat.signal,
      attempt: () => {
        worthwhile?.();
        return entered = seat.attempt(writes);
      },
    };
    this.#meter?.waits(caller.timed);
    // Nothing else of this thread runs meanwhile but the one told of a long wait; should that want
    // the lock too, it comes after this.
    const turn = this.#door.tryWrite()!;
    this.#queued++;
    try {
      seat.enqueue(writes);
      this.#front = caller;
      let left = timeout;
      if (this.#onContention !== undefined && this.#contentionAfter < timeout) {
        if (!blockFor(sought, this.#contentionAfter, this.#host)) this.#tell(caller);
        left -= this.#waited(caller);
      }
      if (!entered && !blockFor(sought, left, this.#host)) throw this.#timedOut(caller);
      return this.#admit(writes, caller.timed);
    } finally {
      this.#queued--;
      this.#front = undefined;
      if (!entered) {
        this.#gaveUp(caller, false);
        seat.withdraw(writes);
        seat.wake();
      }
      turn.release();
    }
  }

  /** Takes back what a guard gave. */
  leave(writes: boolean, timed: Timed | undefined): void {
    if (timed !== undefined) this.#forget(timed);
    if (writes) this.#inside = 0;
    else if (--this.#inside !== 0) return;
    this.seat.leave(writes);
  }

  /** Who holds and who waits: this thread's tasks by their names, other threads by number. */
  query(): LockQuery {
    const own = this.seat.owner;
    const { holders, waiters } = this.seat.look();
    const inside = holders.flatMap(({ owner, mode }) =>
      owner === own && this.busy ? this.#holders(mode) : [shown({ mode }, owner)]
    );
    const queue = waiters.map(({ owner, mode }) =>
      shown(owner === own && this.#front !== undefined ? this.#front.timed.party : { mode }, owner)
    );
    for (const { timed } of this.#atDoor()) queue.push(shown(timed.party, own));
    return { holders: inside, waiters: queue };
  }

  /** What this thread has counted. */
  stats(): LockStats {
    if (this.#meter === undefined) {
      throw new TypeError(
        `Cannot tell the statistics of ${this.label}: ` +
          "this thread created it or attached to it without stats: true",
      );
    }
    const waiters: LockParty[] = this.#atDoor().map(({ timed }) => timed.party);
    if (this.#front !== undefined) waiters.push(this.#front.timed.party);
    return this.#meter.read(Math.abs(this.#inside), waiters);
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

  #timedFor(writes: boolean, options: AcquireOptions | undefined): Timed | undefined {
    if (this.#meter === undefined && !isNamed(options)) return undefined;
    return named(writes ? "write" : "read", options);
  }

  #pass(writes: boolean): boolean {
    if (this.#queued === 0 && (writes ? this.#inside === 0 : this.#inside >= 0)) {
      return this.seat.enter(writes);
    }
    this.seat.verify(writes ? "write-lock" : "read-lock");
    return false;
  }

  #admit(writes: boolean, timed: Timed | undefined): Timed | undefined {
    if (writes) this.#inside = -1;
    else this.#inside++;
    if (timed !== undefined) {
      this.#named.add(timed);
      this.#meter?.entered(timed);
    }
    return timed;
  }

  #forget(timed: Timed): void {
    this.#named.delete(timed);
    this.#meter?.left(timed);
  }

  #hold(writes: boolean, timed: Timed | undefined): Guard {
    return new Hold(this, writes ? "write" : "read", timed);
  }

  /** Those inside: first those with a name, in the order they came. */
  #holders(mode: LockMode): LockParty[] {
    const own = this.seat.owner;
    const parties = Array.from(this.#named, ({ party }) => shown(party, own));
    while (parties.length < Math.abs(this.#inside)) parties.push(shown({ mode }, own));
    return parties;
  }

  /** Those who wait for others of this thread, in their order. */
  #atDoor(): Caller[] {
    return this.#door.query().waiters.map(({ owner }) => owner as Caller);
  }

  async #passDoor(
    caller: Caller,
    timeout: number,
    signal: AbortSignal | undefined,
  ): Promise<Guard> {
    const { worthwhile } = caller;
    let relay: AbortLink | undefined;
    if (worthwhile !== undefined) {
      const refusal = new AbortController();
      this.#doubtful.set(worthwhile, refusal);
      relay = signal && relayAbort(signal, refusal);
      signal = refusal.signal;
    }
    try {
      return await this.#door.write({ timeout, signal, owner: caller });
    } catch (error) {
      throw error instanceof LockTimeoutError ? this.#timedOut(caller, error.waited) : error;
    } finally {
      if (worthwhile !== undefined) this.#doubtful.delete(worthwhile);
      relay?.remove();
    }
  }

  /** Turns those away at the door who need not wait any longer. */
  #clearDoor(): void {
    for (const [worthwhile, refusal] of this.#doubtful) {
      try {
        worthwhile();
      } catch (reason) {
        refusal.abort(reason);
      }
    }
  }

  async #waitInQueue(
    caller: Caller,
    timeout: number,
    signal: AbortSignal | undefined,
  ): Promise<Guard> {
    // It may have aborted since the door opened.
    throwIfAborted(signal);
    const { seat } = this;
    const { writes, worthwhile } = caller;
    seat.enqueue(writes);
    this.#front = caller;
    const awaited = {
      words: seat.words,
      signal: seat.signal,
      attempt: () => {
        this.#clearDoor();
        try {
          worthwhile?.();
          return seat.attempt(writes);
        } catch (reason) {
          // Also when this thread was reaped, whose place is gone already.
          awaited.withdraw();
          seat.wake();
          throw reason;
        }
      },
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
      return this.#hold(writes, this.#admit(writes, caller.timed));
    };
    const left = Math.max(0, timeout - this.#waited(caller));
    return await waitFor(awaited, admit, this.#deadlines, { timeout: left, signal });
  }

  #waited(caller: Caller): number {
    return this.#host.now() - caller.begun;
  }

  #gaveUp(caller: Caller, aborted: boolean | undefined): void {
    if (this.#meter === undefined) return;
    this.#meter.gaveUp(caller.timed);
    if (aborted) this.#meter.aborted++;
  }

  #tell(caller: Caller): void {
    const { holders } = this.query();
    tell(this.#onContention!, { waited: this.#waited(caller), mode: caller.mode, holders });
  }

  #timedOut(caller: Caller, waited: number = this.#waited(caller)): LockTimeoutError {
    const { holders } = this.query();
    if (this.#meter !== undefined) this.#meter.timedOut++;
    return new LockTimeoutError({ lock: this.label, mode: caller.mode, waited, holders });
  }
}
