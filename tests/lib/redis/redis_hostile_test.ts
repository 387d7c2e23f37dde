/** What becomes of `RedisLock` when it, or its server, is used as nobody should. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { LeaseLostError, LockTimeoutError, RedisUnavailableError } from "../../../lib/redis/mod.ts";
import type { RedisLock } from "../../../lib/redis/mod.ts";
import { Folder } from "../_folder.ts";
import { Proxy } from "./_proxy.ts";
import { fresh, redisTest, Server, until } from "./_server.ts";

const waiters = async (lock: RedisLock) => (await lock.query()).waiters.length;
const holders = async (lock: RedisLock) => (await lock.query()).holders.length;

/** What a promise rejects with, which must be no timeout of the test. */
async function refusal(promise: Promise<unknown>): Promise<Error> {
  const error = await promise.then(() => undefined, (error) => error);
  assert(error instanceof Error, "it was not refused");
  return error;
}

redisTest(
  "two locks of one name with leases of their own exclude each other, and each keeps its own",
  async ({ client }) => {
    const brief = (await client()).lock("l", { restartGrace: 0, lease: 500 });
    const long = (await client()).lock("l", { restartGrace: 0, lease: 60_000 });
    const first = await brief.write();
    const waits = long.write();
    await until(async () => await waiters(brief) === 1);
    // Renewed by its own lease, and told by the first lease that would pass, not by its own.
    await new Promise((resolve) => setTimeout(resolve, 1200));
    assert.equal(first.signal.aborted, false);
    assert(first.remaining <= 500);
    await first.release();
    const second = await waits;
    assert(second.remaining > 50_000);
    const third = brief.write();
    await until(async () => await waiters(long) === 1);
    await new Promise((resolve) => setTimeout(resolve, 1200));
    assert.equal(await waiters(long), 1, "a waiter with a brief lease keeps its place");
    await second.release();
    await (await third).release();
  },
);

redisTest("the longest and the shortest lease there may be work", async ({ client }) => {
  const locks = await client();
  for (const lease of [50, 86_400_000]) {
    await using guard = await locks.lock(`${lease}`, { restartGrace: 0, lease }).write();
    assert(guard.remaining > 0);
  }
});

redisTest("leases that cannot be meant are refused", async ({ client }) => {
  const locks = await client();
  for (const lease of [NaN, Infinity, 0, -1, 86_400_001, "10", null, 1n, {}]) {
    const make = () => locks.lock("l", { lease: lease as number });
    assert.throws(make, /^(Type|Range)Error: Cannot make lock: lease must be/, String(lease));
  }
});

redisTest(
  "whoever is inside is not forgotten when what is kept of the name is gone",
  async ({ client, server }) => {
    const lock = (await client()).lock("l", fresh);
    const other = (await client()).lock("l", fresh);
    const writer = await lock.write();
    const reader = other.read();
    await until(async () => await waiters(lock) === 1);
    server.cli("del", "interlock:{l}:meta");
    // Each comes and goes, and with each it is looked anew who may come in.
    assert((await refusal(other.write({ timeout: 30 }))) instanceof LockTimeoutError);
    await until(async () => await waiters(lock) === 1);
    assert.deepEqual((await lock.query()).holders.map(({ mode }) => mode), ["write"]);
    assert.equal(await other.tryRead(), undefined);
    await writer.release();
    const guard = await reader;
    assert(guard.token > writer.token, "the token goes on by the server's clock");
    await guard.release();
    assert(Number(server.cli("pttl", "interlock:{l}:meta")) > 0, "it stays for ever");
  },
);

redisTest(
  "those who come after what is kept of the name is gone stand behind those who wait",
  async ({ client, server }) => {
    const lock = (await client()).lock("l", { ...fresh, lease: 600 });
    const holder = await lock.write();
    const first = lock.write({ label: "first" });
    await until(async () => await waiters(lock) === 1);
    const second = lock.write({ label: "second" });
    await until(async () => await waiters(lock) === 2);
    // As a week without a grant would, were it not kept with each renewal.
    server.cli("pexpire", "interlock:{l}:meta", "250");
    await new Promise((resolve) => setTimeout(resolve, 500));
    const third = lock.write({ label: "third" });
    await until(async () => await waiters(lock) === 3);
    const { waiters: line } = await lock.query();
    assert.deepEqual(line.map(({ label }) => label), ["first", "second", "third"]);
    await holder.release();
    for (const guard of [first, second, third]) await (await guard).release();
  },
);

