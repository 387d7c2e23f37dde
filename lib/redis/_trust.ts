/**
 * For how long guards are believed.
 *
 * What always holds: a guard is trusted only until `lease` milliseconds, less an allowance for clocks
 * that differ in speed, after the moment at which the last question was *sent* that the server has
 * answered; the server counts from when it got it, which was later. So trust ends before the
 * server lets anybody else in, as long as this process runs at all.
 */
import type { Host } from "../_host.ts";
import { Alarm, earliest } from "./_alarm.ts";
import type { Party } from "./_party.ts";

/** What is taken off a lease for clocks that run at different speeds, as Redlock does. */
function trustedFor(lease: number): number {
  return lease - lease / 100 - 2;
}

/** See the top of the file. */
export class Trust {
  readonly #host: Host;
  readonly #span: number;
  readonly #inside: () => readonly Party[];
  /** When the first lease could no longer be trusted. */
  readonly #watch: Alarm;

  /** @param inside Answers who is. */
  constructor(host: Host, lease: number, inside: () => readonly Party[]) {
    this.#host = host;
    this.#span = trustedFor(lease);
    this.#inside = inside;
    this.#watch = new Alarm(host, () => this.review());
  }

  /** For how long what the server last told a party may still be believed, in milliseconds. */
  remaining(party: Party): number {
    return Math.max(0, party.acknowledged + this.#span - this.#host.now());
  }

  /** A party has come inside. */
  watch(party: Party): void {
    this.#watch.setBy(party.acknowledged + this.#span);
  }

  /** Takes the trust from those whose lease was not renewed in time. */
  review(): void {
    this.#watch.clear();
    for (const party of this.#inside()) {
      if (this.remaining(party) === 0) party.lose("its lease was not renewed in time");
    }
    const trusted = this.#inside().filter(({ lost }) => lost === undefined);
    this.#watch.setBy(earliest(trusted.map(({ acknowledged }) => acknowledged)) + this.#span);
  }

  /** There is nobody to watch. */
  rest(): void {
    this.#watch.clear();
  }
}
