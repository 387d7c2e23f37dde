/** `SharedRwLock` in one isolate: several attached owners stand for several threads. */
import { describe, test } from "node:test";
import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { type Contention, type Guard, LockTimeoutError } from "../../../mod.ts";
import {
  OwnerReapedError,
  SharedBarrier,
  SharedRwLock,
  type SharedRwLockHandle,
} from "../../../lib/workers/mod.ts";
import { FakeHost, outcome } from "../../_fake_host.ts";
import { until } from "./_until.ts";

const timeout = 30_000;

function pair(): [SharedRwLock, SharedRwLock] {
  const lock = SharedRwLock.create({ label: "table" });
  return [lock, SharedRwLock.attach(lock.handle)];
}

function labels(lock: SharedRwLock): { holders: unknown[]; waiters: unknown[] } {
  const { holders, waiters } = lock.query();
  return {
    holders: holders.map((holder) => holder.label),
    waiters: waiters.map((waiter) => waiter.label),
  };
}

function waiting(lock: SharedRwLock, count: number): Promise<void> {
  return until(() => lock.query().waiters.length === count, `${count} waiters`);
}

/** The lock word: 0 for a lock that nobody holds or waits for and whose queue is shut. */
function word(lock: SharedRwLock): number {
  return new Int32Array(lock.handle.memory)[16];
}

