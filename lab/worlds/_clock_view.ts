/** Time as one actor sees it: to fall asleep is one operation, and to wake up another. */
import { delay } from "@std/async/delay";
import type { Medium } from "./_medium.ts";
import type { Port } from "./_port.ts";
import { sleepOf, USES_TIME } from "./_time.ts";
import type { Clock } from "./world.ts";

/** See the top of the file. */
export class ClockView implements Clock {
  readonly #port: Port;
  readonly #name: string;
  readonly #medium: Medium;

  constructor(port: Port, name: string, medium: Medium) {
    this.#port = port;
    this.#name = name;
    this.#medium = medium;
  }

  now(): Promise<number> {
    const { clock } = this.#medium;
    return this.#port.operate({
      object: this.#name,
      kind: "now",
      effect: "read",
      also: [USES_TIME],
      perform: clock && (() => clock.now()),
    }, undefined) as Promise<number>;
  }

  async sleep(ms: number): Promise<void> {
    if (typeof ms !== "number" || !(ms >= 0 && ms < 2 ** 31)) {
      throw new RangeError(`Cannot sleep ${ms} ms: from 0 to 2147483647 ms are possible`);
    }
    if (!this.#port.stepped) {
      this.#port.waits(ms);
      await delay(ms, { signal: this.#port.signal });
      return;
    }
    const { clock } = this.#medium;
    let awake = false;
    const object = this.#name;
    const own = sleepOf(this.#port.actor);
    await this.#port.operate({
      object,
      kind: "sleep",
      effect: "read",
      also: [USES_TIME],
      perform: clock && (() => void clock.setTimer(() => awake = true, ms, own)),
    }, ms);
    await this.#port.operate({
      object,
      kind: "wake",
      effect: "read",
      also: [{ object: own, effect: "enter" }],
      ready: clock && (() => awake),
      perform: clock && (() => {}),
    }, undefined);
  }
}
