/**
 * Versions of a value and the pins on them.
 *
 * What always holds: `pins` of a version is the number of its pins that are not disposed of, for a
 * pin counts itself on where it is made and off in its dispose, which passes its first lines once.
 * And the versions that are retained, which are the current one and those that are pinned, are
 * linked from the oldest to the current: a version joins the list in `publish` alone, as the current
 * one, and leaves it in `#retire` alone.
 *
 * A version is retired when it is neither current nor pinned. Only the current version can be
 * pinned anew, so both are over at one moment only, which is either in `retireUnpinned`, after it
 * was replaced, or in the dispose of its last pin; each looks for it.
 *
 * Pins are counted and not listed: a pin costs its own object and nothing else. Only those with a
 * label are counted once more, by their label.
 */
import { tell } from "./_observers.ts";
import type { Pin } from "./_snapshots_types.ts";

/** One value, with what is needed to know when it is no longer needed. */
export class Version<T> {
  pins = 0;
  /** The retained one before it. */
  older: Version<T> | undefined = undefined;
  /** The retained one after it. */
  newer: Version<T> | undefined = undefined;
  /** How many of its pins have each label, if any has one. */
  labels: Map<string, number> | undefined = undefined;

  constructor(readonly value: T, readonly epoch: number) {}
}

/** See above. */
export class Versions<T> {
  current: Version<T>;
  /** The first of those that are retained. */
  oldest: Version<T>;
  /** How many there are. */
  retained = 1;
  readonly #onRetire: ((value: T, epoch: number) => void) | undefined;

  constructor(initial: T, onRetire: ((value: T, epoch: number) => void) | undefined) {
    this.current = this.oldest = new Version(initial, 0);
    this.#onRetire = onRetire;
  }

  /** How many pins there are, on all versions. */
  get pins(): number {
    let pins = 0;
    for (let version: Version<T> | undefined = this.oldest; version; version = version.newer) {
      pins += version.pins;
    }
    return pins;
  }

  /** Makes `value` the current version; answers the one before, which may be due to retire. */
  publish(value: T): Version<T> {
    const before = this.current;
    const version = new Version(value, before.epoch + 1);
    version.older = before;
    before.newer = version;
    this.current = version;
    this.retained++;
    return before;
  }

  /** Retires a version, unless it is current or pinned. */
  retireUnpinned(version: Version<T>): void {
    if (version.pins === 0 && version !== this.current) this.#retire(version);
  }

  #retire(version: Version<T>): void {
    const { older, newer } = version;
    if (older === undefined) this.oldest = newer!;
    else older.newer = newer;
    newer!.older = older;
    this.retained--;
    if (this.#onRetire !== undefined) tell(this.#onRetire, version.value, version.epoch);
  }
}

/** A pin, which counts itself on its version and off it once. */
export class VersionPin<T> implements Pin<T> {
  readonly epoch: number;
  readonly label: string | undefined;
  #version: Version<T> | undefined;
  #versions: Versions<T>;

  /** Pins the current one of `versions`. */
  constructor(versions: Versions<T>, label: string | undefined) {
    const version = versions.current;
    this.#version = version;
    this.#versions = versions;
    this.epoch = version.epoch;
    this.label = label;
    version.pins++;
    if (label !== undefined) countLabel(version, label, 1);
  }

  get value(): T {
    if (this.#version === undefined) {
      throw new TypeError(`Cannot read version ${this.epoch}: its pin has been disposed of`);
    }
    return this.#version.value;
  }

  /** Whether this pin is on one of `versions`. */
  static isOf(pin: unknown, versions: unknown): pin is VersionPin<unknown> {
    return typeof pin === "object" && pin !== null && #versions in pin &&
      pin.#versions === versions;
  }

  [Symbol.dispose](): void {
    const version = this.#version;
    if (version === undefined) return;
    this.#version = undefined;
    version.pins--;
    if (this.label !== undefined) countLabel(version, this.label, -1);
    this.#versions.retireUnpinned(version);
  }
}

/** Counts a pin with a label on its version, or off it. */
export function countLabel(
  version: { labels: Map<string, number> | undefined },
  label: string,
  by: 1 | -1,
): void {
  const labels = version.labels ??= new Map();
  const count = (labels.get(label) ?? 0) + by;
  if (count === 0) labels.delete(label);
  else labels.set(label, count);
}
