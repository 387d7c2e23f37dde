import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  acquireAll,
  DeadlockDetector,
  DeadlockError,
  type DeadlockStep,
  FileLock,
  type Guard,
  LockTimeoutError,
  type ReadWriteLock,
  RwLock,
  type RwLockOptions,
} from "../../mod.ts";
import { SharedRwLock } from "../../lib/workers/mod.ts";
import { FakeHost, outcome, settle } from "../_fake_host.ts";
import { heldMegabytes } from "../_garbage.ts";
import { Folder } from "./_folder.ts";

const timeout = 20_000;
const [one, two, three] = [{ job: 1 }, { job: 2 }, { job: 3 }];

function watched(labels: string, options?: RwLockOptions) {
  const host = new FakeHost();
  const suspicions: (readonly DeadlockStep[])[] = [];
  const detector = host.build(() =>
    new DeadlockDetector({ onSuspicion: (cycle) => void suspicions.push(cycle) })
  );
  const locks = [...labels].map((label) =>
    detector.watch(host.build(() => new RwLock({ label, ...options })), label)
  );
  return { host, suspicions, detector, locks };
}

function edges({ cycle }: { cycle: readonly DeadlockStep[] }): string[] {
  return cycle.map(({ lock, waiter, blocker, blockedBy }) =>
    `${waiter.label} ${waiter.mode} ${lock}: ${blockedBy} ${blocker.label} ${blocker.mode}`
  );
}

async function refused(promise: Promise<unknown>): Promise<DeadlockError> {
  const error = await outcome(promise);
  assert(error instanceof DeadlockError, String(error));
  return error;
}

