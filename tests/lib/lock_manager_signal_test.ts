/**
 * What ends a request before its time: its signal, and another request that steals. Which of the
 * web platform's tests have no counterpart is said in `lock_manager_test.ts`.
 */
import { describe, test } from "node:test";
import assert from "node:assert/strict";
import { LockManager } from "../../lib/lock_manager.ts";
import { outcome, settle } from "../_fake_host.ts";
import { type HeldLock, hold } from "./_held_lock.ts";

const timeout = 20_000;

const nothing = () => {};

/** What an unanswered call would have been. */
function never(): never {
  assert.fail("the callback was called");
}

/** Whether nobody is left that holds or waits. */
async function isEmpty(locks: LockManager): Promise<boolean> {
  const { held, pending } = await locks.query();
  return held.length === 0 && pending.length === 0;
}

/** Asserts that a promise has rejected with a DOMException. */
async function rejectedWith(name: string, promise: Promise<unknown>): Promise<void> {
  const error = await outcome(promise);
  assert(error instanceof DOMException, `it is ${error}`);
  assert.equal(error.name, name);
}

describe("LockManager.request(): signals", { timeout }, () => {
  test("LockManager.request() rejects with the reason of a signal that has aborted", {
    timeout,
  }, async () => {
    const locks = new LockManager();
    const reasons = [undefined, null, "reason", new Error("reason")];
    for (const reason of reasons) {
      const signal = AbortSignal.abort(reason);
      const error = await outcome(locks.request("name", { signal }, never));
      assert.equal(error, signal.reason);
    }
    await rejectedWith("AbortError", locks.request("name", { signal: AbortSignal.abort() }, never));
    assert(await isEmpty(locks));
  });

  test("LockManager.request() rejects while it waits, when its signal aborts", {
    timeout,
  }, async () => {
    const locks = new LockManager();
    const held = hold(locks, "name");
    const controller = new AbortController();
    const { signal } = controller;
    const waiting = locks.request("name", { signal }, never);
    assert.equal(await outcome(waiting), "pending");
    controller.abort("reason");
    assert.equal(await outcome(waiting), "reason");
    assert.deepEqual((await locks.query()).pending, []);
    held.release();
    await held.done;
    assert(await isEmpty(locks));
  });

  test("LockManager.request() rejects with AbortError and TimeoutError as signals do", {
    timeout,
  }, async () => {
    const locks = new LockManager();
    const held = hold(locks, "name");
    const controller = new AbortController();
    const aborted = locks.request("name", { signal: controller.signal }, never);
    controller.abort();
    await rejectedWith("AbortError", aborted);
    const late = locks.request("name", { signal: AbortSignal.timeout(1) }, never);
    await assert.rejects(late, { name: "TimeoutError" });
    held.release();
  });

  test(
    "LockManager.request() never calls back when its signal aborts in the same turn",
    {
      timeout,
    },
    async () => {
      const locks = new LockManager();
      const controller = new AbortController();
      const done = locks.request("name", { signal: controller.signal }, never);
      const next = locks.request("name", (lock) => lock.name);
      controller.abort("reason");
      assert.equal(await outcome(done), "reason");
      assert.equal(await next, "name");
      assert(await isEmpty(locks));
    },
  );

  test(
    "LockManager.request() never calls back when its signal aborts between grant and callback",
    {
      timeout,
    },
    async () => {
      const locks = new LockManager();
      const controller = new AbortController();
      const first = hold(locks, "name");
      // Both are granted by one release; the first of them is called first and ends the other.
      const shared = { mode: "shared" } as const;
      const aborter = locks.request("name", shared, () => controller.abort("reason"));
      const { signal } = controller;
      const queued = locks.request("name", { ...shared, signal }, never);
      const next = locks.request("name", (lock) => lock.name);
      first.release();
      await aborter;
      assert.equal(await outcome(queued), "reason");
      assert.equal(await next, "name");
      assert(await isEmpty(locks));
    },
  );

  test("LockManager.request() has no ear for its signal once it has called back", {
    timeout,
  }, async () => {
    const locks = new LockManager();
    const controller = new AbortController();
    const held = hold(locks, "name", { signal: controller.signal });
    await held.begun;
    controller.abort();
    assert.equal(await outcome(held.done), "pending");
    assert.equal((await locks.query()).held.length, 1);
    held.release("answer");
    assert.equal(await held.done, "answer");

    const after = new AbortController();
    const done = locks.request("name", { signal: after.signal }, () => "answer");
    assert.equal(await done, "answer");
    after.abort();
    assert.equal(await done, "answer");
  });

  // Deno's navigator.locks strands the readers behind.
  test("LockManager lets in the shared requests behind an exclusive one that aborts", {
    timeout,
  }, async () => {
    const locks = new LockManager();
    const inside = hold(locks, "name", { mode: "shared" });
    const controller = new AbortController();
    const writer = hold(locks, "name", { signal: controller.signal });
    const readers = [1, 2].map(() => hold(locks, "name", { mode: "shared" }));
    controller.abort("cancelled");
    for (const { begun } of readers) assert.equal((await begun)?.mode, "shared");
    assert.equal(await outcome(writer.done), "cancelled");
    for (const { release } of [inside, ...readers]) release();
    await settle();
    assert(await isEmpty(locks));
  });

  test("LockManager ends all that wait on one signal, and nobody else", {
    timeout,
  }, async () => {
    const locks = new LockManager();
    const controller = new AbortController();
    const { signal } = controller;
    const held = hold(locks, "a");
    const kept: HeldLock[] = [];
    const ended: HeldLock[] = [];
    for (let i = 0; i < 100; i++) {
      const mode = i % 3 === 0 ? "exclusive" : "shared";
      if (i % 2 === 0) ended.push(hold(locks, "a", { mode, signal }));
      else kept.push(hold(locks, "a", { mode }));
    }
    const elsewhere = hold(locks, "b");
    ended.push(hold(locks, "b", { signal }));
    controller.abort("reason");
    for (const { done } of ended) assert.equal(await outcome(done), "reason");
    held.release();
    for (const { release, done } of [...kept, elsewhere]) {
      release();
      await done;
    }
    assert(await isEmpty(locks));
  });

  test("LockManager.request() leaves no listener on its signal, however it ends", {
    timeout,
  }, async () => {
    const locks = new LockManager();
    const controller = new AbortController();
    const { signal } = controller;
    let listeners = 0;
    const { addEventListener, removeEventListener } = signal;
    signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
      listeners++;
      addEventListener.apply(signal, args);
    };
    signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
      listeners--;
      removeEventListener.apply(signal, args);
    };
    await locks.request("name", { signal }, nothing);
    assert.equal(listeners, 0, "granted at once");
    const held = hold(locks, "name");
    const queued = locks.request("name", { signal }, nothing);
    assert.equal(listeners, 1, "it waits");
    held.release();
    await queued;
    assert.equal(listeners, 0, "granted later");
    const again = hold(locks, "name");
    const aborted = locks.request("name", { signal }, never);
    controller.abort("reason");
    assert.equal(await outcome(aborted), "reason");
    assert.equal(listeners, 0, "aborted");
    again.release();
  });
});

