/**
 * Values that are replaced and never changed, so that readers need no lock.
 *
 * What always holds: exactly one version is current, and a version's value never changes. The
 * current version is replaced in `#publish` alone, which has no `await` in it, and which its two
 * callers reach only when their base is still current. So a reader sees a whole version at
 * whatever moment it looks, no commit is overwritten unseen, and a failure before `#publish` has
 * changed nothing.
 *
 * When a version is no longer needed is decided in `_version.ts`, who is told of a new one in
 * `_changes.ts`, and what is counted of writers in `_writes.ts`.
 */
import { Changes } from "./_changes.ts";
import { type Deadlines, deadlinesOf } from "./_deadlines.ts";
import { currentHost } from "./_host.ts";
import {
  checkAcquireOptions,
  checkDuration,
  checkEpoch,
  checkFunction,
  checkLabel,
  checkOptions,
  checkStats,
  show,
} from "./_options.ts";
import type {
  ChangeOptions,
  Pin,
  SnapshotsOptions,
  SnapshotsStats,
  UpdateContext,
  UpdateOptions,
} from "./_snapshots_types.ts";
import { throwIfAborted } from "./_signals.ts";
import { isThenable } from "./_thenable.ts";
import { UpdateRun } from "./_update.ts";
import { VersionPin, Versions } from "./_version.ts";
import { Writes } from "./_writes.ts";
import { ConflictError, LockTimeoutError } from "./errors.ts";
import type { Guard, ReadWriteLock } from "./lock.ts";
import { RwLock } from "./rw_lock.ts";

export type * from "./_snapshots_types.ts";

/**
 * An immutable value and the epoch that counts its commits. Readers never wait, whatever a writer
 * does; writers take turns, first come, first served.
 *
 * - **Reading**: `current` is the value now; `pin` and `view` keep a version from being retired
 *   while they look at it. None of them waits. `changed` waits for a later version than one knows.
 * - **Writing**: `update` waits for its turn and computes the next value from the last committed
 *   one. Until it has, and if it throws, aborts or passes its limit, value and epoch stay as they
 *   are. `commit` does not wait at all: it succeeds if nothing was committed since its base.
 * - **Both at once**: whoever commits first wins. A `commit` during the run of an `update` takes
 *   away its base: the update's signal aborts, it keeps its turn until its function has ended, and
 *   then rejects with a {@linkcode ConflictError}. It is not run again by itself, for what it did
 *   besides computing would be done twice.
 * - **Abandoning**: JavaScript cannot stop a function. After an abort or a passed limit it may
 *   still be running while the next writer runs; its result is refused.
 * - **Cost**: a pin costs about what two objects do, and a commit the same however many versions and
 *   readers there are. What a next value costs is up to its making: a copy of a big `Map` takes as
 *   long as the map is big. For big maps and lists use persistent ones, such as those of
 *   `npm:immutable`, whose copies share what they have in common: one key of a million entries is
 *   set in a few microseconds, and the versions that readers keep take next to no memory.
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
 *
 * @example A big map, of which each update copies next to nothing
 * ```ts
 * import { Snapshots } from "@interlock/core";
 * import assert from "node:assert/strict";
 * import { Map } from "immutable";
 *
 * const entries = Array.from({ length: 100_000 }, (_, i) => [`key ${i}`, i] as const);
 * const index = new Snapshots(Map(entries));
 * using before = index.pin();
 * await index.update((map) => map.set("key 7", -7).delete("key 8"));
 * assert.deepEqual([before.value.get("key 7"), before.value.size], [7, 100_000]);
 * assert.deepEqual([index.current.get("key 7"), index.current.size], [-7, 99_999]);
 * ```
 */
export class Snapshots<T> {
  readonly #lock: ReadWriteLock;
  readonly #deadlines: Deadlines;
  readonly #versions: Versions<T>;
  readonly #changes: Changes;
  readonly #writes: Writes;
  #running: UpdateRun | undefined;

  /**
   * Starts with `initial` at epoch 0.
   *
   * @param initial The first value.
   * @param options A label for errors, whom to tell of retired versions, by what lock writers take
   *   turns, and whether to take times.
   * @throws {TypeError} when an option has the wrong type
   */
  constructor(initial: T, options: SnapshotsOptions<T> = {}) {
    const action = "create snapshots";
    checkOptions(options, action);
    const { label = "the snapshots", onRetire, lock, stats } = options;
    checkLabel(label, action);
    checkStats(stats, action);
    if (onRetire !== undefined) checkFunction("onRetire", onRetire, action);
    if (lock !== undefined && typeof lock?.write !== "function") {
      throw new TypeError(`Cannot ${action}: lock must be a lock, got ${show(lock)}`);
    }
    const host = currentHost();
    this.#lock = lock ?? new RwLock({ label });
    this.#deadlines = deadlinesOf(host);
    this.#versions = new Versions(initial, onRetire);
    this.#changes = new Changes(host, label);
    this.#writes = new Writes(host, stats === true);
  }

  /** The last committed value. */
  get current(): T {
    return this.#versions.current.value;
  }

  /** How many commits there have been. */
  get epoch(): number {
    return this.#versions.current.epoch;
  }

