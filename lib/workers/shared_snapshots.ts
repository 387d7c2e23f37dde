/**
 * Bytes in shared memory that are replaced and never changed, so that readers in all threads need no
 * lock.
 *
 * The invariants stand where they are kept: who has pinned what, and that nobody writes there, in
 * `_slots.ts`; that writers take turns, in `_slot_writer.ts`, which waits for them as `SharedRwLock`
 * does; who is attached and what becomes of the dead, in `_seat.ts`. Here is only the door: arguments
 * are checked, handles made and opened.
 */
import { currentHost } from "../_host.ts";
import {
  checkAcquireOptions,
  checkDuration,
  checkEpoch,
  checkFunction,
  checkLabel,
  checkOptions,
  checkStats,
  show,
} from "../_options.ts";
import type { ChangeOptions, Pin, UpdateContext, UpdateOptions } from "../_snapshots_types.ts";
import { checkCount, checkNoSignal, countOf, open, VERSION, type Words } from "./_memory.ts";
import { checkOther, checkOwner } from "./_owner_options.ts";
import { MOST_OWNERS } from "./_seat.ts";
import type {
  CommitOptions,
  ReapedOwner,
  SharedSnapshotsAttachOptions,
  SharedSnapshotsHandle,
  SharedSnapshotsOptions,
  SharedSnapshotsSideOptions,
  SharedSnapshotsStats,
  SyncUpdateContext,
  SyncUpdateOptions,
} from "./_shared_snapshots_types.ts";
import { SlotChanges } from "./_slot_changes.ts";
import { SlotPin } from "./_slot_pin.ts";
import { readersOf, viewCurrent } from "./_slot_readers.ts";
import { SlotWriter } from "./_slot_writer.ts";
import { Slots } from "./_slots.ts";
import {
  allocateSlots,
  LEAST_SLOTS,
  MOST_BYTES,
  MOST_SLOTS,
  slotsLength,
} from "./_slots_memory.ts";
import { ThreadSide } from "./_thread_side.ts";

export type * from "./_shared_snapshots_types.ts";

/**
 * Bytes that the threads of one process share, and the epoch that counts their commits. Readers
 * never wait, whatever a writer does; writers take turns, in all threads.
 *
 * One thread creates it and posts its `handle` to the others, which attach to it. Each thread is one
 * *owner*; any number of its tasks may read and write. Versions lie in *slots* of one shared memory:
 * a pin marks the slot of the version that is current, and a writer writes to a slot that is neither
 * current nor marked, and then makes it current in one step.
 *
 * Guarantees:
 *
 * - **Reading**: `pin` and `view` give the bytes where they lie, whole and of one version, for as
 *   long as they are pinned; `current` gives a copy. None of them waits: they look again if a version
 *   is published in the very moment, and are held up by nobody that is slow, asleep or dead. The
 *   bytes are yours to leave unchanged: JavaScript has no memory that can only be read.
 * - **Writing**: `update` waits for its turn and for a slot, and computes the next version from the
 *   last committed one; `commit` waits likewise, and succeeds if nothing was committed since its
 *   base. Until then, and if it throws, aborts or passes its limit, value and epoch are as they were.
 *   Threads are served in the order in which they came, as by {@linkcode SharedRwLock}.
 * - **Room**: when readers have pinned all versions but the current one, a writer waits until one is
 *   released, or fails by its `timeout` with a {@linkcode SlotTimeoutError}; readers do not notice. A
 *   commit that waits behind it gives up when that writer waits for the slot of its base. But do not
 *   call `update` while you hold a pin, nor `commit` while you hold one on another version than its
 *   base: if as many do as there are slots, all wait for one another.
 * - **Cancellation**: a wait that times out or aborts leaves nothing behind. An async wait keeps the
 *   process alive exactly while it lasts.
 * - **Death**: a thread that was terminated keeps its pins and its turn until another calls
 *   `reap(owner)`. If it died while it wrote, the last committed version is as it was. It may not be
 *   quite dead (see {@linkcode SharedRwLock}): once reaped it commits nothing any more, and its pins,
 *   views and updates throw {@linkcode OwnerReapedError}; but bytes that it has in its hands already
 *   are not to be trusted, since their slot may be written again.
 * - **Cost**: a pin and its release are a compare-and-swap each, without a system call or a clock. A
 *   commit copies the new version once.
 *
 * At most 20 threads may be attached at once. After the shardex design, between threads; the pins are
 * hazard pointers (Michael 2004), by slot.
 *
 * @example A table that threads share
 * ```ts
 * import { SharedSnapshots } from "@interlock/core/workers";
 * import assert from "node:assert/strict";
 *
 * const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
 * const bytes = (text: string) => new TextEncoder().encode(text);
 *
 * const prices = SharedSnapshots.create(bytes("tea 3"), { capacity: 1000 });
 * const theirs = SharedSnapshots.attach(structuredClone(prices.handle)); // in a Worker
 * using before = theirs.pin();
 * assert.equal(await prices.update((old) => bytes(text(old) + ", coffee 4")), 1);
 *
 * assert.equal(text(before.value), "tea 3"); // still what it was when it was pinned
 * assert.equal(text(theirs.current), "tea 3, coffee 4");
 * assert.equal(theirs.epoch, before.epoch + 1);
 * ```
 */
