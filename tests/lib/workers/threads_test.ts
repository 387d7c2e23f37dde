/**
 * `SharedRwLock` and `SharedBarrier` between real Workers, and what keeps a process alive;
 * `snapshots_threads_test.ts` has `SharedSnapshots`.
 */
import { execFile } from "node:child_process";
import { describe, test } from "node:test";
import process from "node:process";
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { LockTimeoutError } from "../../../mod.ts";
import { Crew } from "./_crew.ts";
import { until } from "./_until.ts";

const timeout = 120_000;

describe("SharedRwLock between Workers", () => {
  for (const how of ["sync", "async"] as const) {
    test(`loses no increment under ${how} writes`, { timeout }, async () => {
      await using crew = await Crew.start(4);
      await crew.do({ do: "increment", how, times: 3000 });
      assert.equal(crew.words[0], 12_000);
      assert.deepEqual(crew.lock.query(), { holders: [], waiters: [] });
    });
  }

  test("loses no increment where some block and some do not", { timeout }, async () => {
    await using crew = await Crew.start(4);
    await Promise.all(
      crew.hands.map((hand, index) =>
        hand.do({ do: "increment", how: index % 2 === 0 ? "sync" : "async", times: 3000 })
      ),
    );
    assert.equal(crew.words[0], 12_000);
  });

  test("is needed: the same program without it loses increments", { timeout }, async () => {
    await using crew = await Crew.start(4);
    let expected = 0;
    for (let round = 0; round < 50 && crew.words[0] === expected; round++) {
      await crew.do({ do: "increment", how: "unguarded", times: 50_000 });
      expected += 200_000;
    }
    assert(crew.words[0] < expected, `${crew.words[0]} of ${expected}`);
  });

  for (const how of ["sync", "async"] as const) {
    test(`serves ${how} waits in the order in which they came`, { timeout }, async () => {
      await using crew = await Crew.start(6);
      const { lock, words } = crew;
      for (let round = 0; round < 20; round++) {
        words[0] = 0;
        const order = crew.hands.map((hand) => hand.owner).sort((a, b) =>
          (a * 7 + round) % 11 - (b * 7 + round) % 11
        );
        const guard = lock.writeSync();
        const all: Promise<unknown>[] = [];
        for (const owner of order) {
          all.push(crew.hands[owner - 1].do({ do: "append", mode: "write", how }));
          await until(() => lock.query().waiters.length === all.length, "a waiter");
        }
        assert.deepEqual(
          lock.query().waiters.map((waiter) => waiter.label),
          order.map((owner) => `owner ${owner}`),
        );
        guard.release();
        await Promise.all(all);
        assert.deepEqual([...words.subarray(1, 7)], order);
      }
    });
  }

  test("lets readers share, and starves no writer among them", { timeout }, async () => {
    await using crew = await Crew.start(3, 1);
    const { lock, words } = crew;
    const readers = crew.do({ do: "read" });
    crew.barrier.waitSync();
    await until(() => Atomics.load(words, 3) >= 2, "two readers at once");
    for (let round = 0; round < 50; round++) {
      const granted = lock.write();
      // Whoever enters from here on came later, but for those that were entering already.
      const before = Atomics.load(words, 1);
      const guard = await granted;
      const overtook = Atomics.load(words, 1) - before;
      assert(overtook <= 3, `${overtook} readers overtook a writer`);
      assert.equal(Atomics.load(words, 2), 0);
      guard.release();
    }
    Atomics.store(words, 0, 1);
    await readers;
  });

  test("wakes a thread that another lets in, whatever way each waits", { timeout }, async () => {
    await using crew = await Crew.start(2);
    const { lock, words } = crew;
    for (const how of ["sync", "async"] as const) {
      words[0] = 0;
      using guard = lock.readSync();
      const writer = crew.hands[0].do({ do: "append", mode: "write", how });
      await until(() => lock.query().waiters.length === 1, "the writer");
      const reader = crew.hands[1].do({ do: "append", mode: "read", how });
      await until(() => lock.query().waiters.length === 2, "the reader");
      assert.equal(lock.tryRead(), undefined);
      guard.release();
      await Promise.all([writer, reader]);
      assert.deepEqual([...words.subarray(1, 3)], [1, 2]);
    }
  });

  test("times out beside a Worker that holds it, and gets it afterwards", {
    timeout,
  }, async () => {
    await using crew = await Crew.start(1);
    const { lock, words } = crew;
    const { owner } = crew.hands[0];
    void crew.hands[0].do({ do: "hold", mode: "write" });
    Atomics.wait(words, owner, 0);
    assert.throws(() => lock.readSync({ timeout: 20 }), {
      name: "LockTimeoutError",
      message: /^Cannot read-lock shared within \d+(\.\d)? ms: it is held by a writer \(owner 1\)$/,
    });
    await assert.rejects(lock.write({ timeout: 20 }), LockTimeoutError);
    await assert.rejects(lock.write({ signal: AbortSignal.timeout(20) }), { name: "TimeoutError" });
    assert.deepEqual(lock.query().waiters, []);
    await crew.hands[0].terminate();
    assert.equal(lock.reap(owner), "write");
    assert(lock.tryWrite());
  });
});

