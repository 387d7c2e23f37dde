/** Those of one thread who wait for a later epoch. */
import { type Deadlines, deadlinesOf } from "../_deadlines.ts";
import type { Host } from "../_host.ts";
import { throwIfAborted } from "../_signals.ts";
import type { ChangeOptions } from "../_snapshots_types.ts";
import { ChangeTimeoutError } from "../errors.ts";
import type { Slots } from "./_slots.ts";
import type { ThreadSide } from "./_thread_side.ts";
import { type Awaited, blockFor, waitFor } from "./_waiting.ts";

/** See above. */
export class SlotChanges {
  readonly #side: ThreadSide;
  readonly #slots: Slots;
  readonly #host: Host;
  readonly #deadlines: Deadlines;
  #size = 0;

  constructor(side: ThreadSide, slots: Slots, host: Host) {
    this.#side = side;
    this.#slots = slots;
    this.#host = host;
    this.#deadlines = deadlinesOf(host);
  }

  /** How many wait. */
  get size(): number {
    return this.#size;
  }

  /** Waits until the epoch is later than `since`; answers it. */
  async wait(since: number, { timeout = Infinity, signal }: ChangeOptions): Promise<number> {
    throwIfAborted(signal);
    const { awaited, epoch } = this.#search(since);
    if (awaited.attempt()) return epoch();
    if (timeout === 0) throw awaited.timedOut();
    this.#size++;
    try {
      return await waitFor(awaited, epoch, this.#deadlines, { timeout, signal });
    } finally {
      this.#size--;
    }
  }

  /** The same with the thread blocked. */
  waitSync(since: number, timeout: number): number {
    const { awaited, epoch } = this.#search(since);
    if (!blockFor(awaited, timeout, this.#host)) throw awaited.timedOut();
    return epoch();
  }

  #search(since: number): { awaited: Awaited; epoch: () => number } {
    const slots = this.#slots;
    const { changed } = slots;
    const { seat, label } = this.#side;
    const begun = this.#host.now();
    let epoch = 0;
    const awaited = {
      words: seat.words,
      signal: changed.signal,
      attempt: () => {
        slots.verify("wait for a change of");
        changed.arm();
        epoch = slots.epoch;
        return epoch > since;
      },
      withdraw: () => true,
      afterwards() {},
      poke: () => changed.toll(),
      timedOut: () => new ChangeTimeoutError(label, since, this.#host.now() - begun),
    };
    return { awaited, epoch: () => epoch };
  }
}