describe("DeadlockDetector: explicit owners", { timeout }, () => {
  test("an owner that waits for itself is refused at once, and leaves nothing", {
    timeout,
  }, async () => {
    for (const [held, wanted] of [["write", "write"], ["write", "read"], ["read", "write"]]) {
      const { locks: [lock] } = watched("a");
      const guard = await lock[held as "read"]({ owner: one, label: "job" });
      const error = await refused(lock[wanted as "read"]({ owner: one, label: "job" }));
      assert.deepEqual(edges(error), [`job ${wanted} a: holder job ${held}`]);
      assert.deepEqual(lock.query().waiters, []);
      guard.release();
      lock.tryWrite()!.release();
    }
  });

  test("the wait that closes AB-BA is refused, saying who holds and wants what since when", {
    timeout,
  }, async () => {
    const { locks: [a, b], host } = watched("ab");
    const now = host.now();
    const first = await a.write({ owner: one, label: "first" });
    host.advance(5);
    const second = await b.read({ owner: two });
    host.advance(5);
    const waiting = b.write({ owner: one, label: "first" });
    host.advance(5);
    const error = await refused(a.read({ owner: two }));
    assert.deepEqual(error.cycle, [{
      lock: "a",
      waiter: { mode: "read", owner: two, label: undefined, since: now + 15 },
      blocker: { mode: "write", owner: one, label: "first", since: now },
      blockedBy: "holder",
    }, {
      lock: "b",
      waiter: { mode: "write", owner: one, label: "first", since: now + 10 },
      blocker: { mode: "read", owner: two, label: undefined, since: now + 5 },
      blockedBy: "holder",
    }]);
    assert.equal(
      error.message,
      "Cannot read-lock a: it would wait for ever: " +
        "owner 1 waits to read a since 1015 ms, first holds it to write since 1000 ms; " +
        "first waits to write b since 1010 ms, owner 1 holds it to read since 1005 ms",
    );
    assert.deepEqual([error.lock, error.mode], ["a", "read"]);
    assert.deepEqual(a.query().waiters, []);
    second.release();
    (await waiting).release();
    first.release();
    (await a.read({ owner: two })).release();
  });

  test("a cycle of three parties is found when its last wait begins", { timeout }, async () => {
    const { locks, suspicions } = watched("abc");
    const owners = [one, two, three];
    const guards = [];
    for (const [i, lock] of locks.entries()) {
      guards.push(await lock.write({ owner: owners[i], label: `o${i}` }));
    }
    const waits = [0, 1].map((i) =>
      locks[i + 1].write({ owner: owners[i], label: `o${i}`, timeout: 60_000 })
    );
    assert.equal(await outcome(waits[0]), "pending");
    const error = await refused(locks[0].write({ owner: three, label: "o2" }));
    assert.deepEqual(edges(error), [
      "o2 write a: holder o0 write",
      "o0 write b: holder o1 write",
      "o1 write c: holder o2 write",
    ]);
    assert.deepEqual(suspicions, []);
    guards[2].release();
    (await waits[1]).release();
    guards[1].release();
    (await waits[0]).release();
  });

  test("two readers of one lock that both want to write are a deadlock", {
    timeout,
  }, async () => {
    const { locks: [a, b] } = watched("ab");
    const reader = await a.read({ owner: one, label: "one" });
    const other = await a.read({ owner: two, label: "two" });
    const held = await b.write({ owner: one, label: "one" });
    const waiting = b.write({ owner: two, label: "two" });
    const error = await refused(a.write({ owner: one, label: "one" }));
    // Both cycles are true; the first found is told.
    assert.deepEqual(edges(error), ["one write a: holder one read"]);
    reader.release();
    const second = await refused(a.write({ owner: one, label: "one" }));
    assert.deepEqual(edges(second), [
      "one write a: holder two read",
      "two write b: holder one write",
    ]);
    held.release();
    (await waiting).release();
    other.release();
  });

  test("waiters ahead in the queue are edges: a reader that reads again behind a writer", {
    timeout,
  }, async () => {
    const { locks: [lock] } = watched("a");
    const guard = await lock.read({ owner: one, label: "r" });
    const writer = lock.write({ owner: two, label: "w" });
    const error = await refused(lock.read({ owner: one, label: "r" }));
    assert.deepEqual(edges(error), ["r read a: waiter w write", "w write a: holder r read"]);
    guard.release();
    (await writer).release();
  });

  test("a policy under which one need not wait makes no deadlock", { timeout }, async () => {
    const { locks: [lock] } = watched("a", { policy: "read-preferring" });
    const guard = await lock.read({ owner: one });
    const writer = lock.write({ owner: two });
    (await lock.read({ owner: one })).release();
    guard.release();
    (await writer).release();
  });

  test("RwLock, SharedRwLock and FileLock may be in one cycle", { timeout }, async () => {
    using folder = new Folder();
    using file = new FileLock(folder.at("lock"));
    using same = new FileLock(folder.at("lock"));
    const detector = new DeadlockDetector();
    const a = detector.watch(new RwLock(), "a");
    const f = detector.watch(file, "file");
    const g = detector.watch(same, "same file");
    const s = detector.watch(SharedRwLock.create(), "shared");
    const guards = [
      await a.write({ owner: one, label: "one" }),
      await f.write({ owner: two, label: "two" }),
      await s.write({ owner: three, label: "three" }),
    ];
    const waits = [
      g.write({ owner: one, label: "one", timeout: 5000 }),
      s.read({ owner: two, label: "two", timeout: 5000 }),
    ];
    await settle();
    const error = await refused(a.read({ owner: three, label: "three" }));
    assert.deepEqual(edges(error), [
      "three read a: holder one write",
      "one write same file: holder two write",
      "two read shared: holder three write",
    ]);
    guards[2].release();
    (await waits[1]).release();
    guards[1].release();
    (await waits[0]).release();
    guards[0].release();

    const reader = await f.read({ owner: one, label: "one" });
    await refused(g.write({ owner: one }));
    reader.release();
    file.tryWrite()!.release();
  });
});