describe("SharedRwLock", () => {
  test("never lets a writer in beside another holder", { timeout }, () => {
    const [mine, theirs] = pair();
    const reader = mine.tryRead();
    assert.equal(reader?.mode, "read");
    assert.equal(theirs.tryWrite(), undefined);
    assert.equal(mine.tryWrite(), undefined);
    const second = theirs.tryRead();
    const third = theirs.tryRead();
    reader.release();
    second?.release();
    assert.equal(mine.tryWrite(), undefined);
    third?.release();
    const writer = mine.tryWrite();
    assert.equal(writer?.mode, "write");
    for (const lock of [mine, theirs]) {
      assert.equal(lock.tryRead(), undefined);
      assert.equal(lock.tryWrite(), undefined);
    }
    writer.release();
    assert.equal(word(mine), 0);
  });

  test("is not taken for free because it was when this thread left it", { timeout }, () => {
    const [mine, theirs] = pair();
    mine.readSync().release();
    const reader = theirs.readSync();
    mine.readSync().release();
    assert.equal(mine.tryWrite(), undefined);
    reader.release();
    mine.tryWrite()?.release();
    assert.equal(word(mine), 0);
  });

  test("guard released twice gives back once", { timeout }, () => {
    const [mine, theirs] = pair();
    const first = mine.readSync({ label: "first" });
    assert.equal(first.label, "first");
    assert.equal(first.released, false);
    first.release();
    assert.equal(first.released, true);
    using _second = mine.readSync();
    first.release();
    first[Symbol.dispose]();
    assert.equal(theirs.tryWrite(), undefined);
  });

  test("withWrite() and withRead() release however their function ends", { timeout }, async () => {
    const [mine, theirs] = pair();
    assert.equal(await mine.withWrite(() => theirs.tryRead() ?? "alone"), "alone");
    assert.equal(await mine.withRead(async () => (await theirs.read()).mode), "read");
    theirs.query().holders.forEach((holder) => assert.equal(holder.mode, "read"));
    const [other] = pair();
    await assert.rejects(
      other.withWrite(() => Promise.reject(new Error("inside"))),
      /inside/,
    );
    await assert.rejects(
      other.withRead(() => {
        throw new Error("inside");
      }),
      /inside/,
    );
    assert.equal(word(other), 0);
    await assert.rejects(other.withWrite(undefined as never), TypeError);
    await assert.rejects(other.withRead(undefined as never), TypeError);
  });

  test("serves threads in the order in which they came", { timeout }, async () => {
    const lock = SharedRwLock.create();
    const order: string[] = [];
    const guard = lock.writeSync();
    const threads = [3, 1, 2, 4].map((owner) => SharedRwLock.attach(lock.handle, { owner }));
    const all = threads.map((thread) =>
      thread.withWrite(() => void order.push(`owner ${thread.owner}`))
    );
    assert.deepEqual(labels(lock).waiters, ["owner 3", "owner 1", "owner 2", "owner 4"]);
    guard.release();
    await Promise.all(all);
    assert.deepEqual(order, ["owner 3", "owner 1", "owner 2", "owner 4"]);
    assert.equal(word(lock), 0);
  });

  test("lets neighbouring readers in together, and none past a writer", { timeout }, async () => {
    const lock = SharedRwLock.create();
    const threads = Array.from({ length: 5 }, () => SharedRwLock.attach(lock.handle));
    const guard = lock.writeSync();
    const first = [threads[0].read(), threads[1].read()];
    const writer = threads[2].write();
    const last = [threads[3].read(), threads[4].read()];
    guard.release();
    const inside = await Promise.all(first);
    assert.deepEqual(labels(lock), {
      holders: ["owner 1", "owner 2"],
      waiters: ["owner 3", "owner 4", "owner 5"],
    });
    inside[0].release();
    await setImmediate();
    assert.equal(lock.query().waiters.length, 3);
    inside[1].release();
    (await writer).release();
    for (const reader of await Promise.all(last)) reader.release();
    assert.equal(word(lock), 0);
  });

  test("serves the tasks of one thread in the order they came", { timeout }, async () => {
    const [mine, theirs] = pair();
    const order: string[] = [];
    const guard = theirs.writeSync();
    const note = (name: string) => () => void order.push(name);
    const all = [
      mine.withWrite(note("first"), { label: "first" }),
      mine.withRead(note("second"), { label: "second" }),
      mine.withRead(note("third"), { label: "third" }),
      mine.withWrite(note("fourth"), { label: "fourth" }),
    ];
    await waiting(mine, 4);
    assert.deepEqual(labels(mine).waiters, ["first", "second", "third", "fourth"]);
    assert.deepEqual(labels(theirs).waiters, ["owner 0"]);
    guard.release();
    await Promise.all(all);
    assert.deepEqual(order, ["first", "second", "third", "fourth"]);
  });

  test("gives every thread its turn, however many tasks another has", { timeout }, async () => {
    const [mine, theirs] = pair();
    const order: string[] = [];
    const guard = mine.writeSync();
    const many = Array.from({ length: 10 }, () => mine.withWrite(() => void order.push("many")));
    const one = theirs.withWrite(() => void order.push("one"));
    guard.release();
    await Promise.all([...many, one]);
    assert.equal(order.indexOf("one"), 1);
  });

  test("reader joins the readers of its thread, but not past a waiting writer", {
    timeout,
  }, async () => {
    const [mine, theirs] = pair();
    const first = mine.readSync();
    const second = mine.readSync();
    const writer = theirs.write();
    assert.equal(mine.tryRead(), undefined);
    const third = mine.read({ label: "third" });
    first.release();
    second.release();
    const inside = await writer;
    assert.deepEqual(labels(mine), { holders: ["owner 1"], waiters: ["third"] });
    inside.release();
    (await third).release();
    assert.equal(word(mine), 0);
  });

  test("tryRead() and tryWrite() never overtake the queue", { timeout }, async () => {
    const [mine, theirs] = pair();
    const third = SharedRwLock.attach(mine.handle);
    const reader = mine.readSync();
    const writer = theirs.write();
    for (const lock of [mine, theirs, third]) {
      assert.equal(lock.tryRead(), undefined);
      assert.equal(lock.tryWrite(), undefined);
    }
    reader.release();
    // The writer has been woken but has not run yet: the lock is free, and still not theirs.
    assert.equal(third.tryRead(), undefined);
    assert.equal(third.tryWrite(), undefined);
    (await writer).release();
    assert.equal(third.tryWrite()?.mode, "write");
  });

  test("attached twice in one thread is two owners", { timeout }, async () => {
    const lock = SharedRwLock.create();
    const one = SharedRwLock.attach(lock.handle);
    const other = SharedRwLock.attach(lock.handle);
    assert.deepEqual([lock.owner, one.owner, other.owner], [0, 1, 2]);
    const guard = one.writeSync();
    const waiter = other.write();
    guard.release();
    assert.equal((await waiter).mode, "write");
  });
});

