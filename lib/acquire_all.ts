/**
 * Several locks at once, all or nothing.
 *
 * Nobody who acquires his locks only here can be in a deadlock with others who do: a caller that
 * waits for a lock holds only locks that come before it in one order, the same for all callers, so
 * waiting leads upwards in that order and never round. The order is made in `orderOf` and `compare`;
 * `acquireAll` acquires along it and gives back what it has before it fails.
 *
 * Those shared most widely come last, and are so held by one who waits for the shortest time:
 * another process never waits for a lock of this isolate.
 */
import { Allowance } from "./_allowance.ts";
import { currentHost } from "./_host.ts";
import { orderOf } from "./_lock_order.ts";
import { checkAcquireOptions, show } from "./_options.ts";
import { throwIfAborted } from "./_signals.ts";
import { LockTimeoutError } from "./errors.ts";
import type { AcquireOptions, Guard, LockMode, ReadWriteLock } from "./lock.ts";

/** A lock, and how it is wanted. */
export type LockRequest = readonly [lock: ReadWriteLock, mode: LockMode];

const REACH = { tasks: 0, threads: 1, processes: 2 } as const;

/** One lock to acquire, and where it stands in the order. */
interface Place {
  readonly lock: ReadWriteLock;
  readonly reach: number;
  /** By what the lock is known to all who share it. */
  readonly key: string;
  mode: LockMode;
}

function rank(lock: ReadWriteLock, mode: LockMode): Place {
  const { reach, key } = orderOf(lock);
  return { lock, mode, reach: REACH[reach], key };
}

function compare(a: Place, b: Place): number {
  if (a.reach !== b.reach) return a.reach - b.reach;
  // By code units, which no locale changes.
  return a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
}

/** The locks in their order, each once. */
function arrange(requests: Iterable<LockRequest>): Place[] {
  const places: Place[] = [];
  for (const request of requests) {
    if (!Array.isArray(request)) {
      throw new TypeError(
        `Cannot acquire all: an array of a lock and a mode was expected, got ${show(request)}`,
      );
    }
    const [lock, mode] = request as LockRequest;
    if (typeof lock?.read !== "function" || typeof lock.write !== "function") {
      throw new TypeError(`Cannot acquire all: a lock was expected, got ${show(lock)}`);
    }
    if (mode !== "read" && mode !== "write") {
      throw new TypeError(`Cannot acquire all: mode must be "read" or "write", got ${show(mode)}`);
    }
    places.push(rank(lock, mode));
  }
  places.sort(compare);
  return places.filter((place, i) => {
    const before = places[i - 1];
    if (before === undefined || compare(before, place) !== 0) return true;
    // All of a run of equals take the stronger mode, so that the first of them, which stays, does.
    for (let j = i - 1; j >= 0 && compare(places[j], place) === 0; j--) {
      if (place.mode === "write") places[j].mode = "write";
    }
    return false;
  });
}

/** What holds several guards and gives them back as one. */
class AllGuard implements Guard {
  readonly #guards: DisposableStack;
  readonly #mode: LockMode;
  readonly #label: string | undefined;

  constructor(guards: DisposableStack, mode: LockMode, label: string | undefined) {
    this.#guards = guards;
    this.#mode = mode;
    this.#label = label;
  }

  get mode(): LockMode {
    return this.#mode;
  }

  get label(): string | undefined {
    return this.#label;
  }

  get released(): boolean {
    return this.#guards.disposed;
  }

  release(): void {
    this.#guards.dispose();
  }

  [Symbol.dispose](): void {
    this.release();
  }
}

/**
 * Acquires several locks, all or none, without a deadlock whatever order they are named in.
 *
 * The locks may be of any kinds together. They are acquired one after the other in one global
 * order: first those of this isolate, then those shared between threads, then those shared between
 * processes, each sort in an order that all who share it agree on. So callers that name the same
 * locks in different orders do not deadlock, as long as none of them acquires further locks while
 * it holds these. While it waits for one lock it holds those before it.
 *
 * A lock that is named twice, or two `FileLock`s on one file, or two ends of one `SharedRwLock` in
 * this thread, or a lock and what a `DeadlockDetector` answered for it, are acquired once, and for
 * writing if any of them is wanted so: whoever sorts out two accounts of which both may be the same
 * need not look.
 *
 * - **All or nothing**: a timeout, an abort or an error gives back what was acquired, in reverse,
 *   before the promise rejects. Granted wins over aborted once the last lock is granted.
 * - **One timeout** bounds the whole, one signal ends it, and label and owner are each lock's.
 *
 * @param requests The locks, and how each is wanted: `"read"` or `"write"`.
 * @param options As for one lock; `timeout` milliseconds for all of them together, and `0` takes
 *   them only if all are free now.
 * @returns One guard, which releases all in reverse. Its mode is `"write"` if any lock's is.
 * @throws {LockTimeoutError} naming the lock that could not be had within `timeout`
 * @throws {TypeError | RangeError} when an argument cannot be meant; nothing was acquired then
 * @throws the signal's reason when it has aborted
 * @throws whatever one of the locks throws; when giving back throws too, a `SuppressedError` with
 *   both, as with `using`
 *
 * @example Two accounts, in whatever order
 * ```ts
 * import { acquireAll, RwLock } from "@interlock/core";
 * import assert from "node:assert/strict";
 *
 * const a = { balance: 100, lock: new RwLock() };
 * const b = { balance: 100, lock: new RwLock() };
 * async function transfer(from: typeof a, to: typeof a, amount: number) {
 *   using _guard = await acquireAll([[from.lock, "write"], [to.lock, "write"]]);
 *   from.balance -= amount;
 *   await Promise.resolve();
 *   to.balance += amount;
 * }
 * await Promise.all([transfer(a, b, 30), transfer(b, a, 10)]);
 * assert.deepEqual([a.balance, b.balance], [80, 120]);
 * ```
 */
export async function acquireAll(
  requests: Iterable<LockRequest>,
  options: AcquireOptions = {},
): Promise<Guard> {
  checkAcquireOptions(options, "acquire all");
  const { timeout = Infinity, signal, label, owner } = options;
  if (typeof (requests as Partial<Iterable<LockRequest>>)?.[Symbol.iterator] !== "function") {
    throw new TypeError(`Cannot acquire all: locks must be in an array, got ${show(requests)}`);
  }
  throwIfAborted(signal);
  const places = arrange(requests);
  const allowance = new Allowance(currentHost(), timeout);
  using guards = new DisposableStack();
  try {
    for (const { lock, mode } of places) {
      const guard = await lock[mode]({ timeout: allowance.left, signal, label, owner });
      guards.defer(() => guard.release());
    }
  } catch (error) {
    if (!(error instanceof LockTimeoutError)) throw error;
    throw new LockTimeoutError({ ...error, waited: allowance.waited });
  }
  const mode = places.some((place) => place.mode === "write") ? "write" : "read";
  return new AllGuard(guards.move(), mode, label);
}
