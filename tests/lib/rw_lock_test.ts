import { describe, test } from "node:test";
import assert from "node:assert/strict";
import {
  type AcquireOptions,
  type Contention,
  type Guard,
  type LockOptions,
  LockTimeoutError,
  RwLock,
  Snapshots,
} from "../../mod.ts";
import { collectThrown, FakeHost, outcome, settle } from "../_fake_host.ts";

const timeout = 20_000;

function create(options?: LockOptions): { host: FakeHost; lock: RwLock } {
  const host = new FakeHost();
  return { host, lock: host.build(() => new RwLock(options)) };
}

function held(lock: RwLock): string[] {
  return lock.query().holders.map(({ mode, label }) => label ?? mode);
}

function waiting(lock: RwLock): string[] {
  return lock.query().waiters.map(({ mode, label }) => label ?? mode);
}

/** A signal that knows how many listeners it has, and how many it has had. */
function countedSignal(): { controller: AbortController; count: { now: number; ever: number } } {
  const controller = new AbortController();
  const { signal } = controller;
  const count = { now: 0, ever: 0 };
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
    count.now++;
    count.ever++;
    addEventListener.apply(signal, args);
  };
  signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
    count.now--;
    removeEventListener.apply(signal, args);
  };
  return { controller, count };
}

describe("RwLock: who is inside", { timeout }, () => {
  test("RwLock.write() is alone", { timeout }, async () => {
    const { lock } = create();
    const guard = await lock.write();
    assert.equal(lock.tryWrite(), undefined);
    assert.equal(lock.tryRead(), undefined);
    guard.release();
    assert.deepEqual(lock.query(), { holders: [], waiters: [] });
  });

  test("RwLock.read() is shared, and keeps a writer out until the last reader leaves", {
    timeout,
  }, async () => {
    const { lock } = create();
    const first = await lock.read();
    const second = await lock.read();
    const writer = lock.write({ label: "writer" });
    first.release();
    assert.deepEqual([held(lock), waiting(lock)], [["read"], ["writer"]]);
    second.release();
    assert.deepEqual([held(lock), waiting(lock)], [["writer"], []]);
    (await writer).release();
  });

  test("RwLock is not re-entrant: whoever holds it waits for itself", { timeout }, async () => {
    const { lock } = create();
    const guard = await lock.write();
    const again = lock.write();
    assert.equal(await outcome(again), "pending");
    guard.release();
    (await again).release();
  });

  test("Guard.release() releases once, however often it is called", { timeout }, async () => {
    const { lock } = create();
    const first = await lock.read();
    const second = await lock.read();
    first.release();
    first.release();
    first[Symbol.dispose]();
    assert.deepEqual(held(lock), ["read"]);
    assert.deepEqual([first.released, second.released], [true, false]);
    assert.equal(lock.tryWrite(), undefined);
    second.release();
    lock.tryWrite()!.release();
  });

  test("Guard is released by `using`, and knows its mode and label", { timeout }, async () => {
    const { lock } = create();
    {
      using guard = await lock.write({ label: "import" });
      assert.deepEqual([guard.mode, guard.label, guard.released], ["write", "import", false]);
    }
    using guard = lock.tryRead()!;
    assert.deepEqual([guard.mode, guard.label, guard.released], ["read", undefined, false]);
  });

  test("Guard shows nothing that could be altered", { timeout }, () => {
    const { lock } = create();
    const guard = lock.tryWrite()!;
    assert.deepEqual(Reflect.ownKeys(guard), []);
    assert.deepEqual(Reflect.ownKeys(lock), []);
    assert.throws(() => Object.assign(guard, { released: true }), TypeError);
    assert.throws(() => Object.create(guard).release(), TypeError);
    assert.deepEqual(held(lock), ["write"]);
    guard.release();
  });

  test("RwLock.query() shows names and owners, of holders and of waiters", {
    timeout,
  }, async () => {
    const { lock } = create();
    const owner = { job: 7 };
    const options: AcquireOptions = { label: "a", owner };
    using _reader = await lock.read(options);
    options.label = "changed afterwards";
    using _other = await lock.read({ owner });
    using _nameless = await lock.read();
    const writer = lock.write({ label: "w", timeout: Infinity });
    const last = lock.read();
    assert.deepEqual(lock.query(), {
      holders: [{ mode: "read", label: "a", owner }, { mode: "read", owner }, { mode: "read" }],
      waiters: [{ mode: "write", label: "w" }, { mode: "read" }],
    });
    assert.equal(lock.query().holders[1].owner, owner);
    void writer, last;
  });
});

