/** `FileLock` on real files, in one process. */
import assert from "node:assert/strict";
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { relative } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { type Host, systemHost, withHost } from "../../lib/_host.ts";
import { slotsOf } from "../../lib/_file_slots.ts";
import {
  type Contention,
  FileLock,
  type Guard,
  LockTimeoutError,
  RwLock,
  UnsupportedError,
} from "../../mod.ts";
import { Folder } from "./_folder.ts";

const limit = { timeout: 20_000 };

/** A stranger's hold on a file: flock through a descriptor of its own, as another process's is. */
function stranger(path: string, mode: "shared" | "exclusive") {
  const file = systemHost.files.open(path, { create: true, mode: 0o600 });
  const held = file.tryLock(mode);
  return { held, [Symbol.dispose]: () => file.close() };
}

/** Whether a stranger could lock the file so now. */
function free(path: string, mode: "shared" | "exclusive" = "exclusive"): boolean {
  using probe = stranger(path, mode);
  return probe.held;
}

/** Where each of some promises stands, after everything has run that needs no timer. */
async function settled(promises: Promise<unknown>[]): Promise<string[]> {
  for (let turn = 0; turn < 50; turn++) await null;
  return Promise.all(promises.map((promise) =>
    Promise.race([
      promise.then(() => "granted", (error) => error.name),
      new Promise<string>((resolve) =>
        queueMicrotask(() => queueMicrotask(() => resolve("waits")))
      ),
    ])
  ));
}

test("FileLock.write() excludes everyone, also those outside this library", limit, async () => {
  using folder = new Folder();
  using lock = new FileLock(folder.at("lock"));
  const guard = await lock.write();
  assert.equal(guard.mode, "write");
  assert.equal(lock.tryWrite(), undefined);
  assert.equal(lock.tryRead(), undefined);
  assert.equal(free(lock.path, "shared"), false);
  guard.release();
  assert.equal(free(lock.path), true);
});

test("FileLock.read() is shared with readers and excludes writers", limit, async () => {
  using folder = new Folder();
  using lock = new FileLock(folder.at("lock"));
  const first = await lock.read();
  const second = lock.tryRead();
  assert.equal(second?.mode, "read");
  assert.equal(lock.tryWrite(), undefined);
  assert.equal(free(lock.path, "shared"), true);
  assert.equal(free(lock.path), false);
  first.release();
  assert.equal(free(lock.path), false, "the last reader out frees it, not the first");
  second.release();
  assert.equal(free(lock.path), true);
});

test("FileLock.tryWrite() answers undefined while a stranger holds the lock", limit, () => {
  using folder = new Folder();
  using lock = new FileLock(folder.at("lock"));
  {
    using _reader = stranger(lock.path, "shared");
    assert.equal(lock.tryWrite(), undefined);
    using read = lock.tryRead();
    assert.equal(read?.mode, "read");
  }
  using written = lock.tryWrite();
  assert.equal(written?.mode, "write");
});

test("FileLock objects are one lock by whatever path they lead to the file", limit, async () => {
  using folder = new Folder();
  const path = folder.at("folder", "lock");
  mkdirSync(folder.at("folder"));
  writeFileSync(path, "");
  linkSync(path, folder.at("hard"));
  symlinkSync(path, folder.at("soft"));
  symlinkSync(folder.at("folder"), folder.at("soft-folder"));
  const names: (string | URL)[] = [
    path,
    pathToFileURL(path),
    relative(process.cwd(), path),
    folder.at("folder") + "/../folder/./lock",
    folder.at("hard"),
    folder.at("soft"),
    folder.at("soft-folder", "lock"),
  ];
  const locks = names.map((name) => new FileLock(name));
  const before = slotsOf(systemHost).size;
  for (const [i, lock] of locks.entries()) {
    using _guard = lock.tryWrite()!;
    for (const other of locks) assert.equal(other.tryRead(), undefined, `${names[i]}`);
  }
  assert.equal(slotsOf(systemHost).size, before + 1, "they share one descriptor");

  // They share one queue too: served in the order they came, without a stranger's poll.
  const order: number[] = [];
  const first = await locks[0].write();
  const all = locks.map(async (lock, i) => {
    using _guard = await lock.write();
    order.push(i);
  });
  first.release();
  await Promise.all(all);
  assert.deepEqual(order, [0, 1, 2, 3, 4, 5, 6]);
  for (const lock of locks) lock.close();
  assert.equal(slotsOf(systemHost).size, before);
});

