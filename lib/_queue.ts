/**
 * The queue behind a lock: who is inside, and who waits in which order.
 *
 * What always holds between two calls: `inside` is -1 when a writer is inside, else the number of
 * readers inside; and whoever is first in the queue could not enter now. The first part holds
 * because `inside` changes only where a guard is made and in its `release`, which passes its first
 * line once; the second because whatever could let the first one in, a release or a waiter that
 * leaves, ends in `drain`. So the lock is free only when nobody waits.
 *
 * A policy other than "fair" changes who is first, and lets a reader in past waiting writers; the
 * invariants are the same. An upgrade is first under every policy, and no reader passes it.
 *
 * A grant is decided synchronously in `drain`, which takes timer and listener off at that moment:
 * afterwards there is nothing left that could time out or abort.
 */
import { type Deadline, type Deadlines, deadlinesOf } from "./_deadlines.ts";
import { Holders } from "./_holders.ts";
import type { Host } from "./_host.ts";
import { Leaks } from "./_leaks.ts";
import { Line } from "./_line.ts";
import { Meter } from "./_meter.ts";
import { modeOf, Named, nameOf } from "./_named.ts";
import { tell } from "./_observers.ts";
import { PreferringLine } from "./_preferring_line.ts";
import { QueueGuard } from "./_queue_guard.ts";
import { onAbort } from "./_signals.ts";
import { LimitedWaiter, type Reject, type Resolve, Waiter } from "./_waiters.ts";
import { LockTimeoutError } from "./errors.ts";
import type {
  AcquireOptions,
  Guard,
  LockOptions,
  LockParty,
  LockStats,
  RwLockOptions,
} from "./lock.ts";

// The two functions of the promise made last, caught here so that no closure is made for each.
let resolveLast: Resolve;
let rejectLast: Reject;
const catchBoth = (resolve: Resolve, reject: Reject): void => {
  resolveLast = resolve;
  rejectLast = reject;
};

/** See above. */
export class Queue {
  /** -1: a writer is inside; else how many readers are. */
  inside = 0;
  readonly waiters: Line<Waiter> | PreferringLine<Waiter>;
  readonly deadlines: Deadlines;
  /** The one who may upgrade, from its request until its release. */
  upgradable: Named | undefined = undefined;
  readonly #holders: Holders = new Holders();
  readonly label: string;
  readonly #meter: Meter | undefined;
  readonly #leaks: Leaks | undefined;
  readonly #readersPass: boolean;
  readonly #onContention: LockOptions["onContention"];
  readonly #contentionAfter: number;

  constructor(host: Host, options: RwLockOptions = {}) {
    const { policy = "fair" } = options;
    this.waiters = policy === "fair"
      ? new Line()
      : new PreferringLine(({ writes }) => writes === (policy === "write-preferring"));
    this.#readersPass = policy === "read-preferring";
    this.deadlines = deadlinesOf(host);
    this.label = options.label ?? "the lock";
    this.#onContention = options.onContention;
    this.#contentionAfter = options.contentionAfter ?? 100;
    this.#meter = options.stats ? new Meter(host) : undefined;
    this.#leaks = options.onLeak && new Leaks(this.label, options.onLeak);
  }