describe("RwLock: what is shown", { timeout }, () => {
  test("RwLock.query() is true of its moment, whatever was true when it was asked before", {
    timeout,
  }, async () => {
    const { lock } = create();
    const named = await lock.read({ label: "a" });
    const nameless = [await lock.read()];
    assert.deepEqual(held(lock), ["a", "read"]);
    // As many inside as before, and others.
    named.release();
    nameless.push(await lock.read());
    assert.deepEqual(held(lock), ["read", "read"]);
    nameless.pop()!.release();
    const other = await lock.read({ label: "b" });
    assert.deepEqual(held(lock), ["b", "read"]);
    other.release();
    nameless.pop()!.release();
    using _writer = lock.tryWrite()!;
    assert.deepEqual(lock.query().holders, [{ mode: "write" }]);
  });

  test("RwLock.query() answers what later events do not alter", { timeout }, async () => {
    const { lock } = create();
    const guard = await lock.read({ label: "a" });
    const before = lock.query();
    guard.release();
    assert.deepEqual(before, { holders: [{ mode: "read", label: "a" }], waiters: [] });
    assert.throws(() => (before.holders as unknown[]).pop(), TypeError);
    assert.deepEqual(lock.query(), { holders: [], waiters: [] });
  });
});

describe("RwLock: in which order", { timeout }, () => {
  test("RwLock.write() is granted before all that came later", { timeout }, async () => {
    const { lock } = create();
    const order: number[] = [];
    const first = lock.tryWrite()!;
    const all = Array.from({ length: 200 }, async (_, i) => {
      using _guard = i % 3 === 0 ? await lock.read() : await lock.write();
      order.push(i);
    });
    first.release();
    await Promise.all(all);
    assert.deepEqual(order, Array.from({ length: 200 }, (_, i) => i));
  });

  test("RwLock.read() waits behind a queued writer", { timeout }, async () => {
    const { lock } = create();
    const reader = await lock.read();
    const writer = lock.write({ label: "writer" });
    const late = lock.read({ label: "late" });
    assert.equal(await outcome(late), "pending");
    reader.release();
    assert.deepEqual(held(lock), ["writer"]);
    (await writer).release();
    (await late).release();
  });

  test("RwLock lets neighbouring readers in together, and nobody past a writer", {
    timeout,
  }, async () => {
    const { lock } = create();
    const first = await lock.write();
    const modes = ["r1", "r2", "w1", "w2", "r3", "r4", "r5", "w3"];
    const guards = modes.map((label) =>
      label[0] === "r" ? lock.read({ label }) : lock.write({ label })
    );
    first.release();
    const steps = [];
    for (const guard of guards) {
      steps.push(held(lock).join());
      (await guard).release();
    }
    assert.deepEqual(steps, ["r1,r2", "r2", "w1", "w2", "r3,r4,r5", "r4,r5", "r5", "w3"]);
  });

  test("RwLock.query() shows a waiter as holder once the release() that lets it in returns", {
    timeout,
  }, async () => {
    const { lock } = create();
    const writer = await lock.write();
    const readers = [lock.read({ label: "a" }), lock.read()];
    writer.release();
    assert.deepEqual([held(lock), waiting(lock)], [["a", "read"], []]);
    for (const reader of readers) (await reader).release();
  });

  test("RwLock.tryRead() and tryWrite() never overtake the queue", { timeout }, async () => {
    const { lock } = create();
    const reader = await lock.read();
    const writer = lock.write();
    assert.equal(lock.tryRead(), undefined);
    assert.equal(lock.tryWrite(), undefined);
    assert.equal(waiting(lock).length, 1);
    reader.release();
    // Free for nobody else: the writer has it, though it has not run on yet.
    assert.equal(lock.tryRead(), undefined);
    assert.equal(lock.tryWrite(), undefined);
    (await writer).release();
    lock.tryRead()!.release();
  });
});