redisTest(
  "a server whose data was thrown away lets nobody believe for long that it is inside",
  async ({ client, server }) => {
    const lock = (await client()).lock("l", { ...fresh, lease: 300 });
    const guard = await lock.write();
    const waits = (await client()).lock("l", { ...fresh, lease: 300 }).write();
    await until(async () => await waiters(lock) === 1);
    const since = performance.now();
    server.cli("flushall");
    if (!guard.signal.aborted) await once(guard.signal, "abort");
    assert(performance.now() - since < 250, "renewed each 100 ms");
    const next = await waits;
    assert(next.token > guard.token);
    await guard.release();
    assert.equal(await holders(lock), 1, "a late release frees no other's");
    await next.release();
  },
);

redisTest(
  "a connection that the server ends costs its guards their trust, and no waiter its place",
  async ({ client, server }) => {
    const lock = (await client()).lock("l", fresh);
    const guard = await lock.write();
    const waits = lock.write({ label: "waits" });
    await until(async () => await waiters(lock) === 1);
    server.cli("client", "kill", "type", "pubsub");
    server.cli("client", "kill", "type", "normal");
    if (!guard.signal.aborted) await once(guard.signal, "abort");
    assert(guard.signal.reason instanceof LeaseLostError);
    await guard.release();
    const next = await waits;
    assert(next.token > guard.token);
    await next.release();
    await until(async () => await holders(lock) === 0);
  },
);

