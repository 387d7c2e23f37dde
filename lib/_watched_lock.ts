/**
 * A lock whose acquires pass through a detector first, and which knows since when each owner has
 * been inside. It is the same lock: it excludes what its lock does, and stands where that stands.
 */
import { orderOf } from "./_lock_order.ts";
import { checkFunction } from "./_options.ts";
import {
  type AcquireOptions,
  type Guard,
  type LockMode,
  type LockOrder,
  lockOrder,
  type LockQuery,
  type LockStats,
  type ReadWriteLock,
} from "./lock.ts";

/** What a watched lock asks of its detector. */
export interface Watcher {
  /** Acquires the lock, unless that would be a deadlock. */
  acquire(lock: WatchedLock, mode: LockMode, options: AcquireOptions): Promise<Guard>;
  /** Runs `fn`, whose acquires have an owner in common. */
  inside<R>(fn: () => R): R;
}

/** An owner that is inside. */
export interface Hold {
  readonly owner: object;
  readonly since: number;
}

/** A guard whose release is noted. */
class WatchedGuard implements Guard {
  readonly #guard: Guard;
  readonly #released: () => void;

  constructor(guard: Guard, released: () => void) {
    this.#guard = guard;
    this.#released = released;
  }

  get mode(): LockMode {
    return this.#guard.mode;
  }

  get label(): string | undefined {
    return this.#guard.label;
  }

  get released(): boolean {
    return this.#guard.released;
  }

  release(): void {
    if (this.#guard.released) return;
    this.#released();
    this.#guard.release();
  }

  [Symbol.dispose](): void {
    this.release();
  }
}

/** A lock whose waits are looked at. */
export class WatchedLock implements ReadWriteLock {
  /** Which owners hold it since when, in the order they came. */
  readonly holds: Set<Hold> = new Set();

  constructor(readonly watcher: Watcher, readonly lock: ReadWriteLock, readonly label: string) {}

  read(options: AcquireOptions = {}): Promise<Guard> {
    return this.watcher.acquire(this, "read", options);
  }

  write(options: AcquireOptions = {}): Promise<Guard> {
    return this.watcher.acquire(this, "write", options);
  }

  async withRead<R>(fn: () => R | Promise<R>, options?: AcquireOptions): Promise<R> {
    checkFunction("fn", fn, "read-lock");
    return await this.watcher.inside(async () => {
      using _guard = await this.read(options);
      return await fn();
    });
  }

  async withWrite<R>(fn: () => R | Promise<R>, options?: AcquireOptions): Promise<R> {
    checkFunction("fn", fn, "write-lock");
    return await this.watcher.inside(async () => {
      using _guard = await this.write(options);
      return await fn();
    });
  }

  tryRead(): Guard | undefined {
    return this.lock.tryRead();
  }

  tryWrite(): Guard | undefined {
    return this.lock.tryWrite();
  }

  query(): LockQuery {
    return this.lock.query();
  }

  stats(): LockStats {
    return this.lock.stats();
  }

  [lockOrder](): LockOrder {
    return orderOf(this.lock);
  }

  /** The guard of one who has just come to be inside. */
  hold(guard: Guard, hold: Hold): Guard {
    this.holds.add(hold);
    return new WatchedGuard(guard, () => this.holds.delete(hold));
  }
}