describe("RwLock: the end of a wait", { timeout }, () => {
  test("LockTimeoutError says what was waited for, how long, and who is inside", {
    timeout,
  }, async () => {
    const { lock, host } = create({ label: "ledger" });
    using _a = await lock.read({ label: "report" });
    using _b = await lock.read();
    const writer = lock.write({ timeout: 30 });
    host.advance(29);
    assert.equal(await outcome(writer), "pending");
    host.advance(1);
    const error = await outcome(writer);
    assert(error instanceof LockTimeoutError);
    assert.deepEqual(
      [error.lock, error.mode, error.waited, error.holders],
      ["ledger", "write", 30, [{ mode: "read", label: "report" }, { mode: "read" }]],
    );
    assert.equal(
      error.message,
      "Cannot write-lock ledger within 30 ms: it is held by 2 readers (report)",
    );
  });

  test("RwLock.write() that times out lets those behind it in, and leaves nothing", {
    timeout,
  }, async () => {
    const { lock, host } = create();
    using _reader = await lock.read({ label: "first" });
    const { controller, count } = countedSignal();
    const writer = lock.write({ timeout: 30, signal: controller.signal });
    const readers = [lock.read({ label: "second" }), lock.read({ label: "third", timeout: 50 })];
    host.advance(30);
    assert.deepEqual([held(lock), waiting(lock)], [["first", "second", "third"], []]);
    assert.deepEqual([host.timers, count.now], [0, 0]);
    assert((await outcome(writer)) instanceof LockTimeoutError);
    for (const reader of readers) (await reader).release();
  });

  test("RwLock.write() that aborts lets those behind it in, and leaves nothing", {
    timeout,
  }, async () => {
    const { lock, host } = create();
    using _reader = await lock.read({ label: "first" });
    const { controller, count } = countedSignal();
    const writer = lock.write({ timeout: 30, signal: controller.signal });
    const reader = lock.read({ label: "second" });
    const reason = new Error("changed my mind");
    controller.abort(reason);
    assert.deepEqual([held(lock), waiting(lock)], [["first", "second"], []]);
    assert.deepEqual([host.timers, count.now], [0, 0]);
    assert.equal(await outcome(writer), reason);
    (await reader).release();
  });

  test("RwLock.read() in the middle of the queue leaves it as if it had not been there", {
    timeout,
  }, async () => {
    const { lock, host } = create();
    const writer = await lock.write();
    const labels = Array.from({ length: 100 }, (_, i) => `r${i}`);
    const readers = labels.map((label, i) =>
      lock.read({ label, timeout: i % 2 === 0 ? 10 : Infinity }).catch(() => undefined)
    );
    host.advance(10);
    const left = labels.filter((_, i) => i % 2 === 1);
    assert.deepEqual(waiting(lock), left);
    writer.release();
    assert.deepEqual(held(lock), left);
    for (const reader of readers) (await reader)?.release();
  });

  test("timeout 0 takes the lock if it is free, and else rejects without a timer", {
    timeout,
  }, async () => {
    const { lock, host } = create();
    const guard = await lock.write({ timeout: 0 });
    const error = await outcome(lock.read({ timeout: 0 }));
    assert(error instanceof LockTimeoutError);
    assert.equal(error.waited, 0);
    assert.deepEqual([host.set, waiting(lock)], [0, []]);
    guard.release();
    const reader = await lock.read();
    const writer = lock.write();
    assert((await outcome(lock.read({ timeout: 0 }))) instanceof LockTimeoutError);
    reader.release();
    (await writer).release();
  });

  test("timeout Infinity waits without a timer", { timeout }, async () => {
    const { lock, host } = create();
    const guard = await lock.write();
    const waiter = lock.write({ timeout: Infinity });
    assert.deepEqual([host.set, host.reads], [0, 0]);
    guard.release();
    (await waiter).release();
  });

  test("a timeout never comes early, though the host's timers do", { timeout }, async () => {
    const { lock, host } = create();
    host.early = 0.7;
    using _guard = await lock.write();
    const waiter = lock.write({ timeout: 10.5 });
    host.advance(10.4);
    assert.equal(await outcome(waiter), "pending");
    host.advance(2);
    const error = await outcome(waiter);
    assert(error instanceof LockTimeoutError);
    assert(error.waited >= 10.5, `waited ${error.waited}`);
  });

  test("a timeout may be longer than the longest timer", { timeout }, async () => {
    const { lock, host } = create();
    using _guard = await lock.write();
    const year = 365 * 24 * 3600 * 1000;
    const waiter = lock.write({ timeout: year });
    host.advance(year - 1);
    assert.equal(await outcome(waiter), "pending");
    host.advance(1);
    assert((await outcome(waiter)) instanceof LockTimeoutError);
    assert.equal(host.timers, 0);
  });

  test("waits of one length share one timer, which goes with the last of them", {
    timeout,
  }, async () => {
    const { lock, host } = create();
    const other = host.build(() => new RwLock());
    const guards = [lock.tryWrite()!, other.tryWrite()!];
    const waits = Array.from(
      { length: 1000 },
      (_, i) => (i % 2 ? lock : other).read({ timeout: 5000 }),
    );
    assert.deepEqual([host.timers, host.set], [1, 1]);
    guards[0].release();
    assert.equal(host.timers, 1);
    guards[1].release();
    assert.equal(host.timers, 0);
    for (const wait of waits) (await wait).release();
  });

  test("waits of different lengths end each at its time", { timeout }, async () => {
    const { lock, host } = create();
    using _guard = await lock.write();
    const ended: number[] = [];
    const lengths = [30, 10, 20, 10, 30];
    const waits = lengths.map((ms, i) => {
      host.advance(1);
      return lock.read({ timeout: ms }).catch(() => void ended.push(i));
    });
    for (let time = 0; time < 40; time++) {
      host.advance(1);
      await settle();
    }
    await Promise.all(waits);
    assert.deepEqual(ended, [1, 3, 2, 0, 4]);
    assert.equal(host.timers, 0);
  });

  test("a signal already aborted rejects at once, though the lock is free", {
    timeout,
  }, async () => {
    const { lock } = create();
    const reason = { why: "too late" };
    const signal = AbortSignal.abort(reason);
    assert.equal(await outcome(lock.write({ signal })), reason);
    assert.equal(await outcome(lock.read({ signal, timeout: 0 })), reason);
    assert.deepEqual(lock.query(), { holders: [], waiters: [] });
  });

  test("granted wins over aborted: an abort after the grant changes nothing", {
    timeout,
  }, async () => {
    const { lock } = create();
    const { controller, count } = countedSignal();
    const guard = await lock.write();
    const waiter = lock.write({ signal: controller.signal, label: "granted" });
    guard.release();
    assert.equal(count.now, 0);
    controller.abort();
    assert.deepEqual(held(lock), ["granted"]);
    (await waiter).release();
    assert.deepEqual(held(lock), []);
  });

  test("granted wins over timed out: a deadline after the grant changes nothing", {
    timeout,
  }, async () => {
    const { lock, host } = create();
    const guard = await lock.write();
    const waiter = lock.write({ timeout: 10, label: "granted" });
    guard.release();
    assert.equal(host.timers, 0);
    host.advance(100);
    assert.deepEqual(held(lock), ["granted"]);
    (await waiter).release();
  });

  test("10,000 waiters on one signal have one listener between them", { timeout }, async () => {
    const { lock } = create();
    const { controller, count } = countedSignal();
    const { signal } = controller;
    const guard = await lock.write();
    const waits = Array.from({ length: 10_000 }, () => lock.write({ signal }).catch(String));
    assert.deepEqual(count, { now: 1, ever: 1 });
    controller.abort("enough");
    assert.deepEqual([count.now, waiting(lock).length], [0, 0]);
    assert.deepEqual(new Set(await Promise.all(waits)), new Set(["enough"]));
    guard.release();
    lock.tryWrite()!.release();
  });

  test("a waiter ends by its own signal, whatever others wait on", { timeout }, async () => {
    const { lock } = create();
    const guard = await lock.write();
    const counted = [countedSignal(), countedSignal(), countedSignal()];
    const waits = counted.flatMap(({ controller: { signal } }, i) =>
      [0, 1].map(() => lock.write({ signal, label: `${i}` }).catch(String))
    );
    assert.deepEqual(counted.map(({ count }) => count.now), [1, 1, 1]);
    counted[1].controller.abort("second");
    assert.deepEqual(waiting(lock), ["0", "0", "2", "2"]);
    assert.deepEqual(await Promise.all(waits.slice(2, 4)), ["second", "second"]);
    counted[2].controller.abort("third");
    assert.deepEqual(waiting(lock), ["0", "0"]);
    counted[0].controller.abort("first");
    assert.deepEqual(waiting(lock), []);
    assert.deepEqual(counted.map(({ count }) => count), Array(3).fill({ now: 0, ever: 1 }));
    guard.release();
    lock.tryWrite()!.release();
  });

  test("waiters on one signal end together: none gets in because another left", {
    timeout,
  }, async () => {
    const { lock } = create();
    const other = new RwLock();
    using _reader = await lock.read({ label: "first" });
    using _foreign = await other.write();
    const controller = new AbortController();
    const { signal } = controller;
    const waits = [lock.write({ signal }), lock.read({ signal }), other.read({ signal })];
    const unconcerned = lock.read({ label: "unconcerned" });
    controller.abort("stop");
    assert.deepEqual(await Promise.all(waits.map(outcome)), ["stop", "stop", "stop"]);
    assert.deepEqual(held(lock), ["first", "unconcerned"]);
    (await unconcerned).release();
  });

  test("a waiter that is let in by what another does on the same abort stays in", {
    timeout,
  }, async () => {
    const { lock } = create();
    const controller = new AbortController();
    const { signal } = controller;
    const guard = await lock.write();
    // Its listener is called in the midst of the abort, and lets the next in before its turn to end.
    const update = new Snapshots(0).update((_, context) => {
      context.signal.addEventListener("abort", () => guard.release());
      return new Promise<never>(() => {});
    }, { signal });
    await settle();
    const waiter = lock.write({ signal, label: "next" });
    const last = lock.write({ label: "last" });
    controller.abort("stop");
    assert.equal(await outcome(update), "stop");
    assert.deepEqual([held(lock), waiting(lock)], [["next"], ["last"]]);
    (await waiter).release();
    assert.deepEqual([held(lock), waiting(lock)], [["last"], []]);
    (await last).release();
  });
});

