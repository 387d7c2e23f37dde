/**
 * Writing versions, from one thread: waiting for the turn and for a slot, making the next version,
 * and publishing it.
 *
 * What always holds: only who has the turn, which is to hold the lock alone, publishes; and what it
 * publishes was made from the version that is current, because nobody else has published since it
 * got its turn. A write waits for both before its function runs, so that none runs in vain.
 *
 * **A commit does not stand in the way of the writer it waits for.** Its base is pinned most often, so
 * while it waits for its turn, whoever has the turn may wait for that very slot. Then its base is no
 * longer current, for nobody waits for the slot that is; so it cannot succeed any more. Whoever has
 * the turn and finds no slot signals all who wait for theirs, and who is signalled looks whether its
 * wait is worthwhile still. One that looked before its base was past had read its signal before
 * that, and wakes; one that looks later sees that it is. (A blocked thread looks besides whether its
 * own pins are on all slots but the current one: whoever has the turn waits for it then.)
 */
import { type Deadlines, deadlinesOf } from "../_deadlines.ts";
import type { Host } from "../_host.ts";
import { checkEpoch, show } from "../_options.ts";
import { throwIfAborted } from "../_signals.ts";
import type { UpdateContext, UpdateOptions } from "../_snapshots_types.ts";
import { UpdateRun } from "../_update.ts";
import { type Write, type WriteEnd, Writes } from "../_writes.ts";
import { ConflictError, LockTimeoutError } from "../errors.ts";
import { SlotTimeoutError } from "./_errors.ts";
import { Hold } from "./_hold.ts";
import type {
  CommitOptions,
  SyncUpdateContext,
  SyncUpdateOptions,
} from "./_shared_snapshots_types.ts";
import { type SlotBytes, SlotPin } from "./_slot_pin.ts";
import type { FreeSlot, Slots } from "./_slots.ts";
import type { ThreadSide, Worthwhile } from "./_thread_side.ts";
import { type Awaited, blockFor, waitFor } from "./_waiting.ts";

/** What a write does when it has its turn and a slot. */
interface Job<R extends Uint8Array | Promise<Uint8Array>> {
  /** The epoch that must be current still, if it matters. */
  readonly expected?: number;
  /** Makes the next version. */
  readonly make: () => R;
  /** How the write has ended if that went wrong. */
  failure: WriteEnd;
}

/** See above. */
export class SlotWriter {
  /** What became of this thread's writes. */
  readonly writes: Writes;
  readonly #side: ThreadSide;
  readonly #slots: Slots;
  readonly #host: Host;
  readonly #deadlines: Deadlines;

  constructor(side: ThreadSide, slots: Slots, host: Host, stats: boolean) {
    this.#side = side;
    this.#slots = slots;
    this.#host = host;
    this.#deadlines = deadlinesOf(host);
    this.writes = new Writes(host, stats);
  }

  /** Computes the next version in its turn, and publishes it; answers its epoch. */
  update(
    fn: (value: SlotBytes, context: UpdateContext) => Uint8Array | Promise<Uint8Array>,
    options: UpdateOptions,
  ): Promise<number> {
    const slots = this.#slots;
    const job: Job<Promise<Uint8Array>> = {
      failure: "failed",
      make: async () => {
        const base = slots.pin();
        const { value } = base;
        const run = new UpdateRun(base.epoch);
        const compute = async (_: Uint8Array, context: UpdateContext): Promise<Uint8Array> => {
          try {
            return await fn(value, context);
          } finally {
            // Not before, though it may have been abandoned: it may look at what it was given.
            slots.unpin(base.slot);
          }
        };
        try {
          return await run.start<Uint8Array>(compute, value, options, this.#deadlines);
        } catch (error) {
          job.failure = UpdateRun.failureOf(run);
          throw error;
        }
      },
    };
    return this.#write(job, options);
  }

  /** The same with the thread blocked. */
  updateSync(
    fn: (value: SlotBytes, context: SyncUpdateContext) => Uint8Array,
    options: SyncUpdateOptions,
  ): number {
    const slots = this.#slots;
    const make = () => {
      const base = slots.pin();
      try {
        return fn(base.value, { epoch: base.epoch });
      } finally {
        slots.unpin(base.slot);
      }
    };
    return this.#writeSync({ make, failure: "failed" }, options);
  }

  /**
   * Publishes `next` in its turn if nothing was committed since `base`, a pin or an epoch; answers its
   * epoch.
   */
  commit(base: unknown, next: Uint8Array, options: CommitOptions): Promise<number> {
    const expected = this.#checkCommit(base, next);
    const make = () => Promise.resolve(next);
    return this.#write({ expected, make, failure: "failed" }, options);
  }

  /** The same with the thread blocked. */
  commitSync(base: unknown, next: Uint8Array, options: SyncUpdateOptions): number {
    const expected = this.#checkCommit(base, next);
    return this.#writeSync({ expected, make: () => next, failure: "failed" }, options);
  }

  async #write(job: Job<Promise<Uint8Array>>, options: UpdateOptions): Promise<number> {
    const write = this.writes.request(options.label);
    try {
      const worthwhile = this.#worthwhile(job.expected);
      using _turn = await this.#side.acquire(true, options, worthwhile);
      worthwhile?.();
      let free = await this.#slot(write, options);
      throwIfAborted(options.signal);
      this.writes.start(write);
      const epoch = this.#slots.epoch + 1;
      const next = await job.make();
      this.#check(next, "update");
      while (!this.#slots.write(free, next, epoch)) free = await this.#slot(write, options);
      this.#slots.publish(free.slot);
      this.writes.end(write, "committed");
      return epoch;
    } catch (error) {
      this.#failed(write, job.failure, error, options.signal);
      throw error;
    }
  }

  #writeSync(job: Job<Uint8Array>, options: SyncUpdateOptions): number {
    const write = this.writes.request(options.label);
    try {
      const worthwhile = this.#worthwhile(job.expected);
      const timed = this.#side.acquireSync(true, options, () => {
        worthwhile?.();
        this.#refuseOwnWay();
      });
      using _turn = new Hold(this.#side, "write", timed);
      worthwhile?.();
      let free = this.#slotSync(write, options);
      this.writes.start(write);
      const epoch = this.#slots.epoch + 1;
      const next = job.make();
      this.#check(next, "update");
      while (!this.#slots.write(free, next, epoch)) free = this.#slotSync(write, options);
      this.#slots.publish(free.slot);
      this.writes.end(write, "committed");
      return epoch;
    } catch (error) {
      this.#failed(write, job.failure, error, undefined);
      throw error;
    }
  }

