import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { LockTimeoutError, RwLock, type RwLockOptions } from "../../mod.ts";
import { FakeHost, outcome } from "../_fake_host.ts";

const timeout = 20_000;

function held(lock: RwLock): string[] {
  return lock.query().holders.map(({ mode, label }) => label ?? mode);
}

function waiting(lock: RwLock): string[] {
  return lock.query().waiters.map(({ mode, label }) => label ?? mode);
}

describe("RwLock: policy", { timeout }, () => {
  test("a read-preferring RwLock lets readers in past waiting writers", { timeout }, async () => {
    const lock = new RwLock({ policy: "read-preferring" });
    const first = await lock.read();
    const writer = lock.write({ label: "w" });
    const second = await lock.read({ label: "r" });
    const third = lock.tryRead()!;
    assert.deepEqual([held(lock), waiting(lock)], [["r", "read", "read"], ["w"]]);
    for (const reader of [first, second, third]) reader.release();
    assert.deepEqual(held(lock), ["w"]);
    const later = [lock.write({ label: "w2" }), lock.read({ label: "a" }), lock.read()];
    assert.deepEqual(waiting(lock), ["a", "read", "w2"]);
    (await writer).release();
    assert.deepEqual([held(lock), waiting(lock)], [["a", "read"], ["w2"]]);
    for (const reader of later.slice(1)) (await reader).release();
    (await later[0]).release();
  });

  test("a writer starves under read-preferring while readers overlap, and under no other", {
    timeout,
  }, async () => {
    for (const policy of ["fair", "read-preferring", "write-preferring"] as const) {
      const host = new FakeHost();
      const lock = host.build(() => new RwLock({ policy }));
      let inside = await lock.read();
      const writer = lock.write({ timeout: 10_000 });
      for (let i = 0; i < 1000; i++) {
        const next = lock.tryRead();
        if (next === undefined) break;
        inside.release();
        inside = next;
        host.advance(10);
      }
      inside.release();
      const end = await outcome(writer);
      assert.equal(end instanceof LockTimeoutError, policy === "read-preferring", policy);
      if (policy !== "read-preferring") (await writer).release();
    }
  });

  test("a reader starves under write-preferring while writers follow, and under no other", {
    timeout,
  }, async () => {
    for (const policy of ["fair", "read-preferring", "write-preferring"] as const) {
      const host = new FakeHost();
      const lock = host.build(() => new RwLock({ policy }));
      let inside = await lock.write();
      let entered = false;
      const reader = lock.read().then((guard) => {
        entered = true;
        guard.release();
      });
      for (let i = 0; i < 100; i++) {
        const next = lock.write();
        inside.release();
        inside = await next;
        await host.build(() => outcome(Promise.resolve()));
      }
      assert.equal(entered, policy !== "write-preferring", policy);
      inside.release();
      await reader;
    }
  });

  test("a write-preferring RwLock lets no reader in while a writer waits", {
    timeout,
  }, async () => {
    const lock = new RwLock({ policy: "write-preferring" });
    const writer = await lock.write();
    const reader = lock.read({ label: "r" });
    const controller = new AbortController();
    const second = lock.write({ label: "w", signal: controller.signal });
    assert.deepEqual(waiting(lock), ["w", "r"]);
    writer.release();
    assert.deepEqual([held(lock), waiting(lock)], [["w"], ["r"]]);
    (await second).release();
    assert.deepEqual(held(lock), ["r"]);
    const third = lock.write({ signal: controller.signal });
    assert.equal(lock.tryRead(), undefined);
    const late = lock.read({ label: "late" });
    controller.abort("no");
    assert.equal(await outcome(third), "no");
    assert.deepEqual([held(lock), waiting(lock)], [["r", "late"], []]);
    (await reader).release();
    (await late).release();
  });

  test("upgrade() comes first under every policy, and no reader passes it", {
    timeout,
  }, async () => {
    for (const policy of ["fair", "read-preferring", "write-preferring"] as const) {
      const lock = new RwLock({ policy });
      const reader = await lock.read();
      const guard = await lock.upgradable();
      const writer = lock.write({ label: "w" });
      const upgraded = guard.upgrade();
      assert.equal(lock.tryRead(), undefined, policy);
      const late = lock.read();
      reader.release();
      await upgraded;
      assert.equal(guard.mode, "write", policy);
      guard.release();
      if (policy === "read-preferring") (await late).release();
      (await writer).release();
      (await late).release();
    }
  });

  test("RwLock refuses a policy it does not know", { timeout }, () => {
    const create = (policy: unknown) => () => new RwLock({ policy } as RwLockOptions);
    assert.throws(create("unfair"), {
      name: "TypeError",
      message: 'Cannot create lock: policy must be "fair", "read-preferring" or ' +
        '"write-preferring", got "unfair"',
    });
    assert.throws(create(null), TypeError);
  });
});