describe("RwLock: critical sections", { timeout }, () => {
  for (const name of ["withRead", "withWrite"] as const) {
    test(`RwLock.${name}() answers what its function answers, and releases however it ends`, {
      timeout,
    }, async () => {
      const { lock } = create();
      const inside = name === "withRead" ? "read" : "write";
      assert.deepEqual(await lock[name](() => held(lock)), [inside]);
      assert.deepEqual(await lock[name](() => Promise.resolve(held(lock))), [inside]);
      const error = new Error("inside");
      const throws = () => {
        throw error;
      };
      assert.equal(await outcome(lock[name](throws)), error);
      assert.equal(await outcome(lock[name](() => Promise.reject(error))), error);
      assert.deepEqual(lock.query(), { holders: [], waiters: [] });
    });

    test(`RwLock.${name}() does not run its function when it does not get the lock`, {
      timeout,
    }, async () => {
      const { lock } = create();
      using _guard = await lock.write();
      let ran = false;
      const run = () => void (ran = true);
      assert((await outcome(lock[name](run, { timeout: 0 }))) instanceof LockTimeoutError);
      assert.equal(await outcome(lock[name](run, { signal: AbortSignal.abort("no") })), "no");
      assert.equal(ran, false);
    });

    test(`RwLock.${name}() refuses what is no function, before acquiring`, {
      timeout,
    }, async () => {
      const { lock } = create();
      const error = await outcome(lock[name](undefined as unknown as () => void));
      assert(error instanceof TypeError);
      assert.match(error.message, /fn must be a function, got undefined/);
      assert.deepEqual(held(lock), []);
    });
  }
});

