/** What `FileLock` promises between processes, and what peers get wrong there. */
import assert from "node:assert/strict";
import { test } from "node:test";
import process from "node:process";
import { Worker } from "node:worker_threads";
import { FileLock } from "../../mod.ts";
import { Folder } from "../lib/_folder.ts";
import { start } from "./_children.ts";

const limit = { timeout: 60_000 };

test(
  "FileLock: a Deno process and a Bun process exclude each other on one file",
  limit,
  async () => {
    for (const [first, second] of [[0, 1], [1, 0], [0, 0], [1, 1]]) {
      using folder = new Folder();
      const path = folder.at("lock");
      await using holder = await start(first, "hold", { lock: path, mode: "write" });
      await using other = await start(second, "hold", { lock: path, mode: "write" });
      holder.tell();
      await holder.next("waits");
      await holder.next("inside");
      other.tell();
      await other.next("waits");
      const here = new FileLock(path);
      assert.equal(here.tryRead(), undefined);
      assert.equal(here.isLocked(), true);
      holder.tell();
      await holder.next("outside");
      await other.next("inside");
      assert.equal(here.tryWrite(), undefined);
      other.tell();
      await other.next("outside");
      using guard = here.tryWrite();
      assert.equal(guard?.mode, "write");
    }
  },
);

test(
  "FileLock has a shared mode: readers of several processes are inside together",
  limit,
  async () => {
    using folder = new Folder();
    const params = { lock: folder.at("lock"), mode: "read" } as const;
    await using a = await start(0, "hold", params);
    await using b = await start(1, "hold", params);
    for (const child of [a, b]) {
      child.tell();
      await child.next("waits");
      await child.next("inside");
    }
    using lock = new FileLock(params.lock);
    using read = lock.tryRead();
    assert.equal(read?.mode, "read");
    read.release();
    assert.equal(lock.tryWrite(), undefined);
    for (const child of [a, b]) {
      child.tell();
      await child.next("outside");
    }
    using write = lock.tryWrite();
    assert.equal(write?.mode, "write");
  },
);

test("FileLock.isLocked() from outside leaves a reader's share as it is", limit, async () => {
  using folder = new Folder();
  const path = folder.at("lock");
  await using reader = await start(1, "hold", { lock: path, mode: "read" });
  reader.tell();
  await reader.next("waits");
  await reader.next("inside");
  using lock = new FileLock(path);
  using guard = await lock.read();
  for (let i = 0; i < 100; i++) assert.equal(lock.isLocked(), true);
  assert.equal(new FileLock(path).tryWrite(), undefined);
  guard.release();
  assert.equal(lock.tryWrite(), undefined, "the other's share is there too");
});

test("FileLock.waitForUnlock() notices that another process has left", limit, async () => {
  using folder = new Folder();
  const path = folder.at("lock");
  await using holder = await start(1, "hold", { lock: path, mode: "write" });
  holder.tell();
  await holder.next("waits");
  await holder.next("inside");
  using lock = new FileLock(path);
  const unlocked = lock.waitForUnlock();
  holder.tell();
  await holder.next("outside");
  await unlocked;
});

test("FileLock: a holder that is blocked for long keeps the lock", limit, async () => {
  for (const runtime of [0, 1]) {
    using folder = new Folder();
    const path = folder.at("lock");
    await using holder = await start(runtime, "blocked", { lock: path, ms: 1500 });
    holder.tell();
    await holder.next("inside");
    using lock = new FileLock(path);
    await assert.rejects(lock.write({ timeout: 1000 }), { name: "LockTimeoutError" });
    const { released } = await holder.next("still");
    assert.equal(released, false);
    assert.equal(lock.tryWrite(), undefined);
    holder.tell();
    await holder.next("outside");
    using guard = await lock.write();
    assert.equal(guard.mode, "write");
  }
});

test(
  "proper-lockfile, by contrast, gives away the lock of one that is blocked",
  limit,
  async () => {
    const { default: peer } = await import("proper-lockfile");
    using folder = new Folder();
    const file = folder.path;
    const stale = 2000;
    await using holder = await start(0, "blocked-peer", { file, ms: 5000, stale });
    holder.tell();
    await holder.next("inside");
    // Granted while the other still goes about its work inside.
    const release = await peer.lock(file, {
      stale,
      retries: { retries: 50, minTimeout: 100, maxTimeout: 100 },
      onCompromised: () => {},
    });
    // Its release succeeds, knows of nothing, and removes the lock that is ours by now.
    const { compromised } = await holder.next("released");
    assert.equal(compromised, false);
    assert.equal(await peer.check(file, { stale }), false, "a third could enter");
    await release().catch(() => {});
  },
);

test(
  "FileLock is not inherited: a killed holder's own child does not keep the lock",
  limit,
  async () => {
    for (const runtime of [0, 1]) {
      using folder = new Folder();
      const path = folder.at("lock");
      await using holder = await start(runtime, "parent", { lock: path });
      holder.tell();
      const { child } = await holder.next("inside");
      try {
        using lock = new FileLock(path);
        assert.equal(lock.tryRead(), undefined);
        await holder.kill();
        process.kill(child as number, 0); // it lives on
        using guard = await lock.write({ timeout: 5000 });
        assert.equal(guard.mode, "write");
      } finally {
        process.kill(child as number, "SIGKILL");
      }
    }
  },
);

test("FileLock: a process killed at the gate lets the others through", limit, async () => {
  using folder = new Folder();
  const path = folder.at("lock");
  using lock = new FileLock(path);
  const held = await lock.write();
  await using waiter = await start(1, "hold", { lock: path, mode: "write" });
  waiter.tell();
  await waiter.next("waits");
  await waiter.kill();
  held.release();
  using guard = await lock.write({ timeout: 5000 });
  assert.equal(guard.mode, "write");
});

test(
  "FileLock keeps no process alive once it is released, and does while one waits",
  limit,
  async () => {
    for (const runtime of [0, 1]) {
      using folder = new Folder();
      const path = folder.at("lock");
      using lock = new FileLock(path);
      const held = await lock.write();
      await using child = await start(runtime, "brief", { lock: path });
      child.tell();
      const ended = child.end();
      const first = await Promise.race([
        ended,
        new Promise((resolve) => setTimeout(resolve, 300, "still waiting")),
      ]);
      assert.equal(first, "still waiting");
      held.release();
      await child.next("done");
      assert.equal(await ended, 0);
    }
  },
);

test("FileLock excludes the Workers of its own process", limit, async () => {
  using folder = new Folder();
  const path = folder.at("lock");
  using lock = new FileLock(path);
  const held = await lock.write();
  const worker = new Worker(new URL("./_worker.ts", import.meta.url), { workerData: path });
  const next = () => new Promise((resolve) => worker.once("message", resolve));
  assert.equal(await next(), "not mine");
  worker.postMessage("wait");
  held.release();
  assert.equal(await next(), "mine");
  assert.equal(lock.tryRead(), undefined);
  worker.postMessage("leave");
  assert.equal(await next(), "left");
  using guard = lock.tryWrite();
  assert.equal(guard?.mode, "write");
  await worker.terminate();
});
