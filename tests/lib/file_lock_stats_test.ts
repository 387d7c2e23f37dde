/**
 * `FileLock.stats()` and what `query()` shows with it, in virtual time. What every lock counts is in
 * the contract; here is what only a lock between processes has to count.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type SimulatedProcess, Simulation } from "../../lab/worlds/simulation/mod.ts";
import { withHost } from "../../lib/_host.ts";
import { FileLock, type FileLockOptions, type FileLockStats, LockTimeoutError } from "../../mod.ts";
import { leastGrowth } from "../_garbage.ts";

const limit = { timeout: 30_000 };

interface Setup {
  simulation: Simulation;
  process: SimulatedProcess;
  /** One that counts. */
  lock: FileLock;
  /** One of another process, which does not. */
  theirs: FileLock;
}

function lockOf(process: SimulatedProcess, options: FileLockOptions = { stats: true }): FileLock {
  return withHost(process, () => new FileLock("/lock", options));
}

function create(): Setup {
  const simulation = new Simulation();
  const process = simulation.process();
  return {
    simulation,
    process,
    lock: lockOf(process),
    theirs: lockOf(simulation.process(), {}),
  };
}

/** The counts that tell of other processes. */
function foreign({ others, polls, handOffs }: FileLockStats): number[] {
  return [others.count, polls, handOffs];
}

