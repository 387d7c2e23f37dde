/** One table, with processes of both runtimes that write to it, drain it, and are killed. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { systemHost, withHost } from "../../lib/_host.ts";
import {
  CsvRow,
  type DrainOutcome,
  getNextPending,
  queueWrite,
  removeFromQueue,
  Table,
} from "../../lib/queue/mod.ts";
import { runs } from "../_runs.ts";
import { Folder } from "../lib/_folder.ts";
import { twinOf } from "../lib/_altered.ts";
import { participants, start } from "./_children.ts";
import { rage, type Storm, TABLE, type TwinName, twins, wrongWith } from "./_storm.ts";

const describe = ({ kills, accepted, full, removed, drained, rows, untold }: Storm): string =>
  `${kills} kills, ${rows} rows: ${accepted.applied} applied and ${accepted.queued} queued, ` +
  `${untold} that nobody was told of; ${drained} applied by drainers, ${removed} removed, ` +
  `${full} times full`;

test(
  "Table: 4 producers and 2 drainers are killed at random, and each write is there once and in order",
  {
    timeout: 120_000,
  },
  async () => {
    using folder = new Folder();
    const storm = await rage(folder.path, { for: runs(6_000, 30_000), life: 200, twin: "none" });
    console.log(`  ${participants()}: ${describe(storm)}`);
    assert.deepEqual(storm.problems, []);
    assert(storm.kills >= runs(6, 30), `only ${storm.kills} processes were killed`);
    assert(storm.rows > storm.kills / 3, `only ${storm.rows} writes were accepted`);
  },
);

test(
  "the same check finds processes that take every lock for granted",
  { timeout: 120_000 },
  async () => {
    // It is a matter of luck: what is certain is only that it is not lucky five times.
    for (let round = 1; round <= 5; round++) {
      using folder = new Folder();
      const { problems } = await rage(folder.path, { for: 2_000, life: 2_000, twin: "unlocked" });
      if (problems.length > 0) {
        const [first] = problems[0].split("\n");
        return console.log(`  round ${round}: ${problems.length} problems; the first: ${first}`);
      }
    }
    assert.fail("nothing was wrong");
  },
);

/** Kills a drainer that has replaced the table and removed nothing, and drains after it. */
async function drainAfterKill(which: number, twin: TwinName): Promise<DrainOutcome> {
  using folder = new Folder();
  const base = folder.path;
  const rows = [new CsvRow("a", [])];
  await queueWrite(base, TABLE, { operation: "insert", rows });
  {
    await using drainer = await start(which, "drain-half", { base, twin });
    drainer.tell();
    await drainer.next("replaced");
  }
  const host = twinOf(systemHost, twins[twin]);
  using table = withHost(host, () => new Table(base, TABLE));
  assert.deepEqual([...table.read().rows.keys()], ["a"]);
  const left = readdirSync(`${base}/${TABLE}/queue`).filter((name) => name.endsWith(".json"));
  assert.equal(left.length, 1, "the file of the applied write is there");
  return await table.drain();
}

test("a write whose drainer is killed before its file is removed is not applied again", {
  timeout: 60_000,
}, async () => {
  for (const which of [0, 1]) {
    assert.deepEqual(await drainAfterKill(which, "none"), { drained: 0, setAside: [] });
    const { setAside } = await drainAfterKill(which, "forgetful");
    assert.equal(setAside.length, 1, "who does not count what he applied applies it again");
  }
});

test("the check of a storm finds what is lost, doubled or out of order", { timeout: 5_000 }, () => {
  const told = { last: new Map([["a", 1], ["b", 0]]), removed: new Set(["~ a 1"]) };
  const wrong = (...keys: string[]) => wrongWith(keys, told).length;
  assert.equal(wrong("a 0", "b 0", "a 1"), 0);
  assert.equal(wrong("a 0", "b 0", "a 1", "a 2", "c 0"), 0, "nobody was told of these");
  assert.equal(wrong("a 0", "b 0"), 1, "lost");
  assert.equal(wrong("a 0", "a 1"), 1, "lost");
  assert(wrong("a 0", "a 0", "a 1", "b 0") > 0, "doubled");
  assert(wrong("a 1", "a 0", "b 0") > 0, "out of order");
  assert.equal(wrong("a 0", "~ a 0", "b 0", "a 1"), 0, "too late to remove that");
  assert.equal(wrong("a 0", "~ a 1", "b 0", "a 1"), 1, "removed and applied");
});

test(
  "queueWrite() of processes that take turns is first in, first out",
  { timeout: 60_000 },
  async () => {
    using folder = new Folder();
    await using deno = await start(0, "enqueue", { base: folder.path });
    await using bun = await start(1, "enqueue", { base: folder.path });
    const ids: string[] = [];
    for (let i = 0; i < 40; i++) {
      const child = [deno, bun][i % 2];
      child.tell(`${i}`);
      ids.push((await child.next("queued")).id as string);
    }
    for (const [i, id] of ids.entries()) {
      const next = await getNextPending(folder.path, TABLE);
      assert.deepEqual([next?.id, next?.write.rows[0].key], [id, `${i}`]);
      await removeFromQueue(folder.path, TABLE, id);
    }
  },
);