describe("SharedBarrier between Workers", () => {
  for (const how of ["sync", "async"] as const) {
    test(`lets all leave together, a thousand times, with ${how} waits`, { timeout }, async () => {
      await using crew = await Crew.start(4);
      const all = await crew.do({ do: "pass", how, times: 1000 }) as Passed[];
      assert.deepEqual(all.map(({ faults }) => faults), [0, 0, 0, 0]);
      // Exactly one party of each round came last.
      assert.equal(all.reduce((sum, { last }) => sum + last, 0), 1000);
      assert.equal(crew.barrier.arrived, 0);
    });
  }
});

describe("SharedBarrier and a Worker that is terminated", () => {
  for (const how of ["sync", "async"] as const) {
    test(`while it waits: it has arrived, and is missed in the next round (${how})`, {
      timeout,
    }, async () => {
      await using crew = await Crew.start(1, 1);
      const { barrier } = crew;
      for (let round = 0; round < 5; round++) {
        const hand = await crew.hire(2);
        void hand.do({ do: "pass", how, times: 1 });
        await until(() => barrier.arrived === 1, "the Worker");
        await hand.terminate();
        for (const lock of [crew.lock, ...crew.more]) lock.reap(2);
        assert.equal(barrier.waitSync({ timeout: 1000 }), 1);
        assert.throws(() => barrier.waitSync({ timeout: 1 }), {
          name: "BarrierTimeoutError",
          message: /^Cannot pass barrier within \d+(\.\d)? ms: 1 of 2 parties arrived$/,
        });
        assert.equal(barrier.arrived, 0);
      }
    });
  }
});

interface Passed {
  readonly faults: number;
  readonly last: number;
}

describe("A process", () => {
  const run = promisify(execFile);
  const program = fileURLToPath(new URL("./_alive.ts", import.meta.url));
  const flags = "Deno" in globalThis ? ["run", "--allow-all", "--no-check"] : [];

  for (
    const [what, says] of [
      ["lock, granted late", "granted\n"],
      ["lock, timed out", "timed out\n"],
      ["barrier, passed late", "passed\n"],
      ["snapshots, their turn late", "updated\n"],
      ["snapshots, a slot late", "updated\n"],
      ["snapshots, changed late", "changed\n"],
    ]
  ) {
    test(`stays alive while an async wait is pending (${what})`, { timeout }, async () => {
      const { stdout } = await run(process.execPath, [...flags, program, what]);
      assert.equal(stdout, says);
    });
  }

  test("ends when no wait is pending any more", { timeout }, async () => {
    const { stdout } = await run(process.execPath, [...flags, program, "nothing pending"]);
    assert.equal(stdout, "aborted\n".repeat(4));
  });
});
