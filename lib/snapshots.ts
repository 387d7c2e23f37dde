/**
 * Values that are replaced and never changed, so that readers need no lock.
 *
 * What always holds: exactly one version is current, and a version's value never changes. The
 * current version is replaced in `#publish` alone, which has no `await` in it, and which its two
 * callers reach only when their base is still current. So a reader sees a whole version at
 * whatever moment it looks, no commit is overwritten unseen, and a failure before `#publish` has
 * changed nothing.
 *
 * A version is retired when it is neither current nor pinned. Only the current version can be
 * pinned anew, so both are over at one moment only, which is either in `#publish` or in the
 * release of its last pin; each looks for it.
 */
import { type Deadlines, deadlinesOf } from "./_deadlines.ts";
import { currentHost } from "./_host.ts";
import { tell } from "./_observers.ts";
import {
  checkAcquireOptions,
  checkDuration,
  checkFunction,
  checkLabel,
  checkOptions,
  show,
} from "./_options.ts";
import { UpdateRun } from "./_update.ts";
import { Version, VersionPin } from "./_version.ts";
import { ConflictError } from "./errors.ts";
import { RwLock } from "./rw_lock.ts";

/** What `Snapshots` may be built with. */
export interface SnapshotsOptions<T> {
  /** A name for the value, shown in errors. */
  label?: string;
  /**
   * Told once about each version that is neither current nor pinned any more. What it throws
   * surfaces as an unhandled rejection and changes nothing.
   */
  onRetire?: (value: T, epoch: number) => void;
}

/** How to update. */
export interface UpdateOptions {
  /**
   * The longest wait for the turn to write, in milliseconds; `0` writes only if nobody writes now.
   *
   * @default Infinity
   */
  timeout?: number;
  /** Ends the wait, and the run too. */
  signal?: AbortSignal;
  /** A name for the writer, shown in errors. */
  label?: string;
  /**
   * The longest run of the function, in milliseconds.
   *
   * @default Infinity
   */
  limit?: number;
}

/** What the function of an update is told besides the value. */
export interface UpdateContext {
  /** The epoch of the value it was given. */
  readonly epoch: number;
  /**
   * Aborts when the result is no longer wanted: the update was aborted, its limit has passed or
   * another commit came first.
   */
  readonly signal: AbortSignal;
}

/** Keeps one version from being retired until it is disposed of. */
export interface Pin<T> extends Disposable {
  /** The pinned value. Cannot be read any more once the pin is disposed of. */
  readonly value: T;
  /** How many commits there were when the version was current. */
  readonly epoch: number;
  /** The label it was pinned with. */
  readonly label: string | undefined;
}

/**
 * An immutable value and the epoch that counts its commits. Readers never wait, whatever a writer
 * does; writers take turns, first come, first served.
 *
 * - **Reading**: `current` is the value now; `pin` and `view` keep a version from being retired
 *   while they look at it. None of them waits.
 * - **Writing**: `update` waits for its turn and computes the next value from the last committed
 *   one. Until it has, and if it throws, aborts or passes its limit, value and epoch stay as they
 *   are. `commit` does not wait at all: it succeeds if nothing was committed since its base.
 * - **Both at once**: whoever commits first wins. A `commit` during the run of an `update` takes
 *   away its base: the update's signal aborts, it keeps its turn until its function has ended, and
 *   then rejects with a {@linkcode ConflictError}. It is not run again by itself, for what it did
 *   besides computing would be done twice.
 * - **Abandoning**: JavaScript cannot stop a function. After an abort or a passed limit it may
 *   still be running while the next writer runs; its result is refused.
 *
 * The values are yours to leave unchanged: what is altered in place, readers see half done.
 * After the shardex design (copy-on-write epochs with one writer).
 *
 * @example A reader keeps its version while a writer replaces it
 * ```ts
 * import { Snapshots } from "@interlock/core";
 * import assert from "node:assert/strict";
 *
 * const prices = new Snapshots({ apple: 3 });
 * using before = prices.pin();
 * assert.equal(await prices.update((old) => ({ ...old, pear: 4 })), 1);
 * assert.deepEqual(before.value, { apple: 3 });
 * assert.deepEqual(prices.current, { apple: 3, pear: 4 });
 * ```
 */
export class Snapshots<T> {
  readonly #lock: RwLock;
  readonly #deadlines: Deadlines;
  readonly #onRetire: ((value: T, epoch: number) => void) | undefined;
  readonly #unpin: (version: Version<T>) => void;
  #current: Version<T>;
  #running: UpdateRun<T> | undefined;

  /**
   * Starts with `initial` at epoch 0.
   *
   * @param initial The first value.
   * @param options A label for errors, and whom to tell of retired versions.
   * @throws {TypeError} when an option has the wrong type
   */
  constructor(initial: T, options: SnapshotsOptions<T> = {}) {
    const action = "create snapshots";
    checkOptions(options, action);
    checkLabel(options.label, action);
    if (options.onRetire !== undefined) checkFunction("onRetire", options.onRetire, action);
    this.#lock = new RwLock({ label: options.label ?? "the snapshots" });
    this.#deadlines = deadlinesOf(currentHost());
    this.#onRetire = options.onRetire;
    this.#current = new Version(initial, 0);
    this.#unpin = (version) => {
      if (version.pins === 0 && version !== this.#current) this.#retire(version);
    };
  }

  /** The last committed value. */
  get current(): T {
    return this.#current.value;
  }

