/**
 * Locks with the defects that peers have (ANCHORS of the project name them): each is what the checks
 * of this folder must catch, or they could not fail.
 */
import { Queue } from "../../../lib/_queue.ts";
import { acquireUpgradable } from "../../../lib/_upgradable.ts";
import { currentHost } from "../../../lib/_host.ts";
import { onAbort } from "../../../lib/_signals.ts";
import { LockTimeoutError } from "../../../mod.ts";
import type {
  AcquireOptions,
  Guard,
  LockQuery,
  RwLockOptions,
  UpgradableGuard,
} from "../../../mod.ts";

/** As much of a lock as the races need. */
export interface RaceLock {
  read(options?: AcquireOptions): Promise<Guard>;
  write(options?: AcquireOptions): Promise<Guard>;
  upgradable(options?: AcquireOptions): Promise<UpgradableGuard>;
  tryRead(): Guard | undefined;
  tryWrite(): Guard | undefined;
  query(): LockQuery;
}

/** A lock over a queue that may be broken. */
export class QueueLock implements RaceLock {
  constructor(readonly queue: Queue) {}

  read(options: AcquireOptions = {}): Promise<Guard> {
    return this.queue.acquire(false, options);
  }

  write(options: AcquireOptions = {}): Promise<Guard> {
    return this.queue.acquire(true, options);
  }

  upgradable(options: AcquireOptions = {}): Promise<UpgradableGuard> {
    return acquireUpgradable(this.queue, options);
  }

  tryRead(): Guard | undefined {
    return this.queue.enter(false);
  }

  tryWrite(): Guard | undefined {
    return this.queue.enter(true);
  }

  query(): LockQuery {
    return { holders: this.queue.listHolders(), waiters: this.queue.listWaiters() };
  }
}

/** A queue that is drained by a release only, and not when a waiter leaves: `navigator.locks`. */
class UndrainedQueue extends Queue {
  #leaving = false;

  override leave(...args: Parameters<Queue["leave"]>): void {
    this.#leaving = true;
    super.leave(...args);
    this.#leaving = false;
  }

  override drain(): void {
    if (this.#leaving) super.drain();
  }
}

/** A queue that forgets one timer of each waiter. */
class TickingQueue extends Queue {
  override limit(...args: Parameters<Queue["limit"]>): void {
    super.limit(...args);
    if (args[1] !== Infinity) this.deadlines.add(args[1] * 1000, { expire() {} });
  }
}

/** A queue that forgets one listener of each waiter. */
class ListeningQueue extends Queue {
  override limit(...args: Parameters<Queue["limit"]>): void {
    super.limit(...args);
    if (args[2] !== undefined) onAbort(args[2], { abort() {}, afterAbort() {} });
  }
}

/** A queue in which who is first counts as alone. */
class HastyQueue extends Queue {
  override drain(): void {
    const { inside } = this;
    if (inside > 1 && this.waiters.first?.writes) this.inside = 1;
    super.drain();
    if (this.inside === 1) this.inside = inside;
  }

  override limit(...args: Parameters<Queue["limit"]>): void {
    super.limit(...args);
    this.drain();
  }
}

export function undrained(options?: RwLockOptions): RaceLock {
  return new QueueLock(new UndrainedQueue(currentHost(), options));
}

export function ticking(options?: RwLockOptions): RaceLock {
  return new QueueLock(new TickingQueue(currentHost(), options));
}

export function listening(options?: RwLockOptions): RaceLock {
  return new QueueLock(new ListeningQueue(currentHost(), options));
}

export function hasty(options?: RwLockOptions): RaceLock {
  return new QueueLock(new HastyQueue(currentHost(), options));
}

/** Answers no more once the limits have passed, with the acquire still under way: a ghost waiter. */
export function raced<T>(
  acquire: () => Promise<T>,
  { timeout = Infinity, signal }: AcquireOptions = {},
): Promise<T> {
  const host = currentHost();
  return new Promise((resolve, reject) => {
    let timer: unknown;
    const end = () => {
      if (timer !== undefined) host.clearTimer(timer as never);
      signal?.removeEventListener("abort", abort);
    };
    const abort = () => {
      end();
      reject(signal!.reason);
    };
    if (signal?.aborted) return reject(signal.reason);
    if (timeout !== Infinity) {
      timer = host.setTimer(() => {
        end();
        reject(new LockTimeoutError({ lock: "ghost", mode: "write", waited: timeout }));
      }, timeout);
    }
    signal?.addEventListener("abort", abort);
    acquire().then((value) => {
      end();
      resolve(value);
    }, reject);
  });
}

/** Looks at the signal after the grant, and forgets that there is something to give back then. */
export async function forgetful<T>(
  acquire: () => Promise<T>,
  { signal }: AcquireOptions = {},
): Promise<T> {
  signal?.throwIfAborted();
  const value = await acquire();
  signal?.throwIfAborted();
  return value;
}
