/**
 * Starvation, and its end: the same two crowds, once with plain polled flock and once with
 * `FileLock`, with the same measure: the longest wait in three seconds, where a wait that has not
 * ended by then counts as long as it has lasted.
 *
 * With `FileLock` the waits stay under the bound of its documentation, but timers come late where
 * processors are busy, so what is asserted is the gap between the two: plain polling waits for more
 * than half a second, FileLock for less, and often gets in.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Folder } from "../lib/_folder.ts";
import { distribution, participants, start, startAll } from "./_children.ts";
import type { Roles } from "./_roles.ts";

const FOR_MS = 3000;
const STARVED_MS = 500;
/** Two processors or many: a process is started as long before the measure as it takes. */
const limit = { timeout: 60_000 };

type How = "FileLock" | "polling";

/** How long one writer waits beside `crowd` processes that are inside for `inside` ms at a time. */
async function waits(how: How, crowd: number, mode: "read" | "write", inside: number) {
  using folder = new Folder();
  const lock = folder.at("lock");
  await using stack = new AsyncDisposableStack();
  const busy = { lock, how, mode, inside, outside: 0, for: FOR_MS + 1000 };
  const writes = { lock, how, mode: "write", inside: 1, outside: 5, for: FOR_MS } as const;
  const [one, ...others] = await Promise.all([
    start(1, "loop", writes),
    ...await startAll(crowd, "loop", () => busy),
  ]);
  for (const child of [one, ...others]) stack.use(child);
  for (const child of others) {
    child.tell();
    // Apart by a part of their stay, so that some are always inside.
    await new Promise((resolve) => setTimeout(resolve, inside / crowd));
  }
  one.tell();
  const { waits } = await one.next("done");
  return waits as number[];
}

async function compare(name: string, crowd: number, mode: "read" | "write", inside: number) {
  const polling = await waits("polling", crowd, mode, inside);
  const fileLock = await waits("FileLock", crowd, mode, inside);
  const bound = 20 + 3 * inside + 2 * 20;
  console.log(
    `  ${name}, ${participants()}, ${inside} ms inside:\n` +
      `    plain polling  ${distribution(polling)}\n` +
      `    FileLock       ${distribution(fileLock)}; bound p + 2m = ${bound} ms`,
  );
  const longest = (waits: number[]) => Math.max(...waits);
  assert(longest(polling) > STARVED_MS, "plain polling starves, or this test shows nothing");
  assert(longest(fileLock) < STARVED_MS, `FileLock waited ${longest(fileLock)} ms`);
  assert(fileLock.length > 20, `FileLock got in ${fileLock.length} times in ${FOR_MS} ms`);
}

test(
  "four overlapping reader processes starve a polling writer, and not a FileLock",
  limit,
  async () => {
    await compare("four readers and a writer", 4, "read", 20);
  },
);

test("one busy process starves a poller, and not a FileLock", limit, async () => {
  await compare("a busy writer and another", 1, "write", 20);
});

test("eight processes that all want the lock wait within the bound", limit, async () => {
  const inside = 1;
  const contend = async (how: How) => {
    using folder = new Folder();
    const params = { lock: folder.at("lock"), how, mode: "write", inside, outside: 0, for: FOR_MS };
    await using stack = new AsyncDisposableStack();
    const children = await startAll(8, "loop", () => params as Roles["loop"]);
    for (const child of children) stack.use(child);
    for (const child of children) child.tell();
    const done = await Promise.all(children.map((child) => child.next("done")));
    return done.flatMap(({ waits }) => waits as number[]);
  };
  const polling = await contend("polling");
  const fileLock = await contend("FileLock");
  // In each round one of the eight enters; more than seven times eight rounds come once in a thousand.
  const round = 20 + 3 * inside + 2 * 20;
  console.log(
    `  eight writers, ${participants()}, ${inside} ms inside:\n` +
      `    plain polling  ${distribution(polling)}\n` +
      `    FileLock       ${distribution(fileLock)}; a round p + 2m = ${round} ms`,
  );
  const longest = Math.max(...fileLock);
  assert(longest < 7 * 8 * round, `FileLock waited ${longest} ms`);
});
