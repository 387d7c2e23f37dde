import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { LockTimeoutError, RwLock, UpgradeConflictError } from "../../mod.ts";
import { expectSafe, explore, type Race, team } from "../../lab/mod.ts";
import { FakeHost, outcome } from "../_fake_host.ts";

const timeout = 60_000;

function create(): { host: FakeHost; lock: RwLock } {
  const host = new FakeHost();
  return { host, lock: host.build(() => new RwLock({ label: "ledger" })) };
}

function held(lock: RwLock): string[] {
  return lock.query().holders.map(({ mode, label = "?" }) => `${label} ${mode}`);
}

function waiting(lock: RwLock): string[] {
  return lock.query().waiters.map(({ mode, label = "?" }) => `${label} ${mode}`);
}

describe("RwLock.upgradable()", { timeout }, () => {
  test("RwLock.upgradable() reads together with readers, and keeps a writer out", {
    timeout,
  }, async () => {
    const { lock } = create();
    using _reader = await lock.read({ label: "r" });
    using guard = await lock.upgradable({ label: "u" });
    assert.deepEqual([guard.mode, guard.label, guard.released], ["read", "u", false]);
    assert.equal(lock.tryWrite(), undefined);
    lock.tryRead()!.release();
    assert.deepEqual(held(lock), ["r read", "u read"]);
    assert.deepEqual(Reflect.ownKeys(guard), []);
  });

  test("RwLock.upgradable() fails at once while another is inside, naming it", {
    timeout,
  }, async () => {
    const { lock } = create();
    const owner = {};
    const first = await lock.upgradable({ label: "first", owner });
    const error = await outcome(lock.upgradable());
    assert(error instanceof UpgradeConflictError);
    assert.deepEqual([error.lock, error.holder], ["ledger", {
      mode: "read",
      label: "first",
      owner,
    }]);
    assert.equal(
      error.message,
      "Cannot read-lock ledger upgradably: another upgradable reader (first) is ahead",
    );
    await first.upgrade();
    assert((await outcome(lock.upgradable())) instanceof UpgradeConflictError);
    first.downgrade();
    assert((await outcome(lock.upgradable())) instanceof UpgradeConflictError);
    first.release();
    (await lock.upgradable()).release();
  });

  test("RwLock.upgradable() fails at once while another waits, until that one's wait ends", {
    timeout,
  }, async () => {
    const { lock, host } = create();
    const writer = await lock.write();
    const controller = new AbortController();
    const aborts = lock.upgradable({ signal: controller.signal });
    assert((await outcome(lock.upgradable())) instanceof UpgradeConflictError);
    controller.abort("no");
    // In the same turn: what waited has left nothing behind.
    const times = lock.upgradable({ timeout: 10, label: "times out" });
    assert.equal(await outcome(aborts), "no");
    host.advance(10);
    const last = lock.upgradable({ label: "last" });
    assert((await outcome(times)) instanceof LockTimeoutError);
    assert((await outcome(lock.upgradable({ timeout: 0 }))) instanceof UpgradeConflictError);
    writer.release();
    assert.deepEqual(held(lock), ["last read"]);
    (await last).release();
    using _writer = await lock.write();
    assert((await outcome(lock.upgradable({ timeout: 0 }))) instanceof LockTimeoutError);
    const aborted = lock.upgradable({ signal: AbortSignal.abort("before") });
    assert.equal(await outcome(aborted), "before");
    const bad = await outcome(lock.upgradable({ timeout: "1" as never }));
    assert(bad instanceof TypeError);
    assert.match(bad.message, /^Cannot read-lock upgradably: timeout/);
    let reads = 0;
    const onceOnly = {
      get timeout() {
        if (++reads > 1) throw new Error("read again");
        return 1000;
      },
    };
    assert.match(String(await outcome(lock.upgradable(onceOnly))), /read again/);
    assert.deepEqual(waiting(lock), []);
    assert.equal(host.timers, 0);
  });
});

