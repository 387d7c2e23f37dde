import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { symlinkSync, writeFileSync } from "node:fs";
import {
  acquireAll,
  type AcquireOptions,
  FileLock,
  type Guard,
  type LockMode,
  lockOrder,
  type LockRequest,
  LockTimeoutError,
  type ReadWriteLock,
  RwLock,
} from "../../mod.ts";
import { SharedRwLock } from "../../lib/workers/mod.ts";
import { FakeHost, outcome, settle } from "../_fake_host.ts";
import { Folder } from "./_folder.ts";

const timeout = 20_000;

function locks(count: number): RwLock[] {
  return Array.from({ length: count }, (_, i) => new RwLock({ label: `lock ${i}` }));
}

function all(locks: readonly ReadWriteLock[], mode: LockMode = "write"): LockRequest[] {
  return locks.map((lock) => [lock, mode]);
}

function holders(locks: readonly ReadWriteLock[]): number[] {
  return locks.map((lock) => lock.query().holders.length);
}

/** Lets a lock's acquires and releases be seen. */
function spied(lock: ReadWriteLock, name: string, log: string[]): ReadWriteLock {
  const spy = (guard: Guard): Guard => ({
    mode: guard.mode,
    released: false,
    release: () => {
      log.push(`-${name}`);
      guard.release();
    },
    [Symbol.dispose]: () => {},
  });
  return {
    read: async (options) => spy(await lock.read(options)),
    write: async (options) => {
      const guard = await lock.write(options);
      log.push(`+${name}`);
      return spy(guard);
    },
    withRead: lock.withRead.bind(lock),
    withWrite: lock.withWrite.bind(lock),
    tryRead: lock.tryRead.bind(lock),
    tryWrite: lock.tryWrite.bind(lock),
    query: lock.query.bind(lock),
    stats: lock.stats.bind(lock),
    ...(lock[lockOrder] === undefined ? {} : { [lockOrder]: () => lock[lockOrder]!() }),
  };
}

describe("acquireAll(): in one order", { timeout }, () => {
  test("acquireAll() lets callers with opposite orders through, and one by one does not", {
    timeout,
  }, async () => {
    const [a, b] = locks(2);
    const inOrder = async (first: RwLock, second: RwLock) => {
      using _guard = await acquireAll(all([first, second]));
      await settle();
    };
    await Promise.all(Array.from({ length: 20 }, (_, i) => i % 2 ? inOrder(a, b) : inOrder(b, a)));

    const oneByOne = async (first: RwLock, second: RwLock) => {
      using _first = await first.write();
      await settle();
      using _second = await second.write({ timeout: 50 });
    };
    const ends = await Promise.allSettled([oneByOne(a, b), oneByOne(b, a)]);
    assert(ends.some(({ status }) => status === "rejected"), "the check can fail");
  });

  test("acquireAll() acquires in the same order whatever is named first, and releases in reverse", {
    timeout,
  }, async () => {
    const log: string[] = [];
    const [a, b, c] = locks(3).map((lock, i) => spied(lock, "abc"[i], log));
    (await acquireAll(all([b, a, c]))).release();
    const order = log.join("");
    assert.match(order, /^\+(.)\+(.)\+(.)-\3-\2-\1$/);
    for (const named of [[a, b, c], [c, b, a], [a, c, b]]) {
      log.length = 0;
      (await acquireAll(all(named))).release();
      assert.equal(log.join(""), order);
    }
  });

  test("acquireAll() takes locks of tasks first, then of threads, then of processes", {
    timeout,
  }, async () => {
    {
      using folder = new Folder();
      const log: string[] = [];
      using file = new FileLock(folder.at("lock"));
      const shared = SharedRwLock.create();
      const kinds = [
        spied(file, "file", log),
        spied(shared, "shared", log),
        spied(new RwLock(), "own", log),
      ];
      const guard = await acquireAll(all(kinds));
      assert.deepEqual(log, ["+own", "+shared", "+file"]);
      assert.deepEqual([shared.tryRead(), file.tryRead()], [undefined, undefined]);
      guard.release();
      assert.deepEqual(log.slice(3), ["-file", "-shared", "-own"]);
      assert.equal(file.isLocked(), false);
    }
  });

  test("two ends of a SharedRwLock stand at one place, and two locks at two", {
    timeout,
  }, async () => {
    const mine = SharedRwLock.create();
    const other = SharedRwLock.create();
    const theirs = SharedRwLock.attach(structuredClone(mine.handle));
    assert.deepEqual(mine[lockOrder](), theirs[lockOrder]());
    assert.notDeepEqual(mine[lockOrder](), other[lockOrder]());
    (await acquireAll(all([mine, other, theirs]))).release();
    mine.tryWrite()!.release();
  });
});