describe("SharedRwLock, where a wait ends early,", () => {
  test("times out with the holders and the time waited", { timeout }, async () => {
    const host = new FakeHost();
    const [mine, theirs] = host.build(pair);
    using _guard = theirs.readSync({ label: "not known to others" });
    using _own = mine.readSync({ label: "report" });
    const waiter = mine.write({ timeout: 50 });
    host.advance(49);
    assert.equal(await outcome(waiter), "pending");
    host.advance(1);
    const error = await waiter.catch((error) => error);
    assert(error instanceof LockTimeoutError);
    assert.equal(
      error.message,
      "Cannot write-lock table within 50 ms: it is held by 2 readers (report, owner 1)",
    );
    assert.deepEqual([error.lock, error.mode, error.waited], ["table", "write", 50]);
    assert.equal(host.timers, 0);
  });

  test("takes the lock with a timeout of 0 only if it is free", { timeout }, async () => {
    const [mine, theirs] = pair();
    (await mine.write({ timeout: 0 })).release();
    mine.writeSync({ timeout: 0 }).release();
    using _guard = theirs.writeSync();
    await assert.rejects(mine.read({ timeout: 0 }), LockTimeoutError);
    assert.throws(() => mine.readSync({ timeout: 0 }), LockTimeoutError);
    assert.deepEqual(labels(mine).waiters, []);
  });

  for (const how of ["times out", "aborts"] as const) {
    const build = () => {
      const host = new FakeHost();
      const lock = host.build(() => SharedRwLock.create({ label: "table" }));
      const controller = new AbortController();
      const reason = new Error("enough");
      return {
        lock,
        host,
        attach: () => host.build(() => SharedRwLock.attach(lock.handle)),
        options: how === "aborts" ? { signal: controller.signal } : { timeout: 50 },
        end: () => how === "aborts" ? controller.abort(reason) : host.advance(50),
        check: async (waiter: Promise<Guard>) => {
          const error = await waiter.then(() => undefined, (error) => error);
          if (how === "aborts") assert.equal(error, reason);
          else assert(error instanceof LockTimeoutError);
        },
      };
    };

    test(`lets in those behind a writer that ${how}`, { timeout }, async () => {
      const { lock, attach, options, end, check } = build();
      using _guard = lock.readSync();
      const [a, b] = [attach(), attach()];
      const writer = a.write(options);
      const reader = b.read();
      assert.equal(lock.query().waiters.length, 2);
      end();
      assert.deepEqual(lock.query().waiters.map((waiter) => waiter.mode), ["read"]);
      await check(writer);
      (await reader).release();
    });

    test(`lets in those behind a task that ${how} while it is first`, { timeout }, async () => {
      const { lock, attach, options, end, check } = build();
      const guard = lock.writeSync();
      const thread = attach();
      const first = thread.write(options);
      const second = thread.write();
      end();
      await check(first);
      guard.release();
      (await second).release();
    });

    test(`leaves out a task that ${how} while others of its thread are ahead`, {
      timeout,
    }, async () => {
      const { lock, attach, options, end, check } = build();
      const guard = lock.writeSync();
      const thread = attach();
      const first = thread.write();
      const second = thread.read(options);
      const third = thread.write();
      await setImmediate();
      end();
      await check(second);
      guard.release();
      (await first).release();
      (await third).release();
      assert.equal(word(lock), 0);
    });

    test(`passes the lock on when the one that was woken ${how} before it runs`, {
      timeout,
    }, async () => {
      const { lock, attach, options, end, check } = build();
      const guard = lock.writeSync();
      const [a, b] = [attach(), attach()];
      const first = a.write(options);
      const second = b.write();
      guard.release();
      end();
      // A wait that times out when its turn has come has not timed out.
      if (how === "times out") (await first).release();
      else await check(first);
      (await second).release();
      assert.equal(word(lock), 0);
    });

    test(`leaves no timer, no listener and no place behind when it ${how}`, {
      timeout,
    }, async () => {
      const { lock, host, attach, options, end, check } = build();
      const guard = lock.writeSync();
      const threads = [attach(), attach(), attach()];
      const all = threads.map((thread) => thread.write(options));
      assert(host.timers > 0);
      end();
      for (const waiter of all) await check(waiter);
      assert.equal(host.timers, 0);
      assert.deepEqual(labels(lock).waiters, []);
      // Nor does the runtime still watch the word on which one waited.
      const words = new Int32Array(lock.handle.memory);
      for (const { owner } of threads) {
        assert.equal(Atomics.notify(words, 48 + 16 * owner + 1), 0);
      }
      guard.release();
      threads[0].tryWrite()?.release();
      assert.equal(word(lock), 0);
    });
  }

  test(
    "rejects at once with an aborted signal, even if the lock is free",
    { timeout },
    async () => {
      const [mine] = pair();
      const reason = new Error("before");
      await assert.rejects(mine.write({ signal: AbortSignal.abort(reason) }), reason);
      assert.equal(word(mine), 0);
    },
  );

  test("lets nobody in for another's end when one signal ends many", { timeout }, async () => {
    const lock = SharedRwLock.create();
    const threads = Array.from({ length: 4 }, () => SharedRwLock.attach(lock.handle));
    const controller = new AbortController();
    using _guard = lock.readSync();
    const { signal } = controller;
    const all = [threads[0].write({ signal }), threads[1].read({ signal })];
    const survivor = threads[2].read();
    controller.abort(new Error("all"));
    const ends = await Promise.allSettled(all);
    assert.deepEqual(ends.map((end) => end.status), ["rejected", "rejected"]);
    (await survivor).release();
  });

  test("counts the time a task waits behind others of its thread", { timeout }, async () => {
    const host = new FakeHost();
    const [mine, theirs] = host.build(pair);
    using _guard = theirs.writeSync();
    const first = mine.write({ timeout: 30 }).catch((error) => error);
    const second = mine.read({ timeout: 50 }).catch((error) => error);
    const third = mine.read({ timeout: 20 }).catch((error) => error);
    host.advance(20);
    const message = "Cannot read-lock table within 20 ms: it is held by a writer (owner 1)";
    assert.equal((await third).message, message);
    host.advance(10);
    assert.equal((await first).waited, 30);
    await waiting(mine, 1);
    host.advance(20);
    const error = await second;
    assert(error instanceof LockTimeoutError);
    assert.deepEqual([error.mode, error.waited, host.timers], ["read", 50, 0]);
  });

  test("ends a wait whose signal aborts at any step of another's end", { timeout }, async () => {
    for (let steps = 0; steps < 20; steps++) {
      const [mine, theirs] = pair();
      using _guard = theirs.writeSync();
      const controllers = [new AbortController(), new AbortController()];
      const [first, second] = controllers.map(({ signal }) => mine.write({ signal }));
      const ends = Promise.allSettled([first, second]);
      controllers[0].abort(new Error("first"));
      // Meanwhile the second becomes first in its thread, then arrives in the shared queue.
      for (let step = 0; step < steps; step++) await Promise.resolve();
      controllers[1].abort(new Error("second"));
      await ends;
      await assert.rejects(second, /second/);
      assert.deepEqual(labels(mine).waiters, []);
    }
  });

  test("stops listening to a signal when the wait is over", { timeout }, async () => {
    const [mine, theirs] = pair();
    const { signal } = new AbortController();
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
    const guard = theirs.writeSync();
    const waiter = mine.write({ signal });
    assert.equal(listeners, 1);
    guard.release();
    (await waiter).release();
    assert.equal(listeners, 0);
  });

  test("keeps what it got in the very moment in which its signal aborts", {
    timeout,
  }, async () => {
    const host = new FakeHost();
    const [mine, theirs] = host.build(pair);
    const controller = new AbortController();
    const guard = theirs.writeSync();
    const waiter = mine.write({ timeout: 50, signal: controller.signal });
    guard.release();
    // Its time is up, but the lock is free: it gets it, and has not run on when this aborts.
    host.advance(50);
    controller.abort(new Error("too late"));
    (await waiter).release();
    assert.equal(word(mine), 0);
  });

  test("keeps what it was granted when the signal aborts afterwards", { timeout }, async () => {
    const [mine, theirs] = pair();
    const controller = new AbortController();
    const guard = theirs.writeSync();
    const waiter = mine.write({ signal: controller.signal });
    guard.release();
    await until(() => mine.query().waiters.length === 0, "the grant");
    controller.abort(new Error("too late"));
    assert.equal((await waiter).released, false);
  });

  test("tells of a wait that passes contentionAfter, once", { timeout }, async () => {
    const host = new FakeHost();
    const [, theirs] = host.build(pair);
    const told: Contention[] = [];
    const onContention = (event: Contention) => void told.push(event);
    const mine = host.build(() =>
      SharedRwLock.attach(theirs.handle, { onContention, contentionAfter: 20 })
    );
    const guard = theirs.writeSync();
    const waiter = mine.read();
    host.advance(19);
    assert.equal(told.length, 0);
    host.advance(100);
    guard.release();
    (await waiter).release();
    (await mine.read()).release();
    assert.deepEqual(told, [
      { waited: 20, mode: "read", holders: [{ mode: "write", label: "owner 1" }] },
    ]);
    assert.equal(host.timers, 0);
    const second = theirs.writeSync();
    const soon = mine.write();
    second.release();
    (await soon).release();
    assert.equal(host.timers, 0, "a wait that ends before anyone is told leaves no timer");
  });

  test("blocks a synchronous wait for its timeout and tells of it", { timeout }, () => {
    const told: Contention[] = [];
    const [, theirs] = pair();
    const mine = SharedRwLock.attach(theirs.handle, {
      onContention: (event) => void told.push(event),
      contentionAfter: 5,
    });
    using _guard = theirs.readSync();
    const begun = performance.now();
    assert.throws(() => mine.writeSync({ timeout: 30 }), (error) => {
      assert(error instanceof LockTimeoutError);
      assert(error.waited >= 30 && performance.now() - begun >= 30);
      return true;
    });
    assert.equal(told.length, 1);
    assert(told[0].waited >= 5 && told[0].waited < 30, `told after ${told[0].waited} ms`);
    assert.deepEqual(labels(mine).waiters, []);
    // It has left nothing behind that shuts others out.
    assert.equal(mine.tryRead()?.mode, "read");
  });

  test("who is told of a synchronous wait comes after it, if he wants the lock too", {
    timeout,
  }, async () => {
    const [, theirs] = pair();
    const found: unknown[] = [];
    let later: Promise<Guard> | undefined;
    const mine = SharedRwLock.attach(theirs.handle, {
      contentionAfter: 1,
      onContention() {
        if (later !== undefined) return;
        found.push(mine.tryWrite(), mine.tryRead());
        for (const call of [() => mine.readSync(), () => mine.detach()]) {
          try {
            found.push(call());
          } catch (error) {
            found.push((error as Error).message.replace(/:.*/, ""));
          }
        }
        later = mine.write();
        found.push(mine.query().waiters.length);
      },
    });
    const guard = theirs.writeSync();
    assert.throws(() => mine.writeSync({ timeout: 5 }), LockTimeoutError);
    assert.deepEqual(found, [
      undefined,
      undefined,
      "Cannot read-lock table synchronously",
      `Cannot detach owner ${mine.owner} from table`,
      2,
    ]);
    assert.equal(await outcome(later!), "pending");
    guard.release();
    (await later!).release();
    mine.writeSync().release();
    mine.detach();
  });

  test("a getter of the options that throws leaves a synchronous acquire undone", {
    timeout,
  }, () => {
    const [mine] = pair();
    for (let reads = 1, failed = true; failed; reads++) {
      let left = reads;
      const options = {
        get label() {
          if (--left === 0) throw new Error("not to be read");
          return "job";
        },
      };
      try {
        mine.writeSync(options).release();
        failed = false;
      } catch (error) {
        assert.equal((error as Error).message, "not to be read");
      }
      assert.deepEqual(mine.query(), { holders: [], waiters: [] });
      mine.tryWrite()!.release();
    }
  });

  test("refuses a synchronous wait for a task of its own thread", { timeout }, async () => {
    const [mine, theirs] = pair();
    const message = /^Cannot write-lock table synchronously: tasks of this thread hold it or are/;
    const reader = mine.readSync();
    assert.throws(() => mine.writeSync(), { message });
    reader.release();
    const guard = theirs.writeSync();
    const waiter = mine.write();
    assert.throws(() => mine.writeSync({ timeout: 10 }), { message });
    guard.release();
    (await waiter).release();
    mine.writeSync().release();
  });

  test("makes no system call where nobody waits, and one to wake who does", {
    timeout,
  }, async () => {
    const [mine, theirs] = pair();
    const { notify, wait, waitAsync } = Atomics;
    let calls = 0;
    const counted = <F extends (...args: never[]) => unknown>(call: F) =>
      ((...args: Parameters<F>) => {
        calls++;
        return call(...args);
      }) as unknown as F;
    Object.assign(Atomics, {
      notify: counted(notify),
      wait: counted(wait),
      waitAsync: counted(waitAsync),
    });
    try {
      for (const lock of [mine, theirs, mine]) {
        lock.writeSync().release();
        lock.readSync().release();
        lock.tryWrite()!.release();
        (await lock.write({ timeout: 50, label: "named" })).release();
        const [first, second] = [await lock.read(), mine.tryRead()!];
        assert.equal(lock.tryWrite(), undefined);
        second.release();
        first.release();
      }
      assert.equal(calls, 0);
      const guard = mine.writeSync();
      const late = theirs.write();
      await setImmediate();
      guard.release();
      (await late).release();
      assert(calls >= 2);
    } finally {
      Object.assign(Atomics, { notify, wait, waitAsync });
    }
  });

  test("reads no clock and sets no timer where there is no wait", { timeout }, async () => {
    const host = new FakeHost();
    const [mine] = host.build(pair);
    const signal = new AbortController().signal;
    mine.writeSync({ timeout: 10 }).release();
    mine.readSync().release();
    (await mine.write({ timeout: 10, signal })).release();
    mine.tryRead()?.release();
    assert.deepEqual([host.reads, host.set], [0, 0]);
  });
});

