/** `RwLock` against a model that does the same with plain arrays, in random sequences. */
import { test } from "node:test";
import assert from "node:assert/strict";
import fc from "fast-check";
import { type AcquireOptions, type Guard, type LockMode, RwLock } from "../../mod.ts";
import { FakeHost, settle } from "../_fake_host.ts";
import { checkProperty } from "../_property.ts";

const timeout = 120_000;

type Step =
  | { do: "acquire"; mode: LockMode; timeout?: number; signal?: number }
  | { do: "try"; mode: LockMode }
  | { do: "release"; which: number }
  | { do: "abort"; signal: number }
  | { do: "advance"; ticks: number };

/**
 * Time moves in ticks of 16 ms and no two of these lengths are equal modulo 16, so that no two
 * waits of different lengths ever end at the same moment, when their order would be left open.
 */
const TICK = 16;
const lengths = [0, 5, 23, 58];

const mode = fc.constantFrom<LockMode>("read", "write");
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("acquire" as const),
      mode,
      timeout: fc.option(fc.constantFrom(...lengths), { nil: undefined }),
      signal: fc.option(fc.nat(2), { nil: undefined }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("try" as const), mode }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant("release" as const), which: fc.nat(12) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("abort" as const), signal: fc.nat(2) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("advance" as const), ticks: fc.nat(3) }),
  },
);

interface Party {
  readonly label: string;
  readonly mode: LockMode;
  readonly due: number;
  readonly signal: number | undefined;
}

/** What a lock does, said as simply as possible. */
class Model {
  holders: Party[] = [];
  waiters: Party[] = [];
  /** How each acquire has ended. */
  readonly ended = new Map<string, "granted" | "timed out" | "aborted">();
  readonly aborted = new Set<number>();
  now = 0;

  fits(mode: LockMode): boolean {
    if (mode === "write") return this.holders.length === 0;
    return this.holders.every((holder) => holder.mode === "read");
  }

  acquire(label: string, mode: LockMode, length = Infinity, signal?: number): void {
    const party = { label, mode, due: this.now + length, signal };
    if (signal !== undefined && this.aborted.has(signal)) this.ended.set(label, "aborted");
    else if (length === 0 && (this.waiters.length > 0 || !this.fits(mode))) {
      this.ended.set(label, "timed out");
    } else {
      this.waiters.push(party);
      this.serve();
    }
  }

  leave(party: Party, how: "timed out" | "aborted"): void {
    this.waiters = this.waiters.filter((waiter) => waiter !== party);
    this.ended.set(party.label, how);
  }

  serve(): void {
    while (this.waiters.length > 0 && this.fits(this.waiters[0].mode)) {
      const party = this.waiters.shift()!;
      this.holders.push(party);
      this.ended.set(party.label, "granted");
    }
  }

  release(label: string): void {
    this.holders = this.holders.filter((holder) => holder.label !== label);
    this.serve();
  }

  abort(signal: number): void {
    this.aborted.add(signal);
    for (const party of this.waiters) if (party.signal === signal) this.leave(party, "aborted");
    this.serve();
  }

  advance(ms: number): void {
    this.now += ms;
    for (;;) {
      const due = Math.min(...this.waiters.map((waiter) => waiter.due));
      if (due > this.now) return;
      this.leave(this.waiters.find((waiter) => waiter.due === due)!, "timed out");
      this.serve();
    }
  }
}

async function follow(steps: readonly Step[]): Promise<void> {
  const host = new FakeHost();
  const lock = host.build(() => new RwLock());
  const model = new Model();
  const controllers = [0, 1, 2].map(() => new AbortController());
  const guards = new Map<string, Guard>();
  const ended = new Map<string, string>();

  const shown = (parties: readonly { mode: LockMode; label?: string }[]) =>
    parties.map(({ mode, label }) => `${label} ${mode}`);
  const compare = () => {
    const { holders, waiters } = lock.query();
    assert.deepEqual(shown(holders), shown(model.holders));
    assert.deepEqual(shown(waiters), shown(model.waiters));
    const timed = model.waiters.some((waiter) => waiter.due !== Infinity);
    assert.equal(host.timers > 0, timed, "a timer is set just while one waits for it");
  };

  for (const [i, step] of steps.entries()) {
    const label = `#${i}`;
    if (step.do === "acquire") {
      const options: AcquireOptions = { label, timeout: step.timeout };
      if (step.signal !== undefined) options.signal = controllers[step.signal].signal;
      lock[step.mode](options).then((guard) => {
        guards.set(label, guard);
        ended.set(label, "granted");
      }, (error) => {
        const how = error.name === "LockTimeoutError" ? "timed out" : "aborted";
        ended.set(label, how);
      });
      model.acquire(label, step.mode, step.timeout, step.signal);
    } else if (step.do === "try") {
      const guard = step.mode === "read" ? lock.tryRead() : lock.tryWrite();
      const fits = model.waiters.length === 0 && model.fits(step.mode);
      assert.equal(guard !== undefined, fits);
      guard?.release();
      model.serve();
    } else if (step.do === "release") {
      // Any guard there ever was, so that some are released again and again.
      await settle();
      const label = [...guards.keys()].at(-1 - step.which);
      if (label === undefined) continue;
      guards.get(label)!.release();
      model.release(label);
    } else if (step.do === "abort") {
      controllers[step.signal].abort("aborted");
      model.abort(step.signal);
    } else {
      host.advance(step.ticks * TICK);
      model.advance(step.ticks * TICK);
    }
    compare();
  }
  await settle();
  assert.deepEqual(new Map([...ended].sort()), new Map([...model.ended].sort()));
}

test("RwLock does what a sequential model does, step by step", { timeout }, async () => {
  const property = fc.asyncProperty(fc.array(step, { size: "max", maxLength: 60 }), follow);
  await checkProperty(property, "tests/lib/rw_lock_property_test.ts");
});