describe("DeadlockDetector: no false accusations", { timeout }, () => {
  test("waiting for one who does not wait for oneself is no deadlock", {
    timeout,
  }, async () => {
    const { locks: [a, b], suspicions, host } = watched("ab");
    const first = await a.write({ owner: one });
    const second = await b.write({ owner: two });
    const waits: Promise<Guard>[] = [
      b.write({ owner: one }),
      b.write({ owner: one }),
      b.read({ owner: one }),
      b.read({ owner: three }),
      a.read({ owner: three }),
    ];
    for (const wait of waits) assert.equal(await outcome(wait), "pending");
    second.release();
    (await waits[0]).release();
    (await waits[1]).release();
    first.release();
    for (const wait of waits.slice(2)) (await wait).release();
    assert.deepEqual([suspicions, host.timers], [[], 0]);
  });

  test("a reader behind readers does not wait for them", { timeout }, async () => {
    const { locks: [a, b] } = watched("ab");
    const writer = await a.write({ owner: three });
    const held = await b.write({ owner: two });
    const ahead = a.read({ owner: one });
    const blocked = b.read({ owner: one });
    const reader = a.read({ owner: two });
    assert.equal(await outcome(reader), "pending");
    writer.release();
    (await reader).release();
    (await ahead).release();
    held.release();
    (await blocked).release();
  });

  test("one who has been granted the lock waits no more, though it has not run on yet", {
    timeout,
  }, async () => {
    const { locks: [a, b] } = watched("ab");
    const writer = await a.write({ owner: three });
    const held = await b.write({ owner: two });
    const granted = a.write({ owner: one });
    writer.release();
    // Were it taken to wait still, for all who wait, the last of these would close a cycle.
    const waits = [a, b].map((lock) => lock.read({ owner: three }));
    waits.push(a.read({ owner: two }));
    for (const wait of waits) assert.equal(await outcome(wait), "pending");
    (await granted).release();
    held.release();
    for (const wait of waits) (await wait).release();
  });

  test("a wait that has ended is forgotten", { timeout }, async () => {
    const { locks: [a, b], host } = watched("ab");
    const first = await a.write({ owner: one });
    using _second = await b.write({ owner: two });
    const controller = new AbortController();
    const waits = [
      b.write({ owner: one, timeout: 10 }),
      b.write({ owner: one, signal: controller.signal }),
    ];
    await refused(a.write({ owner: two }));
    host.advance(10);
    controller.abort("no");
    assert((await outcome(waits[0])) instanceof LockTimeoutError);
    assert.equal(await outcome(waits[1]), "no");
    const waiting = a.write({ owner: two });
    assert.equal(await outcome(waiting), "pending");
    first.release();
    (await waiting).release();
    assert((await outcome(b.read({ owner: one, timeout: 0 }))) instanceof LockTimeoutError);
  });

  test("a wait that has ended is not remembered, nor is its owner", { timeout }, async () => {
    const { locks: [a], host } = watched("a");
    const guard = await a.write({ owner: one });
    const wait = async (times: number) => {
      const waits = Array.from(
        { length: times },
        () => outcome(a.write({ owner: { job: new Array(1000) }, timeout: 10 })),
      );
      host.advance(10);
      for (const wait of waits) assert((await wait) instanceof LockTimeoutError);
      // What was looked at through a weak reference is held until the end of its turn.
      await settle();
    };
    await wait(20);
    const before = heldMegabytes();
    for (let i = 0; i < 20; i++) await wait(20);
    const grown = heldMegabytes() - before;
    // The owners alone are 3 MB.
    assert(grown < 1, `the heap grew by ${grown} MB`);
    guard.release();
    a.tryWrite()!.release();
  });

  test("a search asks each lock once, however many wait for it", { timeout }, async () => {
    const detector = new DeadlockDetector();
    let asked = 0;
    const [a, b] = ["a", "b"].map((label) => {
      const lock = new RwLock({ label });
      const query = lock.query.bind(lock);
      lock.query = () => {
        asked++;
        return query();
      };
      return detector.watch(lock, label);
    });
    const held = [await a.write({ owner: one }), await b.write({ owner: two })];
    const waits = Array.from(
      { length: 50 },
      (_, i) => a[i % 3 === 0 ? "read" : "write"]({ owner: { waiter: i } }),
    );
    asked = 0;
    waits.push(a.write({ owner: two }));
    assert.equal(asked, 1);
    await refused(b.write({ owner: one }));
    assert.equal(asked, 3);
    for (const guard of held) guard.release();
    for (const wait of waits) (await wait).release();
  });

  test("a search looks at each who waits as often, however many are behind", {
    timeout,
  }, async () => {
    const lock = new RwLock();
    const query = lock.query.bind(lock);
    let looked = 0;
    lock.query = () => {
      const { holders, waiters } = query();
      const counted = waiters.map(({ owner, mode }) => ({
        mode,
        get owner() {
          looked++;
          return owner;
        },
      }));
      return { holders, waiters: counted };
    };
    const a = new DeadlockDetector().watch(lock);
    const guard = await a.write({ owner: one });
    const counts = [20, 40].map((count) => {
      const controller = new AbortController();
      const { signal } = controller;
      for (let i = 0; i < count; i++) a.write({ owner: { job: i }, signal }).catch(() => {});
      looked = 0;
      a.write({ owner: two, signal }).catch(() => {});
      controller.abort();
      return looked / count;
    });
    assert(counts[1] < 1.5 * counts[0], `${counts}`);
    guard.release();
    await settle();
    assert.deepEqual(a.query(), { holders: [], waiters: [] });
  });

  test("one who waits twice for a lock is not in its own way by way of one in between", {
    timeout,
  }, async () => {
    for (const between of ["read", "write"] as const) {
      const { locks: [a] } = watched("a");
      const guard = await a.write({ owner: three });
      const waits = [a.write({ owner: one }), a[between]({ owner: two }), a.write({ owner: one })];
      for (const wait of waits) assert.equal(await outcome(wait), "pending");
      guard.release();
      for (const wait of waits) (await wait).release();
    }
  });

  test("one who waits twice for a lock waits for one in between all the same", {
    timeout,
  }, async () => {
    const { locks: [a, b] } = watched("ab");
    const guards = [await a.write({ owner: three }), await b.write({ owner: one })];
    const waits = [one, two].map((owner) => a.write({ owner, label: `o${owner.job}` }));
    waits.push(b.write({ owner: two, label: "o2" }));
    const error = await refused(a.write({ owner: one, label: "o1" }));
    assert.deepEqual(edges(error), [
      "o1 write a: waiter o2 write",
      "o2 write b: holder undefined write",
    ]);
    for (const guard of guards) guard.release();
    for (const wait of waits) (await wait).release();
  });

  test("a cycle may be longer than a stack is deep", { timeout }, async () => {
    const count = 20_000;
    const { detector } = watched("");
    const owners = Array.from({ length: count }, (_, job) => ({ job }));
    const locks = owners.map(() => detector.watch(new RwLock()));
    const guards = await Promise.all(owners.map((owner, i) => locks[i].write({ owner })));
    const waits = owners.slice(1).map((_, i) => locks[i + 1].write({ owner: owners[i] }));
    const { cycle } = await refused(locks[0].write({ owner: owners[count - 1] }));
    assert.equal(cycle.length, count);
    for (const guard of guards.reverse()) guard.release();
    for (const wait of waits.reverse()) (await wait).release();
  });

  test("acquires without an owner, and try, are not seen and not hindered", {
    timeout,
  }, async () => {
    const { locks: [a], suspicions } = watched("a");
    const guard = await a.write();
    const again = a.write();
    assert.equal(await outcome(again), "pending");
    guard.release();
    (await again).release();
    const tried = a.tryRead()!;
    assert.equal(a.tryWrite(), undefined);
    tried.release();
    assert.deepEqual(suspicions, []);
  });
});