describe("SharedRwLock.stats()", () => {
  test("counts this thread's acquires, how its waits ended and how long all took", {
    timeout,
  }, async () => {
    const host = new FakeHost();
    const [, theirs] = host.build(pair);
    const lock = host.build(() => SharedRwLock.attach(theirs.handle, { stats: true }));
    const other = theirs.writeSync();
    const granted = lock.read({ label: "granted" });
    const timedOut = lock.write({ timeout: 20 });
    const controller = new AbortController();
    const aborted = lock.read({ signal: controller.signal });
    host.advance(10);
    controller.abort("no");
    await outcome(aborted);
    host.advance(10);
    await outcome(timedOut);
    host.advance(10);
    assert.deepEqual([lock.stats().holders, lock.stats().waiters], [0, 1]);
    assert.equal(lock.stats().longestWait, 30, "of one who still waits");
    assert.equal(lock.stats().wait.max, 20, "of those whose wait has ended");
    assert.equal(lock.query().waiters[0].since, host.now() - 30);
    other.release();
    (await granted).release();
    await outcome(lock.write({ signal: AbortSignal.abort("before") }));
    const held = lock.tryWrite()!;
    host.advance(7);
    assert.deepEqual(lock.query().holders, [
      { mode: "write", label: "owner 2", since: host.now() - 7 },
    ]);
    held.release();
    using _other = theirs.readSync();
    await outcome(lock.write({ timeout: 0 }));
    assert.throws(() => lock.writeSync({ timeout: 0 }), LockTimeoutError);
    lock.readSync().release();

    const { wait, hold, ...counts } = lock.stats();
    assert.deepEqual(counts, {
      acquired: { read: 2, write: 1 },
      contended: 3,
      timedOut: 3,
      aborted: 2,
      holders: 0,
      waiters: 0,
      longestWait: 30,
    });
    assert.deepEqual([wait.count, wait.mean, wait.max], [3, 20, 30]);
    assert.deepEqual([hold.count, hold.mean, hold.max], [3, 7 / 3, 7]);
  });

  test("counts a waiter no more as soon as it has given up", { timeout }, async () => {
    const [, theirs] = pair();
    const lock = SharedRwLock.attach(theirs.handle, { stats: true });
    const controller = new AbortController();
    using _guard = theirs.writeSync();
    const waiter = lock.write({ signal: controller.signal });
    assert.equal(lock.stats().waiters, 1);
    controller.abort(new Error("enough"));
    assert.equal(lock.stats().waiters, 0);
    await assert.rejects(waiter, /enough/);
  });

  test("counts a waiter no more whose thread has been reaped", { timeout }, async () => {
    const mine = SharedRwLock.create();
    const theirs = SharedRwLock.attach(mine.handle, { stats: true });
    using _guard = mine.writeSync();
    const late = theirs.write();
    assert.equal(theirs.stats().waiters, 1);
    mine.reap(theirs.owner);
    await assert.rejects(late, OwnerReapedError);
    assert.equal(theirs.stats().waiters, 0);
  });

  test("counts a synchronous wait", { timeout }, () => {
    const [, theirs] = pair();
    const lock = SharedRwLock.attach(theirs.handle, { stats: true });
    using _guard = theirs.readSync();
    assert.throws(() => lock.writeSync({ timeout: 10 }), LockTimeoutError);
    const { contended, timedOut, wait } = lock.stats();
    assert.deepEqual([contended, timedOut, wait.count], [1, 1, 1]);
    assert(wait.max >= 10);
  });

  test("is refused by a side that counts nothing", { timeout }, () => {
    const [mine] = pair();
    assert.throws(() => mine.stats(), {
      name: "TypeError",
      message: "Cannot tell the statistics of table: " +
        "this thread created it or attached to it without stats: true",
    });
    assert.throws(() => SharedRwLock.create({ stats: 1 as never }), {
      name: "TypeError",
      message: "Cannot create shared lock: stats must be true or false, got 1",
    });
  });
});