  /** Enters, nameless, if that needs no waiting. */
  enter(writes: boolean): Guard | undefined {
    if (writes) {
      if (this.inside !== 0) return undefined;
      this.inside = -1;
    } else {
      if (this.inside < 0 || this.waiters.size > 0 && !this.#readerPasses()) return undefined;
      this.inside++;
    }
    return new QueueGuard(this, writes, undefined);
  }

  /** Waits for nothing but its turn. */
  wait(writes: boolean): Promise<Guard> {
    if (this.#onContention !== undefined) return this.acquire(writes, {});
    const promise = new Promise<Guard>(catchBoth);
    this.waiters.append(new Waiter(writes, resolveLast));
    return promise;
  }

  /**
   * Enters, or waits for its turn within the limits of `options`, which have been checked; `named`
   * if it is to be listed as that and not by its options.
   */
  acquire(writes: boolean, options: AcquireOptions, named?: Named): Promise<Guard> {
    const { timeout = Infinity, signal } = options;
    if (signal !== undefined && signal.aborted) {
      this.countAborted();
      return Promise.reject(signal.reason);
    }
    const name = named ?? nameOf(writes, options) ?? this.trace(writes);
    if (this.mayEnter(writes)) {
      return Promise.resolve(this.admit(writes, name));
    }
    if (timeout === 0) return Promise.reject(this.timedOut(writes, 0));
    const promise = new Promise<Guard>(catchBoth);
    const waiter = new LimitedWaiter(this, writes, resolveLast, rejectLast, name);
    waiter.chunk = this.waiters.append(waiter);
    this.limit(waiter, timeout, signal);
    return promise;
  }

  /** Sets what can end a wait before its turn. */
  limit(waiter: LimitedWaiter, timeout: number, signal: AbortSignal | undefined): void {
    if (timeout !== Infinity) waiter.timeout = this.deadlines.add(timeout, waiter);
    if (signal !== undefined) waiter.link = onAbort(signal, waiter);
    if (this.#onContention !== undefined) waiter.contention = this.#watch(waiter.writes);
    if (waiter.name !== undefined) this.#meter?.waits(waiter.name);
  }

  /** One that has a name waits no longer, and has not got the lock. */
  endWait(named: Named): void {
    this.#meter?.gaveUp(named);
  }

  /** An acquire ended by its signal. */
  countAborted(): void {
    if (this.#meter !== undefined) this.#meter.aborted++;
  }

  /** Tells if `guard` is collected while `named` is listed. */
  watch(guard: Guard, named: Named): void {
    this.#leaks?.watch(guard, named);
  }

  /** What has been counted. */
  stats(): LockStats {
    if (this.#meter === undefined) {
      throw new TypeError(
        `Cannot tell the statistics of ${this.label}: it was created without stats: true`,
      );
    }
    return this.#meter.read(Math.abs(this.inside), this.listWaiters());
  }

  /** Takes back what one had who leaves, and lets in those it kept out. */
  leave(writes: boolean, named: Named | undefined): void {
    if (writes) this.inside = 0;
    else this.inside--;
    if (named !== undefined) this.unlist(named);
    if (this.waiters.size > 0) this.drain();
  }

  /** Lets in whoever may enter, in the order they came. */
  drain(): void {
    const { waiters } = this;
    let waiter = waiters.first;
    while (waiter !== undefined && waiter.fits(this)) {
      waiters.shift();
      waiter.detach();
      waiter.enter(this);
      waiter = waiters.first;
    }
  }

  /** Puts one on the list of holders with names. */
  list(named: Named): void {
    this.#meter?.entered(named);
    this.#holders.add(named);
  }

  /** Takes one who leaves off the list of holders with names. */
  unlist(named: Named): void {
    this.#meter?.left(named);
    this.#leaks?.forget(named);
    this.#holders.remove(named);
  }

  /** What is known of one on the list has changed. */
  relist(): void {
    this.#holders.relist();
  }

  /** Those inside: the named in the order they came, then the nameless. */
  listHolders(): readonly LockParty[] {
    return this.#holders.list(this.inside);
  }

  /** Those waiting, in the order they came. */
  listWaiters(): readonly LockParty[] {
    return Array.from(
      this.waiters,
      ({ named, writes }) => named?.party ?? { mode: modeOf(writes) },
    );
  }

  /** The error of one that may wait no longer; `self` is inside but not in its own way. */
  timedOut(writes: boolean, waited: number, self?: Named): LockTimeoutError {
    if (this.#meter !== undefined) this.#meter.timedOut++;
    const all = this.listHolders();
    const holders = self === undefined ? all : all.filter((party) => party !== self.party);
    return new LockTimeoutError({ lock: this.label, mode: modeOf(writes), waited, holders });
  }

  /** Whether one who comes now need not wait. */
  mayEnter(writes: boolean): boolean {
    if (!this.canEnter(writes)) return false;
    return this.waiters.size === 0 || !writes && this.#readerPasses();
  }

  /** Whether a reader may pass those who wait, of whom there are some. */
  #readerPasses(): boolean {
    return this.#readersPass && !this.waiters.first!.upgrades;
  }

  /** Whether one who is first in the queue may enter now. */
  canEnter(writes: boolean): boolean {
    return writes ? this.inside === 0 : this.inside >= 0;
  }

  /** Makes one who may enter a holder. */
  admit(writes: boolean, named: Named | undefined): Guard {
    if (writes) this.inside = -1;
    else this.inside++;
    const guard = new QueueGuard(this, writes, named);
    if (named !== undefined) {
      this.list(named);
      this.watch(guard, named);
    }
    return guard;
  }

  /** By what one without a name is listed, where all are. */
  trace(_writes: boolean): Named | undefined {
    return undefined;
  }

  #watch(writes: boolean): Deadline {
    const onContention = this.#onContention!;
    return this.deadlines.add(this.#contentionAfter, {
      expire: (waited) =>
        tell(onContention, { waited, mode: modeOf(writes), holders: this.listHolders() }),
    });
  }
}

/** A queue whose holders are all listed, for a lock that counts or looks for leaks. */
export class ObservedQueue extends Queue {
  override enter(writes: boolean): Guard | undefined {
    return this.mayEnter(writes) ? this.admit(writes, this.trace(writes)) : undefined;
  }

  override wait(writes: boolean): Promise<Guard> {
    return this.acquire(writes, {});
  }

  override trace(writes: boolean): Named | undefined {
    return new Named({ mode: modeOf(writes) });
  }
}