test("FileLock serves the tasks of a process first come, first served", limit, async () => {
  using folder = new Folder();
  using a = new FileLock(folder.at("lock"));
  using b = new FileLock(folder.at("lock"));
  const held = await a.write();
  const waits = [b.read(), a.read(), b.write(), a.read()];
  assert.deepEqual(await settled(waits), ["waits", "waits", "waits", "waits"]);
  held.release();
  assert.deepEqual(await settled(waits), ["granted", "granted", "waits", "waits"]);
  assert.equal(a.tryRead(), undefined, "trying does not overtake the queued writer");
  (await waits[0]).release();
  (await waits[1]).release();
  assert.deepEqual(await settled(waits.slice(2)), ["granted", "waits"]);
  (await waits[2]).release();
  (await waits[3]).release();
  assert.equal(free(a.path), true);
});

test(
  "FileLock creates file, gate and folders for their owner alone, and unlinks none",
  limit,
  async () => {
    using folder = new Folder();
    const path = folder.at("a", "b", "lock");
    {
      using lock = new FileLock(path);
      assert.equal(existsSync(folder.at("a")), false, "nothing is created at construction");
      assert.equal(lock.isLocked(), false);
      await lock.waitForUnlock();
      assert.equal(existsSync(folder.at("a")), false, "nor by looking");
      (await lock.write()).release();
    }
    const mode = (...names: string[]) => statSync(folder.at(...names)).mode & 0o777;
    assert.equal(mode("a", "b", "lock"), 0o600);
    assert.equal(mode("a", "b", "lock.interlock-gate"), 0o600);
    assert.equal(mode("a"), 0o700);
    assert.equal(mode("a", "b"), 0o700);
  },
);

test("FileLock leaves the mode and content of a file that is there", limit, async () => {
  using folder = new Folder();
  writeFileSync(folder.at("data"), "content", { mode: 0o640 });
  const before = statSync(folder.at("data")).mode;
  using lock = new FileLock(folder.at("data"));
  (await lock.write()).release();
  assert.equal(statSync(folder.at("data")).mode, before);
  assert.equal(readFileSync(folder.at("data"), "utf8"), "content");
});

test(
  "Guard.release() releases once, so a stranger's hold survives a second release",
  limit,
  async () => {
    using folder = new Folder();
    using lock = new FileLock(folder.at("lock"));
    const guard = await lock.write();
    guard.release();
    assert.equal(guard.released, true);
    using other = lock.tryWrite();
    guard.release();
    guard[Symbol.dispose]();
    assert.equal(other?.released, false);
    assert.equal(lock.tryRead(), undefined);
    assert.equal(free(lock.path), false);
  },
);

test("FileLock.withWrite() and withRead() release however the function ends", limit, async () => {
  using folder = new Folder();
  using lock = new FileLock(folder.at("lock"));
  assert.equal(await lock.withWrite(() => 1), 1);
  assert.equal(await lock.withRead(() => Promise.resolve(2)), 2);
  const boom = () => {
    throw new Error("boom");
  };
  await assert.rejects(lock.withWrite(boom), /boom/);
  await assert.rejects(lock.withRead(() => Promise.reject(new Error("late"))), /late/);
  await assert.rejects(lock.withWrite(undefined as never), TypeError);
  assert.equal(free(lock.path), true);
});

test("FileLock.write() waits for a stranger and is granted when it is gone", limit, async () => {
  using folder = new Folder();
  using lock = new FileLock(folder.at("lock"));
  const holder = stranger(lock.path, "shared");
  using _reader = await lock.read({ timeout: 0 });
  _reader.release();
  const waits = lock.write();
  assert.deepEqual(await settled([waits]), ["waits"]);
  holder[Symbol.dispose]();
  using guard = await waits;
  assert.equal(guard.mode, "write");
});

