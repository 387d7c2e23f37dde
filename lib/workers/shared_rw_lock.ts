/**
 * A lock in shared memory, for the threads of one process.
 *
 * The invariants stand where they are kept: between threads in `_seat.ts`, between the tasks of
 * one thread in `_thread_side.ts`. Here is only the door: arguments are checked, handles made and
 * opened.
 */
import {
  checkAcquireOptions,
  checkFunction,
  checkLabel,
  checkLockOptions,
  show,
} from "../_options.ts";
import type {
  AcquireOptions,
  Guard,
  LockMode,
  LockOptions,
  LockQuery,
  ReadWriteLock,
} from "../lock.ts";
import { allocate, checkCount, countOf, open, VERSION } from "./_memory.ts";
import { lockLength, MOST_OWNERS } from "./_seat.ts";
import { ThreadSide } from "./_thread_side.ts";

/** What is posted to another thread, for it to `attach()` to. A plain object, freely cloned. */
export interface SharedRwLockHandle {
  /** What it is a handle of. */
  readonly kind: "SharedRwLock";
  /** The version of the memory's layout. */
  readonly version: number;
  /** The memory itself. */
  readonly memory: SharedArrayBuffer;
  /** The lock's label. */
  readonly label?: string;
}

/** What a lock is created with. */
export interface SharedLockOptions extends LockOptions {
  /**
   * How many threads may be attached at once, this one among them; from 1 to 20.
   *
   * @default 20
   */
  owners?: number;
}

/** How a thread attaches. */
export interface AttachOptions extends LockOptions {
  /**
   * The number by which the thread is known to `reap()`, from 0 up. Whoever starts a thread does
   * well to choose it: then it can be reaped even when it dies before it could tell.
   *
   * @default the first that is free
   */
  owner?: number;
}

/** How to wait with the thread blocked. There is no signal: nothing could abort it. */
export type SyncAcquireOptions = Omit<AcquireOptions, "signal">;

function checkOwner(owner: unknown, owners: number, action: string): void {
  if (typeof owner !== "number") {
    throw new TypeError(`Cannot ${action}: owner must be a number, got ${show(owner)}`);
  }
  if (!Number.isInteger(owner) || owner < 0 || owner >= owners) {
    throw new RangeError(
      `Cannot ${action}: owner must be a whole number from 0 to ${owners - 1}, got ${owner}`,
    );
  }
}

export class SharedRwLock implements ReadWriteLock {
  readonly #side: ThreadSide;
  readonly #handle: SharedRwLockHandle;

  private constructor(side: ThreadSide, handle: SharedRwLockHandle) {
    this.#side = side;
    this.#handle = handle;
  }

  static create(options: SharedLockOptions = {}): SharedRwLock {
    const action = "create shared lock";
    checkLockOptions(options, action);
    const { owners = MOST_OWNERS, label } = options;
    checkCount("owners", owners, MOST_OWNERS, action);
    const words = allocate("SharedRwLock", owners, lockLength(owners));
    const handle: SharedRwLockHandle = {
      kind: "SharedRwLock",
      version: VERSION,
      memory: words.buffer,
      ...(label === undefined ? {} : { label }),
    };
    return new SharedRwLock(new ThreadSide(words, options, 0), handle);
  }

  static attach(handle: SharedRwLockHandle, options: AttachOptions = {}): SharedRwLock {
    const action = "attach to a SharedRwLock";
    const words = open("SharedRwLock", handle, MOST_OWNERS, lockLength);
    checkLabel(handle.label, action);
    checkLockOptions(options, action);
    const { owner } = options;
    if (owner !== undefined) checkOwner(owner, countOf(words), action);
    const label = options.label ?? handle.label;
    return new SharedRwLock(new ThreadSide(words, { ...options, label }, owner), handle);
  }

  get handle(): SharedRwLockHandle {
    return this.#handle;
  }

  get owner(): number {
    return this.#side.seat.owner;
  }

  read(options?: AcquireOptions): Promise<Guard> {
    return this.#acquire(false, options);
  }

  write(options?: AcquireOptions): Promise<Guard> {
    return this.#acquire(true, options);
  }

  async withRead<R>(fn: () => R | Promise<R>, options?: AcquireOptions): Promise<R> {
    checkFunction("fn", fn, "read-lock");
    using _guard = await this.#acquire(false, options);
    return await fn();
  }

  async withWrite<R>(fn: () => R | Promise<R>, options?: AcquireOptions): Promise<R> {
    checkFunction("fn", fn, "write-lock");
    using _guard = await this.#acquire(true, options);
    return await fn();
  }

  readSync(options?: SyncAcquireOptions): Guard {
    return this.#acquireSync(false, options);
  }

  writeSync(options?: SyncAcquireOptions): Guard {
    return this.#acquireSync(true, options);
  }

  tryRead(): Guard | undefined {
    return this.#side.enter(false);
  }

  tryWrite(): Guard | undefined {
    return this.#side.enter(true);
  }

  query(): LockQuery {
    return this.#side.query();
  }

  reap(owner: number): LockMode | undefined {
    const { seat, label } = this.#side;
    checkOwner(owner, seat.seats, "reap an owner");
    if (owner === seat.owner) {
      throw new TypeError(`Cannot reap owner ${owner} of ${label}: it is this thread itself`);
    }
    return seat.reap(owner);
  }

  async #acquire(writes: boolean, options?: AcquireOptions): Promise<Guard> {
    if (options === undefined) return this.#side.enter(writes) ?? this.#side.acquire(writes, {});
    checkAcquireOptions(options, writes ? "write-lock" : "read-lock");
    return await this.#side.acquire(writes, options);
  }

  #acquireSync(writes: boolean, options?: SyncAcquireOptions): Guard {
    if (options === undefined) return this.#side.acquireSync(writes, Infinity, {});
    const action = writes ? "write-lock" : "read-lock";
    checkAcquireOptions(options, action);
    if ("signal" in options && options.signal !== undefined) {
      throw new TypeError(`Cannot ${action} synchronously: nothing could abort a blocked thread`);
    }
    return this.#side.acquireSync(writes, options.timeout ?? Infinity, options);
  }
}