export class SharedSnapshots {
  readonly #handle: SharedSnapshotsHandle;
  readonly #side: ThreadSide;
  readonly #slots: Slots;
  readonly #writer: SlotWriter;
  readonly #changes: SlotChanges;

  private constructor(
    words: Words,
    handle: SharedSnapshotsHandle,
    { label, stats }: SharedSnapshotsSideOptions,
    owner: number | undefined,
  ) {
    this.#handle = handle;
    const host = currentHost();
    this.#side = new ThreadSide(words, { label: label ?? "the shared snapshots" }, owner);
    this.#slots = new Slots(this.#side.seat);
    this.#writer = new SlotWriter(this.#side, this.#slots, host, stats === true);
    this.#changes = new SlotChanges(this.#side, this.#slots, host);
  }

  /**
   * Starts with `initial` at epoch 0, and attaches this thread as owner 0.
   *
   * @param initial The first version; it is copied.
   * @param options A label, how many bytes a version may have, for how many versions and for how many
   *   threads there is room.
   * @throws {TypeError} when an argument has the wrong type
   * @throws {RangeError} when a number is out of its range, `initial` longer than `capacity`, or there
   *   is not so much memory
   */
  static create(initial: Uint8Array, options: SharedSnapshotsOptions = {}): SharedSnapshots {
    const action = "create shared snapshots";
    checkSide(options, action);
    if (!(initial instanceof Uint8Array)) {
      throw new TypeError(
        `Cannot ${action}: the initial value must be a Uint8Array, got ${show(initial)}`,
      );
    }
    const { owners = MOST_OWNERS, slots = 4, capacity = initial.length, label } = options;
    checkCount("owners", owners, MOST_OWNERS, action);
    checkCount("slots", slots, MOST_SLOTS, action, LEAST_SLOTS);
    checkCount("capacity", capacity, MOST_BYTES, action);
    if (initial.length > capacity) {
      throw new RangeError(
        `Cannot ${action}: the initial value has ${initial.length} bytes, and there is room for ` +
          `${capacity}`,
      );
    }
    const words = allocateSlots(owners, slots, capacity, initial);
    const handle: SharedSnapshotsHandle = {
      kind: "SharedSnapshots",
      version: VERSION,
      memory: words.buffer,
      ...(label === undefined ? {} : { label }),
    };
    return new SharedSnapshots(words, handle, options, 0);
  }

  /**
   * Attaches this thread to snapshots that another has created. A thread attaches once and lets its
   * tasks share what it got.
   *
   * @param handle What the other thread's `handle` was.
   * @param options Which number to take, and a label of this thread's own.
   * @throws {TypeError} when `handle` is not that of `SharedSnapshots` of this release
   * @throws {RangeError} when `owner` is not a number of theirs
   * @throws {Error} when `owner`, or every owner, is taken
   */
  static attach(
    handle: SharedSnapshotsHandle,
    options: SharedSnapshotsAttachOptions = {},
  ): SharedSnapshots {
    const action = "attach to SharedSnapshots";
    const words = open("SharedSnapshots", handle, MOST_OWNERS, slotsLength);
    checkLabel(handle.label, action);
    checkSide(options, action);
    const { owner } = options;
    if (owner !== undefined) checkOwner(owner, countOf(words), action);
    const label = options.label ?? handle.label;
    return new SharedSnapshots(words, handle, { ...options, label }, owner);
  }

  /** What to post to another thread; `structuredClone` and `postMessage` share its memory. */
  get handle(): SharedSnapshotsHandle {
    return this.#handle;
  }

  /** The number by which this thread is known to `reap()`. */
  get owner(): number {
    return this.#side.seat.owner;
  }

  /** How many bytes a version may have. */
  get capacity(): number {
    return this.#slots.capacity;
  }

