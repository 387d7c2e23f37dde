/** What becomes of `RedisLock` while its server refuses what it will do again in a moment. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { LockTimeoutError, type RedisLock, RedisUnavailableError } from "../../../lib/redis/mod.ts";
import { Folder } from "../_folder.ts";
import { Proxy } from "./_proxy.ts";
import { fresh, redisTest, Server, until } from "./_server.ts";

/** A lease that does not pass during a test: what comes earlier did not come by it. */
const long = { restartGrace: 0, lease: 60_000 } as const;

const holders = async (lock: RedisLock) => (await lock.query()).holders.length;
const waiters = async (lock: RedisLock) => (await lock.query()).waiters.length;

/** How often a server has refused something with errors of that kind. */
function refusals(server: Server, kind: string): number {
  const found = new RegExp(`errorstat_${kind}:count=(\\d+)`).exec(server.cli("info", "errorstats"));
  return Number(found?.[1] ?? 0);
}

/** Waits until the server has refused something as often again. */
async function refused(server: Server, kind: string, times: number): Promise<void> {
  const before = refusals(server, kind);
  await until(() => refusals(server, kind) >= before + times);
}

/** Whether a promise is settled, after all that is settled already had its turn. */
async function settled(promise: Promise<unknown>): Promise<boolean> {
  const pending = {};
  const turn = new Promise((resolve) => setTimeout(resolve, 0, pending));
  return await Promise.race([promise, turn]) !== pending;
}

const writes = (server: Server, how: "refused" | "done") =>
  server.cli("config", "set", "min-replicas-to-write", how === "refused" ? "1" : "0");

/** Keeps a server busy with a script until it is disposed of. */
async function occupy(server: Server): Promise<AsyncDisposable> {
  server.cli("config", "set", "lua-time-limit", "20");
  const script = spawn("redis-cli", [
    "-p",
    String(server.port),
    ...["eval", "while true do end", "0"],
  ]);
  const ended = once(script, "exit");
  await until(() => server.cli("ping").startsWith("BUSY"));
  return {
    async [Symbol.asyncDispose]() {
      server.cli("script", "kill");
      await ended;
    },
  };
}

redisTest(
  "a lock released while the server is busy is free as soon as it is not",
  async ({ client, server }) => {
    await using proxy = await Proxy.start(server.port);
    const lock = (await client({}, proxy.url)).lock("l", long);
    const other = (await client()).lock("l", long);
    const guard = await lock.write();
    const busy = await occupy(server);
    const { chunks } = proxy;
    const released = guard.release();
    await until(() => proxy.chunks >= chunks + 6); // asked, refused, and twice again
    assert.equal(await settled(released), false, "the server does not have it back");
    assert.deepEqual([guard.released, guard.remaining, guard.signal.aborted], [true, 0, false]);
    await busy[Symbol.asyncDispose]();
    await released;
    assert.equal(await holders(other), 0, "it has when release() has resolved");
    assert.equal(guard.signal.aborted, false, "a guard that was released is not lost");
  },
);

redisTest(
  "a lock asked for while the server is busy is had as soon as it is not",
  async ({ client, server }) => {
    await using proxy = await Proxy.start(server.port);
    const lock = (await client({}, proxy.url)).lock("l", { ...long, stats: true });
    const busy = await occupy(server);
    const { chunks } = proxy;
    const waits = lock.write();
    await until(() => proxy.chunks >= chunks + 6);
    assert.equal(lock.stats().waiters, 1);
    await assert.rejects(lock.read({ timeout: 50 }), (error) => {
      assert(error instanceof LockTimeoutError);
      assert.match(error.message, /^Cannot read-lock l within \S+ ms: the server refuses .*: BUSY/);
      return true;
    });
    await busy[Symbol.asyncDispose]();
    const guard = await waits;
    await assert.rejects(lock.read({ timeout: 50 }), /: it is held by a writer$/);
    await guard.release();
  },
);

redisTest(
  "a lock released while the server writes nothing goes to the next as soon as it does",
  async ({ client, server }) => {
    const lock = (await client()).lock("l", long);
    const guards = [await lock.read(), await lock.read()];
    const next = (await client()).lock("l", long).write();
    await until(async () => await waiters(lock) === 1);
    writes(server, "refused");
    const released = guards.map((guard) => guard.release());
    await refused(server, "NOREPLICAS", 4);
    for (const each of released) assert.equal(await settled(each), false);
    writes(server, "done");
    await Promise.all(released);
    await (await next).release();
  },
);

redisTest(
  "who gives up while the server writes nothing has left the queue as soon as it does",
  async ({ client, server }) => {
    const lock = (await client()).lock("l", long);
    const other = (await client()).lock("l", long);
    await using _guard = await other.write();
    const controller = new AbortController();
    const waits = lock.write({ signal: controller.signal });
    await until(async () => await waiters(other) === 1);
    writes(server, "refused");
    controller.abort();
    await assert.rejects(waits, { name: "AbortError" });
    await refused(server, "NOREPLICAS", 2);
    assert.equal(await waiters(other), 1);
    writes(server, "done");
    await until(async () => await waiters(other) === 0);
  },
);