redisTest(
  "keys that hold something else are named as what is wrong",
  async ({ client, server }) => {
    const locks = await client();
    for (const key of ["holders", "waiters", "queue", "leases", "meta"]) {
      const lock = locks.lock(key, fresh);
      server.cli("set", `interlock:{${key}}:${key}`, "mine");
      for (const refused of [lock.write(), lock.tryWrite(), lock.write({ timeout: 0 })]) {
        const error = await refusal(refused);
        assert(error instanceof RedisUnavailableError, `${key}: ${error}`);
        assert.match(error.message, /^Cannot write-lock .* holds something else \(WRONGTYPE/);
      }
      assert.equal(server.cli("get", `interlock:{${key}}:${key}`), "mine");
      server.cli("del", `interlock:{${key}}:${key}`);
      await (await lock.write()).release();
    }
  },
);

redisTest(
  "a server whose memory is full refuses who comes, and forgets nobody who is inside",
  async ({ client, server }) => {
    const lock = (await client()).lock("l", { ...fresh, lease: 900 });
    const guard = await lock.write();
    server.cli("config", "set", "maxmemory", "1");
    const error = await refusal(lock.write());
    assert(error instanceof RedisUnavailableError);
    assert.match(error.message, /its memory is full \(OOM/);
    await new Promise((resolve) => setTimeout(resolve, 1200));
    assert.equal(guard.signal.aborted, false, "a renewal takes no memory");
    await guard.release();
    server.cli("config", "set", "maxmemory", "0");
    assert.equal(await holders(lock), 0, "what frees memory is done");
  },
);

redisTest(
  "a server that writes nothing for the moment refuses who comes, and renews when it does again",
  async ({ client, server }) => {
    const lock = (await client()).lock("l", { ...fresh, lease: 900 });
    await using guard = await lock.write();
    const refusals = () =>
      Number(/errorstat_NOREPLICAS:count=(\d+)/.exec(server.cli("info", "errorstats"))?.[1] ?? 0);
    server.cli("config", "set", "min-replicas-to-write", "1");
    await until(() => refusals() > 0); // of a renewal, for nobody has asked anything else
    const error = await refusal(lock.write());
    assert(error instanceof RedisUnavailableError);
    assert.match(error.message, /too few of its replicas keep up \(NOREPLICAS/);
    assert.equal(guard.signal.aborted, false, "one renewal that is refused is no reason");
    server.cli("config", "set", "min-replicas-to-write", "0");
    await new Promise((resolve) => setTimeout(resolve, 1200));
    assert.equal(guard.signal.aborted, false, "it is renewed when it can be again");
  },
);

redisTest("a try that is refused costs the server one question", async ({ client, server }) => {
  const lock = (await client()).lock("l", fresh);
  const other = (await client()).lock("l", { ...fresh, lease: 60_000 });
  await using _guard = await other.write();
  server.cli("config", "resetstat");
  assert.equal(await lock.tryRead(), undefined);
  assert.equal(await waiters(lock), 0);
  assert.match(server.cli("info", "commandstats"), /cmdstat_evalsha:calls=2,/);
});

redisTest(
  "a primary that becomes a replica takes the trust from guards and refuses who comes",
  async ({ client, server }) => {
    const lock = (await client()).lock("l", { ...fresh, lease: 300 });
    const guard = await lock.write();
    server.cli("replicaof", "127.0.0.1", "1");
    if (!guard.signal.aborted) await once(guard.signal, "abort");
    const error = await refusal(lock.write({ timeout: 3000 }));
    assert(error instanceof RedisUnavailableError, String(error));
    assert.match(error.message, /it is a replica|it is not ready/);
    server.cli("replicaof", "no", "one");
  },
);

redisTest("a server without RESP3 is told from one that can do it", async ({ client }) => {
  const error = await refusal(client());
  assert(error instanceof RedisUnavailableError);
  assert.match(error.message, /no scripting or no RESP3, which locks need \(Redis 6 or later\)/);
}, { args: ["--rename-command", "HELLO", ""] });

redisTest("what a user may not do is told when it connects", async ({ server, client }) => {
  for (const command of ["-subscribe", "-publish", "-info", "-script|load"]) {
    server.cli("acl", "setuser", "poor", "reset", "on", ">p", "~*", "&*", "+@all", command);
    const error = await refusal(client({ username: "poor", password: "p" }));
    assert(error instanceof RedisUnavailableError, command);
    assert.match(error.message, /this user may not do what locks need \(NOPERM/);
  }
});

redisTest("what a user may not do is told when it acquires", async ({ server, client }) => {
  for (const [i, rule] of ["-evalsha", "-hset", "-zadd"].entries()) {
    server.cli("acl", "setuser", "poor", "reset", "on", ">p", "~*", "&*", "+@all", rule);
    const locks = await client({ username: "poor", password: "p" });
    const error = await refusal(locks.lock(`${i}`, fresh).write());
    assert(error instanceof RedisUnavailableError, rule);
    assert.match(error.message, /^Cannot write-lock \d: this user may not do what locks need \(/);
  }
});

redisTest("a node of a cluster is named as what is wrong", async ({ client }) => {
  using folder = new Folder();
  await using node = await Server.start("--dir", folder.path, "--cluster-enabled", "yes");
  const error = await refusal((await client({}, node.url)).lock("l", fresh).write());
  assert(error instanceof RedisUnavailableError);
  assert.match(error.message, /^Cannot write-lock l: it is a node of a cluster, which/);
});

redisTest(
  "a label may be longer than what the server takes, and costs no other lock anything",
  async ({ server, client }) => {
    server.cli("config", "set", "proto-max-bulk-len", "1mb");
    const locks = await client();
    await using other = await locks.lock("other", fresh).write();
    const lock = locks.lock("l", fresh);
    const label = "x".repeat(2 << 20);
    await using guard = await lock.write({ label, timeout: 2000 });
    assert.equal(guard.label, label);
    assert.equal((await lock.query()).holders[0].label, label.slice(0, 1024));
    assert.equal(other.signal.aborted, false);
  },
);

redisTest(
  "a try with a signal ends when that aborts, though the server says nothing",
  async ({ client, server }) => {
    const lock = (await client()).lock("l", { ...fresh, stats: true });
    server.signal("SIGSTOP");
    const controller = new AbortController();
    const tried = lock.write({ timeout: 0, signal: controller.signal });
    const reason = new Error("no longer wanted");
    controller.abort(reason);
    assert.equal(await refusal(tried), reason);
    server.signal("SIGCONT");
    await until(async () => (await lock.query()).holders.length === 0);
    const { aborted, timedOut } = lock.stats();
    assert.deepEqual([aborted, timedOut], [1, 0]);
  },
);

redisTest(
  "a server that has stopped is no reason to wait without end",
  async ({ client, server }) => {
    const locks = await client({ connectTimeout: 400 });
    const lock = locks.lock("l", fresh);
    const guard = await lock.write();
    server.signal("SIGSTOP");
    const since = performance.now();
    const [tried, asked, , timed] = await Promise.all([
      refusal(lock.tryWrite()),
      refusal(lock.query()),
      guard.release(),
      refusal(lock.write({ timeout: 0 })),
    ]);
    assert(performance.now() - since < 2000, `${performance.now() - since} ms`);
    for (const error of [tried, asked, timed]) {
      assert(error instanceof RedisUnavailableError);
      assert.match(error.message, /^Cannot (query|write-lock) l: .* did not answer within 400 ms$/);
    }
    server.signal("SIGCONT");
    await until(async () => {
      const query = await lock.query().catch(() => undefined);
      return query !== undefined && query.holders.length + query.waiters.length === 0;
    });
  },
);

redisTest(
  "closing while somebody acquires, waits and holds settles all of it",
  async ({ client }) => {
    const other = (await client()).lock("l", fresh);
    for (let i = 0; i < 10; i++) {
      const locks = await client();
      const lock = locks.lock("l", { ...fresh, lease: 200 });
      const held = lock.write();
      if (i % 2 === 0) await held;
      const waits = [lock.read(), lock.write(), lock.tryWrite()];
      if (i % 3 === 0) await until(async () => await waiters(other) === 2);
      const ended = Promise.allSettled([held, ...waits]);
      await locks[Symbol.asyncDispose]();
      locks.close();
      for (const end of await ended) {
        if (end.status === "rejected") assert(end.reason instanceof RedisUnavailableError);
        else if (end.value !== undefined) {
          if (!end.value.signal.aborted) await once(end.value.signal, "abort");
          await end.value.release();
        }
      }
      await (await other.write({ timeout: 2000 })).release();
    }
  },
);

redisTest("a guard is released once, before and after it is lost", async ({ client, server }) => {
  const lock = (await client()).lock("l", { ...fresh, lease: 300 });
  const guard = await lock.write();
  server.cli("flushall");
  if (!guard.signal.aborted) await once(guard.signal, "abort");
  const next = await lock.write();
  await Promise.all([guard.release(), guard.release(), guard[Symbol.asyncDispose]()]);
  assert.equal(guard.released, true);
  assert.equal(await lock.tryWrite(), undefined);
  await next.release();
});

redisTest(
  "whoever was stopped himself does not blame the server for it",
  async ({ client, server }) => {
    await using proxy = await Proxy.start(server.port);
    const lease = 200;
    const lock = (await client({}, proxy.url)).lock("l", { ...fresh, lease });
    const guard = await lock.write();
    const connections = () => server.cli("client", "list", "type", "pubsub").match(/^id=\d+/gm);
    const before = connections();
    await new Promise<void>((resolve) => {
      const chunks = proxy.chunks;
      // The next are a renewal and its answer: that one comes when the process goes on.
      proxy.onChunk = (chunk) => {
        if (chunk !== chunks + 1) return;
        for (const end = performance.now() + 2 * lease; performance.now() < end;);
        resolve();
      };
    });
    if (!guard.signal.aborted) await once(guard.signal, "abort");
    assert.match(String(guard.signal.reason), /not renewed in time|no longer knows its lease/);
    await (await lock.write()).release();
    assert.deepEqual(connections(), before);
    await guard.release();
  },
);

redisTest(
  "a server's clock that jumps forward lets in the next, and the last hears of it when it is renewed",
  async ({ client, server }) => {
    const lease = 900;
    const lock = (await client()).lock("l", { ...fresh, lease });
    const other = (await client()).lock("l", { ...fresh, lease });
    const guard = await lock.write();
    const waits = other.write();
    await until(async () => await waiters(lock) === 1);
    // By the server's clock the holder's lease passed long ago.
    const id = server.cli("hkeys", "interlock:{l}:holders");
    server.cli("zadd", "interlock:{l}:leases", "1", id);
    const since = performance.now();
    const next = await waits;
    assert(next.token > guard.token);
    if (!guard.signal.aborted) await once(guard.signal, "abort");
    const heard = performance.now() - since;
    assert(heard < lease - 100, `${heard} ms: by a renewal, before the lease could have passed`);
    await guard.release();
    assert.equal(await holders(lock), 1);
    await next.release();
  },
);

redisTest(
  "a token is greater than the last, though the clock went back",
  async ({ client, server }) => {
    const lock = (await client()).lock("l", fresh);
    await (await lock.write()).release();
    // The clock was ahead when this one was given: in the year 2096.
    server.cli("hset", "interlock:{l}:meta", "token", "4000000000000000");
    for (const token of [4_000_000_000_000_001n, 4_000_000_000_000_002n]) {
      await using guard = await lock.write();
      assert.equal(guard.token, token);
    }
  },
);
