/**
 * `SharedSnapshots` and Workers that are terminated: with a version pinned, amid an update, while
 * they wait for a turn, a slot or a change, and at any moment between. Whoever is left finds whole
 * versions, and every slot, every time.
 */
import process from "node:process";
import { describe, test } from "node:test";
import assert from "node:assert/strict";
import { LockTimeoutError } from "../../../mod.ts";
import { type SharedSnapshots, SlotTimeoutError } from "../../../lib/workers/mod.ts";
import {
  assertFree,
  CAPACITY,
  FAULTS,
  following,
  isWhole,
  SnapshotsCrew,
  versionOf,
} from "./_snapshots_crew.ts";
import { until } from "./_until.ts";

const timeout = 300_000;
/** A Worker has to be started for each. */
const rounds = Number(process.env.INTERLOCK_ROUNDS ?? 200);

/** Four tables, and a Worker that has, or waits for, something of each; see `stand`. */
async function stand(crew: SnapshotsCrew) {
  const [pinned, written, full, taken] = crew.tables;
  const hand = await crew.hire(1);
  const gate = Promise.withResolvers<Uint8Array>();
  const turn = taken.update(() => gate.promise);
  const old = full.pin();
  full.updateSync(following, { timeout: 0 });
  const ends = hand.do({ do: "stand" });
  await until(() => taken.stats().turn.waiters.length === 1, "the Worker");
  const before = crew.tables.map(({ epoch }) => epoch);
  assert.deepEqual(pinned.stats().oldestPin?.labels, ["owner 1"]);
  assert.deepEqual(written.stats().turn.holders, [{ mode: "write", label: "owner 1" }]);
  assert.deepEqual(full.stats().turn.holders, [{ mode: "write", label: "owner 1" }]);

  /** Lets those go on that are kept from it by this thread. */
  async function release(): Promise<void> {
    old[Symbol.dispose]();
    gate.resolve(versionOf(taken.epoch + 1));
    await turn;
  }

  /** Others are served when it is reaped; nothing that it was about has come to be. */
  async function reap(): Promise<void> {
    const next = written.update(following);
    const has = (table: SharedSnapshots) => table.reap(1);
    assert.deepEqual(has(pinned), { writing: false, pinned: 1 });
    assert.deepEqual(has(written), { writing: true, pinned: 1 });
    assert.deepEqual(has(full), { writing: true, pinned: 0 });
    // Last, for in this one it sleeps, and wakes.
    assert.deepEqual(has(taken), { writing: false, pinned: 0 });
    assert.equal(await next, before[1] + 1);
    assert.deepEqual(crew.tables.map(({ epoch }) => epoch), before.with(1, before[1] + 1));
    await release();
  }

  return { hand, ends, reap };
}

const slots = [2, 3, 2, 3];

describe("SharedSnapshots.reap() after terminate()", () => {
  test(`frees pins, turns and places of a Worker, ${rounds} times`, { timeout }, async () => {
    await using crew = new SnapshotsCrew(...slots);
    for (let round = 0; round < rounds; round++) {
      const { hand, reap } = await stand(crew);
      const terminated = hand.terminate();
      await reap();
      crew.tables.forEach(assertFree);
      await terminated;
    }
    // On Deno they wake, but what they had is no longer theirs.
    crew.tables.forEach(assertFree);
  });

  test(`leaves whole versions whatever a Worker was about, ${rounds} times`, {
    timeout,
  }, async () => {
    await using crew = new SnapshotsCrew(4);
    const { tables: [table], words } = crew;
    for (let round = 0; round < rounds; round++) {
      const hand = await crew.hire(1);
      void hand.do({ do: "churn" });
      // Contended, so that it is as often on its way in or out as inside.
      for (let turn = 0; turn <= round % 7; turn++) {
        table.updateSync(following, { timeout: 5000 });
        assert(table.view(isWhole));
      }
      const terminated = hand.terminate();
      for (let served = 0; served < 3;) {
        try {
          table.updateSync(following, { timeout: 20 });
          served++;
        } catch (error) {
          assert(error instanceof LockTimeoutError || error instanceof SlotTimeoutError);
          table.reap(1);
        }
        assert(table.view(isWhole));
      }
      await terminated;
      table.reap(1);
      assertFree(table);
    }
    assert.equal(words[FAULTS], 0);
  });

  test("is needed: what is written where it lies is found half written", { timeout }, async () => {
    await using crew = new SnapshotsCrew(2);
    const { words } = crew;
    const bytes = new Uint8Array(words.buffer, 1024, CAPACITY);
    let whole = true;
    for (let round = 0; round < rounds && whole; round++) {
      const hand = await crew.hire(1);
      void hand.do({ do: "scribble" });
      await until(() => Atomics.load(words, 0) > 1, "the Worker");
      await hand.terminate();
      crew.tables[0].reap(1);
      whole = isWhole(bytes.subarray(0, CAPACITY - words[0] % 7), words[0]);
    }
    assert(!whole);
  });
});

describe("SharedSnapshots of a thread that was reaped and lives on", () => {
  test("refuse whatever it was about", { timeout }, async () => {
    await using crew = new SnapshotsCrew(...slots);
    for (let round = 0; round < 5; round++) {
      const { hand, ends, reap } = await stand(crew);
      await reap();
      assert.deepEqual(await ends, Array(5).fill("OwnerReapedError"));
      crew.tables.forEach(assertFree);
      await hand.terminate();
    }
  });
});
