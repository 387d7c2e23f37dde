/**
 * The list of those inside a lock.
 *
 * Holders are counted, by the queue, and only those with a name stand here too: putting a young
 * guard into a lock that has grown old costs V8 more than all the rest of acquiring it.
 */
import { Line } from "./_line.ts";
import { modeOf, type Named } from "./_named.ts";
import type { LockParty } from "./lock.ts";

/** See above. */
export class Holders {
  readonly #line: Line<Named> = new Line();
  /** What was answered last, for as long as it is true. */
  #listed: readonly LockParty[] | undefined;

  /** Puts one on the list. */
  add(named: Named): void {
    named.chunk = this.#line.append(named);
    this.#listed = undefined;
  }

  /** Takes one off it. */
  remove(named: Named): void {
    this.#line.remove(named.chunk!, named);
    this.#listed = undefined;
  }

  /** What is known of one on the list has changed. */
  relist(): void {
    this.#listed = undefined;
  }

  /**
   * Those inside: the named in the order they came, then the nameless.
   *
   * @param inside As in the queue: -1 when a writer is inside, else how many readers are.
   */
  list(inside: number): readonly LockParty[] {
    const count = Math.abs(inside);
    const mode = modeOf(inside < 0);
    // Kept while it is true, for 20,000 waiters may time out at once, each with this in its error.
    if (this.#listed?.length === count && (count === 0 || this.#listed[0].mode === mode)) {
      return this.#listed;
    }
    const parties = Array.from(this.#line, (named) => named.party);
    while (parties.length < count) parties.push({ mode });
    return this.#listed = Object.freeze(parties);
  }
}