describe("DeadlockDetector: inferred owners", { timeout }, () => {
  test("a cycle of inferred owners is reported and never refused", { timeout }, async () => {
    const { locks: [a, b], suspicions, detector } = watched("ab");
    const held: Guard[] = [];
    const transfer = (label: string, first: ReadWriteLock, second: ReadWriteLock) =>
      detector.scope(label, async () => {
        using guard = await first.write();
        held.push(guard);
        await settle();
        using _second = await second.write();
      });
    const both = [transfer("there", a, b), transfer("back", b, a)];
    while (suspicions.length === 0) await settle();
    assert.equal(suspicions.length, 1);
    assert.deepEqual(edges({ cycle: suspicions[0] }), [
      "back write a: holder there write",
      "there write b: holder back write",
    ]);
    assert.equal(await outcome(both[0]), "pending");
    // One who waits for those in the cycle is not in it.
    const third = detector.scope("third", () => a.read());
    assert.equal(await outcome(third), "pending");
    assert.equal(suspicions.length, 1);
    held[0].release();
    await Promise.all(both);
    (await third).release();
  });

  test("an owner is inferred from the withWrite() one is in", { timeout }, async () => {
    const { locks: [a], suspicions } = watched("a");
    let inner: Promise<unknown> | undefined;
    await a.withWrite(() => {
      inner = a.withRead(() => "inner");
      assert.equal(suspicions.length, 1);
      assert.deepEqual(edges({ cycle: suspicions[0] }), [
        "undefined read a: holder undefined write",
      ]);
    });
    assert.equal(await inner, "inner");
  });

  test("parallel children of one scope are not refused", { timeout }, async () => {
    const { locks: [a, b], detector } = watched("ab");
    const order: string[] = [];
    await detector.scope("parent", () =>
      Promise.all(
        ["first", "second"].map(async (name) => {
          await a.withWrite(async () => {
            await settle();
            await b.withRead(() => void order.push(name));
          });
        }),
      ));
    assert.deepEqual(order, ["first", "second"]);
  });

  test("a cycle of an explicit and an inferred owner is reported, whoever closes it", {
    timeout,
  }, async () => {
    for (const closes of ["explicit", "inferred"]) {
      const { locks: [a, b], detector, suspicions } = watched("ab");
      const explicit = { owner: one, label: "job" };
      const inScope = <R>(fn: () => R) => detector.scope("child", fn);
      let waits: (() => Promise<Guard>)[] = [];
      const guards = await inScope(async () => {
        const guards = [await b.write(), await a.write(explicit)];
        waits = [() => a.write(), () => b.write(explicit)];
        const first = closes === "explicit" ? waits[0]() : waits[1]();
        const second = closes === "explicit" ? waits[1]() : waits[0]();
        return [...guards, first, second] as const;
      });
      assert.equal(suspicions.length, 1);
      assert.deepEqual(
        suspicions[0].map(({ waiter }) => waiter.label),
        closes === "explicit" ? ["job", "child"] : ["child", "job"],
      );
      (guards[0] as Guard).release();
      (guards[1] as Guard).release();
      for (const wait of guards.slice(2)) (await wait).release();
    }
  });

  test("a cycle of explicit owners is refused inside a scope too", { timeout }, async () => {
    const { locks: [a], detector, suspicions } = watched("a");
    await detector.scope("outer", async () => {
      using _guard = await a.write({ owner: one });
      await refused(a.write({ owner: one }));
      await refused(a.withRead(() => assert.fail("inside"), { owner: one }));
    });
    assert.deepEqual(suspicions, []);
  });
});