  /** How many commits there have been. */
  get epoch(): number {
    return this.#current.epoch;
  }

  /**
   * Keeps the current version from being retired until the pin is disposed of.
   *
   * @param label A name for the reader.
   * @returns The pin, with the value and its epoch.
   * @throws {TypeError} when the label is not a string
   */
  pin(label?: string): Pin<T> {
    checkLabel(label, "pin version");
    return new VersionPin(this.#current, label, this.#unpin);
  }

  /**
   * Runs `fn` on the current version, pinned until `fn` has ended; when `fn` answers a promise,
   * until that has settled.
   *
   * @param fn What to do with the value and its epoch.
   * @returns What `fn` answered.
   * @throws whatever `fn` throws
   *
   * @example
   * ```ts
   * import { Snapshots } from "@interlock/core";
   * import assert from "node:assert/strict";
   *
   * const words = new Snapshots(["first"]);
   * assert.equal(words.view((list) => list.length), 1);
   * assert.equal(await words.view(async (list) => (await Promise.resolve(list))[0]), "first");
   * ```
   */
  view<R>(fn: (value: T, epoch: number) => R): R {
    checkFunction("fn", fn, "view version");
    const pin = this.pin();
    let result: R;
    try {
      result = fn(pin.value, pin.epoch);
    } catch (error) {
      pin[Symbol.dispose]();
      throw error;
    }
    if (isThenable(result)) {
      return Promise.resolve(result).finally(() => pin[Symbol.dispose]()) as R;
    }
    pin[Symbol.dispose]();
    return result;
  }

  /**
   * Waits for the turn to write, computes the next value from the last committed one, and commits
   * it, also when it is the same. Not re-entrant: an update inside `fn` waits for itself.
   *
   * @param fn Answers the next value. Must not alter the one it is given.
   * @param options How long to wait and to run, in milliseconds, and what ends either.
   * @returns The epoch of the new version.
   * @throws {LockTimeoutError} when `timeout` milliseconds have passed before its turn came
   * @throws {UpdateLimitError} when `fn` has run for longer than `limit` milliseconds
   * @throws {ConflictError} when a `commit` came first
   * @throws {TypeError | RangeError} when an argument cannot be meant
   * @throws the signal's reason when it has aborted, or whatever `fn` throws
   *
   * @example A failed update leaves everything as it was
   * ```ts
   * import { Snapshots } from "@interlock/core";
   * import assert from "node:assert/strict";
   *
   * const total = new Snapshots(1);
   * await assert.rejects(total.update(() => Promise.reject(new Error("no"))), /no/);
   * assert.equal(await total.update((value) => value + 1), 1);
   * assert.equal(total.current, 2);
   * ```
   */
  async update(
    fn: (value: T, context: UpdateContext) => T | Promise<T>,
    options: UpdateOptions = {},
  ): Promise<number> {
    checkFunction("fn", fn, "update");
    checkAcquireOptions(options, "update");
    if (options.limit !== undefined) checkDuration("limit", options.limit, "update");
    const { timeout, signal, label, limit } = options;
    using _turn = await this.#lock.write({ timeout, signal, label });
    const base = this.#current;
    const run = new UpdateRun<T>(this.#deadlines, base.epoch, { signal, label, limit });
    this.#running = run;
    let next: T;
    try {
      next = await run.start(fn, base.value);
    } finally {
      this.#running = undefined;
    }
    if (this.#current !== base) throw new ConflictError(base.epoch, this.epoch);
    return this.#publish(next);
  }

  /**
   * Commits `next` if nothing was committed since `base`, without waiting. An update that is
   * running loses its base by it; see the class.
   *
   * @param base The version `next` was computed from: a pin of these snapshots, or an epoch.
   * @param next The next value.
   * @returns The epoch of the new version.
   * @throws {ConflictError} when `base` is not the current version
   * @throws {TypeError | RangeError} when `base` is neither a pin of these snapshots nor an epoch
   *
   * @example
   * ```ts
   * import { ConflictError, Snapshots } from "@interlock/core";
   * import assert from "node:assert/strict";
   *
   * const total = new Snapshots(1);
   * using base = total.pin();
   * total.commit(base, base.value + 1);
   * assert.throws(() => total.commit(base, base.value + 1), ConflictError);
   * assert.equal(total.current, 2);
   * ```
   */
  commit(base: Pin<T> | number, next: T): number {
    const epoch = this.#epochOf(base);
    if (epoch !== this.epoch) throw new ConflictError(epoch, this.epoch);
    const committed = this.#publish(next);
    this.#running?.discourage(new ConflictError(epoch, committed));
    return committed;
  }

  #epochOf(base: unknown): number {
    if (typeof base === "number") {
      if (Number.isSafeInteger(base) && base >= 0) return base;
      throw new RangeError(`Cannot commit: an epoch is a whole number from 0 up, got ${base}`);
    }
    if (VersionPin.isOf(base, this.#unpin)) return base.epoch;
    throw new TypeError(
      `Cannot commit: base must be a pin of these snapshots or an epoch, got ${show(base)}`,
    );
  }

  #publish(next: T): number {
    const before = this.#current;
    const version = new Version(next, before.epoch + 1);
    this.#current = version;
    if (before.pins === 0) this.#retire(before);
    return version.epoch;
  }

  #retire(version: Version<T>): void {
    if (this.#onRetire !== undefined) tell(this.#onRetire, version.value, version.epoch);
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null &&
    typeof (value as { then?: unknown }).then === "function";
}