describe("UpgradableGuard.upgrade()", { timeout }, () => {
  test("upgrade() of the only reader succeeds at once, before all who wait", {
    timeout,
  }, async () => {
    const { lock } = create();
    const guard = await lock.upgradable({ label: "u" });
    const writer = lock.write({ label: "w" });
    const upgraded = guard.upgrade({ timeout: 0 });
    assert.equal(guard.mode, "write");
    assert.deepEqual([held(lock), waiting(lock)], [["u write"], ["w write"]]);
    assert.equal(lock.tryRead(), undefined);
    await upgraded;
    await guard.upgrade();
    guard.release();
    assert.deepEqual(held(lock), ["w write"]);
    (await writer).release();
    lock.tryWrite()!.release();
  });

  test("upgrade() waits for the other readers while new ones queue behind it", {
    timeout,
  }, async () => {
    const { lock } = create();
    const readers = [await lock.read({ label: "a" }), await lock.read()];
    const guard = await lock.upgradable({ label: "u" });
    const upgraded = guard.upgrade();
    const late = lock.read({ label: "late" });
    assert.equal(lock.tryRead(), undefined);
    assert.deepEqual(waiting(lock), ["u write", "late read"]);
    readers[0].release();
    assert.equal(await outcome(upgraded), "pending");
    assert.equal(guard.mode, "read");
    readers[1].release();
    assert.deepEqual([guard.mode, held(lock)], ["write", ["u write"]]);
    await upgraded;
    assert.equal(await outcome(late), "pending");
    guard.release();
    assert.deepEqual(held(lock), ["late read"]);
    (await late).release();
  });

  test("upgrade() comes before writers that queued first: they wait for its reader", {
    timeout,
  }, async () => {
    const { lock } = create();
    const reader = await lock.read();
    const guard = await lock.upgradable({ label: "u" });
    const writers = ["w", "x"].map((label) => lock.write({ label }));
    const upgraded = guard.upgrade();
    assert.deepEqual(waiting(lock), ["u write", "w write", "x write"]);
    reader.release();
    assert.deepEqual(held(lock), ["u write"]);
    await upgraded;
    guard.release();
    for (const writer of writers) (await writer).release();
    lock.tryWrite()!.release();
  });

  test("upgrade() that times out leaves the reader as it was and lets the others in", {
    timeout,
  }, async () => {
    const { lock, host } = create();
    const other = await lock.read({ label: "other" });
    const guard = await lock.upgradable({ label: "u" });
    const upgraded = guard.upgrade({ timeout: 30 });
    const late = lock.read({ label: "late" });
    host.advance(30);
    assert.deepEqual(held(lock), ["other read", "u read", "late read"]);
    const error = await outcome(upgraded);
    assert(error instanceof LockTimeoutError);
    assert.deepEqual([error.mode, error.waited], ["write", 30]);
    assert.deepEqual(error.holders, [{ mode: "read", label: "other" }], "not itself");
    assert.deepEqual([guard.mode, guard.released, host.timers], ["read", false, 0]);
    (await late).release();
    other.release();
    await guard.upgrade({ timeout: 0 });
    guard.release();
    lock.tryWrite()!.release();
  });

  test("upgrade() that aborts leaves the reader as it was and lets the others in", {
    timeout,
  }, async () => {
    const { lock } = create();
    const other = await lock.read();
    const guard = await lock.upgradable({ label: "u" });
    const controller = new AbortController();
    const upgraded = guard.upgrade({ signal: controller.signal });
    const late = lock.read();
    const writer = lock.write({ label: "w" });
    controller.abort("no");
    assert.deepEqual(held(lock), ["u read", "? read", "? read"]);
    assert.equal(await outcome(upgraded), "no");
    assert.equal(await outcome(guard.upgrade({ signal: controller.signal })), "no");
    assert((await outcome(guard.upgrade({ timeout: 0 }))) instanceof LockTimeoutError);
    (await late).release();
    other.release();
    await guard.upgrade();
    guard.release();
    assert.deepEqual(held(lock), ["w write"]);
    (await writer).release();
  });

  test("granted wins over aborted in an upgrade", { timeout }, async () => {
    const { lock } = create();
    const other = await lock.read();
    using guard = await lock.upgradable();
    const controller = new AbortController();
    const upgraded = guard.upgrade({ signal: controller.signal, timeout: 1000 });
    other.release();
    controller.abort("late");
    await upgraded;
    assert.equal(guard.mode, "write");
  });

  test("release() during an upgrade ends it, and leaves nothing", { timeout }, async () => {
    const { lock, host } = create();
    const other = await lock.read();
    const guard = await lock.upgradable();
    const upgraded = guard.upgrade({ timeout: 1000 });
    const late = lock.read();
    guard.release();
    guard.release();
    assert.deepEqual([held(lock).length, waiting(lock), host.timers], [2, [], 0]);
    const error = await outcome(upgraded);
    assert(error instanceof TypeError);
    assert.equal(error.message, "Cannot upgrade ledger: its guard was released");
    other.release();
    (await late).release();
    lock.tryWrite()!.release();
  });

  test("upgrade() and downgrade() refuse a released guard, and a second upgrade beside the first", {
    timeout,
  }, async () => {
    const { lock } = create();
    const other = await lock.read();
    const guard = await lock.upgradable();
    const upgraded = guard.upgrade();
    const second = await outcome(guard.upgrade());
    assert(second instanceof TypeError);
    assert.equal(second.message, "Cannot upgrade ledger: an upgrade is under way");
    assert((await outcome(guard.upgrade({ timeout: -1 }))) instanceof RangeError);
    other.release();
    await upgraded;
    guard.release();
    assert.equal(
      String(await outcome(guard.upgrade())),
      "TypeError: Cannot upgrade ledger: its guard is released",
    );
    assert.throws(() => guard.downgrade(), /Cannot downgrade ledger: its guard is released/);
    assert.deepEqual(held(lock), []);
  });
});

