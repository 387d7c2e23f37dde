/**
 * UUIDs of version 7 (RFC 9562): 48 bits of time, 12 of a counter within a millisecond, 62 of chance.
 * Those of one `Uuids` are in the order they were made, whatever the clock does.
 *
 * Made here and not by `npm:uuid`, which the tests hold this against: importing it takes Deno 45 ms
 * and Bun 20, and the whole core 13. Nobody should pay that at start-up for what statistics show.
 */
import type { Host } from "./_host.ts";

const COUNTS = 2 ** 12;

/** A number in so many hexadecimal digits. */
const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, "0");

/** See above. */
export class Uuids {
  readonly #host: Host;
  #ms = 0;
  #count = 0;

  constructor(host: Host) {
    this.#host = host;
  }

  /** One more. Not a secret: whoever knows one may guess others. */
  next(): string {
    const { timeOrigin } = this.#host;
    const now = Math.floor(timeOrigin + this.#host.now());
    if (now > this.#ms) {
      this.#ms = now;
      this.#count = 0;
    } else if (++this.#count === COUNTS) {
      this.#ms++;
      this.#count = 0;
    }
    const time = hex(this.#ms, 12);
    const draw = (bits: number) => Math.floor(this.#host.random() * 2 ** bits);
    // The variant is in the two bits before the last 62.
    const chance = hex(0x8000 + draw(14), 4);
    return `${time.slice(0, 8)}-${time.slice(8)}-7${hex(this.#count, 3)}-${chance}-${
      hex(draw(48), 12)
    }`;
  }
}