test(
  "FileLock.write() rejects with LockTimeoutError, of a task or of another process",
  limit,
  async () => {
    using folder = new Folder();
    using lock = new FileLock(folder.at("lock"), { label: "ledger" });
    const held = await lock.read({ label: "report" });
    await assert.rejects(lock.write({ timeout: 5 }), (error: LockTimeoutError) => {
      assert.equal(error.name, "LockTimeoutError");
      assert.equal(error.lock, "ledger");
      assert.equal(error.mode, "write");
      assert(error.waited >= 4, `${error.waited}`);
      assert.deepEqual(error.holders, [{ mode: "read", label: "report" }]);
      return true;
    });
    await assert.rejects(
      lock.write({ timeout: 0 }),
      /within 0 ms: it is held by a reader \(report\)/,
    );
    held.release();

    using _holder = stranger(lock.path, "exclusive");
    for (const timeout of [0, 5]) {
      await assert.rejects(lock.read({ timeout }), (error: LockTimeoutError) => {
        assert(error instanceof LockTimeoutError);
        assert.equal(error.holders, undefined);
        assert.match(
          error.message,
          /^Cannot read-lock ledger within .* ms: its holders are unknown$/,
        );
        return true;
      });
    }
    assert.deepEqual(lock.query(), { holders: [], waiters: [] });
  },
);

test(
  "FileLock.write() rejects with the signal's reason and leaves nothing behind",
  limit,
  async () => {
    using folder = new Folder();
    using lock = new FileLock(folder.at("lock"));
    const reason = new Error("enough");
    const aborted = AbortSignal.abort(reason);
    await assert.rejects(lock.write({ signal: aborted }), reason);
    assert.equal(existsSync(lock.path), false, "not even the file");

    const holder = stranger(lock.path, "exclusive");
    const controller = new AbortController();
    const waits = lock.write({ signal: controller.signal });
    assert.deepEqual(await settled([waits]), ["waits"]);
    controller.abort(reason);
    await assert.rejects(waits, reason);
    holder[Symbol.dispose]();
    assert.equal(free(lock.path), true);
    assert.equal(free(lock.path + ".interlock-gate"), true);
  },
);

test(
  "FileLock.query() tells who is inside and who waits, in any FileLock on the file",
  limit,
  async () => {
    using folder = new Folder();
    using lock = new FileLock(folder.at("lock"));
    using other = new FileLock(folder.at("lock"));
    const owner = {};
    const held = await lock.write({ label: "one", owner });
    const waits = lock.read({ label: "two" });
    const expected = {
      holders: [{ mode: "write", label: "one", owner }],
      waiters: [{ mode: "read", label: "two" }],
    };
    assert.deepEqual(lock.query(), expected);
    assert.deepEqual(other.query(), expected);
    held.release();
    (await waits).release();

    // Behind a stranger, one that is first of this process still waits.
    const holder = stranger(lock.path, "exclusive");
    const first = lock.write({ label: "first" });
    const second = lock.write({ label: "second" });
    await settled([first, second]);
    assert.deepEqual(other.query(), {
      holders: [],
      waiters: [{ mode: "write", label: "first" }, { mode: "write", label: "second" }],
    });
    holder[Symbol.dispose]();
    (await first).release();
    (await second).release();
  },
);

test(
  "FileLock tells onContention once of a wait that is long, for a task or a process",
  limit,
  async () => {
    using folder = new Folder();
    const events: Contention[] = [];
    const told = Promise.withResolvers<void>();
    using lock = new FileLock(folder.at("lock"), {
      contentionAfter: 5,
      onContention(event) {
        events.push(event);
        told.resolve();
      },
    });
    (await lock.write()).release();
    const holder = stranger(lock.path, "exclusive");
    const waits = lock.write();
    await told.promise;
    await assert.rejects(lock.read({ timeout: 50 }), LockTimeoutError);
    holder[Symbol.dispose]();
    (await waits).release();
    assert.deepEqual(events.map(({ mode, holders }) => ({ mode, holders })), [
      { mode: "write", holders: [] },
      { mode: "read", holders: [] },
    ]);
    assert(events[0].waited >= 4);
  },
);

