/** `SharedSnapshots` between real Workers; `snapshots_reaping_test.ts` has those that die. */
import { describe, test } from "node:test";
import assert from "node:assert/strict";
import { assertFree, END, FAULTS, FOUND, SnapshotsCrew } from "./_snapshots_crew.ts";
import { until } from "./_until.ts";

const timeout = 120_000;

/** The number that Workers add to. */
const numberIn = (bytes: Uint8Array) => new DataView(bytes.slice().buffer).getUint32(0);

describe("SharedSnapshots between Workers", () => {
  for (const how of ["sync", "async", "commit"] as const) {
    test(`lose no addition (${how})`, { timeout }, async () => {
      await using crew = new SnapshotsCrew(3);
      const [table] = crew.tables;
      await crew.start(3);
      await crew.do({ do: "add", how, times: 500 });
      assert.deepEqual([numberIn(table.current), table.epoch], [1500, 1500]);
      const { readers, retained, turn } = table.stats();
      assert.deepEqual([readers, retained, turn], [0, 1, { holders: [], waiters: [] }]);
    });
  }

  test("lose additions to what was read before it was one's turn", { timeout }, async () => {
    await using crew = new SnapshotsCrew(3);
    const [table] = crew.tables;
    await crew.start(3);
    for (let round = 0; round < 50 && numberIn(table.current) === table.epoch; round++) {
      await crew.do({ do: "add", how: "unguarded", times: 500 });
    }
    assert(numberIn(table.current) < table.epoch);
  });

  test("show readers whole versions, none before the last, while others write", {
    timeout,
  }, async () => {
    await using crew = new SnapshotsCrew(4);
    const { tables: [table], words } = crew;
    await crew.start(3);
    const reading = crew.hands.slice(0, 2).map((hand) => hand.do({ do: "read" }));
    void crew.hands[2].do({ do: "churn" });
    await until(() => Atomics.load(words, FOUND) >= 1000 && table.epoch >= 1000, "readers");
    Atomics.store(words, END, 1);
    await Promise.all(reading);
    assert.equal(words[FAULTS], 0);
    await crew.hands[2].terminate();
    table.reap(3);
    assertFree(table);
  });

  test("are needed: bytes that are written where they lie are found half written", {
    timeout,
  }, async () => {
    await using crew = new SnapshotsCrew(2);
    const { words } = crew;
    await crew.start(2);
    const reading = crew.hands[0].do({ do: "read", how: "unguarded" });
    void crew.hands[1].do({ do: "scribble" });
    await until(() => Atomics.load(words, FAULTS) > 0, "a fault");
    Atomics.store(words, END, 1);
    await reading;
  });

  for (const how of ["sync", "async"] as const) {
    test(`wake who waits for a change, a thousand times, with ${how} waits`, {
      timeout,
    }, async () => {
      await using crew = new SnapshotsCrew(3);
      const { tables: [table], words } = crew;
      await crew.start(2);
      await crew.do({ do: "trade", how, times: 500 });
      assert.deepEqual([table.epoch, words[FAULTS]], [1000, 0]);
      assertFree(table);
    });
  }

  test("a writer in one thread waits for a pin in another", { timeout }, async () => {
    await using crew = new SnapshotsCrew(2);
    const [table] = crew.tables;
    await crew.start(1);
    for (const how of ["sync", "async"] as const) {
      const pin = table.pin();
      const added = crew.hands[0].do({ do: "add", how, times: 2 });
      await until(() => table.epoch === pin.epoch + 1, "the first of two");
      await until(() => table.stats().turn.holders.length === 1, "the second");
      // It has the turn, and waits for a slot: readers do not.
      assert.equal(numberIn(table.current), numberIn(pin.value) + 1);
      assert.equal(table.epoch, pin.epoch + 1);
      pin[Symbol.dispose]();
      await added;
      assert.equal(table.epoch, pin.epoch + 2);
    }
  });
});
