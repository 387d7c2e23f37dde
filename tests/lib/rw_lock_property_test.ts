/** `RwLock` against a model that does the same with plain arrays, in random sequences. */
import { test } from "node:test";
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type AcquireOptions,
  type Guard,
  type LockMode,
  type LockPolicy,
  RwLock,
  type UpgradableGuard,
} from "../../mod.ts";
import { FakeHost, settle } from "../_fake_host.ts";
import { checkProperty } from "../_property.ts";

const timeout = 120_000;

type Step =
  | { do: "acquire"; mode: LockMode; upgradable?: boolean; timeout?: number; signal?: number }
  | { do: "upgrade"; timeout?: number; signal?: number }
  | { do: "downgrade" }
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
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("acquire" as const),
      mode: fc.constant("read" as const),
      upgradable: fc.constant(true),
      timeout: fc.option(fc.constantFrom(...lengths), { nil: undefined }),
      signal: fc.option(fc.nat(2), { nil: undefined }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("upgrade" as const),
      timeout: fc.option(fc.constantFrom(...lengths), { nil: undefined }),
      signal: fc.option(fc.nat(2), { nil: undefined }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("downgrade" as const) }) },
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
  mode: LockMode;
  /** Whose upgrade this waiter is. */
  readonly upgrades?: Party;
  readonly due: number;
  readonly came: number;
  readonly signal: number | undefined;
}

/** What a lock does, said as simply as possible. */
class Model {
  holders: Party[] = [];
  waiters: Party[] = [];
  /** The one that may upgrade, inside or waiting. */
  upgradable: Party | undefined;
  /** How each acquire has ended. */
  readonly ended = new Map<string, string>();
  readonly aborted = new Set<number>();
  /** By what the ends of upgrades are known. */
  readonly names = new Map<Party, string>();
  now = 0;
  came = 0;

  constructor(readonly policy: LockPolicy) {}

  /** The lower, the sooner it is served. */
  rank({ mode, upgrades }: { mode: LockMode; upgrades?: Party }): number {
    if (upgrades !== undefined) return 0;
    if (this.policy === "fair") return 1;
    return (mode === "write") === (this.policy === "write-preferring") ? 1 : 2;
  }

  /** Whether one who comes now need not wait. */
  free(mode: LockMode): boolean {
    const rank = this.rank({ mode });
    return this.fits(mode) && this.waiters.every((waiter) => this.rank(waiter) > rank);
  }

  fits(mode: LockMode): boolean {
    if (mode === "write") return this.holders.length === 0;
    return this.holders.every((holder) => holder.mode === "read");
  }

  acquire(label: string, step: Step & { do: "acquire" }): void {
    const { mode, timeout: length = Infinity, signal, upgradable = false } = step;
    const party = { label, mode, due: this.now + length, came: this.came++, signal };
    if (signal !== undefined && this.aborted.has(signal)) this.ended.set(label, "aborted");
    else if (upgradable && this.upgradable !== undefined) this.ended.set(label, "refused");
    else if (length === 0 && !this.free(mode)) {
      this.ended.set(label, "timed out");
    } else {
      if (upgradable) this.upgradable = party;
      this.waiters.push(party);
      // Stable: those of one rank stay in the order they came.
      this.waiters.sort((a, b) => this.rank(a) - this.rank(b));
      this.serve();
    }
  }

  upgrade(name: string, step: Step & { do: "upgrade" }): void {
    const { timeout: length = Infinity, signal } = step;
    const self = this.upgradable!;
    const party: Party = {
      label: self.label,
      mode: "write",
      due: this.now + length,
      came: this.came++,
      signal,
      upgrades: self,
    };
    this.names.set(party, name);
    if (signal !== undefined && this.aborted.has(signal)) this.ended.set(name, "aborted");
    else if (self.mode === "write") this.ended.set(name, "granted");
    else if (length === 0 && this.holders.length > 1) this.ended.set(name, "timed out");
    else {
      this.waiters.unshift(party);
      this.serve();
    }
  }