test(
  "FileLock.isLocked() sees readers and writers of any process and drops no share",
  limit,
  async () => {
    using folder = new Folder();
    using lock = new FileLock(folder.at("lock"));
    const guard = await lock.read();
    assert.equal(lock.isLocked(), true);
    // flock would have dropped the share had the probe tried to convert it.
    assert.equal(free(lock.path), false);
    guard.release();
    assert.equal(lock.isLocked(), false);
    for (const mode of ["shared", "exclusive"] as const) {
      using _holder = stranger(lock.path, mode);
      assert.equal(lock.isLocked(), true);
      assert.equal(lock.isLocked(), true);
    }
    assert.equal(lock.isLocked(), false);
  },
);

test(
  "FileLock.waitForUnlock() resolves once nobody is inside, without taking the lock",
  limit,
  async () => {
    using folder = new Folder();
    using lock = new FileLock(folder.at("lock"));
    const holder = stranger(lock.path, "shared");
    const waits = [lock.waitForUnlock(), lock.waitForUnlock()];
    assert.deepEqual(await settled(waits), ["waits", "waits"]);
    using reader = lock.tryRead();
    assert(reader !== undefined, "those who wait are in nobody's way");
    reader.release();
    holder[Symbol.dispose]();
    await Promise.all(waits);
    assert.equal(free(lock.path), true);
  },
);

test("FileLock.waitForUnlock() times out and aborts", limit, async () => {
  using folder = new Folder();
  using lock = new FileLock(folder.at("lock"));
  using _guard = await lock.read({ label: "report" });
  await assert.rejects(lock.waitForUnlock({ timeout: 0 }), LockTimeoutError);
  await assert.rejects(lock.waitForUnlock({ timeout: 5 }), /held by a reader \(report\)/);
  const reason = new Error("enough");
  await assert.rejects(lock.waitForUnlock({ signal: AbortSignal.abort(reason) }), reason);
  const controller = new AbortController();
  const waits = lock.waitForUnlock({ signal: controller.signal });
  controller.abort(reason);
  await assert.rejects(waits, reason);
  await assert.rejects(lock.waitForUnlock({ timeout: NaN }), RangeError);
});

test(
  "FileLock.close() lets those be served who wait, though the file is replaced",
  limit,
  async () => {
    using folder = new Folder();
    const path = folder.at("lock");
    using holder = new FileLock(path);
    const guard = await holder.write();
    const lock = new FileLock(path);
    const waits = [lock.write(), lock.read()];
    lock.close();
    const before = slotsOf(systemHost).size;
    renameSync(path, folder.at("old"));
    writeFileSync(path, "");
    guard.release();
    const served = await waits[0];
    assert.equal(free(path), false);
    served.release();
    (await waits[1]).release();
    assert.equal(free(path), true);
    assert.throws(() => lock.tryRead(), /this FileLock is closed/);
    assert(slotsOf(systemHost).size <= before, "descriptors are left open");
  },
);

test(
  "FileLock tells of a passed timeout also when its path cannot be looked at",
  limit,
  async () => {
    using folder = new Folder();
    const path = folder.at("lock");
    using holder = new FileLock(path);
    using _guard = await holder.write();
    const told: Contention[] = [];
    using lock = new FileLock(path, {
      retry: { min: 60_000, max: 60_000 },
      contentionAfter: 10,
      onContention: (event) => void told.push(event),
    });
    const waits = lock.waitForUnlock({ timeout: 30 });
    const acquires = lock.write({ timeout: 30 });
    // Another whose time is up at that moment; it would have to wait for ever.
    const other = new RwLock();
    using _other = await other.write();
    const beside = other.write({ timeout: 30 });
    lock.close();
    holder.close();
    unlinkSync(path);
    symlinkSync(path, path); // leads round and round
    await assert.rejects(waits, LockTimeoutError);
    await assert.rejects(acquires, LockTimeoutError);
    await assert.rejects(beside, LockTimeoutError);
    assert.equal(told.length, 1);
    assert.deepEqual(lock.query(), { holders: [], waiters: [] });
  },
);

test("FileLock acquires the file that is at its path, when that was replaced", limit, async () => {
  using folder = new Folder();
  using lock = new FileLock(folder.at("lock"));
  (await lock.write()).release();
  const replace = (way: number) => {
    if (way === 0) unlinkSync(lock.path);
    if (way === 1) renameSync(lock.path, folder.at(`old-${Math.random()}`));
    if (way === 2) rmSync(folder.path, { recursive: true });
    if (way !== 2) writeFileSync(lock.path, "");
  };
  for (const way of [0, 1, 2]) {
    // So often that the gate is due to be looked at, which may be gone with its folder.
    for (let pass = 0; pass < 63; pass++) lock.tryWrite()!.release();
    replace(way);
    const guard = way === 1 ? lock.tryWrite()! : await lock.write();
    assert.equal(free(lock.path, "shared"), false, `the file at the path is locked (${way})`);
    guard.release();
    assert.equal(free(lock.path), true);
  }
});

