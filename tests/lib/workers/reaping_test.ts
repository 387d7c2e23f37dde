/**
 * `SharedRwLock` and Workers that are terminated: while they hold it, while they wait for it, and
 * at any moment between. Whoever is left gets the lock every time.
 */
import process from "node:process";
import { describe, test } from "node:test";
import assert from "node:assert/strict";
import { LockTimeoutError } from "../../../mod.ts";
import type { SharedRwLock } from "../../../lib/workers/mod.ts";
import { Crew } from "./_crew.ts";
import { until } from "./_until.ts";

const timeout = 300_000;
/** A Worker has to be started for each. */
const rounds = Number(process.env.INTERLOCK_ROUNDS ?? 200);

/** Gets the lock with nobody else about, as sure as can be, and leaves it free. */
function works(lock: SharedRwLock): void {
  lock.writeSync({ timeout: 5000 }).release();
  lock.readSync({ timeout: 5000 }).release();
  assert.deepEqual(lock.query(), { holders: [], waiters: [] });
}

describe("SharedRwLock.reap() after terminate()", () => {
  test(`frees what a Worker had and wanted, ${rounds} times`, { timeout }, async () => {
    await using crew = await Crew.start(0, 1);
    const { lock, more: [shared, wanted], words } = crew;
    for (let round = 0; round < rounds; round++) {
      const hand = await crew.hire(1);
      const guard = wanted.writeSync();
      void hand.do({ do: "stand", mode: round % 2 === 0 ? "write" : "read" });
      await until(() => wanted.query().waiters.length === 1, "the Worker");
      const waiters = [lock.write(), shared.write()];
      const terminated = hand.terminate();
      assert.deepEqual([lock, shared].map((each) => each.query().holders.length), [1, 1]);
      assert.deepEqual([lock, shared].map((each) => each.reap(1)), ["write", "read"]);
      const mine = await Promise.all(waiters);
      // On Deno it wakes now, is not let in, and gives back what it no longer has.
      assert.equal(wanted.reap(1), undefined);
      assert.deepEqual(wanted.query().waiters, []);
      guard.release();
      works(wanted);
      await terminated;
      works(wanted);
      assert.deepEqual([lock, shared].map((each) => each.query().holders.length), [1, 1]);
      for (const guard of mine) guard.release();
      works(lock);
      works(shared);
    }
    assert.equal(words[0], 0);
  });

  test(`frees the lock whatever a Worker was about, ${rounds} times`, { timeout }, async () => {
    await using crew = await Crew.start(0, 1);
    const { lock, more, words } = crew;
    for (let round = 0; round < rounds; round++) {
      const hand = await crew.hire(1);
      void hand.do({ do: "churn", mode: round % 3 === 0 ? "read" : "write" });
      // Contended, so that it is as often on its way in or out as inside.
      for (let turn = 0; turn <= round % 7; turn++) lock.writeSync({ timeout: 5000 }).release();
      const terminated = hand.terminate();
      for (;;) {
        try {
          lock.writeSync({ timeout: 20 }).release();
          break;
        } catch (error) {
          assert(error instanceof LockTimeoutError);
          lock.reap(1);
        }
      }
      await terminated;
      for (const each of [lock, ...more]) each.reap(1);
      words[1] = 0;
      works(lock);
    }
  });
});
