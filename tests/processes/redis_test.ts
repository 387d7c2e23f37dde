/** `RedisLock` between real processes of both runtimes. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { Folder } from "../lib/_folder.ts";
import { fresh, redisTest, until } from "../lib/redis/_server.ts";
import { runs } from "../_runs.ts";
import { distribution, participants, start, startAll } from "./_children.ts";
import { readStored, writeBlindly, writeFenced } from "./_fenced_file.ts";

const PROCESSES = 8;
const TIMES = 500;

async function count(url: string, guarded: boolean) {
  using folder = new Folder();
  const counter = folder.at("counter");
  writeFileSync(counter, "0");
  await using stack = new AsyncDisposableStack();
  const params = { url, counter, guarded, times: TIMES };
  const children = await startAll(PROCESSES, "redis-increment", () => params);
  for (const child of children) stack.use(child);
  const since = performance.now();
  for (const child of children) child.tell();
  const done = await Promise.all(children.map(async (child) => {
    for (let counted = 0; counted < TIMES; counted += 100) await child.next("counted");
    return await child.next("done");
  }));
  const ms = performance.now() - since;
  const longest = Math.max(...done.map(({ longest }) => longest as number));
  return { total: Number(readFileSync(counter, "utf8")), longest, ms };
}

redisTest("RedisLock: eight processes count to exactly 4,000", async ({ server }) => {
  const { total, longest, ms } = await count(server.url, true);
  console.log(
    `  RedisLock, ${participants()}: ${total} of ${PROCESSES * TIMES} in ${ms.toFixed(0)} ms; ` +
      `longest wait ${longest.toFixed(1)} ms`,
  );
  assert.equal(total, PROCESSES * TIMES);
}, { timeout: 120_000 });

redisTest("the same program without RedisLock loses increments", async ({ server }) => {
  // A race is a matter of luck: what is certain is only that it is not lucky five times.
  for (let round = 1; round <= 5; round++) {
    const { total } = await count(server.url, false);
    const lost = PROCESSES * TIMES - total;
    console.log(`  unguarded, ${participants()}: ${total} of ${PROCESSES * TIMES}, ${lost} lost`);
    if (lost > 0) return;
  }
  assert.fail("nothing was lost: this test would not notice a lock that does nothing");
}, { timeout: 60_000 });

redisTest(
  "no token comes twice or goes back over 1,000 crashes of holders",
  async ({ client, server }) => {
    const CRASHES = runs(1000, 10_000);
    const LOCKS = 50;
    const lease = 500;
    const names = Array.from({ length: LOCKS }, (_, i) => `lock ${i}`);
    const newest = names.map(() => 0n);
    const locks = await client();
    const delays: number[] = [];
    const params = { url: server.url, names, lease };
    let next = start(0, "redis-hold", params);
    for (let round = 0; round * LOCKS < CRASHES; round++) {
      await using holder = await next;
      next = start(round + 1, "redis-hold", params);
      holder.tell();
      const { tokens } = await holder.next("inside");
      (tokens as string[]).forEach((token, i) => {
        assert(BigInt(token) > newest[i], `${names[i]}: ${token} after ${newest[i]}`);
        newest[i] = BigInt(token);
      });
      await holder.kill();
      const killed = performance.now();
      await Promise.all(names.map(async (name, i) => {
        const guard = await locks.lock(name, { ...fresh, lease }).write();
        delays.push(performance.now() - killed);
        assert(guard.token > newest[i], `${name}: ${guard.token} after ${newest[i]}`);
        newest[i] = guard.token;
        await guard.release();
      }));
    }
    await (await next).kill();
    console.log(
      `  kill -9 to granted, ${participants()}: ${distribution(delays)}; lease ${lease} ms`,
    );
    assert.equal(delays.length, CRASHES);
  },
  { timeout: 120_000 },
);

for (const fenced of [false, true]) {
  const what = fenced
    ? "is refused by a store that checks the token"
    : "overwrites what came after it";
  redisTest(
    `a holder stopped past its lease writes late, and ${what}`,
    async ({ client, server }) => {
      const lease = 300;
      using folder = new Folder();
      const file = folder.at("file");
      writeFileSync(file, JSON.stringify({ value: "first", token: "0" }));
      const lock = (await client()).lock("file", { ...fresh, lease });
      await using holder = await start(0, "redis-write-late", {
        url: server.url,
        lease,
        file,
        fenced,
      });
      holder.tell();
      const { token } = await holder.next("inside");
      process.kill(holder.pid, "SIGSTOP");
      const guard = await lock.write();
      assert(guard.token > BigInt(token as string));
      if (fenced) assert(writeFenced(file, "newer", guard.token));
      else writeBlindly(file, "newer");
      await guard.release();
      holder.tell();
      process.kill(holder.pid, "SIGCONT");
      const { done, after } = await holder.next("wrote");
      assert.equal(done, !fenced);
      assert.equal(after, true, "its signal has not aborted when it goes on");
      assert.equal(readStored(file).value, fenced ? "newer" : "late");
      assert.equal(await holder.end(), 0);
      await until(async () => (await lock.query()).holders.length === 0);
    },
  );
}
