/** One counter file, eight processes, four of each runtime. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { Folder } from "../lib/_folder.ts";
import { participants, startAll } from "./_children.ts";

const PROCESSES = 8;
const TIMES = 500;

/** What the counter stands at when all are done, and the longest anyone waited. */
async function count(guarded: boolean): Promise<{ total: number; longest: number; ms: number }> {
  using folder = new Folder();
  const counter = folder.at("counter");
  writeFileSync(counter, "0");
  const lock = guarded ? folder.at("lock") : undefined;
  await using stack = new AsyncDisposableStack();
  const children = await startAll(PROCESSES, "increment", () => ({ counter, lock, times: TIMES }));
  for (const child of children) stack.use(child);
  const since = performance.now();
  for (const child of children) child.tell();
  const done = await Promise.all(children.map((child) => child.next("done")));
  const ms = performance.now() - since;
  const longest = Math.max(...done.map(({ longest }) => longest as number));
  return { total: Number(readFileSync(counter, "utf8")), longest, ms };
}

test("FileLock: eight processes count to exactly 4,000", { timeout: 60_000 }, async () => {
  const { total, longest, ms } = await count(true);
  console.log(
    `  FileLock, ${participants()}: ${total} of ${PROCESSES * TIMES} in ${ms.toFixed(0)} ms; ` +
      `longest wait ${longest.toFixed(1)} ms`,
  );
  assert.equal(total, PROCESSES * TIMES);
});

test("the same program without the lock loses increments", { timeout: 60_000 }, async () => {
  // A race is a matter of luck: what is certain is only that it is not lucky five times.
  for (let round = 1; round <= 5; round++) {
    const { total } = await count(false);
    const lost = PROCESSES * TIMES - total;
    console.log(`  unguarded, ${participants()}: ${total} of ${PROCESSES * TIMES}, ${lost} lost`);
    if (lost > 0) return;
  }
  assert.fail("nothing was lost: this test would not notice a lock that does nothing");
});
