/** The errors that only users of the shared primitives have to catch. */
import { rounded } from "../_milliseconds.ts";

/** The thread's place was taken away by `reap()`: for the others it is dead and holds nothing. */
export class OwnerReapedError extends Error {
  /** The name of the class. */
  override readonly name = "OwnerReapedError";
  /** The number the thread had. */
  readonly owner: number;

  /** Builds the message from what was tried. */
  constructor(action: string, lock: string, owner: number) {
    super(`Cannot ${action} ${lock}: owner ${owner}, which this thread was, has been reaped`);
    this.owner = owner;
  }
}

/** A wait at a barrier lasted longer than its `timeout`. The party no longer counts as arrived. */
export class BarrierTimeoutError extends Error {
  /** The name of the class. */
  override readonly name = "BarrierTimeoutError";
  /** How long it waited, in milliseconds. */
  readonly waited: number;
  /** How many had arrived when the time was up, this one among them. */
  readonly arrived: number;
  /** How many the barrier waits for. */
  readonly parties: number;

  /** Builds the message from the counts. */
  constructor(waited: number, arrived: number, parties: number) {
    super(
      `Cannot pass barrier within ${rounded(waited)} ms: ${arrived} of ${parties} parties arrived`,
    );
    this.waited = waited;
    this.arrived = arrived;
    this.parties = parties;
  }
}

/** No version could be written within the `timeout`, because readers have pinned all others. */
export class SlotTimeoutError extends Error {
  /** The name of the class. */
  override readonly name = "SlotTimeoutError";
  /** How long the writer waited, for its turn and for a slot, in milliseconds. */
  readonly waited: number;
  /** How many slots there are: one is current, and the others were pinned. */
  readonly slots: number;
  /** The numbers of the threads that had pinned them when the time was up. */
  readonly owners: readonly number[];

  /** Builds the message from what was waited for, how long, and who was in the way. */
  constructor(snapshots: string, waited: number, slots: number, owners: readonly number[]) {
    const names = owners.map((owner) => `owner ${owner}`).join(", ");
    super(
      `Cannot commit to ${snapshots} within ${rounded(waited)} ms: ` +
        `all ${slots} slots are current or pinned${names === "" ? "" : ` (by ${names})`}`,
    );
    this.waited = waited;
    this.slots = slots;
    this.owners = owners;
  }
}
