/** What `RedisLocks` leaves behind when it is closed: nothing that others would have to wait for. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { LeaseLostError, RedisLocks, RedisUnavailableError } from "../../../lib/redis/mod.ts";
import { Proxy } from "./_proxy.ts";
import { redisTest, until } from "./_server.ts";

/** A lease that does not pass during a test: what comes earlier did not come by it. */
const long = { restartGrace: 0, lease: 60_000 } as const;
const nobody = { holders: [], waiters: [] };

redisTest(
  "disposing of RedisLocks resolves when the server knows who has left",
  async ({ server, client }) => {
    const lock = (await client()).lock("l", long);
    const holder = await lock.write();
    const gaveUp = await RedisLocks.connect(server.url);
    await assert.rejects(gaveUp.lock("l", long).write({ timeout: 20 }));
    await gaveUp[Symbol.asyncDispose]();
    assert.equal((await lock.query()).waiters.length, 0, "who gave up just before");

    const waiting = await RedisLocks.connect(server.url);
    const refused = assert.rejects(waiting.lock("l", long).write(), RedisUnavailableError);
    await until(async () => (await lock.query()).waiters.length === 1);
    await waiting[Symbol.asyncDispose]();
    await refused;
    assert.equal((await lock.query()).waiters.length, 0, "who waited");

    await holder.release();
    const leaving = await RedisLocks.connect(server.url);
    void (await leaving.lock("l", long).write()).release();
    await leaving[Symbol.asyncDispose]();
    assert.deepEqual(await lock.query(), nobody, "who was leaving");
  },
);

redisTest(
  "RedisLocks.close() takes the trust at once, and the server is still told who leaves",
  async ({ server, client }) => {
    const lock = (await client()).lock("l", long);
    const locks = await RedisLocks.connect(server.url);
    const guard = await locks.lock("l", long).write();
    const waits = assert.rejects(locks.lock("l", long).read(), RedisUnavailableError);
    await until(async () => (await lock.query()).waiters.length === 1);
    assert.equal(guard.signal.aborted, false);
    locks.close();
    assert.equal(guard.signal.aborted, true);
    assert(guard.signal.reason instanceof LeaseLostError);
    assert.equal(guard.remaining, 0);
    await waits;
    await until(async () => (await lock.query()).waiters.length === 0);
    assert.equal((await lock.query()).holders.length, 1, "who is inside may not know yet");
  },
);

redisTest(
  "closing waits for a server that says nothing no longer than connectTimeout",
  async ({ server, client }) => {
    const locks = await client({ connectTimeout: 300 });
    const guard = await locks.lock("l", long).write();
    server.signal("SIGSTOP");
    const released = guard.release();
    const since = performance.now();
    await locks[Symbol.asyncDispose]();
    const waited = performance.now() - since;
    assert(waited < 2000, `${waited} ms`);
    await released;
    server.signal("SIGCONT");
  },
);

redisTest(
  "closing ends an attempt to connect again",
  async ({ server, client }) => {
    const locks = await client({ connectTimeout: 60_000 });
    await server.kill();
    let socket: Socket | undefined;
    const silent = createServer((came) => socket = came.on("error", () => {}));
    silent.listen(server.port, "127.0.0.1");
    await until(() => socket !== undefined);
    assert(socket !== undefined);
    const ended = once(socket.resume(), "close");
    await locks[Symbol.asyncDispose]();
    await ended;
    silent.close();
  },
);

redisTest(
  "closing twice, and while the connection is lost, ends",
  async ({ server, client }) => {
    const proxy = await Proxy.start(server.port);
    const locks = await client({}, proxy.url);
    const guard = await locks.lock("l", long).write();
    await proxy[Symbol.asyncDispose]();
    if (!guard.signal.aborted) await once(guard.signal, "abort");
    const waits = assert.rejects(locks.lock("l", long).write(), RedisUnavailableError);
    locks.close();
    await Promise.all([locks[Symbol.asyncDispose](), locks[Symbol.asyncDispose](), waits]);
    await guard.release();
  },
);
