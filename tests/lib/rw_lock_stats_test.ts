import assert from "node:assert/strict";
import { setTimeout } from "node:timers/promises";
import { describe, test } from "node:test";
import fc from "fast-check";
import { Histogram } from "../../lib/_histogram.ts";
import { type LockLeak, RwLock, type RwLockOptions } from "../../mod.ts";
import { collectThrown, FakeHost, outcome } from "../_fake_host.ts";
import { heldMegabytes } from "../_garbage.ts";
import { checkProperty } from "../_property.ts";

const timeout = 60_000;

function create(options: RwLockOptions = { stats: true }): { host: FakeHost; lock: RwLock } {
  const host = new FakeHost();
  return { host, lock: host.build(() => new RwLock({ label: "ledger", ...options })) };
}

describe("RwLock.stats()", { timeout }, () => {
  test("RwLock.stats() counts acquires, how waits ended and how long all took", {
    timeout,
  }, async () => {
    const { lock, host } = create();
    const writer = await lock.write();
    const granted = lock.read();
    const timedOut = lock.write({ timeout: 20 });
    const controller = new AbortController();
    const aborted = lock.read({ signal: controller.signal });
    host.advance(10);
    controller.abort("no");
    host.advance(20);
    assert.deepEqual([lock.stats().holders, lock.stats().waiters], [1, 1]);
    assert.equal(lock.stats().longestWait, 30, "of one who still waits");
    assert.equal(lock.stats().wait.max, 20, "of those whose wait has ended");
    writer.release();
    (await granted).release();
    await Promise.all([outcome(timedOut), outcome(aborted)]);
    await outcome(lock.write({ signal: AbortSignal.abort("before") }));
    using held = lock.tryWrite()!;
    await outcome(lock.read({ timeout: 0 }));
    host.advance(7);
    held.release();

    const { wait, hold, ...counts } = lock.stats();
    assert.deepEqual(counts, {
      acquired: { read: 1, write: 2 },
      contended: 3,
      timedOut: 2,
      aborted: 2,
      holders: 0,
      waiters: 0,
      longestWait: 30,
    });
    assert.deepEqual([wait.count, wait.mean, wait.max], [3, 20, 30]);
    assert.deepEqual([hold.count, hold.mean, hold.max], [3, 37 / 3, 30]);
    assert.equal(wait.buckets.reduce((sum, { count }) => sum + count, 0), 3);
  });

  test("RwLock.query() shows since when, with statistics only", { timeout }, async () => {
    const { lock, host } = create();
    const start = host.now();
    const first = await lock.write({ label: "a" });
    host.advance(5);
    const second = lock.read();
    assert.deepEqual(lock.query(), {
      holders: [{ mode: "write", label: "a", since: start }],
      waiters: [{ mode: "read", since: start + 5 }],
    });
    host.advance(5);
    first.release();
    assert.deepEqual(lock.query().holders, [{ mode: "read", since: start + 10 }]);
    (await second).release();
    const plain = create({}).lock;
    using _guard = await plain.write({ label: "b" });
    assert.deepEqual(plain.query().holders, [{ mode: "write", label: "b" }]);
  });

  test("RwLock.stats() counts an upgrade and a downgrade, and the wait of an upgrade", {
    timeout,
  }, async () => {
    const { lock, host } = create();
    const reader = lock.tryRead()!;
    const guard = await lock.upgradable();
    const upgraded = guard.upgrade();
    host.advance(8);
    reader.release();
    await upgraded;
    host.advance(3);
    assert.deepEqual(lock.query().holders, [{ mode: "write", since: host.now() - 3 }]);
    guard.downgrade();
    guard.release();
    const { acquired, contended, wait, hold } = lock.stats();
    assert.deepEqual(acquired, { read: 3, write: 1 });
    assert.deepEqual([contended, wait.max, hold.count, hold.max], [1, 8, 4, 8]);
  });

  test("RwLock.stats() is refused by a lock that counts nothing", { timeout }, () => {
    const { lock } = create({});
    assert.throws(() => lock.stats(), {
      name: "TypeError",
      message: "Cannot tell the statistics of ledger: it was created without stats: true",
    });
  });

  test("RwLock keeps its memory however much it counts", { timeout }, () => {
    const { lock, host } = create();
    lock.tryWrite()!.release();
    const before = heldMegabytes();
    for (let i = 0; i < 200_000; i++) {
      const guard = lock.tryRead()!;
      host.advance(i % 100 / 7);
      guard.release();
    }
    assert(heldMegabytes() - before < 0.5);
    assert.equal(lock.stats().hold.count, 200_001);
    assert(lock.stats().hold.buckets.length < 60);
  });

  test("RwLock cannot be created with statistics or a hook that cannot be meant", {
    timeout,
  }, () => {
    const create = (options: unknown) => () => new RwLock(options as RwLockOptions);
    assert.throws(create({ stats: 1 }), /stats must be true or false, got 1$/);
    assert.throws(create({ onLeak: true }), /onLeak must be a function, got true$/);
  });
});

