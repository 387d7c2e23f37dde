/**
 * A host whose time stands still until a test moves it, so that no test waits for a clock.
 *
 * Timers fire in the order of their time, those of one time in the order they were set, with the
 * clock at their time, as on an idle runtime.
 */
import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { type Files, type Host, type Timer, withHost } from "../lib/_host.ts";

interface Planned {
  readonly at: number;
  readonly order: number;
  readonly callback: () => void;
}

/** See above. */
export class FakeHost implements Host {
  readonly timeOrigin = 0;
  /** How often the clock was read. */
  reads = 0;
  /** How many timers were ever set. */
  set = 0;
  /** How much too early timers fire, in milliseconds; some runtimes' do. */
  early = 0;
  readonly #planned = new Set<Planned>();
  #now = 1000;
  #seed = 1;

  /** How many timers are set now. */
  get timers(): number {
    return this.#planned.size;
  }

  now(): number {
    this.reads++;
    return this.#now;
  }

  setTimer(callback: () => void, ms: number): Timer {
    assert(ms >= 0 && ms <= 2 ** 31 - 1, `no runtime waits ${ms} ms in one timer`);
    const at = this.#now + Math.max(0, ms - (ms > this.early ? this.early : 0));
    const planned = { at, order: this.set++, callback };
    this.#planned.add(planned);
    return planned;
  }

  clearTimer(timer: Timer): void {
    this.#planned.delete(timer as Planned);
  }

  random(): number {
    return (this.#seed = this.#seed * 16807 % 2147483647) / 2147483647;
  }

  get files(): Files {
    throw new Error("this host has no files");
  }

  /** Lets time pass, and fires what falls due; promises settle in the next turn only. */
  advance(ms: number): void {
    const until = this.#now + ms;
    for (;;) {
      let next: Planned | undefined;
      for (const planned of this.#planned) {
        if (planned.at > until) continue;
        const sooner = next === undefined || planned.at < next.at ||
          planned.at === next.at && planned.order < next.order;
        if (sooner) next = planned;
      }
      if (next === undefined) break;
      this.#planned.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.callback();
    }
    this.#now = until;
  }

  /** Constructs something that lives on this host. */
  build<R>(construct: () => R): R {
    return withHost(this, construct);
  }
}

/** Lets every promise that can settle do so. */
export async function settle(): Promise<void> {
  await setImmediate();
}

/** What a promise came to, once settled: `pending`, its value, or what it rejected with. */
export async function outcome(promise: Promise<unknown>): Promise<unknown> {
  const pending = settle().then(() => "pending");
  return await Promise.race([promise.catch((reason: unknown) => reason), pending]);
}

/**
 * Runs `fn`, which must not be async, and answers what observers threw meanwhile. The library
 * hands that over as unhandled rejections, which would fail the test that provokes them.
 */
export function collectThrown(fn: () => void): unknown[] {
  const thrown: unknown[] = [];
  const { reject } = Promise;
  Promise.reject = (reason) => {
    thrown.push(reason);
    return new Promise(() => {});
  };
  try {
    fn();
  } finally {
    Promise.reject = reject;
  }
  return thrown;
}
