/** The lock of a table, on real files; the first six are those that the seed names. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { acquireTableLock, isTableLocked, waitForTableUnlock } from "../../../lib/queue/mod.ts";
import { FileLock, LockTimeoutError } from "../../../mod.ts";
import { Folder } from "../_folder.ts";

const limit = { timeout: 20_000 };

test("acquireTableLock() acquires the lock of a table that is not there yet", limit, async () => {
  using base = new Folder();
  using lock = await acquireTableLock(base.path, "people", { timeout: 1000 });
  assert.equal(lock.table, "people");
  assert.equal(lock.path, base.at("people", "lock"));
  assert.equal(lock.released, false);
  assert(existsSync(lock.path));
});

test("acquireTableLock() gives up when its timeout has passed", limit, async () => {
  using base = new Folder();
  using _lock = await acquireTableLock(base.path, "people");
  const since = performance.now();
  const wait = acquireTableLock(base.path, "people", { timeout: 30 });
  await assert.rejects(wait, (error) => {
    assert(error instanceof LockTimeoutError);
    assert.match(
      error.message,
      /^Cannot write-lock table people within \d+(\.\d)? ms: it is held by a writer$/,
    );
    return true;
  });
  assert(performance.now() - since >= 30);
  await assert.rejects(acquireTableLock(base.path, "people", { timeout: 0 }), LockTimeoutError);
});

test("TableLock is released when it is disposed of, however the block ends", limit, async () => {
  using base = new Folder();
  const kept = await acquireTableLock(base.path, "people");
  kept.release();
  kept.release();
  assert.equal(kept.released, true);
  await assert.rejects(async () => {
    using _lock = await acquireTableLock(base.path, "people", { timeout: 0 });
    throw new Error("in the midst of it");
  }, /in the midst of it/);
  assert.equal(isTableLocked(base.path, "people"), false);
  using again = await acquireTableLock(base.path, "people", { timeout: 0 });
  kept.release(); // not what another has by now
  assert.equal(isTableLocked(base.path, "people"), true);
  again.release();
});

test("isTableLocked() tells whether somebody has the lock, and makes nothing", limit, async () => {
  using base = new Folder();
  assert.equal(isTableLocked(base.path, "people"), false);
  assert.equal(existsSync(base.at("people")), false);
  const lock = await acquireTableLock(base.path, "people");
  assert.equal(isTableLocked(base.path, "people"), true);
  assert.equal(isTableLocked(base.path, "places"), false);
  lock.release();
  assert.equal(isTableLocked(base.path, "people"), false);
});

test("waitForTableUnlock() waits until the lock is free, and no longer", limit, async () => {
  using base = new Folder();
  await waitForTableUnlock(base.path, "people", { timeout: 0 });
  const lock = await acquireTableLock(base.path, "people");
  let free = false;
  const wait = waitForTableUnlock(base.path, "people").then(() => free = true);
  await assert.rejects(
    waitForTableUnlock(base.path, "people", { timeout: 10 }),
    /^LockTimeoutError: Cannot write-lock table people/,
  );
  assert.equal(free, false);
  lock.release();
  await wait;
  assert.equal(isTableLocked(base.path, "people"), false);
});

test("acquireTableLock() lets one in at a time, in the order they came", limit, async () => {
  using base = new Folder();
  let inside = 0;
  const order: number[] = [];
  await Promise.all(Array.from({ length: 10 }, async (_, i) => {
    using _lock = await acquireTableLock(base.path, "people");
    assert.equal(++inside, 1);
    await new Promise((resolve) => setImmediate(resolve));
    order.push(i);
    inside--;
  }));
  assert.deepEqual(order, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test("acquireTableLock() ends its wait when its signal aborts", limit, async () => {
  using base = new Folder();
  const lock = await acquireTableLock(base.path, "people");
  const controller = new AbortController();
  const reason = new Error("no longer wanted");
  const wait = acquireTableLock(base.path, "people", { signal: controller.signal });
  controller.abort(reason);
  await assert.rejects(wait, reason);
  lock.release();
  assert.equal(isTableLocked(base.path, "people"), false);
});

test("TableLock is a FileLock: others may take it as one, and are kept out", limit, async () => {
  using base = new Folder();
  using lock = await acquireTableLock(pathToFileURL(base.path), "people");
  using file = new FileLock(lock.path);
  assert.equal(file.tryRead(), undefined);
  lock.release();
  using _guard = file.tryRead();
  assert.equal(isTableLocked(base.path, "people"), true);
});