describe("RwLock: contention", { timeout }, () => {
  function observed(options?: LockOptions): {
    host: FakeHost;
    lock: RwLock;
    events: Contention[];
  } {
    const events: Contention[] = [];
    return { ...create({ onContention: (event) => events.push(event), ...options }), events };
  }

  test("onContention fires once for each wait that passes contentionAfter", {
    timeout,
  }, async () => {
    const { lock, host, events } = observed({ contentionAfter: 40 });
    const guard = await lock.write({ label: "slow" });
    const waits = [lock.read(), lock.write({ timeout: 1000 })];
    host.advance(39);
    assert.deepEqual(events, []);
    host.advance(500);
    const holders = [{ mode: "write", label: "slow" }];
    assert.deepEqual(events, [
      { waited: 40, mode: "read", holders },
      { waited: 40, mode: "write", holders },
    ]);
    guard.release();
    for (const wait of waits) (await wait).release();
    assert.equal(host.timers, 0);
  });

  test("onContention is told after 100 ms unless contentionAfter says otherwise", {
    timeout,
  }, async () => {
    const { lock, host, events } = observed();
    const guard = await lock.write();
    const wait = lock.read();
    host.advance(99);
    assert.equal(events.length, 0);
    host.advance(1);
    assert.equal(events.length, 1);
    guard.release();
    (await wait).release();
  });

  test("onContention is not told of waits that ended before", { timeout }, async () => {
    const { lock, host, events } = observed();
    const guard = await lock.write();
    const controller = new AbortController();
    const aborted = lock.read({ signal: controller.signal });
    const timedOut = lock.read({ timeout: 50 });
    const granted = lock.read();
    controller.abort("no");
    host.advance(50);
    guard.release();
    host.advance(1000);
    assert.deepEqual(events, []);
    assert.equal(host.timers, 0);
    assert.equal(await outcome(aborted), "no");
    assert((await outcome(timedOut)) instanceof LockTimeoutError);
    (await granted).release();
  });

  test("an onContention that throws is heard of, and does not touch the lock", {
    timeout,
  }, async () => {
    const error = new Error("observer");
    const { lock, host } = create({
      onContention() {
        throw error;
      },
    });
    const guard = await lock.write();
    const waits = [lock.read({ label: "a" }), lock.read({ timeout: 200, label: "b" })];
    assert.deepEqual(collectThrown(() => host.advance(150)), [error, error]);
    assert.deepEqual(waiting(lock), ["a", "b"]);
    guard.release();
    assert.deepEqual(held(lock), ["a", "b"]);
    for (const wait of waits) (await wait).release();
  });

  test("onContention may use the lock, and is not called for ever when it waits at once", {
    timeout,
  }, async () => {
    let calls = 0;
    const waits: Promise<Guard>[] = [];
    const { lock, host } = create({
      contentionAfter: 0,
      onContention() {
        if (calls++ < 20) waits.push(lock.read());
      },
    });
    const guard = await lock.write();
    waits.push(lock.read());
    host.advance(0);
    assert.equal(calls, 21);
    guard.release();
    assert.equal(held(lock).length, 21);
    for (const wait of waits) (await wait).release();
  });
});

