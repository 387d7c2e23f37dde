/**
 * Versions of a value and the pins on them. `pins` is the number of pins that are not disposed of:
 * a pin counts itself on where it is made, and off in its dispose, which passes its first lines
 * once.
 */
import type { Pin } from "./snapshots.ts";

/** One value, with what is needed to know when it is no longer needed. */
export class Version<T> {
  pins = 0;
  constructor(readonly value: T, readonly epoch: number) {}
}

/** A pin, which counts itself on its version and off it once. */
export class VersionPin<T> implements Pin<T> {
  readonly epoch: number;
  readonly label: string | undefined;
  #version: Version<T> | undefined;
  #unpin: (version: Version<T>) => void;

  constructor(
    version: Version<T>,
    label: string | undefined,
    unpin: (version: Version<T>) => void,
  ) {
    this.#version = version;
    this.#unpin = unpin;
    this.epoch = version.epoch;
    this.label = label;
    version.pins++;
  }

  get value(): T {
    if (this.#version === undefined) {
      throw new TypeError(`Cannot read version ${this.epoch}: its pin has been disposed of`);
    }
    return this.#version.value;
  }

  /** Whether this pin was made by the snapshots that `unpin` belongs to. */
  static isOf(pin: unknown, unpin: unknown): pin is VersionPin<unknown> {
    return typeof pin === "object" && pin !== null && #unpin in pin && pin.#unpin === unpin;
  }

  [Symbol.dispose](): void {
    const version = this.#version;
    if (version === undefined) return;
    this.#version = undefined;
    version.pins--;
    this.#unpin(version);
  }
}
