/**
 * A value as the page cache has it, and as the platter may.
 *
 * What always holds: the first version kept is the durable one, the last is what every process
 * sees, and those between were current since the last sync. A power loss leaves any one of them,
 * for the system may have written the value back at any moment, or not at all. `sync` forgets all
 * but the last. Versions are values that nobody changes, so copies of a history share them.
 */

/** A history as it was at one moment. */
export interface Frozen<T> {
  /** Whose it is. */
  readonly of: History<T>;
  /** The number of the durable version, which comes first. */
  readonly durable: number;
  /** What may have survived, the oldest first. */
  readonly versions: readonly T[];
}

/** See above. */
export class History<T> {
  #versions: T[];
  #forgotten = 0;

  /** @param durable The first version, which is on the platter already. */
  constructor(durable: T) {
    this.#versions = [durable];
  }

  /** What every process sees. */
  get current(): T {
    return this.#versions[this.#versions.length - 1];
  }

  /** Whether a power loss could leave something else. */
  get dirty(): boolean {
    return this.#versions.length > 1;
  }

  /** Makes `version` current and answers its number, by which its fate can be asked for. */
  push(version: T): number {
    this.#versions.push(version);
    return this.#forgotten + this.#versions.length - 1;
  }

  /** Makes the current version durable. */
  sync(): void {
    this.#forgotten += this.#versions.length - 1;
    this.#versions = [this.current];
  }

  /** The history as it is now. */
  freeze(): Frozen<T> {
    return { of: this, durable: this.#forgotten, versions: [...this.#versions] };
  }
}