  /** Takes a new place at the end of the list. */
  turn(mode: LockMode): void {
    const self = this.upgradable!;
    this.holders = this.holders.filter((holder) => holder !== self);
    this.holders.push(self);
    self.mode = mode;
  }

  downgrade(): void {
    if (this.upgradable!.mode === "read") return;
    this.turn("read");
    this.serve();
  }

  leave(party: Party, how: "timed out" | "aborted" | "released"): void {
    this.waiters = this.waiters.filter((waiter) => waiter !== party);
    this.ended.set(this.names.get(party) ?? party.label, how);
    if (party === this.upgradable) this.upgradable = undefined;
  }

  serve(): void {
    for (;;) {
      const [party] = this.waiters;
      if (party === undefined) return;
      const fits = party.upgrades === undefined ? this.fits(party.mode) : this.holders.length === 1;
      if (!fits) return;
      this.waiters.shift();
      this.ended.set(this.names.get(party) ?? party.label, "granted");
      if (party.upgrades === undefined) this.holders.push(party);
      else this.turn("write");
    }
  }

  release(label: string): void {
    const upgrade = this.waiters.find(({ upgrades }) => upgrades?.label === label);
    if (upgrade !== undefined) this.leave(upgrade, "released");
    if (label === this.upgradable?.label && this.ended.get(label) === "granted") {
      this.upgradable = undefined;
    }
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
      // Of those due together the one that came first is told first, whoever would enter first.
      const [first] = this.waiters.filter((waiter) => waiter.due === due)
        .sort((a, b) => a.came - b.came);
      this.leave(first, "timed out");
      this.serve();
    }
  }
}

function endOf(error: Error | string): string {
  if (error === "aborted") return "aborted";
  const { name } = error as Error;
  return { LockTimeoutError: "timed out", UpgradeConflictError: "refused", TypeError: "released" }[
    name
  ] ?? name;
}

async function follow(policy: LockPolicy, steps: readonly Step[]): Promise<void> {
  const host = new FakeHost();
  const lock = host.build(() => new RwLock({ policy }));
  const model = new Model(policy);
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
      const acquired = step.upgradable ? lock.upgradable(options) : lock[step.mode](options);
      acquired.then((guard) => {
        guards.set(label, guard);
        ended.set(label, "granted");
      }, (error) => ended.set(label, endOf(error)));
      model.acquire(label, step);
    } else if (step.do === "upgrade" || step.do === "downgrade") {
      await settle();
      const guard = guards.get(model.upgradable?.label ?? "") as UpgradableGuard | undefined;
      // Only one upgrade at a time is asked for; that a second is refused is tested elsewhere.
      if (guard === undefined || model.waiters[0]?.upgrades !== undefined) continue;
      if (step.do === "downgrade") {
        guard.downgrade();
        model.downgrade();
      } else {
        const signal = step.signal === undefined ? undefined : controllers[step.signal].signal;
        guard.upgrade({ timeout: step.timeout, signal }).then(
          () => ended.set(label, "granted"),
          (error) => ended.set(label, endOf(error)),
        );
        model.upgrade(label, step);
      }
      assert.equal(guard.mode, model.upgradable!.mode);
    } else if (step.do === "try") {
      const guard = step.mode === "read" ? lock.tryRead() : lock.tryWrite();
      const fits = model.free(step.mode);
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

for (const policy of ["fair", "read-preferring", "write-preferring"] as const) {
  test(`a ${policy} RwLock does what a sequential model does, step by step`, {
    timeout,
  }, async () => {
    const steps = fc.array(step, { size: "max", maxLength: 60 });
    const property = fc.asyncProperty(steps, (steps) => follow(policy, steps));
    await checkProperty(property, "tests/lib/rw_lock_property_test.ts");
  });
}
