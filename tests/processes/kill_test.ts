/** Holders that are killed while another process waits. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Folder } from "../lib/_folder.ts";
import { distribution, participants, start } from "./_children.ts";

const ROUNDS = 100;
const RETRY_MAX = 20;

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

test("FileLock: a process that waits has the lock each time the holder is killed", {
  timeout: 120_000,
}, async () => {
  using folder = new Folder();
  const params = { lock: folder.at("lock"), mode: "write" } as const;
  await using stack = new AsyncDisposableStack();
  // One of each runtime waits, in turn; holders are of each in turn, at every second round.
  const waiters = [
    stack.use(await start(0, "hold", params)),
    stack.use(await start(1, "hold", params)),
  ];
  const startHolder = (round: number) => start(round >> 1, "hold", params);
  const delays: number[] = [];
  let next = startHolder(0);
  for (let round = 0; round < ROUNDS; round++) {
    await using holder = await next;
    if (round + 1 < ROUNDS) next = startHolder(round + 1);
    holder.tell();
    await holder.next("waits");
    await holder.next("inside");
    const waiter = waiters[round % waiters.length];
    waiter.tell();
    await waiter.next("waits");
    // Not to wait for anything, but so that the kill falls anywhere in the rhythm of the pauses.
    await sleep(150 * Math.random());
    const killed = performance.timeOrigin + performance.now();
    await holder.kill();
    const { at } = await waiter.next("inside");
    delays.push(at as number - killed);
    waiter.tell();
    await waiter.next("outside");
  }
  console.log(
    `  kill -9 to granted, ${participants()}: ${
      distribution(delays)
    }; retry.max is ${RETRY_MAX} ms`,
  );
  assert.equal(delays.length, ROUNDS);
  // Twice retry.max, for a machine that is busy with other things.
  const median = delays.sort((a, b) => a - b)[ROUNDS / 2];
  assert(median <= 2 * RETRY_MAX, `half of them take longer than ${median} ms`);
});