describe("FileLock.stats()", limit, () => {
  test(
    "FileLock.stats() tells how long other processes were waited for, and how often they were asked",
    limit,
    async () => {
      const { simulation, lock, theirs } = create();
      const holder = await theirs.write();
      const waiting = lock.write();
      await simulation.run(100);
      assert.deepEqual(foreign(lock.stats())[0], 0, "it waits still");
      const { polls } = lock.stats();
      // Pauses of 1, 1.25, … ms with jitter, up to 20.
      assert(polls >= 10 && polls <= 30, `it asked ${polls} times in 100 ms`);
      holder.release();
      const guard = await simulation.finish(waiting);
      const { others, wait, contended, acquired } = lock.stats();
      assert.deepEqual([acquired.write, contended, others.count, wait.count], [1, 1, 1, 1]);
      assert(others.max >= 100 && others.max <= 120, `${others.max} ms`);
      assert.equal(wait.max, others.max, "it has waited for nothing else");
      guard.release();
      assert.equal(lock.stats().polls - polls, 1);
    },
  );

  test("FileLock.stats() counts waits for tasks of its own process apart", limit, async () => {
    const { simulation, process, lock, theirs } = create();
    const stays = async () => {
      using _guard = await lock.write();
      await process.sleep(1);
    };
    await simulation.finish(Promise.all([1, 2, 3, 4, 5].map(stays)));
    const { contended, wait } = lock.stats();
    assert.deepEqual([contended, wait.count, wait.max], [4, 4, 4]);
    assert.deepEqual(foreign(lock.stats()), [0, 0, 4]);

    // The first of them waits for the other process, those behind it for the first alone.
    const holder = await theirs.write();
    const all = Promise.all([stays(), stays(), stays()]);
    await simulation.run(simulation.clock.now() + 50);
    holder.release();
    await simulation.finish(all);
    const { others, handOffs } = lock.stats();
    assert.deepEqual([others.count, handOffs], [1, 6]);
    assert.equal(lock.stats().contended, 7);
  });

  test(
    "FileLock.stats() counts a wait for other processes that ends without the lock",
    limit,
    async () => {
      const { simulation, lock, theirs } = create();
      using _holder = await theirs.write();
      const controller = new AbortController();
      const late = lock.read({ timeout: 30 });
      const aborted = lock.read({ signal: controller.signal });
      await simulation.run(20);
      controller.abort();
      await assert.rejects(aborted, controller.signal.reason);
      await assert.rejects(() => simulation.finish(late), LockTimeoutError);
      const { others, timedOut, waiters } = lock.stats();
      assert.deepEqual([others.count, others.mean, timedOut, waiters], [2, 25, 1, 0]);
      assert.deepEqual(lock.stats().aborted, 1);
    },
  );

  test(
    "FileLock.stats() tells an abort from a time-out though the reason be one",
    limit,
    async () => {
      const { lock, theirs } = create();
      using _holder = await theirs.write();
      const reason = new LockTimeoutError({ lock: "another", mode: "read", waited: 1 });
      const controller = new AbortController();
      const aborted = lock.read({ signal: controller.signal });
      controller.abort(reason);
      await assert.rejects(aborted, (error) => error === reason);
      const { timedOut, aborted: count } = lock.stats();
      assert.deepEqual([timedOut, count], [0, 1]);
    },
  );

  test(
    "each FileLock counts its own acquires, and shows since when in its own",
    limit,
    async () => {
      const { simulation, process, lock } = create();
      const other = lockOf(process);
      const plain = lockOf(process, {});
      await simulation.run(7);
      const guard = await lock.write({ label: "counted" });
      const waits = [other.read({ label: "other's" }), plain.read({ label: "uncounted" })];
      await simulation.settle();
      const counts = ({ acquired, contended, holders, waiters }: FileLockStats) => [
        acquired.write + acquired.read,
        contended,
        holders,
        waiters,
      ];
      assert.deepEqual(counts(lock.stats()), [1, 0, 1, 0]);
      assert.deepEqual(counts(other.stats()), [0, 1, 0, 1]);
      const query = {
        holders: [{ mode: "write", label: "counted", since: 7 }],
        waiters: [
          { mode: "read", label: "other's", since: 7 },
          { mode: "read", label: "uncounted" },
        ],
      };
      for (const each of [lock, other, plain]) assert.deepEqual(each.query(), query);
      await simulation.run(9);
      guard.release();
      const readers = await simulation.finish(Promise.all(waits));
      assert.deepEqual(plain.query(), {
        holders: [
          { mode: "read", label: "other's", since: 9 },
          { mode: "read", label: "uncounted" },
        ],
        waiters: [],
      });
      for (const reader of readers) reader.release();
      assert.deepEqual(counts(other.stats()), [1, 1, 0, 0]);
      assert.deepEqual(other.stats().hold.count, 1);
    },
  );

  test(
    "FileLock.stats() counts an acquire once, however many files its path comes to lead to",
    limit,
    async () => {
      const { simulation, process, lock, theirs } = create();
      const holder = await theirs.write();
      const waiting = lock.write();
      await simulation.run(10);
      process.files.remove("/lock");
      // Someone who knows nothing of the gate has the new file at once.
      const next = simulation.process().files.open("/lock", { create: true });
      assert(next.tryLock("exclusive"));
      await simulation.run(50);
      next.close();
      const guard = await simulation.finish(waiting);
      const { acquired, contended, wait, others, holders } = lock.stats();
      assert.deepEqual([acquired.write, contended, wait.count, holders], [1, 1, 1, 1]);
      assert.equal(others.count, 2, "it has waited for one process and then for another");
      assert(wait.max >= 50, "since it first began to wait");
      guard.release();
      holder.release();
      assert.deepEqual([lock.stats().holders, lock.stats().hold.count], [0, 1]);
    },
  );

  test(
    "FileLock.stats() counts no acquire for which the file could not be used",
    limit,
    async () => {
      const { simulation, lock, theirs } = create();
      const holder = await theirs.write();
      const waiting = lock.write().catch((error: Error) => error);
      await simulation.settle();
      simulation.beforeStep = ({ action }) => {
        if (action === "lock") throw Object.assign(new Error("no locks left"), { code: "ENOLCK" });
      };
      assert.match(String(await simulation.finish(waiting)), /no locks left/);
      simulation.beforeStep = undefined;
      holder.release();
      const { acquired, timedOut, aborted, waiters, wait } = lock.stats();
      assert.deepEqual([acquired.write, timedOut, aborted, waiters, wait.count], [0, 0, 0, 0, 1]);
    },
  );

  test("FileLock keeps its memory however much it counts", limit, async () => {
    const { lock } = create();
    const grown = await leastGrowth(() => {
      for (let i = 0; i < 20_000; i++) lock.tryRead()!.release();
    });
    assert(grown < 0.5, `${grown} MB`);
    assert(lock.stats().hold.count >= 40_000);
  });

  test("FileLock cannot be created with statistics that cannot be meant", limit, () => {
    const { process } = create();
    assert.throws(() => lockOf(process, { stats: 1 as never }), {
      name: "TypeError",
      message: "Cannot create file lock: stats must be true or false, got 1",
    });
  });
});