describe("acquireAll(): the same lock twice", { timeout }, () => {
  test("acquireAll() acquires a lock named twice once, for writing if any wants it so", {
    timeout,
  }, async () => {
    const [a, b] = locks(2);
    for (const modes of [["read", "write"], ["write", "read"]] as const) {
      using guard = await acquireAll([[a, modes[0]], [b, "read"], [a, "read"], [a, modes[1]]]);
      assert.deepEqual([a, b].map((lock) => lock.query().holders.map(({ mode }) => mode)), [
        ["write"],
        ["read"],
      ]);
      assert.equal(guard.mode, "write");
    }
    using guard = await acquireAll([[a, "read"], [a, "read"]]);
    assert.equal(guard.mode, "read");
    assert.deepEqual(holders([a, b]), [1, 0]);
  });

  test("acquireAll() knows two FileLocks on one file for one lock, by whatever path", {
    timeout,
  }, async () => {
    {
      using folder = new Folder();
      writeFileSync(folder.at("lock"), "");
      symlinkSync(folder.at("lock"), folder.at("link"));
      using one = new FileLock(folder.at("lock"));
      using two = new FileLock(folder.at("link"));
      using other = new FileLock(folder.at("other"));
      using _guard = await acquireAll([[one, "read"], [other, "write"], [two, "write"]], {
        timeout: 5000,
      });
      assert.equal(one.tryRead(), undefined);
      assert.equal(two.query().holders.length, 1);
    }
  });
});

