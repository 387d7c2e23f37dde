/**
 * What other locks get wrong (each defect was reproduced), as promises of ours. Whose defect it is
 * stands beside the test.
 */
import { describe, test } from "node:test";
import assert from "node:assert/strict";
import { type Guard, LockTimeoutError, RwLock } from "../../mod.ts";
import { FakeHost, outcome } from "../_fake_host.ts";
import { heldMegabytes } from "../_garbage.ts";

const timeout = 60_000;

function waiting(lock: RwLock): number {
  return lock.query().waiters.length;
}

describe("RwLock, where others fail", { timeout }, () => {
  // Deno's navigator.locks strands them; so does @esfx/async-readerwriterlock.
  test("RwLock lets the readers behind a writer in when the writer aborts", {
    timeout,
  }, async () => {
    const lock = new RwLock();
    using _inside = await lock.read();
    const controller = new AbortController();
    const writer = lock.write({ signal: controller.signal });
    const readers = [lock.read(), lock.read()];
    controller.abort("cancelled");
    for (const reader of readers) (await reader).release();
    assert.equal(await outcome(writer), "cancelled");
  });

  // @esfx/async-readerwriterlock fails the same when the writer is cancelled by a deadline.
  test("RwLock lets the readers behind a writer in when the writer times out", {
    timeout,
  }, async () => {
    const host = new FakeHost();
    const lock = host.build(() => new RwLock());
    using _inside = await lock.read();
    const writer = outcome(lock.write({ timeout: 5 }));
    const readers = [lock.read(), lock.read()];
    host.advance(5);
    for (const reader of readers) (await reader).release();
    assert((await writer) instanceof LockTimeoutError);
  });

  // Deno's navigator.locks queues such a request instead of answering null.
  test("RwLock.tryRead() behind a queued writer answers at once and queues nothing", {
    timeout,
  }, async () => {
    const lock = new RwLock();
    const reader = await lock.read();
    const writer = lock.write();
    assert.equal(lock.tryRead(), undefined);
    assert((await outcome(lock.read({ timeout: 0 }))) instanceof LockTimeoutError);
    assert.equal(waiting(lock), 1);
    reader.release();
    (await writer).release();
    assert.deepEqual(lock.query(), { holders: [], waiters: [] });
  });

  // Deno's navigator.locks holds 430 MB after these for good.
  test("RwLock holds no memory after 200,000 grants without a turn of the event loop", {
    timeout,
  }, async () => {
    const lock = new RwLock();
    const run = async (times: number) => {
      for (let i = 0; i < times; i++) {
        const guard = await lock.write();
        const next = lock.write({ label: "next" });
        guard.release();
        (await next).release();
      }
    };
    await run(10_000);
    const before = heldMegabytes();
    await run(100_000);
    const grown = heldMegabytes() - before;
    // One word for each grant would be 1.5 MB.
    assert(grown < 1, `the heap grew by ${grown} MB`);
    assert.deepEqual(lock.query(), { holders: [], waiters: [] });
  });

  // @core/asyncutil's RwLock admits a writer while a reader is inside.
  test("RwLock never admits a writer beside another holder, whatever the traffic", {
    timeout,
  }, async () => {
    const lock = new RwLock();
    let readers = 0;
    let writers = 0;
    let most = 0;
    const actor = async (seed: number) => {
      for (let i = 0; i < 500; i++) {
        seed = seed * 16807 % 2147483647;
        const ticks = seed % 4;
        if (seed % 3 === 0) {
          using _guard = await lock.write();
          writers++;
          assert.deepEqual([readers, writers], [0, 1]);
          for (let tick = 0; tick < ticks; tick++) await null;
          assert.deepEqual([readers, writers], [0, 1]);
          writers--;
        } else {
          using _guard = await lock.read();
          most = Math.max(most, ++readers);
          assert.equal(writers, 0);
          for (let tick = 0; tick < ticks; tick++) await null;
          assert.equal(writers, 0);
          readers--;
        }
      }
    };
    await Promise.all(Array.from({ length: 10 }, (_, i) => actor(i + 1)));
    assert(most > 1, "no two readers were ever inside together: the test shows nothing");
  });

  // @std/async's Semaphore and @core/asyncutil's Mutex admit two.
  test("RwLock admits nobody when one guard is disposed of twice", { timeout }, async () => {
    const lock = new RwLock();
    const first = await lock.write();
    const second = lock.write({ label: "second" });
    const third = lock.write({ label: "third" });
    first[Symbol.dispose]();
    first[Symbol.dispose]();
    first.release();
    assert.deepEqual(lock.query(), {
      holders: [{ mode: "write", label: "second" }],
      waiters: [{ mode: "write", label: "third" }],
    });
    (await second).release();
    (await third).release();
  });

  // async-mutex admits a second holder.
  test("RwLock cannot be released by a stranger", { timeout }, async () => {
    const lock = new RwLock();
    const stranger = await lock.write();
    stranger.release();
    using _holder = await lock.write();
    assert(!("release" in lock));
    stranger.release();
    const Stranger = stranger.constructor as new (...args: unknown[]) => Guard;
    for (const forge of [() => Object.create(stranger), () => new Stranger(lock, true)]) {
      try {
        forge().release();
      } catch (error) {
        assert(error instanceof TypeError);
      }
      assert.equal(lock.tryWrite(), undefined);
    }
    assert.equal(lock.tryRead(), undefined);
    assert.equal(lock.query().holders.length, 1);
  });

  // async-mutex keeps the thousand in its queue.
  test("RwLock forgets 1,000 waiters that timed out", { timeout }, async () => {
    const host = new FakeHost();
    const lock = host.build(() => new RwLock());
    const guard = await lock.write();
    const waits = Array.from({ length: 1000 }, () => outcome(lock.write({ timeout: 1 })));
    assert.equal(waiting(lock), 1000);
    host.advance(1);
    assert.deepEqual([waiting(lock), host.timers], [0, 0]);
    for (const wait of waits) assert((await wait) instanceof LockTimeoutError);
    guard.release();
    lock.tryWrite()!.release();
  });

  // async-mutex's takes milliseconds and leaves a ghost in the queue.
  test("RwLock.tryWrite() that fails leaves no ghost, and takes no time or promise", {
    timeout,
  }, async () => {
    const host = new FakeHost();
    const lock = host.build(() => new RwLock());
    const guard = await lock.write();
    for (let i = 0; i < 1000; i++) assert.equal(lock.tryWrite(), undefined);
    assert.deepEqual([waiting(lock), host.reads, host.set], [0, 0, 0]);
    guard.release();
    lock.tryWrite()!.release();
  });

  // async-lock with maxExecutionTime has three at once.
  test("RwLock has one writer however long it takes", { timeout }, async () => {
    const host = new FakeHost();
    const lock = host.build(() => new RwLock({ onContention: () => {} }));
    const holder = await lock.write({ label: "slow", timeout: 10 });
    const next = lock.write({ label: "next" });
    const impatient = outcome(lock.write({ timeout: 1000 }));
    host.advance(1e9);
    assert((await impatient) instanceof LockTimeoutError);
    assert.deepEqual(lock.query().holders, [{ mode: "write", label: "slow" }]);
    holder.release();
    (await next).release();
  });

  // async-lock overflows the stack at 20,000 on Deno and 200,000 on Bun, and stays busy for ever.
  test("RwLock outlives 200,000 waiters that time out at once, and is free afterwards", {
    timeout,
  }, async () => {
    const host = new FakeHost();
    const lock = host.build(() => new RwLock());
    const guard = await lock.write();
    let ended = 0;
    for (let i = 0; i < 200_000; i++) lock.write({ timeout: 50 }).catch(() => void ended++);
    host.advance(50);
    guard.release();
    lock.tryWrite()!.release();
    await lock.withWrite(() => {});
    await outcome(Promise.resolve());
    assert.deepEqual([ended, waiting(lock), host.timers], [200_000, 0, 0]);
  });

  // The like of it from the other end: a grant that calls the next would overflow too.
  test("RwLock admits 200,000 readers in one release()", { timeout }, async () => {
    const lock = new RwLock();
    const guard = await lock.write();
    const readers = Array.from({ length: 200_000 }, () => lock.read());
    guard.release();
    assert.deepEqual([lock.query().holders.length, waiting(lock)], [200_000, 0]);
    for (const reader of await Promise.all(readers)) reader.release();
    lock.tryWrite()!.release();
  });

  // async-rwlock lets them, and so does Effect's TxReentrantLock.
  test("RwLock lets no reader overtake a queued writer", { timeout }, async () => {
    const lock = new RwLock();
    const order: string[] = [];
    const first = await lock.read();
    const writer = lock.write().then((guard) => (order.push("writer"), guard.release()));
    const reader = lock.read().then((guard) => (order.push("reader"), guard.release()));
    first.release();
    await Promise.all([writer, reader]);
    assert.deepEqual(order, ["writer", "reader"]);
  });

  // Effect wakes every waiter for each grant: 20,000 cost 315 µs each.
  test("RwLock.release() settles the waiters it admits and no other", { timeout }, async () => {
    const lock = new RwLock();
    const guard = await lock.write();
    let settled = 0;
    const waits = Array.from({ length: 20_000 }, () => lock.write());
    for (const wait of waits) wait.then(() => settled++);
    guard.release();
    await outcome(Promise.resolve());
    assert.deepEqual([settled, waiting(lock)], [1, 19_999]);
    for (const wait of waits) (await wait).release();
  });
});
