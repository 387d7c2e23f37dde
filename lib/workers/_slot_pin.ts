/** A version in a slot as one thread sees it, and the pins on it. */
import type { Pin } from "../_snapshots_types.ts";
import { countLabel } from "../_version.ts";
import type { Slots } from "./_slots.ts";

/** Bytes where they lie. */
export type SlotBytes = Uint8Array<SharedArrayBuffer>;

/** One version; there is one object for it in each thread, as long as its slot keeps it. */
export class SlotVersion {
  /** How many of its pins have each label, if any has one. */
  labels: Map<string, number> | undefined = undefined;
  readonly #length: number;
  #value: SlotBytes | undefined;

  constructor(
    readonly slots: Slots,
    readonly slot: number,
    readonly epoch: number,
    length: number,
  ) {
    this.#length = length;
  }

  /** Its bytes where they are; throws when this thread has been reaped. */
  get value(): SlotBytes {
    this.slots.verify("read a version of");
    // The same each time, and another for another version, so that it can be a key of a `WeakMap`.
    return this.#value ??= this.slots.view(this.slot, this.#length);
  }
}

/** A pin, which takes itself off its version once. */
export class SlotPin implements Pin<SlotBytes> {
  readonly epoch: number;
  readonly label: string | undefined;
  readonly #slots: Slots;
  #version: SlotVersion | undefined;

  /** Pins the one that is current. */
  constructor(slots: Slots, label: string | undefined) {
    const version = slots.pin();
    this.#slots = slots;
    this.#version = version;
    this.epoch = version.epoch;
    this.label = label;
    if (label !== undefined) countLabel(version, label, 1);
  }

  get value(): SlotBytes {
    if (this.#version === undefined) {
      throw new TypeError(`Cannot read version ${this.epoch}: its pin has been disposed of`);
    }
    return this.#version.value;
  }

  /** Whether this is a pin on one of these slots. */
  static isOf(pin: unknown, slots: Slots): pin is SlotPin {
    return typeof pin === "object" && pin !== null && #slots in pin && pin.#slots === slots;
  }

  [Symbol.dispose](): void {
    const version = this.#version;
    if (version === undefined) return;
    this.#version = undefined;
    if (this.label !== undefined) countLabel(version, this.label, -1);
    version.slots.unpin(version.slot);
  }
}