describe("acquireAll(): all or nothing", { timeout }, () => {
  test("acquireAll() that times out gives back what it had, and says how long all of it took", {
    timeout,
  }, async () => {
    const host = new FakeHost();
    const three = host.build(() => locks(3));
    const first = await three[0].write();
    const last = await three[2].write({ label: "slow" });
    const waiting = host.build(() => acquireAll(all(three), { timeout: 100, label: "both" }));
    host.advance(60);
    first.release();
    await settle();
    assert.deepEqual(three[0].query().holders, [{ mode: "write", label: "both" }]);
    assert.deepEqual(holders(three), [1, 1, 1]);
    host.advance(39);
    assert.equal(await outcome(waiting), "pending");
    host.advance(1);
    const error = await outcome(waiting);
    assert(error instanceof LockTimeoutError);
    assert.deepEqual([error.lock, error.mode, error.waited], ["lock 2", "write", 100]);
    assert.deepEqual(error.holders, [{ mode: "write", label: "slow" }]);
    assert.deepEqual(holders(three), [0, 0, 1]);
    assert.equal(host.timers, 0);
    last.release();
  });

  test("acquireAll() with timeout 0 takes all if they are free, else none", {
    timeout,
  }, async () => {
    const two = locks(2);
    (await acquireAll(all(two), { timeout: 0 })).release();
    using _held = await two[1].read();
    assert((await outcome(acquireAll(all(two), { timeout: 0 }))) instanceof LockTimeoutError);
    assert.deepEqual(holders(two), [0, 1]);
    (await acquireAll(all(two, "read"), { timeout: 0 })).release();
  });

  test("acquireAll() that aborts at any of its locks gives back those before", {
    timeout,
  }, async () => {
    const four = locks(4);
    (await acquireAll(all(four))).release();
    for (const [place, busy] of four.entries()) {
      const held = await busy.read();
      const controller = new AbortController();
      const waiting = acquireAll(all(four), { signal: controller.signal });
      assert.equal(await outcome(waiting), "pending");
      assert.deepEqual(holders(four), four.map((_, i) => i <= place ? 1 : 0));
      controller.abort("enough");
      assert.equal(await outcome(waiting), "enough");
      assert.deepEqual(holders(four), four.map((_, i) => i === place ? 1 : 0));
      held.release();
    }
  });

  test("acquireAll() with a signal aborted between two grants acquires none", {
    timeout,
  }, async () => {
    const two = locks(2);
    const held = await two[0].write();
    const controller = new AbortController();
    const waiting = acquireAll(all(two), { signal: controller.signal });
    held.release();
    controller.abort("late");
    assert.equal(await outcome(waiting), "late");
    assert.deepEqual(holders(two), [0, 0]);
  });

  test("granted wins over aborted once the last lock is granted", { timeout }, async () => {
    const two = locks(2);
    (await acquireAll(all(two))).release();
    const held = await two[1].write();
    const controller = new AbortController();
    const waiting = acquireAll(all(two), { signal: controller.signal });
    await settle();
    held.release();
    controller.abort("late");
    (await waiting).release();
  });

  test("acquireAll() gives back what it had when a lock throws", { timeout }, async () => {
    {
      using folder = new Folder();
      const lock = new RwLock();
      using file = new FileLock(folder.at("lock"));
      const error = new Error("broken");
      const broken: ReadWriteLock = spied(file, "broken", []);
      broken.write = () => Promise.reject(error);
      assert.equal(await outcome(acquireAll(all([lock, broken]))), error);
      assert.deepEqual(lock.query().holders, []);
    }
  });

  test("acquireAll()'s guard releases once, all of them though one throws", {
    timeout,
  }, async () => {
    const two = locks(2);
    const guard = await acquireAll(all(two), { label: "once" });
    assert.deepEqual([guard.mode, guard.label, guard.released], ["write", "once", false]);
    guard.release();
    const [a] = two.map((lock) => lock.tryWrite()!);
    guard[Symbol.dispose]();
    assert.equal(guard.released, true);
    assert.deepEqual(holders(two), [1, 1]);
    a.release();

    const error = new Error("release");
    const log: string[] = [];
    const good = spied(new RwLock(), "good", log);
    const failing = (): ReadWriteLock => {
      const lock = spied(new RwLock(), "bad", log);
      const { write } = lock;
      lock.write = async (options) => ({
        ...await write(options),
        release: () => {
          throw error;
        },
      });
      return lock;
    };
    const bad = failing();
    (await acquireAll(all([good]))).release();
    const both = await acquireAll(all([bad, good]));
    assert.throws(() => both.release(), error);
    assert.equal(log.at(-1), "-good");

    // Why not all could be had is not hidden by that.
    const taken = new RwLock();
    using _guard = taken.tryWrite();
    const suppressed = await acquireAll(all([failing(), taken]), { timeout: 1 }).catch((thrown) =>
      thrown
    );
    assert(suppressed instanceof SuppressedError);
    assert.equal(suppressed.error, error);
    assert(suppressed.suppressed instanceof LockTimeoutError);
  });

  test("acquireAll() reads no clock without a timeout", { timeout }, async () => {
    const host = new FakeHost();
    const acquire = (options?: AcquireOptions) =>
      host.build(() => acquireAll(all(locks(3)), options));
    (await acquire()).release();
    (await acquire({ timeout: 0 })).release();
    assert.deepEqual([host.reads, host.set], [0, 0]);
  });
});

describe("acquireAll(): bad arguments", { timeout }, () => {
  test("acquireAll() refuses what cannot be meant, and acquires nothing", {
    timeout,
  }, async () => {
    const lock = new RwLock();
    const bad: [unknown, unknown, RegExp][] = [
      [[[lock, "write"], [lock, "both"]], {}, /mode must be "read" or "write", got "both"/],
      [[[lock, "write"], [undefined, "read"]], {}, /a lock was expected, got undefined/],
      [[[lock, "write"], [{}, "read"]], {}, /a lock was expected, got an object/],
      [[lock], {}, /an array of a lock and a mode was expected, got an object/],
      [[undefined], {}, /an array of a lock and a mode was expected, got undefined/],
      [lock, {}, /locks must be in an array, got an object/],
      [undefined, {}, /locks must be in an array, got undefined/],
      [[[lock, "write"]], { timeout: "1s" }, /timeout must be a number/],
      [[[lock, "write"]], { label: 1 }, /label must be a string/],
    ];
    for (const [requests, options, message] of bad) {
      const error = await outcome(acquireAll(requests as LockRequest[], options as object));
      assert(error instanceof TypeError, String(error));
      assert.match(error.message, message);
      assert.match(error.message, /^Cannot acquire all: /);
    }
    const aborted = acquireAll(all([lock]), { signal: AbortSignal.abort("before") });
    assert.equal(await outcome(aborted), "before");
    assert.deepEqual(holders([lock]), [0]);
  });

  test("acquireAll() of nothing answers a guard of nothing", { timeout }, async () => {
    using guard = await acquireAll([]);
    assert.equal(guard.mode, "read");
  });
});