describe("SharedRwLock.reap()", () => {
  test("frees what the owner held, and answers how", { timeout }, () => {
    const [mine, theirs] = pair();
    for (const mode of ["read", "write"] as const) {
      const dead = SharedRwLock.attach(mine.handle, { owner: 5 });
      const guard = mode === "read" ? dead.readSync() : dead.writeSync();
      assert.equal(mine.tryWrite(), undefined);
      assert.equal(theirs.reap(5), mode);
      assert.equal(mine.reap(5), undefined);
      const next = mine.tryWrite();
      assert(next);
      guard.release();
      assert.equal(theirs.tryRead(), undefined);
      next.release();
    }
  });

  test("takes one reader of several away, and no more", { timeout }, () => {
    const [mine, theirs] = pair();
    const dead = SharedRwLock.attach(mine.handle);
    dead.readSync();
    dead.readSync();
    const reader = theirs.readSync();
    assert.equal(mine.reap(dead.owner), "read");
    assert.equal(mine.tryWrite(), undefined);
    reader.release();
    assert.equal(mine.tryWrite()?.mode, "write");
  });

  test("opens the queue behind a dead waiter and behind a dead holder", { timeout }, async () => {
    const [mine, theirs] = pair();
    const [holder, waiter] = [SharedRwLock.attach(mine.handle), SharedRwLock.attach(mine.handle)];
    holder.writeSync();
    const lost = waiter.write();
    const next = theirs.read();
    assert.equal(mine.reap(waiter.owner), undefined);
    await assert.rejects(lost, OwnerReapedError);
    assert.equal(mine.reap(holder.owner), "write");
    (await next).release();
  });

  test("shuts the owner out for good, and its number can be taken again", { timeout }, async () => {
    const [mine, theirs] = pair();
    const guard = theirs.writeSync();
    const { owner } = theirs;
    mine.reap(owner);
    const message =
      `Cannot read-lock table: owner ${owner}, which this thread was, has been reaped`;
    const heir = SharedRwLock.attach(mine.handle, { owner });
    using held = heir.writeSync();
    // Also while it takes itself to be inside.
    assert.throws(() => theirs.tryRead(), OwnerReapedError);
    guard.release();
    assert.throws(() => theirs.tryRead(), { name: "OwnerReapedError", message, owner });
    assert.throws(() => theirs.tryWrite(), OwnerReapedError);
    assert.throws(() => theirs.readSync(), OwnerReapedError);
    assert.throws(() => theirs.writeSync({ timeout: 5 }), OwnerReapedError);
    await assert.rejects(theirs.write(), OwnerReapedError);
    assert.equal(held.released, false);
    assert.equal(mine.tryRead(), undefined);
  });

  test("refuses what is not another owner", { timeout }, () => {
    const lock = SharedRwLock.create({ owners: 3, label: "table" });
    assert.throws(() => lock.reap(0), {
      name: "TypeError",
      message: "Cannot reap owner 0 of table: it is this thread itself",
    });
    for (const owner of [-1, 3, 1.5, NaN]) assert.throws(() => lock.reap(owner), RangeError);
    assert.throws(() => lock.reap("1" as never), TypeError);
    assert.equal(lock.reap(2), undefined);
  });
});

