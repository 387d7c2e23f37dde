/**
 * Readers that can become the writer.
 *
 * At most one at a time has that right, from its request to its release: `queue.upgradable` names
 * it. An upgrade waits at the very front of the queue and fits when its reader is the only one
 * inside. So what always holds of the queue holds still: whoever is first could not enter now, and
 * while an upgrade is first no new reader passes it. When it ends without the lock, the reader is
 * a reader as before, and the `drain` that follows lets in those it held up.
 */
import { Named } from "./_named.ts";
import { checkAcquireOptions } from "./_options.ts";
import type { Queue } from "./_queue.ts";
import { LimitedWaiter } from "./_waiters.ts";
import { UpgradeConflictError } from "./errors.ts";
import type {
  AcquireOptions,
  LockMode,
  LockParty,
  UpgradableGuard,
  UpgradeOptions,
} from "./lock.ts";

/** One who waits to enter upgradably, or, when it writes, to upgrade. */
class StepWaiter extends LimitedWaiter {
  constructor(
    queue: Queue,
    writes: boolean,
    reject: (reason: unknown) => void,
    named: Named,
    readonly granted: () => void,
    readonly ended: () => void,
    /** As what it is inside already. */
    readonly self?: Named,
  ) {
    super(queue, writes, granted, reject, named);
  }

  override get upgrades(): boolean {
    return this.writes;
  }

  override fits(queue: Queue): boolean {
    return this.writes ? queue.inside === 1 : queue.canEnter(false);
  }

  override enter(): void {
    this.granted();
  }

  override expire(waited: number): void {
    this.leave(this.queue.timedOut(this.writes, waited, this.self));
    this.queue.drain();
  }

  override leave(reason: unknown): void {
    this.ended();
    super.leave(reason);
  }
}

/** See `UpgradableGuard`. It is made when it is asked for, and handed out once it is inside. */
class QueueUpgradable implements UpgradableGuard {
  readonly #queue: Queue;
  #named: Named;
  #writes = false;
  #released = false;
  /** The upgrade that is under way. */
  #upgrade: StepWaiter | undefined = undefined;

  constructor(queue: Queue, named: Named) {
    this.#queue = queue;
    this.#named = named;
  }

  get mode(): LockMode {
    return this.#writes ? "write" : "read";
  }

  get label(): string | undefined {
    return this.#named.party.label;
  }

  get released(): boolean {
    return this.#released;
  }

  upgrade(options: UpgradeOptions = {}): Promise<void> {
    try {
      checkAcquireOptions(options, `upgrade ${this.#queue.label}`);
      return this.#startUpgrade(options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  downgrade(): void {
    if (this.#released) this.#refuse("downgrade", "its guard is released");
    if (!this.#writes) return;
    const queue = this.#queue;
    this.#swap(this.#as("read"));
    queue.inside = 1;
    queue.drain();
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    const queue = this.#queue;
    this.#upgrade?.leave(new TypeError(`Cannot upgrade ${queue.label}: its guard was released`));
    queue.upgradable = undefined;
    queue.leave(this.#writes, this.#named);
  }

  [Symbol.dispose](): void {
    this.release();
  }

  #startUpgrade({ timeout = Infinity, signal }: UpgradeOptions): Promise<void> {
    const queue = this.#queue;
    if (this.#released) this.#refuse("upgrade", "its guard is released");
    if (this.#upgrade !== undefined) this.#refuse("upgrade", "an upgrade is under way");
    if (signal?.aborted) {
      queue.countAborted();
      throw signal.reason;
    }
    if (this.#writes) return Promise.resolve();
    if (queue.inside === 1) {
      this.#become(this.#as("write"));
      return Promise.resolve();
    }
    if (timeout === 0) throw queue.timedOut(true, 0, this.#named);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const ended = () => {
      this.#upgrade = undefined;
    };
    const wanted = this.#as("write");
    const granted = () => {
      ended();
      this.#become(wanted);
      resolve();
    };
    const waiter = new StepWaiter(queue, true, reject, wanted, granted, ended, this.#named);
    this.#upgrade = waiter;
    waiter.chunk = queue.waiters.prepend(waiter);
    queue.limit(waiter, timeout, signal);
    return promise;
  }

  /** Makes the only reader inside the writer. */
  #become(writer: Named): void {
    this.#swap(writer);
    this.#queue.inside = -1;
  }

  /** What it is in another mode. */
  #as(mode: LockMode): Named {
    return new Named({ ...this.#named.party, mode });
  }

  #swap(named: Named): void {
    const queue = this.#queue;
    this.#writes = named.party.mode === "write";
    queue.unlist(this.#named);
    queue.upgradable = this.#named = named;
    queue.list(named);
    queue.watch(this, named);
  }

  #refuse(action: string, why: string): never {
    throw new TypeError(`Cannot ${action} ${this.#queue.label}: ${why}`);
  }
}

function partyOf({ label, owner }: AcquireOptions): LockParty {
  const party: { mode: LockMode; label?: string; owner?: object } = { mode: "read" };
  if (label !== undefined) party.label = label;
  if (owner !== undefined) party.owner = owner;
  return party;
}

/** Enters as a reader that may upgrade, or waits for that; `options` have been checked. */
export function acquireUpgradable(
  queue: Queue,
  options: AcquireOptions,
): Promise<UpgradableGuard> {
  const { timeout = Infinity, signal } = options;
  if (signal?.aborted) {
    queue.countAborted();
    return Promise.reject(signal.reason);
  }
  if (queue.upgradable !== undefined) {
    return Promise.reject(new UpgradeConflictError(queue.label, queue.upgradable.party));
  }
  const named = new Named(partyOf(options));
  const guard = new QueueUpgradable(queue, named);
  const admit = () => {
    queue.inside++;
    queue.list(named);
    queue.watch(guard, named);
  };
  if (queue.mayEnter(false)) {
    queue.upgradable = named;
    admit();
    return Promise.resolve(guard);
  }
  if (timeout === 0) return Promise.reject(queue.timedOut(false, 0));
  queue.upgradable = named;
  const { promise, resolve, reject } = Promise.withResolvers<UpgradableGuard>();
  const granted = () => {
    admit();
    resolve(guard);
  };
  const ended = () => {
    queue.upgradable = undefined;
  };
  const waiter = new StepWaiter(queue, false, reject, named, granted, ended);
  waiter.chunk = queue.waiters.append(waiter);
  queue.limit(waiter, timeout, signal);
  return promise;
}