describe("UpgradableGuard.downgrade()", { timeout }, () => {
  test("downgrade() lets in the readers that are next, and no writer in between", {
    timeout,
  }, async () => {
    const { lock } = create();
    const guard = await lock.upgradable({ label: "u" });
    await guard.upgrade();
    const early = [lock.read({ label: "a" }), lock.read({ label: "b" })];
    const writer = lock.write({ label: "w" });
    const behind = lock.read({ label: "c" });
    guard.downgrade();
    guard.downgrade();
    assert.deepEqual(held(lock), ["u read", "a read", "b read"]);
    assert.deepEqual(waiting(lock), ["w write", "c read"]);
    for (const reader of early) (await reader).release();
    assert.equal(await outcome(writer), "pending");
    // Not at the end of the queue: at its front again.
    await guard.upgrade();
    guard.downgrade();
    guard.release();
    (await writer).release();
    (await behind).release();
    lock.tryWrite()!.release();
  });
});

/** Two tasks that fill a cache once, with reads shared and the write alone. */
function fillOnce(upgrades: boolean): Race {
  return {
    name: upgrades ? "fill once, upgrading" : "fill once, releasing in between",
    build: (world) => {
      const cache = world.shared("cache", (inner) => {
        const lock = new RwLock();
        const load = inner.operation("source", "write", () => void loads++);
        // Between the two locks the engine may let the other go on.
        const between = inner.operation("gap", "read", () => {});
        let loads = 0;
        let filled = false;
        return {
          loads: () => loads,
          async upgrading(): Promise<boolean> {
            try {
              using guard = await lock.upgradable();
              if (filled) return true;
              await guard.upgrade();
              await load();
              filled = true;
              return true;
            } catch (error) {
              if (error instanceof UpgradeConflictError) return false;
              throw error;
            }
          },
          async releasing(): Promise<boolean> {
            {
              using _guard = await lock.read();
              if (filled) return true;
            }
            await between();
            using _guard = await lock.write();
            await load();
            filled = true;
            return true;
          },
        };
      });
      return team(2, async () => void await (upgrades ? cache.upgrading() : cache.releasing()));
    },
    check: (_, { cache }) => {
      const loads = (cache as { loads(): number }).loads();
      return loads === 1 ? undefined : `loaded ${loads} times`;
    },
  };
}

test("a decision made as a reader holds after upgrade(), and not after release() and write()", {
  timeout,
}, async () => {
  await expectSafe(fillOnce(true), { budget: 200 });
  const { verdict } = await explore(fillOnce(false), { budget: 200 });
  assert.equal(verdict, "broken");
});
