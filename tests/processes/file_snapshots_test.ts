/** One value in a file, with readers and writers of both runtimes. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { Folder } from "../lib/_folder.ts";
import { type Child, participants, start, startAll } from "./_children.ts";
import { openTally, wrongWith } from "./_tally.ts";

const WRITERS = 4;
const READERS = 2;
const TIMES = 125;

interface Watched {
  readonly reads: number;
  readonly last: number;
  readonly epochs: number;
  readonly wrong: number;
  readonly first?: string;
}

/** Lets writers write beside readers, and answers what the readers found. */
async function readDuring(file: string, writers: readonly Child[]): Promise<Watched[]> {
  await using stack = new AsyncDisposableStack();
  const readers = await startAll(READERS, "watch", () => ({ file }));
  for (const child of [...readers, ...writers]) stack.use(child);
  for (const child of [...readers, ...writers]) child.tell();
  await Promise.all(writers.map((writer) => writer.next("done")));
  for (const reader of readers) reader.tell("stop");
  const found = await Promise.all(readers.map((reader) => reader.next("done")));
  return found.map((line) => line as unknown as Watched);
}

const describe = (found: readonly Watched[]): string =>
  found.map(({ reads, epochs, wrong }) => `${reads} reads of ${epochs} epochs, ${wrong} wrong`)
    .join("; ");

test(
  "FileSnapshots: 500 updates by four processes are all there, and readers see whole values only",
  {
    timeout: 120_000,
  },
  async () => {
    using folder = new Folder();
    const file = folder.at("tally");
    const since = performance.now();
    const writers = await startAll(WRITERS, "commit", (i) => ({
      file,
      name: `writer ${i}`,
      times: TIMES,
      says: false,
    }));
    const found = await readDuring(file, writers);
    const ms = performance.now() - since;
    console.log(`  ${participants()}, ${ms.toFixed(0)} ms: ${describe(found)}`);
    const { value, epoch } = openTally(file).read();
    assert.equal(epoch, WRITERS * TIMES);
    const each = Array.from({ length: WRITERS }, (_, i) => [`writer ${i}`, TIMES]);
    assert.deepEqual(value.by, Object.fromEntries(each));
    for (const { wrong, first, epochs } of found) {
      assert.equal(wrong, 0, first ?? "");
      assert(epochs > 10, `it saw ${epochs} epochs only`);
    }
    assert.equal(wrongWith(value, epoch), undefined);
  },
);

test("the same readers find what is wrong when a writer writes in place", {
  timeout: 120_000,
}, async () => {
  // A race is a matter of luck: what is certain is only that it is not lucky five times.
  for (let round = 1; round <= 5; round++) {
    using folder = new Folder();
    const file = folder.at("tally");
    const name = "writer";
    const writer = await start(round, "commit-in-place", { file, name, times: 2 * TIMES });
    const found = await readDuring(file, [writer]);
    console.log(`  in place, ${participants()}: ${describe(found)}`);
    const first = found.find(({ wrong }) => wrong > 0)?.first;
    if (first !== undefined) return console.log(`  the first: ${first}`);
  }
  assert.fail("nothing was wrong: these readers would not notice a torn value");
});

const KILLS = 40;

test("FileSnapshots: writers that are killed leave a whole value with all they had committed", {
  timeout: 120_000,
}, async () => {
  using folder = new Folder();
  const file = folder.at("tally");
  using snapshots = openTally(file);
  const startWriter = (round: number) =>
    start(round, "commit", { file, name: `round ${round}`, times: 1e9, says: true });
  let next = startWriter(0);
  let leftovers = 0;
  for (let round = 0; round < KILLS; round++) {
    await using writer = await next;
    if (round + 1 < KILLS) next = startWriter(round + 1);
    writer.tell();
    let committed = 0;
    for (let i = 0; i <= round % 3; i++) {
      committed = (await writer.next("committed")).epoch as number;
    }
    // Not to wait for anything, but so that the kill falls on any step of an update.
    await new Promise((resolve) => setTimeout(resolve, 4 * Math.random()));
    await writer.kill();
    const { value, epoch } = snapshots.read();
    assert(epoch >= committed, `epoch ${committed} was committed, ${epoch} is there`);
    assert.equal(wrongWith(value, epoch), undefined);
    if (readdirSync(folder.path).some((name) => name.endsWith(".interlock-next"))) leftovers++;
  }
  console.log(
    `  ${KILLS} kills, ${participants()}: ${leftovers} left a file that was being written`,
  );
  const { epoch } = snapshots;
  assert.equal(await snapshots.update((tally) => tally), epoch + 1);
  assert.deepEqual(readdirSync(folder.path).sort(), [
    "tally",
    "tally.interlock-lock",
    "tally.interlock-lock.interlock-gate",
  ]);
});
