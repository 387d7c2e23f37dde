/**
 * Those who left while the server could not be told, until it can be.
 *
 * The server forgets them a lease after they left, and so does this: it holds no more than leave
 * within one lease.
 */
import type { Host } from "../_host.ts";

/** See above. */
export class Absentees {
  readonly #host: Host;
  readonly #lease: number;
  /** When each left, in that order. */
  readonly #left = new Map<string, number>();

  constructor(host: Host, lease: number) {
    this.#host = host;
    this.#lease = lease;
  }

  /** How many there are to tell of. */
  get size(): number {
    return this.#left.size;
  }

  /** Notes one. */
  add(id: string): void {
    this.#forget();
    this.#left.set(id, this.#host.now());
  }

  /** Takes out all that the server may still know. */
  takeAll(): string[] {
    this.#forget();
    const ids = [...this.#left.keys()];
    this.#left.clear();
    return ids;
  }

  #forget(): void {
    const now = this.#host.now();
    for (const [id, at] of this.#left) {
      if (now - at < this.#lease) break;
      this.#left.delete(id);
    }
  }
}