describe("SharedRwLock.attach()", () => {
  test("finds the lock in a handle that was cloned, and its label", { timeout }, () => {
    const lock = SharedRwLock.create({ label: "table", owners: 2 });
    const theirs = SharedRwLock.attach(structuredClone(lock.handle));
    using _guard = lock.writeSync();
    assert.throws(() => theirs.writeSync({ timeout: 0 }), { lock: "table" });
  });

  test("refuses what is no handle of its kind, and says why", { timeout }, () => {
    const { handle } = SharedRwLock.create({ owners: 4 });
    const altered = (index: number, value: number): SharedRwLockHandle => {
      const { handle } = SharedRwLock.create({ owners: 4 });
      new Int32Array(handle.memory)[index] = value;
      return handle;
    };
    const cases: [unknown, RegExp][] = [
      [undefined, /expected a handle, got undefined$/],
      [null, /expected a handle, got null$/],
      [handle.memory, /the handle's kind is undefined$/],
      [SharedBarrier.create(2).handle, /the handle's kind is "SharedBarrier"$/],
      [{ ...handle, version: 2 }, /the handle has version 2, this release has 1$/],
      [{ ...handle, memory: new ArrayBuffer(64) }, /memory is an object, not a SharedArrayBuffer$/],
      [{ ...handle, memory: undefined }, /memory is undefined, not a SharedArrayBuffer$/],
      [
        { ...handle, memory: SharedBarrier.create(2).handle.memory },
        /memory of 128 bytes is not that of a SharedRwLock$/,
      ],
      [
        { ...handle, memory: new SharedArrayBuffer(3) },
        /memory of 3 bytes is not that of a SharedRwLock$/,
      ],
      [altered(1, 7), /its memory has version 7, this release has 1$/],
      [altered(2, 5), /its memory has 448 bytes where 512 are needed for 5$/],
      [altered(2, 0), /its memory is damaged$/],
      [altered(2, 21), /its memory is damaged$/],
      [{ ...handle, label: 5 }, /label must be a string, got 5$/],
    ];
    for (const [value, message] of cases) {
      assert.throws(() => SharedRwLock.attach(value as SharedRwLockHandle), {
        name: "TypeError",
        message,
      });
    }
  });

  test("refuses options that cannot be meant", { timeout }, async () => {
    const lock = SharedRwLock.create({ owners: 4 });
    assert.throws(() => SharedRwLock.attach(lock.handle, { owner: 4 }), RangeError);
    assert.throws(() => SharedRwLock.attach(lock.handle, { owner: "1" as never }), TypeError);
    assert.throws(() => SharedRwLock.attach(lock.handle, { label: 1 as never }), TypeError);
    for (const owners of [0, 21, 1.5, NaN]) {
      assert.throws(() => SharedRwLock.create({ owners }), {
        name: "RangeError",
        message:
          `Cannot create shared lock: owners must be a whole number from 1 to 20, got ${owners}`,
      });
    }
    assert.throws(() => SharedRwLock.create({ owners: "2" as never }), TypeError);
    assert.throws(() => SharedRwLock.create({ contentionAfter: -1 }), RangeError);
    assert.throws(() => SharedRwLock.create(null as never), TypeError);
    await assert.rejects(lock.write({ timeout: -1 }), RangeError);
    await assert.rejects(lock.read({ timeout: "1" as never }), TypeError);
    await assert.rejects(lock.read({ signal: {} as never }), TypeError);
    assert.throws(() => lock.writeSync({ timeout: NaN }), RangeError);
    assert.throws(() => lock.readSync({ signal: AbortSignal.abort() } as never), {
      name: "TypeError",
      message: "Cannot read-lock synchronously: no signal could reach a blocked thread",
    });
    assert.equal(word(lock), 0);
  });

  test("refuses a number that is taken, and any when all are", { timeout }, () => {
    const lock = SharedRwLock.create({ owners: 2, label: "table" });
    const theirs = SharedRwLock.attach(lock.handle, { owner: 1 });
    assert.throws(() => SharedRwLock.attach(lock.handle, { owner: 1 }), {
      message: "Cannot attach to table: owner 1 is taken",
    });
    assert.throws(() => SharedRwLock.attach(lock.handle), {
      message: "Cannot attach to table: all 2 owners are taken; " +
        "detach() one, or reap() one that has died",
    });
    theirs.detach();
    assert.equal(SharedRwLock.attach(lock.handle).owner, 1);
  });
});

describe("SharedRwLock.detach()", () => {
  test("waits until nothing is held or wanted", { timeout }, async () => {
    const [mine, theirs] = pair();
    const message =
      "Cannot detach owner 1 from table: a task of this thread holds it or waits for it";
    const guard = theirs.readSync();
    assert.throws(() => theirs.detach(), { message });
    guard.release();
    const held = mine.writeSync();
    const waiter = theirs.write();
    assert.throws(() => theirs.detach(), { message });
    held.release();
    (await waiter).release();
    theirs.detach();
    theirs.detach();
  });

  test("shuts this thread out, and not the next with its number", { timeout }, async () => {
    const [mine, theirs] = pair();
    theirs.detach();
    const heir = SharedRwLock.attach(mine.handle, { owner: 1 });
    theirs.detach();
    const message = "Cannot write-lock table: this thread has detached from it";
    assert.throws(() => theirs.tryWrite(), { message });
    assert.throws(() => theirs.writeSync(), { message });
    await assert.rejects(theirs.write(), { message });
    using _guard = heir.writeSync();
    assert.deepEqual(labels(theirs).holders, ["owner 1"]);
  });
});
