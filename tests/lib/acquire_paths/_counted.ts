/** Timers and listeners that are counted, so that one that is left behind is seen. */
import type { Host } from "../../../lib/_host.ts";

/** A host that counts its timers, and tells before one fires. */
export class CountingHost implements Host {
  timers = 0;
  readonly now: Host["now"];
  readonly random: Host["random"];
  readonly #host: Host;
  readonly #before: () => void;

  constructor(host: Host, before: () => void) {
    this.#host = host;
    this.#before = before;
    this.now = () => host.now();
    this.random = () => host.random();
  }

  get timeOrigin(): number {
    return this.#host.timeOrigin;
  }

  get files(): Host["files"] {
    return this.#host.files;
  }

  setTimer(callback: () => void, ms: number): object {
    this.timers++;
    const timer = {
      set: true,
      of: this.#host.setTimer(() => {
        timer.set = false;
        this.timers--;
        this.#before();
        callback();
      }, ms),
    };
    return timer;
  }

  clearTimer(timer: unknown): void {
    const mine = timer as { set: boolean; of: unknown };
    if (mine === undefined || !mine.set) return;
    mine.set = false;
    this.timers--;
    this.#host.clearTimer(mine.of);
  }
}

/** A controller that counts the listeners of its signal. */
export class CountedSignal {
  listeners = 0;
  readonly controller = new AbortController();

  constructor() {
    const { signal } = this.controller;
    const { addEventListener, removeEventListener } = signal;
    const seen = new Set<unknown>();
    signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
      seen.add(args[1]);
      this.listeners = seen.size;
      addEventListener.apply(signal, args);
    };
    signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
      seen.delete(args[1]);
      this.listeners = seen.size;
      removeEventListener.apply(signal, args);
    };
  }
}