test(
  "FileLock that waits turns to the new file, though the old one is still held",
  limit,
  async () => {
    using folder = new Folder();
    using lock = new FileLock(folder.at("lock"));
    using old = await lock.write();
    using stuck = stranger(folder.at("other"), "exclusive");
    assert(stuck.held);
    using other = new FileLock(folder.at("other"));
    const waits = [other.write(), lock.write({ timeout: 100 })];
    await settled(waits);
    renameSync(folder.at("other"), folder.at("stuck"));
    using guard = await waits[0];
    assert.equal(guard.mode, "write");
    assert.equal(free(folder.at("other")), false);
    // Tasks wait in the queue of their file and notice when their turn comes.
    await assert.rejects(waits[1], LockTimeoutError);
    assert.equal(old.released, false);
  },
);

test(
  "FileLock still excludes when its gate was removed, and has it again after some passes",
  limit,
  async () => {
    using folder = new Folder();
    using lock = new FileLock(folder.at("lock"));
    const gate = lock.path + ".interlock-gate";
    (await lock.write()).release();
    unlinkSync(gate);
    for (let pass = 0; pass < 65; pass++) {
      using _guard = await lock.write();
      assert.equal(free(lock.path), false);
    }
    assert.equal(existsSync(gate), true);
  },
);

