/** `SharedBarrier` in one isolate; `threads_test.ts` has it between Workers. */
import { describe, test } from "node:test";
import assert from "node:assert/strict";
import {
  BarrierTimeoutError,
  SharedBarrier,
  type SharedBarrierHandle,
  SharedRwLock,
} from "../../../lib/workers/mod.ts";
import { FakeHost, outcome } from "../../_fake_host.ts";

const timeout = 30_000;

describe("SharedBarrier", () => {
  test("lets nobody leave before all have arrived", { timeout }, async () => {
    const barrier = SharedBarrier.create(3);
    const theirs = SharedBarrier.attach(structuredClone(barrier.handle));
    assert.deepEqual([barrier.parties, theirs.parties], [3, 3]);
    const first = barrier.wait();
    const second = theirs.wait();
    assert.deepEqual([await outcome(first), await outcome(second)], ["pending", "pending"]);
    assert.equal(barrier.arrived, 2);
    assert.equal(theirs.waitSync(), 2);
    assert.deepEqual(await Promise.all([first, second]), [0, 1]);
    assert.equal(barrier.arrived, 0);
  });

  test("is as good as new after each round", { timeout }, async () => {
    const barrier = SharedBarrier.create(2);
    for (let round = 0; round < 1000; round++) {
      const first = barrier.wait();
      assert.equal(barrier.waitSync(), 1);
      assert.equal(await first, 0);
    }
  });

  test("goes on counting when its rounds have come to the end of the word", {
    timeout,
  }, async () => {
    const barrier = SharedBarrier.create(2);
    const words = new Int32Array(barrier.handle.memory);
    for (const word of [0x7fff_fc00, -1024]) {
      words[16] = word;
      const first = barrier.wait();
      barrier.waitSync();
      assert.equal(await first, 0);
    }
    assert.equal(words[16], 0);
  });

  test("keeps a surplus party for the next round", { timeout }, async () => {
    const barrier = SharedBarrier.create(2);
    const all = [barrier.wait(), barrier.wait(), barrier.wait()];
    assert.deepEqual(await Promise.all(all.slice(0, 2)), [0, 1]);
    assert.equal(await outcome(all[2]), "pending");
    barrier.waitSync();
    assert.equal(await all[2], 0);
  });

  test("lets one party through at once when it waits for one", { timeout }, async () => {
    const barrier = SharedBarrier.create(1);
    assert.equal(barrier.waitSync(), 0);
    assert.equal(await barrier.wait({ timeout: 0 }), 0);
  });

  test("takes back the arrival of a party that times out or aborts", { timeout }, async () => {
    const host = new FakeHost();
    const barrier = host.build(() => SharedBarrier.create(3));
    const controller = new AbortController();
    const reason = new Error("enough");
    const patient = barrier.wait();
    const late = barrier.wait({ timeout: 50 }).catch((error) => error);
    host.advance(50);
    const error = await late;
    assert(error instanceof BarrierTimeoutError);
    assert.equal(error.message, "Cannot pass barrier within 50 ms: 2 of 3 parties arrived");
    assert.deepEqual([error.waited, error.arrived, error.parties], [50, 2, 3]);
    assert.equal(barrier.arrived, 1);
    const aborted = barrier.wait({ signal: controller.signal });
    controller.abort(reason);
    await assert.rejects(aborted, reason);
    await assert.rejects(barrier.wait({ signal: controller.signal }), reason);
    assert.equal(barrier.arrived, 1);
    const others = [barrier.wait({ timeout: 50 }), barrier.wait()];
    assert.deepEqual(await Promise.all([patient, ...others]), [0, 1, 2]);
    assert.equal(host.timers, 0);
  });

  test("lets through who was let through before it noticed its time was up", {
    timeout,
  }, async () => {
    const host = new FakeHost();
    const barrier = host.build(() => SharedBarrier.create(2));
    const controller = new AbortController();
    const first = barrier.wait({ timeout: 50 });
    barrier.waitSync();
    host.advance(50);
    assert.equal(await first, 0);
    const second = barrier.wait({ signal: controller.signal });
    barrier.waitSync();
    controller.abort();
    assert.equal(await second, 0);
    assert.equal(barrier.arrived, 0);
  });

  test("blocks a synchronous wait for its timeout and takes it back", { timeout }, () => {
    const barrier = SharedBarrier.create(2);
    const begun = performance.now();
    assert.throws(() => barrier.waitSync({ timeout: 30 }), (error) => {
      assert(error instanceof BarrierTimeoutError);
      assert(error.waited >= 30 && performance.now() - begun >= 30);
      assert.deepEqual([error.arrived, error.parties], [1, 2]);
      return true;
    });
    assert.throws(() => barrier.waitSync({ timeout: 0 }), BarrierTimeoutError);
    assert.equal(barrier.arrived, 0);
  });

  test("takes the arrival back where the thread may not block", { timeout }, () => {
    const barrier = SharedBarrier.create(2);
    const lock = SharedRwLock.create();
    using _guard = SharedRwLock.attach(lock.handle).readSync();
    const { wait } = Atomics;
    Atomics.wait = () => {
      throw new TypeError("Atomics.wait cannot be called in this context");
    };
    try {
      assert.throws(() => barrier.waitSync(), /in this context/);
      assert.throws(() => lock.writeSync(), /in this context/);
    } finally {
      Atomics.wait = wait;
    }
    assert.equal(barrier.arrived, 0);
    assert.deepEqual(lock.query().waiters, []);
  });

  test("refuses arguments that cannot be meant", { timeout }, async () => {
    for (const parties of [0, 1024, 1.5, NaN]) {
      assert.throws(() => SharedBarrier.create(parties), {
        name: "RangeError",
        message:
          `Cannot create shared barrier: parties must be a whole number from 1 to 1023, got ${parties}`,
      });
    }
    assert.throws(() => SharedBarrier.create("2" as never), TypeError);
    const lock = SharedRwLock.create();
    assert.throws(() => SharedBarrier.attach(lock.handle as unknown as SharedBarrierHandle), {
      name: "TypeError",
      message: `Cannot attach to a SharedBarrier: the handle's kind is "SharedRwLock"`,
    });
    const barrier = SharedBarrier.create(2);
    await assert.rejects(barrier.wait({ timeout: -1 }), RangeError);
    await assert.rejects(barrier.wait({ signal: {} as never }), TypeError);
    await assert.rejects(barrier.wait(null as never), TypeError);
    assert.throws(() => barrier.waitSync({ timeout: "1" as never }), TypeError);
    assert.throws(() => barrier.waitSync({ signal: AbortSignal.abort() } as never), {
      message: "Cannot wait at barrier synchronously: no signal could reach a blocked thread",
    });
    assert.equal(barrier.arrived, 0);
  });
});