describe("RwLock: cost", { timeout }, () => {
  test("RwLock reads no clock and sets no timer for what need not wait", {
    timeout,
  }, async () => {
    const { lock, host } = create({ onContention: () => {} });
    const { controller, count } = countedSignal();
    (await lock.write({ timeout: 10, signal: controller.signal })).release();
    (await lock.read({ timeout: 10, label: "reader" })).release();
    lock.tryWrite()!.release();
    lock.tryRead()!.release();
    await lock.withWrite(() => {}, { timeout: 10 });
    const { signal } = controller;
    using guard = await lock.upgradable({ timeout: 10, signal });
    await guard.upgrade({ timeout: 10, signal });
    guard.downgrade();
    assert.deepEqual([host.reads, host.set, count.ever], [0, 0, 0]);
  });

  test("RwLock reads no clock for a wait without limits", { timeout }, async () => {
    const { lock, host } = create();
    const guard = await lock.write();
    const wait = lock.write();
    guard.release();
    (await wait).release();
    assert.equal(host.reads, 0);
  });
});

describe("RwLock: bad arguments", { timeout }, () => {
  const bad: [string, unknown, typeof TypeError | typeof RangeError, RegExp][] = [
    ["a negative timeout", { timeout: -1 }, RangeError, /timeout .* 0 or more .*got -1$/],
    ["a timeout that is no number", { timeout: NaN }, RangeError, /Infinity, got NaN$/],
    ["a timeout in words", { timeout: "5s" }, TypeError, /timeout .*milliseconds, got "5s"$/],
    ["a null timeout", { timeout: null }, TypeError, /timeout .*got null$/],
    ["a controller as signal", { signal: new AbortController() }, TypeError, /AbortSignal/],
    ["a null signal", { signal: null }, TypeError, /AbortSignal, got null$/],
    ["a label that is no string", { label: 7 }, TypeError, /label must be a string, got 7$/],
    ["an owner that is no object", { owner: "me" }, TypeError, /owner must be an object, got "me"/],
    ["a function as options", () => {}, TypeError, /options must be an object, got a function/],
    ["null as options", null, TypeError, /options must be an object, got null/],
  ];
  for (const [what, options, kind, message] of bad) {
    test(`RwLock rejects ${what}, and acquires nothing`, { timeout }, async () => {
      const { lock } = create();
      const given = options as AcquireOptions;
      const results = [
        lock.read(given),
        lock.write(given),
        lock.withRead(() => {}, given),
        lock.withWrite(() => {}, given),
      ];
      for (const result of results) {
        const error = await outcome(result);
        assert(error instanceof kind, String(error));
        assert.match(error.message, /^Cannot (read|write)-lock: /);
        assert.match(error.message, message);
      }
      assert.deepEqual(lock.query(), { holders: [], waiters: [] });
    });
  }

  test("RwLock cannot be created with options that cannot be meant", { timeout }, () => {
    const create = (options: unknown) => () => new RwLock(options as LockOptions);
    assert.throws(create({ contentionAfter: -1 }), RangeError);
    assert.throws(create({ contentionAfter: NaN }), RangeError);
    assert.throws(create({ contentionAfter: "1" }), TypeError);
    assert.throws(create({ onContention: "log" }), TypeError);
    assert.throws(create({ label: 1 }), TypeError);
    assert.throws(create(null), TypeError);
    assert.throws(create("ledger"), TypeError);
    assert.doesNotThrow(create({ contentionAfter: Infinity, label: "" }));
  });
});