describe("DeadlockDetector: what is watched", { timeout }, () => {
  test("a watched lock stands where its lock stands in acquireAll()", { timeout }, async () => {
    using folder = new Folder();
    using file = new FileLock(folder.at("lock"));
    const detector = new DeadlockDetector();
    const [a, f] = [detector.watch(new RwLock(), "a"), detector.watch(file, "file")];
    using guard = await acquireAll([[f, "write"], [a, "read"], [file, "read"]], { owner: one });
    assert.equal(guard.mode, "write");
    const error = await refused(a.write({ owner: one }));
    assert.equal(error.lock, "a");
  });

  test("a lock and what watches it are one lock to acquireAll(), whatever is named first", {
    timeout,
  }, async () => {
    const lock = new RwLock();
    const detector = new DeadlockDetector();
    const [a, b] = [detector.watch(lock, "a"), new DeadlockDetector().watch(lock, "b")];
    for (const named of [[lock, a, b], [b, a, lock], [a, lock, b]]) {
      using guard = await acquireAll(named.map((each) => [each, "write"]), { timeout: 0 });
      assert.equal(guard.mode, "write");
      assert.equal(lock.query().holders.length, 1);
    }
    // What watches it may be watched in its turn.
    using _guard = await acquireAll([[detector.watch(a), "read"], [lock, "read"]], { timeout: 0 });
    assert.equal(lock.query().holders.length, 1);
  });

  test("a lock that cannot be asked who is there is not lost", { timeout }, async () => {
    const lock = new RwLock();
    const query = lock.query.bind(lock);
    const error = new Error("unknown");
    lock.query = () => {
      throw error;
    };
    const a = new DeadlockDetector().watch(lock);
    const guard = await a.write({ owner: one });
    assert.equal(await outcome(a.write({ owner: two })), error);
    guard.release();
    assert.deepEqual(query(), { holders: [], waiters: [] });
  });

  test("a guard of a watched lock is one of the lock's", { timeout }, async () => {
    const { locks: [a] } = watched("a");
    using guard = await a.read({ owner: one, label: "r" });
    assert.deepEqual([guard.mode, guard.label, guard.released], ["read", "r", false]);
    assert.deepEqual(a.query().holders, [{ mode: "read", label: "r", owner: one }]);
    guard.release();
    guard.release();
    assert.equal(guard.released, true);
    assert.deepEqual(a.query().holders, []);
  });

  test("DeadlockDetector refuses what cannot be meant", { timeout }, async () => {
    assert.throws(() => new DeadlockDetector({ onSuspicion: 1 as never }), TypeError);
    const detector = new DeadlockDetector();
    assert.throws(() => detector.watch({} as ReadWriteLock), /a lock was expected/);
    assert.throws(() => detector.watch(new RwLock(), 1 as never), /label must be a string/);
    assert.throws(() => detector.scope("x", 1 as never), /fn must be a function/);
    const bad = await outcome(detector.watch(new RwLock()).read({ timeout: -1 }));
    assert(bad instanceof RangeError);
    assert.match(bad.message, /^Cannot read-lock lock 1: timeout/);
  });
});