test("FileLock refuses what cannot be the path of a file, at construction", limit, () => {
  using folder = new Folder();
  mkdirSync(folder.at("there"));
  const cases: [unknown, RegExp][] = [
    ["", /^Cannot lock "": the path is empty; a lock needs the path of a file, existing or not$/],
    ["a\0b", /NUL character/],
    [folder.at("there"), /it is a folder/],
    [new URL(pathToFileURL(folder.at("there"))), /it is a folder/],
    [folder.at("missing") + "/", /ends as a folder's does/],
    ["/dev/null", /no regular file/],
    [new URL("https://example.org/lock"), /a https: URL names no file/],
    [new URL("file:///a%2Fb"), /the URL names no file here/],
    ["file:///a/b", /pass a URL object/],
    [new URL(`${pathToFileURL(folder.at("missing"))}/`), /ends as a folder's does/],
    [folder.at("lock.interlock-gate"), /another lock's gate/],
    [pathToFileURL(folder.at("lock.interlock-gate")), /another lock's gate/],
    [folder.at("x/../lock.interlock-gate/."), /another lock's gate/],
    [undefined, /neither a string nor a URL/],
    [7, /Cannot lock 7: it is neither a string nor a URL/],
    [{}, /neither/],
  ];
  for (const [path, message] of cases) {
    assert.throws(() => new FileLock(path as string), (error: Error) => {
      assert(error instanceof TypeError, `${error}`);
      assert.match(error.message, message);
      return true;
    });
  }
});

test("FileLock refuses options that cannot be meant", limit, async () => {
  using folder = new Folder();
  const path = folder.at("lock");
  const cases: [object, typeof TypeError | typeof RangeError, RegExp][] = [
    [{ retry: { min: 5, max: 2 } }, RangeError, /retry.min must be at most retry.max, got 5 and 2/],
    [{ retry: { min: -1 } }, RangeError, /retry.min/],
    [{ retry: { max: NaN } }, RangeError, /retry.max/],
    [{ retry: { max: Infinity } }, RangeError, /retry.max must be finite/],
    [{ retry: { max: "5" } }, TypeError, /retry.max must be a number/],
    [{ retry: 5 }, TypeError, /options must be an object/],
    [{ label: 5 }, TypeError, /label/],
    [{ onContention: 5 }, TypeError, /onContention/],
    [{ contentionAfter: -1 }, RangeError, /contentionAfter/],
  ];
  for (const [options, kind, message] of cases) {
    assert.throws(() => new FileLock(path, options), (error: Error) => {
      assert(error instanceof kind, `${error}`);
      assert.match(error.message, message);
      return true;
    });
  }
  for (const retry of [{ min: 30 }, { max: 0.5 }, { min: 0, max: 0 }, {}]) {
    new FileLock(path, { retry });
  }

  using lock = new FileLock(path);
  for (const timeout of [-1, NaN]) await assert.rejects(lock.write({ timeout }), RangeError);
  await assert.rejects(lock.read({ timeout: "1" as never }), TypeError);
  await assert.rejects(lock.read({ signal: {} as never }), TypeError);
  await assert.rejects(lock.read({ owner: 1 as never }), TypeError);
  assert.equal(existsSync(path), false, "nothing was created");
});

test("FileLock says on acquiring why a file cannot be used", limit, async () => {
  using folder = new Folder();
  writeFileSync(folder.at("file"), "");
  const inFile = new FileLock(folder.at("file", "lock"));
  assert.throws(() => new FileLock(folder.at("x".repeat(300))), /x: the name is too long$/);
  const gateTooLong = new FileLock(folder.at("x".repeat(250)));
  const turned = new FileLock(folder.at("turned"));
  mkdirSync(turned.path);
  const gateTaken = new FileLock(folder.at("gated"));
  mkdirSync(gateTaken.path + ".interlock-gate");
  const cases: [FileLock, RegExp][] = [
    [inFile, /^Cannot lock .*file\/lock: what should be its folder is a file$/],
    [gateTooLong, /x.interlock-gate cannot be opened: the name is too long$/],
    [turned, /turned: it is a folder$/],
    [gateTaken, /gated: .*gated.interlock-gate cannot be opened: it is a folder$/],
  ];
  // A folder in which even the superuser creates nothing.
  if (process.platform === "linux") {
    cases.push([new FileLock("/sys/lock"), /lock: there is no permission to write it$/]);
  }
  for (const [lock, message] of cases) {
    for (const acquire of [() => lock.write(), async () => await lock.tryRead()]) {
      await assert.rejects(acquire, (error: Error) => {
        assert.match(error.message, message);
        assert.notEqual(error.cause, undefined);
        return true;
      });
    }
  }
});

test(
  "FileLock cannot be constructed where there is no flock, and uses nothing weaker",
  limit,
  () => {
    const host: Host = {
      ...systemHost,
      get files(): never {
        throw new UnsupportedError("Cannot lock files: this runtime has no flock");
      },
    };
    assert.throws(() => withHost(host, () => new FileLock("lock")), UnsupportedError);
  },
);

test(
  "FileLock.close() closes what is kept, twice without harm, and never what is in use",
  limit,
  async () => {
    using folder = new Folder();
    const slots = slotsOf(systemHost);
    const before = slots.size;
    const lock = new FileLock(folder.at("lock"));
    const other = new FileLock(folder.at("lock"));
    const guard = await lock.write();
    const waits = lock.write();
    lock.close();
    lock.close();
    assert.equal(free(lock.path), false, "the guard stays valid");
    const message = /Cannot lock .*lock: this FileLock is closed$/;
    assert.throws(() => lock.tryWrite(), message);
    await assert.rejects(lock.read(), message);
    guard.release();
    (await waits).release();
    (await other.write()).release();
    assert.equal(slots.size, before + 1, "the other keeps it open");
    other.close();
    assert.equal(slots.size, before);
  },
);

test(
  "FileLock objects that are forgotten hold few descriptors, on any number of files",
  limit,
  () => {
    using folder = new Folder();
    const list = "/proc/self/fd"; // on Linux
    const descriptors = () => existsSync(list) ? readdirSync(list).length : 0;
    const before = descriptors();
    const held: Guard[] = [];
    for (let i = 0; i < 400; i++) {
      const guard = new FileLock(folder.at(`${i}`)).tryWrite()!;
      if (i % 20 === 0) held.push(guard);
      else guard.release();
      if (i % 10 !== 0) continue;
      assert(slotsOf(systemHost).size <= 64);
      assert(descriptors() - before <= 2 * 64 + 1);
    }
    for (const guard of held) assert.equal(guard.released, false);
    assert.equal(free(folder.at("0")), false);
    for (const guard of held) guard.release();
    assert.equal(free(folder.at("0")), true);
  },
);