  /** Refuses what is no version, or too long for one. */
  #check(value: unknown, action: string): void {
    const { label } = this.#side;
    if (!(value instanceof Uint8Array)) {
      throw new TypeError(
        `Cannot ${action} ${label}: the value must be a Uint8Array, got ${show(value)}`,
      );
    }
    const { capacity } = this.#slots;
    if (value.length > capacity) {
      throw new RangeError(
        `Cannot ${action} ${label}: the value has ${value.length} bytes, and there is room for ` +
          `${capacity}`,
      );
    }
  }

  /** The epoch that `base` stands for, if a commit on it may succeed still. */
  #checkCommit(base: unknown, next: unknown): number {
    this.#check(next, "commit to");
    const expected = this.#epochOf(base);
    const { epoch } = this.#slots;
    if (epoch === expected) return expected;
    this.writes.count("conflicts");
    throw new ConflictError(expected, epoch);
  }

  #epochOf(base: unknown): number {
    if (typeof base === "number") return checkEpoch(base, "commit");
    if (SlotPin.isOf(base, this.#slots)) return base.epoch;
    throw new TypeError(
      `Cannot commit: base must be a pin of these snapshots or an epoch, got ${show(base)}`,
    );
  }

  /** What a wait for the turn goes by that is for the version after `expected`, if it matters. */
  #worthwhile(expected: number | undefined): Worthwhile | undefined {
    if (expected === undefined) return undefined;
    return () => {
      const { epoch } = this.#slots;
      if (epoch !== expected) throw new ConflictError(expected, epoch);
    };
  }

  /** Waits for a slot that can be written to. */
  async #slot(write: Write, { timeout = Infinity, signal }: UpdateOptions): Promise<FreeSlot> {
    const free = this.#slots.find();
    if (free !== undefined) return free;
    throwIfAborted(signal);
    if (timeout === 0) throw this.#timedOut(write);
    const { awaited, found } = this.#search(write);
    const left = Math.max(0, timeout - this.#waited(write));
    return await waitFor(awaited, found, this.#deadlines, { timeout: left, signal });
  }

  /** The same with the thread blocked. */
  #slotSync(write: Write, { timeout = Infinity }: SyncUpdateOptions): FreeSlot {
    const free = this.#slots.find();
    if (free !== undefined) return free;
    if (timeout === 0) throw this.#timedOut(write);
    this.#refuseOwnWay();
    const { awaited, found } = this.#search(write);
    if (!blockFor(awaited, timeout - this.#waited(write), this.#host)) throw this.#timedOut(write);
    return found();
  }

  /** Throws where a blocked thread would wait for what only itself can release. */
  #refuseOwnWay(): void {
    if (!this.#slots.isInOwnWay) return;
    throw new Error(
      `Cannot commit to ${this.#side.label} synchronously: this thread itself has pinned all ` +
        "other versions, and could never release one while it waits",
    );
  }

  #search(write: Write): { awaited: Awaited; found: () => FreeSlot } {
    const slots = this.#slots;
    this.#side.seat.pokeQueue();
    const { freed } = slots;
    let free: FreeSlot | undefined;
    const awaited = {
      words: this.#side.seat.words,
      signal: freed.signal,
      attempt: () => {
        slots.verify("commit to");
        freed.arm();
        free = slots.find();
        return free !== undefined;
      },
      withdraw: () => true,
      afterwards() {},
      poke: () => freed.toll(),
      timedOut: () => this.#timedOut(write),
    };
    return { awaited, found: () => free! };
  }

  #waited({ requestedAt }: Write): number {
    return this.#host.now() - requestedAt;
  }

  #timedOut(write: Write): SlotTimeoutError {
    const owners = new Set(this.#slots.look().flatMap(({ owners }) => owners));
    const inTheWay = [...owners].sort((a, b) => a - b);
    const { label } = this.#side;
    return new SlotTimeoutError(label, this.#waited(write), this.#slots.count, inTheWay);
  }

  #failed(write: Write, how: WriteEnd, error: unknown, signal: AbortSignal | undefined): void {
    this.writes.end(write, write.startedAt === undefined ? endOfWait(error, signal) : how);
  }
}

/** How a write has ended whose function never ran. */
function endOfWait(error: unknown, signal: AbortSignal | undefined): WriteEnd {
  if (signal?.aborted && error === signal.reason) return "aborted";
  if (error instanceof LockTimeoutError || error instanceof SlotTimeoutError) return "timedOut";
  return error instanceof ConflictError ? "conflicts" : "failed";
}