  /**
   * A copy of the last committed version.
   *
   * @throws {OwnerReapedError} when this thread has been reaped
   */
  get current(): Uint8Array<ArrayBuffer> {
    return this.view((value) => value.slice());
  }

  /** How many commits there have been. */
  get epoch(): number {
    return this.#slots.epoch;
  }

  /**
   * Keeps the current version in its slot until the pin is disposed of.
   *
   * @param label A name for the reader, which `stats()` shows while it keeps an old version.
   * @returns The pin, with the bytes where they lie, and their epoch. What is to outlast the pin has
   *   to be copied (`slice()`), for the slot is written again afterwards.
   * @throws {TypeError} when the label is not a string
   * @throws {OwnerReapedError} when this thread has been reaped; so does the pin's `value` then
   */
  pin(label?: string): Pin<Uint8Array<SharedArrayBuffer>> {
    checkLabel(label, "pin version");
    return new SlotPin(this.#slots, label);
  }

  /**
   * Runs `fn` on the current version, pinned until `fn` has ended; when `fn` answers a promise,
   * until that has settled.
   *
   * @param fn What to do with the bytes, which it must not keep, and their epoch.
   * @returns What `fn` answered.
   * @throws {OwnerReapedError} when this thread has been reaped, also when that was while `fn` ran:
   *   what it has read may be half of one version and half of another
   * @throws whatever `fn` throws
   *
   * @example
   * ```ts
   * import { SharedSnapshots } from "@interlock/core/workers";
   * import assert from "node:assert/strict";
   *
   * const scores = SharedSnapshots.create(Uint8Array.of(3, 4));
   * assert.equal(scores.view((bytes) => bytes[0] + bytes[1]), 7);
   * assert.equal(await scores.view(async (bytes) => (await Promise.resolve(bytes))[1]), 4);
   * ```
   */
  view<R>(fn: (value: Uint8Array<SharedArrayBuffer>, epoch: number) => R): R {
    checkFunction("fn", fn, "view version");
    return viewCurrent(this.#slots, fn);
  }

  /**
   * Waits for the turn to write and for a slot, computes the next version from the last committed
   * one, and commits it, also when it is the same. Not re-entrant: an update inside `fn` waits for
   * itself.
   *
   * After an abort or a passed limit `fn` may still be running while the next writer runs; its result
   * is refused, and the version that it was given stays pinned until it ends.
   *
   * @param fn Answers the next version, which is copied. Must not alter the one it is given.
   * @param options How long to wait and to run, in milliseconds, and what ends either.
   * @returns The epoch of the new version.
   * @throws {LockTimeoutError} when `timeout` milliseconds have passed before its turn came
   * @throws {SlotTimeoutError} when they have passed before a slot was free
   * @throws {UpdateLimitError} when `fn` has run for longer than `limit` milliseconds
   * @throws {RangeError} when the version is longer than `capacity`
   * @throws {TypeError | RangeError} when an argument, or what `fn` answers, cannot be meant
   * @throws {OwnerReapedError} when this thread has been reaped
   * @throws the signal's reason when it has aborted, or whatever `fn` throws
   *
   * @example A failed update leaves everything as it was
   * ```ts
   * import { SharedSnapshots } from "@interlock/core/workers";
   * import assert from "node:assert/strict";
   *
   * const total = SharedSnapshots.create(Uint8Array.of(1));
   * await assert.rejects(total.update(() => Promise.reject(new Error("no"))), /no/);
   * await assert.rejects(total.update(() => new Uint8Array(2)), RangeError);
   * assert.equal(await total.update(([value]) => Uint8Array.of(value + 1)), 1);
   * assert.deepEqual(total.current, Uint8Array.of(2));
   * ```
   */
  async update(
    fn: (
      value: Uint8Array<SharedArrayBuffer>,
      context: UpdateContext,
    ) => Uint8Array | Promise<Uint8Array>,
    options: UpdateOptions = {},
  ): Promise<number> {
    checkFunction("fn", fn, "update");
    checkAcquireOptions(options, "update");
    if (options.limit !== undefined) checkDuration("limit", options.limit, "update");
    const { timeout, signal, label, owner, limit } = options;
    return await this.#writer.update(fn, { timeout, signal, label, owner, limit });
  }

  /**
   * The same with the thread blocked while it waits.
   *
   * @param fn Answers the next version, which is copied. Must not alter the one it is given.
   * @param options How long to wait, in milliseconds, and a name for the writer.
   * @returns The epoch of the new version.
   * @throws {LockTimeoutError} when `timeout` milliseconds have passed before its turn came
   * @throws {SlotTimeoutError} when they have passed before a slot was free
   * @throws {RangeError} when the version is longer than `capacity`
   * @throws {TypeError | RangeError} when an argument, or what `fn` answers, cannot be meant
   * @throws {OwnerReapedError} when this thread has been reaped
   * @throws {Error} when it would wait for its own thread, which could never run
   * @throws whatever `fn` throws
   */
  updateSync(
    fn: (value: Uint8Array<SharedArrayBuffer>, context: SyncUpdateContext) => Uint8Array,
    options: SyncUpdateOptions = {},
  ): number {
    checkFunction("fn", fn, "update");
    checkSyncOptions(options, "update");
    return this.#writer.updateSync(fn, options);
  }

  /**
   * Waits for the turn to write and for a slot, and commits `next` if nothing was committed since
   * `base`. One whose base is past already does not wait.
   *
   * @param base The version `next` was computed from: a pin of these snapshots, or an epoch.
   * @param next The next version, which is copied when its turn has come.
   * @param options How long to wait, in milliseconds, and what ends the wait.
   * @returns The epoch of the new version.
   * @throws {ConflictError} when `base` is not the current version
   * @throws {LockTimeoutError} when `timeout` milliseconds have passed before its turn came
   * @throws {SlotTimeoutError} when they have passed before a slot was free
   * @throws {RangeError} when `next` is longer than `capacity`
   * @throws {TypeError | RangeError} when an argument cannot be meant
   * @throws {OwnerReapedError} when this thread has been reaped
   * @throws the signal's reason when it has aborted
   *
   * @example
   * ```ts
   * import { ConflictError } from "@interlock/core";
   * import { SharedSnapshots } from "@interlock/core/workers";
   * import assert from "node:assert/strict";
   *
   * const total = SharedSnapshots.create(Uint8Array.of(1));
   * using base = total.pin();
   * await total.commit(base, Uint8Array.of(base.value[0] + 1));
   * await assert.rejects(total.commit(base, Uint8Array.of(base.value[0] + 1)), ConflictError);
   * assert.deepEqual(total.current, Uint8Array.of(2));
   * ```
   */
  async commit(
    base: Pin<Uint8Array> | number,
    next: Uint8Array,
    options: CommitOptions = {},
  ): Promise<number> {
    checkAcquireOptions(options, "commit");
    const { timeout, signal, label, owner } = options;
    return await this.#writer.commit(base, next, { timeout, signal, label, owner });
  }

  /**
   * The same with the thread blocked while it waits.
   *
   * @param base The version `next` was computed from: a pin of these snapshots, or an epoch.
   * @param next The next version, which is copied.
   * @param options How long to wait, in milliseconds, and a name for the writer.
   * @returns The epoch of the new version.
   * @throws {ConflictError} when `base` is not the current version
   * @throws {LockTimeoutError} when `timeout` milliseconds have passed before its turn came
   * @throws {SlotTimeoutError} when they have passed before a slot was free
   * @throws {RangeError} when `next` is longer than `capacity`
   * @throws {TypeError | RangeError} when an argument cannot be meant
   * @throws {OwnerReapedError} when this thread has been reaped
   * @throws {Error} when it would wait for its own thread, which could never run
   */
  commitSync(
    base: Pin<Uint8Array> | number,
    next: Uint8Array,
    options: SyncUpdateOptions = {},
  ): number {
    checkSyncOptions(options, "commit");
    return this.#writer.commitSync(base, next, options);
  }

  /**
   * Waits until a version after `since` is current, in whatever thread it was committed. Whoever then
   * waits for what comes after the answer misses no change, but what is committed in between is one
   * change to him.
   *
   * @param since An epoch, that of the version one knows; it may also be one still to come.
   * @param options How long to wait, in milliseconds, and what ends the wait.
   * @returns The epoch that is current then; it may be a later one than the next.
   * @throws {ChangeTimeoutError} when `timeout` milliseconds have passed
   * @throws {TypeError | RangeError} when an argument cannot be meant
   * @throws {OwnerReapedError} when this thread has been reaped
   * @throws the signal's reason when it has aborted
   *
   * @example
   * ```ts
   * import { SharedSnapshots } from "@interlock/core/workers";
   * import assert from "node:assert/strict";
   *
   * const state = SharedSnapshots.create(Uint8Array.of(1));
   * const theirs = SharedSnapshots.attach(state.handle); // in a Worker
   * const change = theirs.changed(theirs.epoch);
   * state.updateSync(() => Uint8Array.of(2));
   * assert.equal(await change, 1);
   * ```
   */
  async changed(since: number, options: ChangeOptions = {}): Promise<number> {
    const action = "wait for a change";
    checkEpoch(since, action);
    checkAcquireOptions(options, action);
    return await this.#changes.wait(since, options);
  }

  /**
   * The same with the thread blocked.
   *
   * @param since An epoch.
   * @param options How long to wait, in milliseconds.
   * @returns The epoch that is current then; it may be a later one than the next.
   * @throws {ChangeTimeoutError} when `timeout` milliseconds have passed
   * @throws {TypeError | RangeError} when an argument cannot be meant
   * @throws {OwnerReapedError} when this thread has been reaped
   */
  changedSync(since: number, options: Pick<ChangeOptions, "timeout"> = {}): number {
    const action = "wait for a change";
    checkEpoch(since, action);
    checkSyncOptions(options, action);
    return this.#changes.waitSync(since, options.timeout ?? Infinity);
  }

  /**
   * Who reads, who writes, what is kept for whom, and what became of this thread's writes so far.
   * Other threads do not stand still meanwhile, so where they are busy the answer may mix two
   * moments.
   *
   * @returns A copy, which does not change any more.
   *
   * @example
   * ```ts
   * import { SharedSnapshots } from "@interlock/core/workers";
   * import assert from "node:assert/strict";
   *
   * const prices = SharedSnapshots.create(Uint8Array.of(3), { slots: 3 });
   * const theirs = SharedSnapshots.attach(prices.handle); // in a Worker
   * using _mine = prices.pin("report");
   * using _theirs = theirs.pin();
   * await prices.update(() => Uint8Array.of(4));
   * const { oldestPin, retained, slots, committed } = prices.stats();
   * assert.deepEqual(oldestPin, { epoch: 0, readers: 2, labels: ["report", "owner 1"] });
   * assert.deepEqual([retained, slots, committed], [2, 3, 1]);
   * ```
   */
  stats(): SharedSnapshotsStats {
    const slots = this.#slots;
    return {
      epoch: slots.epoch,
      slots: slots.count,
      ...readersOf(slots, this.owner),
      watchers: this.#changes.size,
      turn: this.#side.query(),
      ...this.#writer.writes.stats(),
    };
  }

  /**
   * Takes away what a dead thread had pinned, its turn to write and its place among those who wait
   * for theirs, and frees its number. To be called once its Worker has been terminated or has exited;
   * a live thread that is reaped is shut out like a dead one. Several threads may reap one owner at
   * once, and again if one of them dies over it; but to give its number to a new thread is for the
   * one that reaped it last.
   *
   * @param owner The number of the thread.
   * @returns What it had.
   * @throws {TypeError | RangeError} when `owner` is not the number of another owner
   *
   * @example
   * ```ts
   * import { SharedSnapshots } from "@interlock/core/workers";
   * import assert from "node:assert/strict";
   *
   * const state = SharedSnapshots.create(Uint8Array.of(1), { slots: 2 });
   * const theirs = SharedSnapshots.attach(state.handle, { owner: 1 }); // in a Worker
   * theirs.pin(); // and here the Worker is terminated
   * state.updateSync(() => Uint8Array.of(2));
   * assert.throws(() => state.updateSync(() => Uint8Array.of(3), { timeout: 0 }), {
   *   name: "SlotTimeoutError",
   * });
   * assert.deepEqual(state.reap(1), { writing: false, pinned: 1 });
   * assert.equal(state.updateSync(() => Uint8Array.of(3)), 2);
   * ```
   */
  reap(owner: number): ReapedOwner {
    const { seat } = this.#side;
    checkOther(owner, seat);
    const had = seat.reap(owner, this.#slots);
    let pinned = 0;
    for (let marks = had?.marks ?? 0; marks !== 0; marks &= marks - 1) pinned++;
    return { writing: had?.mode === "write", pinned };
  }

  /**
   * Gives this thread's number back, for another thread to take. Later pins and updates throw.
   *
   * @throws {Error} while this thread has pinned a version, writes, or waits to write or for a change
   */
  detach(): void {
    if (this.#slots.pins > 0 || this.#changes.size > 0) {
      throw new Error(
        `Cannot detach owner ${this.owner} from ${this.#side.label}: ` +
          "a task of this thread has pinned a version or waits for one",
      );
    }
    this.#side.detach();
  }
}

function checkSide(options: SharedSnapshotsSideOptions, action: string): void {
  checkOptions(options, action);
  checkLabel(options.label, action);
  checkStats(options.stats, action);
}

function checkSyncOptions(options: UpdateOptions, action: string): void {
  checkAcquireOptions(options, action);
  checkNoSignal(options, action);
}