redisTest(
  "release() is waited for no longer than connectTimeout, and is seen to all the same",
  async ({ client, server }) => {
    const lock = (await client({ connectTimeout: 300 })).lock("l", long);
    const other = (await client()).lock("l", long);
    const guard = await lock.write();
    writes(server, "refused");
    const since = performance.now();
    await guard.release();
    const waited = performance.now() - since;
    assert(waited >= 290 && waited < 2000, `${waited} ms`);
    assert.equal(await holders(other), 1);
    writes(server, "done");
    await until(async () => await holders(other) === 0);
  },
);

redisTest(
  "nobody is told of any more when his lease has passed",
  async ({ client, server }) => {
    const lock = (await client()).lock("l", { ...fresh, lease: 300 });
    const guard = await lock.write();
    writes(server, "refused");
    const since = performance.now();
    await guard.release();
    const waited = performance.now() - since;
    assert(waited >= 290 && waited < 2000, `${waited} ms, and the lease is 300`);
    const before = refusals(server, "NOREPLICAS");
    await new Promise((resolve) => setTimeout(resolve, 700)); // longer than any pause
    assert.equal(refusals(server, "NOREPLICAS"), before);
  },
);

redisTest(
  "who left while the connection was lost is told of though the server refuses at first",
  async ({ client, server }) => {
    await using proxy = await Proxy.start(server.port);
    const lock = (await client({}, proxy.url)).lock("l", long);
    const other = (await client()).lock("l", long);
    const guard = await lock.write();
    writes(server, "refused");
    proxy.cut();
    if (!guard.signal.aborted) await once(guard.signal, "abort");
    await guard.release();
    await refused(server, "NOREPLICAS", 2);
    writes(server, "done");
    await until(async () => await holders(other) === 0);
  },
);

redisTest(
  "a lease is renewed as soon as the server writes again, not only in the next round",
  async ({ client, server }) => {
    const lease = 3000;
    const guard = await (await client()).lock("l", { ...fresh, lease }).write();
    writes(server, "refused");
    // The rounds are when 2,000 and 1,000 ms are left; the third would come too late.
    await until(() => guard.remaining < 0.3 * lease);
    writes(server, "done");
    await until(() => guard.remaining > 0.5 * lease || guard.signal.aborted);
    assert.equal(guard.signal.aborted, false);
    await guard.release();
  },
);

redisTest(
  "a server that cannot save costs no lease, and has back what was released when it can",
  async ({ client }) => {
    using folder = new Folder();
    await using server = await Server.start("--dir", folder.path);
    server.cli("config", "set", "save", "3600 1000000");
    const saved = () => /rdb_last_bgsave_status:(\w+)/.exec(server.cli("info", "persistence"))?.[1];
    // A folder stands where the file is to be.
    mkdirSync(folder.at("dump.rdb/in the way"), { recursive: true });
    const lease = 3000;
    const lock = (await client({}, server.url)).lock("l", { ...fresh, lease });
    const held = await lock.write();
    const other = (await client({}, server.url)).lock("m", long);
    const guard = await other.write();
    server.cli("bgsave");
    await until(() => saved() === "err");
    await refused(server, "MISCONF", 1); // of a renewal, for nobody has asked anything else
    await assert.rejects(lock.read(), (error) => {
      assert(error instanceof RedisUnavailableError);
      assert.match(error.message, /it cannot save what it is told \(MISCONF/);
      return true;
    });
    const released = guard.release();
    await refused(server, "MISCONF", 3);
    assert.equal(await settled(released), false);
    rmSync(folder.at("dump.rdb"), { recursive: true });
    server.cli("bgsave");
    await until(() => saved() === "ok");
    await released;
    assert.equal(await holders(other), 0);
    await until(() => held.remaining > 0.9 * lease || held.signal.aborted);
    assert.equal(held.signal.aborted, false);
    await held.release();
  },
);

redisTest(
  "who waits keeps his place over a lost connection though the server's memory is full",
  async ({ client, server }) => {
    await using proxy = await Proxy.start(server.port);
    const lock = (await client({}, proxy.url)).lock("l", long);
    const other = (await client()).lock("l", long);
    const guard = await other.write();
    const waits = lock.write();
    await until(async () => await waiters(other) === 1);
    server.cli("config", "set", "maxmemory", "1");
    server.cli("config", "resetstat");
    proxy.cut();
    await until(() => /cmdstat_evalsha:calls=1,/.test(server.cli("info", "commandstats")));
    await guard.release();
    await (await waits).release();
  },
);

redisTest(
  "who waits is told when the server will renew his place no more",
  async ({ client, server }) => {
    const lock = (await client()).lock("l", { ...fresh, lease: 300 });
    await lock.write();
    const waits = lock.write();
    await until(async () => await waiters(lock) === 1);
    server.cli("replicaof", "127.0.0.1", "1");
    await assert.rejects(waits, (error) => {
      assert(error instanceof RedisUnavailableError);
      assert.match(error.message, /^Cannot write-lock l: it is a replica/);
      return true;
    });
    server.cli("replicaof", "no", "one");
  },
);

redisTest(
  "who waits goes on waiting while a server that was restarted takes no more clients",
  async ({ client, server }) => {
    const lock = (await client()).lock("l", long);
    await lock.write();
    const waits = lock.write();
    await until(async () => await waiters(lock) === 1);
    await using full = await Server.start("--maxclients", "1");
    const only = connect(full.port, "127.0.0.1");
    await once(only, "connect");
    await server.kill();
    await using proxy = await Proxy.start(full.port, server.port);
    await until(() => proxy.chunks >= 4); // refused twice
    only.destroy();
    await (await waits).release();
  },
);