describe("Histogram", { timeout }, () => {
  test("Histogram's percentiles are right to within 9 %, and never beyond the longest", {
    timeout,
  }, async () => {
    const durations = fc.array(fc.double({ min: 0.001, max: 1e9, noNaN: true }), { minLength: 1 });
    const property = fc.property(durations, (durations) => {
      const histogram = new Histogram();
      for (const ms of durations) histogram.record(ms);
      const sorted = durations.toSorted((a, b) => a - b);
      const summary = histogram.summary();
      assert.deepEqual([summary.count, summary.max], [sorted.length, sorted.at(-1)]);
      for (const [name, share] of [["p50", 0.5], ["p90", 0.9], ["p99", 0.99]] as const) {
        const exact = sorted[Math.ceil(share * sorted.length) - 1];
        const ratio = summary[name] / exact;
        assert(ratio > 1 - 1e-9 && ratio < 2 ** (1 / 8) + 1e-9, `${name} ${ratio}`);
      }
    });
    await checkProperty(property, "tests/lib/rw_lock_stats_test.ts");
  });

  test("Histogram takes whatever a clock can make of a duration", { timeout }, () => {
    const histogram = new Histogram();
    for (const ms of [0, -0.001, 1e-9, 1e15, Infinity]) histogram.record(ms);
    const { count, buckets, p50, max } = histogram.summary();
    assert.deepEqual([count, p50, max], [5, 0.001, Infinity]);
    assert.deepEqual(buckets, [{ upTo: 0.001, count: 3 }, { upTo: Infinity, count: 2 }]);
    const empty = new Histogram().summary();
    assert.deepEqual([empty.count, empty.mean, empty.p50, empty.buckets], [0, 0, 0, []]);
  });
});

/** Collects garbage until something has happened that only collecting brings about. */
async function collectUntil(happened: () => boolean): Promise<void> {
  while (!happened()) {
    heldMegabytes();
    await setTimeout(1);
  }
}

describe("RwLock: leaks", { timeout }, () => {
  test("onLeak is told of a guard collected unreleased, which stays held", {
    timeout,
  }, async () => {
    const leaks: LockLeak[] = [];
    const { lock, host } = create({ onLeak: (leak) => leaks.push(leak) });
    const owner = {};
    await (async () => {
      (await lock.read({ label: "forgotten", owner })).mode;
      lock.tryRead()!.release();
      lock.tryRead();
      (await lock.read({ label: "released" })).release();
      const guard = await lock.upgradable({ label: "kept" });
      guard.release();
    })();
    await collectUntil(() => leaks.length >= 2);
    assert.deepEqual(leaks.toSorted((a) => a.label === undefined ? 1 : -1), [
      { lock: "ledger", mode: "read", label: "forgotten", owner },
      { lock: "ledger", mode: "read" },
    ]);
    assert.equal(lock.query().holders.length, 2);
    assert.equal(lock.tryWrite(), undefined);
    assert.equal(host.reads, 0);
  });

  test("onLeak is told of an upgraded guard in the mode it had", { timeout }, async () => {
    const leaks: LockLeak[] = [];
    const { lock } = create({ onLeak: (leak) => leaks.push(leak), stats: true });
    await (async () => {
      await (await lock.upgradable()).upgrade();
    })();
    await collectUntil(() => leaks.length > 0);
    assert.equal(leaks.length, 1);
    assert.equal(leaks[0].mode, "write");
    assert.equal(typeof leaks[0].since, "number");
    assert.equal(lock.query().holders[0].mode, "write");
  });

  test("an onLeak that throws is heard of", { timeout }, () => {
    let collected: ((trace: { party: object }) => void) | undefined;
    const { FinalizationRegistry } = globalThis;
    globalThis.FinalizationRegistry = class {
      constructor(callback: (trace: { party: object }) => void) {
        collected = callback;
      }
    } as never;
    try {
      const error = new Error("observer");
      create({
        onLeak() {
          throw error;
        },
      });
      assert.deepEqual(collectThrown(() => collected!({ party: { mode: "read" } })), [error]);
    } finally {
      globalThis.FinalizationRegistry = FinalizationRegistry;
    }
  });
});