  /**
   * Keeps the current version from being retired until the pin is disposed of.
   *
   * @param label A name for the reader, which `stats()` shows while it keeps an old version.
   * @returns The pin, with the value and its epoch.
   * @throws {TypeError} when the label is not a string
   */
  pin(label?: string): Pin<T> {
    checkLabel(label, "pin version");
    return new VersionPin(this.#versions, label);
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
      if (isThenable(result)) {
        return Promise.resolve(result).finally(() => pin[Symbol.dispose]()) as R;
      }
    } catch (error) {
      pin[Symbol.dispose]();
      throw error;
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
    // Copied, for what waits and runs goes by what they are now.
    const { timeout, signal, label, owner, limit } = options;
    const asked = { timeout, signal, label, owner, limit };
    const write = this.#writes.request(label);
    let turn: Guard;
    try {
      turn = await this.#lock.write(asked);
    } catch (error) {
      const aborted = signal !== undefined && signal.aborted && error === signal.reason;
      const late = error instanceof LockTimeoutError;
      this.#writes.end(write, aborted ? "aborted" : late ? "timedOut" : "failed");
      throw error;
    }
    using _turn = turn;
    this.#writes.start(write);
    const base = this.#versions.current;
    const run = this.#running = new UpdateRun(base.epoch);
    let next: T;
    try {
      next = await run.start(fn, base.value, asked, this.#deadlines);
    } catch (error) {
      this.#writes.end(write, UpdateRun.failureOf(run));
      throw error;
    } finally {
      this.#running = undefined;
    }
    if (this.#versions.current !== base) {
      this.#writes.end(write, "conflicts");
      throw new ConflictError(base.epoch, this.epoch);
    }
    this.#writes.end(write, "committed");
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
    if (epoch !== this.epoch) {
      this.#writes.count("conflicts");
      throw new ConflictError(epoch, this.epoch);
    }
    this.#writes.count("committed");
    const committed = this.#publish(next);
    // The one that runs keeps its turn, and learns that its result is no longer wanted.
    this.#running?.abort(new ConflictError(epoch, committed));
    return committed;
  }

  /**
   * Waits until a version after `since` is current. Whoever then waits for what comes after the
   * answer misses no change, but what is committed in between is one change to him.
   *
   * Any number may wait: a commit costs as much as it has to tell, and a wait that ends leaves
   * nothing behind. A wait alone does not keep the process alive, as those for a lock do not, for
   * when nothing else is alive nothing will be committed; one with a `timeout` does until then.
   *
   * @param since An epoch, that of the version one knows; it may also be one still to come.
   * @param options How long to wait, in milliseconds, and what ends the wait.
   * @returns The first epoch after `since`, or at once the current one if that is later.
   * @throws {ChangeTimeoutError} when `timeout` milliseconds have passed
   * @throws {TypeError | RangeError} when an argument cannot be meant
   * @throws the signal's reason when it has aborted
   *
   * @example Following a value
   * ```ts
   * import { Snapshots } from "@interlock/core";
   * import assert from "node:assert/strict";
   *
   * const price = new Snapshots(3);
   * const seen: number[] = [];
   * async function follow(until: number) {
   *   for (let epoch = price.epoch; epoch < until;) {
   *     epoch = await price.changed(epoch, { timeout: 1000 });
   *     seen.push(price.current);
   *   }
   * }
   * const following = follow(2);
   * await price.update((old) => old + 1);
   * await price.update((old) => old + 1);
   * await following;
   * assert.equal(seen.at(-1), 5);
   * ```
   */
  changed(since: number, options: ChangeOptions = {}): Promise<number> {
    try {
      const action = "wait for a change";
      checkEpoch(since, action);
      checkAcquireOptions(options, action);
      const { timeout = Infinity, signal } = options;
      throwIfAborted(signal);
      if (this.epoch > since) return Promise.resolve(this.epoch);
      return this.#changes.wait(since, timeout, signal);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Who reads, who writes, what is kept for whom, and what became of all writes so far.
   *
   * @returns A copy, which does not change any more.
   *
   * @example
   * ```ts
   * import { Snapshots } from "@interlock/core";
   * import assert from "node:assert/strict";
   *
   * const prices = new Snapshots({ apple: 3 });
   * using _pin = prices.pin("report");
   * await prices.update((old) => ({ ...old, pear: 4 }), { label: "import" });
   * const update = prices.update((old) => {
   *   const { active, oldestPin, committed } = prices.stats();
   *   assert.equal(active?.label, "export");
   *   assert.match(active.id, /^[0-9a-f]{8}-[0-9a-f]{4}-7/);
   *   assert.deepEqual(oldestPin, { epoch: 0, readers: 1, labels: ["report"] });
   *   assert.equal(committed, 1);
   *   return old;
   * }, { label: "export" });
   * assert.deepEqual(prices.stats().pending.map(({ label }) => label), ["export"]);
   * await update;
   * ```
   */
  stats(): SnapshotsStats {
    const { retained, oldest, pins } = this.#versions;
    return {
      epoch: this.epoch,
      readers: pins,
      // All that are retained before the current one are pinned.
      oldestPin: oldest.pins === 0 ? undefined : {
        epoch: oldest.epoch,
        readers: oldest.pins,
        labels: [...oldest.labels?.keys() ?? []],
      },
      retained,
      watchers: this.#changes.size,
      ...this.#writes.stats(),
    };
  }

  #epochOf(base: unknown): number {
    if (typeof base === "number") return checkEpoch(base, "commit");
    if (VersionPin.isOf(base, this.#versions)) return base.epoch;
    throw new TypeError(
      `Cannot commit: base must be a pin of these snapshots or an epoch, got ${show(base)}`,
    );
  }

  #publish(next: T): number {
    const before = this.#versions.publish(next);
    const { epoch } = this;
    this.#changes.come(epoch);
    // Last, for what is told of it may commit in its turn.
    this.#versions.retireUnpinned(before);
    return epoch;
  }
}