describe("LockManager.request(): steal", { timeout }, () => {
  test("LockManager.request() with steal takes what is free, and is released like any other", {
    timeout,
  }, async () => {
    const locks = new LockManager();
    const done = locks.request("name", { steal: true }, (lock) => [lock.name, lock.mode]);
    assert.deepEqual(await done, ["name", "exclusive"]);
    assert(await isEmpty(locks));
  });

  test("LockManager.request() with steal rejects the holder's request with AbortError", {
    timeout,
  }, async () => {
    const locks = new LockManager();
    const victim = hold(locks, "name");
    await victim.begun;
    const thief = hold(locks, "name", { steal: true });
    await rejectedWith("AbortError", victim.done);
    assert.equal((await thief.begun)?.mode, "exclusive");
    assert.equal((await locks.query()).held.length, 1);
    victim.release();
    await settle();
    assert.equal((await locks.query()).held.length, 1, "the victim's end releases nothing");
    assert.equal(await outcome(hold(locks, "name").begun), "pending");
    thief.release("answer");
    assert.equal(await thief.done, "answer");
  });

  test("LockManager.request() with steal takes it from all who share it, before who waits", {
    timeout,
  }, async () => {
    const locks = new LockManager();
    const readers = [1, 2, 3].map(() => hold(locks, "name", { mode: "shared" }));
    const writer = hold(locks, "name");
    const late = hold(locks, "name", { mode: "shared" });
    const thief = hold(locks, "name", { steal: true });
    for (const { done } of readers) await rejectedWith("AbortError", done);
    await thief.begun;
    const modes = async () => {
      const { held, pending } = await locks.query();
      return [held, pending].map((infos) => infos.map(({ mode }) => mode).join());
    };
    assert.deepEqual(await modes(), ["exclusive", "exclusive,shared"]);
    for (const { release } of readers) release();
    await settle();
    assert.deepEqual(await modes(), ["exclusive", "exclusive,shared"]);
    thief.release();
    await writer.begun;
    assert.deepEqual(await modes(), ["exclusive", "shared"]);
    writer.release();
    await late.begun;
    late.release();
    await late.done;
    assert(await isEmpty(locks));
  });

  test("LockManager.request() with steal keeps out shared requests that come later", {
    timeout,
  }, async () => {
    const locks = new LockManager();
    const reader = hold(locks, "name", { mode: "shared" });
    const thief = hold(locks, "name", { steal: true });
    const late = hold(locks, "name", { mode: "shared" });
    assert.equal(await outcome(late.begun), "pending");
    reader.release();
    assert.equal(await outcome(late.begun), "pending");
    thief.release();
    await late.begun;
    late.release();
  });

  test("LockManager.request() with steal is stolen from in turn: the last one has it", {
    timeout,
  }, async () => {
    const locks = new LockManager();
    const thieves = [1, 2, 3].map(() => hold(locks, "name", { steal: true }));
    const last = thieves.pop()!;
    for (const { done } of thieves) await rejectedWith("AbortError", done);
    last.release("last");
    assert.equal(await last.done, "last");
    assert(await isEmpty(locks));
  });

  // The grant comes before the theft, and the specification takes no callback back.
  test("LockManager.request() calls back once it is granted, though stolen from before", {
    timeout,
  }, async () => {
    const locks = new LockManager();
    const order: string[] = [];
    const victim = locks.request("name", () => order.push("victim"));
    const thief = locks.request("name", { steal: true }, () => order.push("thief"));
    await rejectedWith("AbortError", victim);
    await thief;
    assert.deepEqual(order, ["victim", "thief"]);
    assert(await isEmpty(locks));
  });

  test("LockManager.request() with steal leaves other names alone", { timeout }, async () => {
    const locks = new LockManager();
    const other = hold(locks, "other");
    await locks.request("name", { steal: true }, nothing);
    assert.equal((await locks.query()).held.length, 1);
    other.release("answer");
    assert.equal(await other.done, "answer");
  });

  test("LockManager.request() that was stolen from keeps its rejection, however it ends", {
    timeout,
  }, async () => {
    const locks = new LockManager();
    for (const how of ["release", "fail"] as const) {
      const victim = hold(locks, "name");
      await victim.begun;
      await locks.request("name", { steal: true }, nothing);
      victim[how]("too late");
      await settle();
      await rejectedWith("AbortError", victim.done);
      assert(await isEmpty(locks));
    }
  });

  test(
    "LockManager.request() that aborts after it was stolen from leaves the thief alone",
    {
      timeout,
    },
    async () => {
      const locks = new LockManager();
      const controller = new AbortController();
      const victim = locks.request("name", { signal: controller.signal }, never);
      const thief = hold(locks, "name", { steal: true });
      controller.abort();
      await rejectedWith("AbortError", victim);
      assert.equal((await locks.query()).held.length, 1);
      thief.release("answer");
      assert.equal(await thief.done, "answer");
    },
  );
});
