/**
 * `SharedRwLock` and Workers that are terminated: while they hold it, while they wait for it, and
 * at any moment between. Whoever is left gets the lock every time.
 */
import process from "node:process";
import { describe, test } from "node:test";
import assert from "node:assert/strict";
import { type LockMode, LockTimeoutError } from "../../../mod.ts";
import { Crew } from "./_crew.ts";
import { until } from "./_until.ts";

const timeout = 300_000;
/** A Worker has to be started for each. */
const rounds = Number(process.env.INTERLOCK_ROUNDS ?? 200);

/** Gets the lock with nobody else about, as sure as can be, and leaves it free. */
function works({ lock }: Crew): void {
  lock.writeSync({ timeout: 5000 }).release();
  lock.readSync({ timeout: 5000 }).release();
  assert.deepEqual(lock.query(), { holders: [], waiters: [] });
}

describe("SharedRwLock.reap() after terminate()", () => {
  for (const mode of ["write", "read"] satisfies LockMode[]) {
    test(`frees what a Worker held to ${mode}, ${rounds} times`, { timeout }, async () => {
      await using crew = await Crew.start(0, 1);
      const { lock, words } = crew;
      for (let round = 0; round < rounds; round++) {
        const hand = await crew.hire(1);
        words[1] = 0;
        void hand.do({ do: "hold", mode });
        Atomics.wait(words, 1, 0);
        const waiter = lock.write();
        const terminated = hand.terminate();
        assert.equal(lock.query().holders.length, 1);
        assert.equal(lock.reap(1), mode);
        (await waiter).release();
        works(crew);
        // On Deno it sleeps on until it is woken, and gives back what it no longer has.
        using _mine = lock.writeSync();
        Atomics.store(words, 1, 2);
        Atomics.notify(words, 1);
        await terminated;
        assert.equal(lock.query().holders.length, 1);
      }
    });
  }

  test(`takes a parked Worker out of the queue, ${rounds} times`, { timeout }, async () => {
    await using crew = await Crew.start(0, 1);
    const { lock, words } = crew;
    for (let round = 0; round < rounds; round++) {
      const hand = await crew.hire(1);
      const guard = lock.writeSync();
      void hand.do({ do: "park", mode: round % 2 === 0 ? "write" : "read" });
      await until(() => lock.query().waiters.length === 1, "the Worker");
      const [terminated, held] = [hand.terminate(), lock.reap(1)];
      assert.equal(held, undefined);
      assert.deepEqual(lock.query().waiters, []);
      guard.release();
      works(crew);
      await terminated;
      works(crew);
    }
    // None of them has been let in after it was reaped, on Deno neither, where they wake.
    assert.equal(words[0], 0);
  });

  test(`frees the lock whatever a Worker was about, ${rounds} times`, { timeout }, async () => {
    await using crew = await Crew.start(0, 1);
    const { lock, words } = crew;
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
      lock.reap(1);
      words[1] = 0;
      works(crew);
    }
  });
});
