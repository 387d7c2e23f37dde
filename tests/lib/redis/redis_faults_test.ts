/** What becomes of `RedisLock` when the server, the connection or a message is lost. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { test } from "node:test";
import {
  LeaseLostError,
  LockTimeoutError,
  type RedisGuard,
  RedisLocks,
  RedisUnavailableError,
} from "../../../lib/redis/mod.ts";
import { Proxy } from "./_proxy.ts";
import { leastGrowth } from "../../_garbage.ts";
import { freePort, fresh, redisTest, Server, until } from "./_server.ts";

/** What `promise` rejects with, which must be soon. */
async function refusal(promise: Promise<unknown>, within = 4000): Promise<Error> {
  const since = performance.now();
  const error = await promise.then(() => undefined, (error) => error);
  assert(error instanceof Error, "it was not refused");
  assert(performance.now() - since < within, `refused only after ${performance.now() - since} ms`);
  return error;
}

/** Resolves with the reason when the guard is no longer to be trusted. */
async function lost(guard: RedisGuard): Promise<LeaseLostError> {
  if (!guard.signal.aborted) await once(guard.signal, "abort");
  assert(guard.signal.reason instanceof LeaseLostError);
  assert.equal(guard.remaining, 0);
  return guard.signal.reason;
}

test(
  "RedisLocks.connect() says what is wrong where nobody listens",
  { timeout: 10_000 },
  async () => {
    const port = await freePort();
    const error = await refusal(RedisLocks.connect(`redis://:secret@127.0.0.1:${port}`));
    assert(error instanceof RedisUnavailableError);
    assert.match(
      error.message,
      new RegExp(`^Cannot connect to redis://127.0.0.1:${port}: .*ECONNREFUSED`),
    );
  },
);

test(
  "RedisLocks.connect() gives up on a server that says nothing",
  { timeout: 10_000 },
  async () => {
    const silent = createServer((socket) => socket.on("error", () => {})).listen(0, "127.0.0.1");
    await once(silent, "listening");
    const { port } = silent.address() as { port: number };
    const error = await refusal(
      RedisLocks.connect(`redis://127.0.0.1:${port}`, { connectTimeout: 200 }),
    );
    assert(error instanceof RedisUnavailableError);
    assert.match(error.message, /: the server did not answer within 200 ms$/);
    silent.close();
  },
);

test(
  "RedisLocks.connect() gives up on a server that speaks another language",
  { timeout: 10_000 },
  async () => {
    const web = createServer((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")).listen(
      0,
      "127.0.0.1",
    );
    await once(web, "listening");
    const { port } = web.address() as { port: number };
    const error = await refusal(
      RedisLocks.connect(`redis://127.0.0.1:${port}`, { connectTimeout: 500 }),
    );
    assert(error instanceof RedisUnavailableError);
    web.close();
  },
);

redisTest("RedisLocks.connect() says that the password was refused", async ({ server, client }) => {
  for (const url of [server.url, server.url.replace("//", "//:wrong@")]) {
    const error = await refusal(RedisLocks.connect(url));
    assert(error instanceof RedisUnavailableError);
    assert.match(error.message, /: it refused the password \(/);
    assert(!error.message.includes("wrong@"));
  }
  await using guard = await (await client({ password: "right" })).lock("l", fresh).write();
  assert.equal(guard.mode, "write");
}, { args: ["--requirepass", "right"] });

redisTest("RedisLocks.connect() says that the server has no scripting", async ({ server }) => {
  const error = await refusal(RedisLocks.connect(server.url));
  assert(error instanceof RedisUnavailableError);
  assert.match(error.message, /it has no scripting/);
}, { args: ["--rename-command", "SCRIPT", ""] });

redisTest("RedisLocks.connect() says that the user may not", async ({ server }) => {
  const url = server.url.replace("//", "//poor:p@");
  const error = await refusal(RedisLocks.connect(url));
  assert.match(error.message, /this user may not do what locks need \(NOPERM/);
}, { args: ["--user", "poor", "on", ">p", "~*", "+@all", "-@scripting"] });

redisTest(
  "a server that is restarted takes the trust from guards before it lets anybody in",
  async ({ server, client }) => {
    const options = { lease: 1000 };
    const holder = (await client()).lock("l", { ...options, restartGrace: 0 });
    const other = (await client()).lock("l", options);
    const guard = await holder.write();
    const waits = other.write();
    await until(async () => (await holder.query()).waiters.length === 1);
    await server.kill();
    assert.match((await lost(guard)).message, /^Cannot hold l any longer: the connection was lost/);
    await server.restart();
    const restarted = performance.now();
    await using next = await waits;
    assert(performance.now() - restarted > 900, "nobody is let in for a lease after the start");
    assert(next.token > guard.token, "tokens grow although the server has lost its memory");
    await guard.release();
    assert.equal((await other.query()).holders.length, 1, "a late release frees no other's lock");
  },
);

redisTest(
  "whoever waits without a connection is refused when it stays lost",
  async ({ server, client }) => {
    const lock = (await client({ connectTimeout: 300 })).lock("l", fresh);
    await using _guard = await lock.write();
    const waits = lock.write();
    await until(async () => (await lock.query()).waiters.length === 1);
    await server.kill();
    const late = await refusal(lock.write({ timeout: 50 }));
    assert.match(late.message, /^Cannot write-lock l within \S+ ms: the connection is lost at/);
    const error = await refusal(waits);
    assert(error instanceof RedisUnavailableError);
    assert.match(error.message, /ECONNREFUSED.*; the connection was lost \d+ ms ago/);
    assert((await refusal(lock.tryWrite())) instanceof RedisUnavailableError);
    await server.restart();
    await using _next = await lock.write();
  },
);

redisTest(
  "a wait is bounded by its timeout and its signal though the server is gone",
  async ({ server, client }) => {
    const lock = (await client()).lock("l", fresh);
    await (await lock.write()).release();
    server.signal("SIGSTOP");
    assert((await refusal(lock.write({ timeout: 50 }))) instanceof LockTimeoutError);
    const aborted = await refusal(lock.write({ signal: AbortSignal.timeout(50) }));
    assert.equal(aborted.name, "TimeoutError");
    server.signal("SIGCONT");
    await until(async () => (await lock.query().catch(() => undefined))?.holders.length === 0);
    await until(async () => {
      const { holders, waiters } = await lock.query();
      return holders.length + waiters.length === 0;
    });
  },
);

redisTest(
  "renewal that is delayed past the lease takes the trust before another enters",
  async ({ server, client }) => {
    await using proxy = await Proxy.start(server.port);
    const guard = await (await client({}, proxy.url)).lock("l", { ...fresh, lease: 300 }).write();
    const waits = (await client()).lock("l", { ...fresh, lease: 300 }).write();
    proxy.hold();
    const order: string[] = [];
    const all = [
      lost(guard).then((error) => order.push(error.message)),
      waits.then((next) => {
        order.push("entered");
        return next.release();
      }),
    ];
    await Promise.all(all);
    assert.deepEqual(order, [
      "Cannot hold l any longer: its lease was not renewed in time",
      "entered",
    ]);
    proxy.resume();
    await guard.release();
  },
);

redisTest(
  "a holder that the server has forgotten is told by its next renewal",
  async ({ server, client }) => {
    const lock = (await client()).lock("l", { ...fresh, lease: 300 });
    const guard = await lock.write();
    server.cli("flushall");
    assert.match((await lost(guard)).message, /the server no longer knows its lease$/);
  },
);

redisTest("withWrite() rejects when the lease was lost inside", async ({ server, client }) => {
  const lock = (await client()).lock("l", { ...fresh, lease: 300 });
  await assert.rejects(
    lock.withWrite(async (guard) => {
      server.cli("flushall");
      await once(guard.signal, "abort");
    }),
    LeaseLostError,
  );
});

redisTest(
  "a grant whose message is lost is heard of within a third of the lease",
  async ({ server, client }) => {
    await using proxy = await Proxy.start(server.port);
    proxy.losesMessages = true;
    const lock = (await client({}, proxy.url)).lock("l", { ...fresh, lease: 2400 });
    const other = (await client()).lock("l", { ...fresh, lease: 2400 });
    const holder = await other.write();
    const waits = lock.write();
    await until(async () => (await other.query()).waiters.length === 1);
    const since = performance.now();
    await holder.release();
    await using _guard = await waits;
    const waited = performance.now() - since;
    assert(waited < 1600, `it was heard of after ${waited} ms; a third of the lease is 800`);
  },
);

redisTest(
  "whoever empties the server's cache of scripts disturbs nobody",
  async ({ server, client }) => {
    const lock = (await client()).lock("l", fresh);
    server.cli("script", "flush");
    const guard = await lock.write();
    server.cli("script", "flush");
    await guard.release();
    assert.deepEqual(await lock.query(), { holders: [], waiters: [] });
  },
);

for (const mode of ["waiter", "holder"] as const) {
  redisTest(
    `who gives up while the script is sent anew stays behind as no ${mode}`,
    async ({ server, client }) => {
      await using proxy = await Proxy.start(server.port);
      const near = (await client()).lock("l", { restartGrace: 0, lease: 60_000 });
      const far = (await client({}, proxy.url)).lock("l", { restartGrace: 0, lease: 60_000 });
      const holder = mode === "waiter" ? await near.write() : undefined;
      const controller = new AbortController();
      server.cli("script", "flush");
      const { chunks } = proxy;
      proxy.onChunk = () => proxy.hold(); // the question passes, and its answer is kept back
      const waits = far.write({ signal: controller.signal });
      await until(() => proxy.chunks > chunks);
      proxy.onChunk = undefined;
      await near.query(); // brings the script back
      controller.abort();
      await assert.rejects(waits, { name: "AbortError" });
      // That it leaves gets to the server before it hears that the question has to be sent again.
      proxy.resume();
      for (let i = 0; i < 3; i++) await far.query(); // goes the same way, and so comes after
      await holder?.release();
      assert.deepEqual(await near.query(), { holders: [], waiters: [] });
    },
  );
}

redisTest(
  "the connection may be cut at any moment of acquiring and releasing",
  async ({ server, client }) => {
    const lease = 400;
    const near = (await client()).lock("l", { restartGrace: 0, lease });
    let cuts = 0;
    // Chunks come in their order, so each round cuts one later: while connecting, before the question, with
    // the answer under way, in the queue, with the grant under way, inside, and while releasing.
    for (let cutAt = 0;; cutAt++) {
      await using proxy = await Proxy.start(server.port);
      let cut = false;
      proxy.onChunk = (chunk) => {
        if (chunk !== cutAt) return;
        cut = true;
        proxy.cut();
      };
      let locks: RedisLocks;
      try {
        locks = await client({ connectTimeout: 1000 }, proxy.url);
      } catch (error) {
        assert(error instanceof RedisUnavailableError && cut, `${error}`);
        continue; // a first attempt is not made twice
      }
      const far = locks.lock("l", { restartGrace: 0, lease });
      const holder = await near.write();
      const waits = far.write();
      await until(async () => (await near.query()).waiters.length === 1 || cut);
      await holder.release();
      const guard = await waits;
      const inside = (await near.query()).holders;
      if (!guard.signal.aborted) assert.deepEqual(inside.map(({ token }) => token), [guard.token]);
      await guard.release();
      locks.close();
      await until(async () => (await near.query()).holders.length === 0);
      assert.deepEqual(await near.query(), { holders: [], waiters: [] });
      if (!cut) break;
      cuts++;
    }
    console.log(`  cut at ${cuts} moments after connecting`);
    assert(cuts >= 5, `only ${cuts} moments`);
  },
  { timeout: 60_000 },
);

redisTest(
  "a wait may be aborted at any moment of acquiring, and leaves nothing behind",
  async ({ server, client }) => {
    const near = (await client()).lock("l", fresh);
    const ends = { granted: 0, aborted: 0 };
    await using proxy = await Proxy.start(server.port);
    const far = (await client({}, proxy.url)).lock("l", fresh);
    for (const mode of ["read", "write"] as const) {
      // With the question, with its answer, in the queue, with the grant under way, and inside.
      for (let abortAt = 0, aborted = true; aborted; abortAt++) {
        const controller = new AbortController();
        const { signal } = controller;
        const first = proxy.chunks;
        proxy.onChunk = (chunk) => {
          if (chunk === first + abortAt) controller.abort();
        };
        const holder = await near.write();
        const waits = far[mode]({ signal });
        waits.catch(() => {}); // looked at below
        await until(async () => signal.aborted || (await near.query()).waiters.length === 1);
        await holder.release();
        try {
          await (await waits).release();
          ends.granted++;
        } catch (error) {
          assert.equal(error, signal.reason);
          ends.aborted++;
        }
        aborted = signal.aborted;
        await using _next = await near.write({ timeout: 500 });
        const { holders, waiters } = await near.query();
        assert.deepEqual([holders.length, waiters.length], [1, 0]);
      }
    }
    console.log(`  aborted at each moment: ${ends.aborted} gave up, ${ends.granted} were inside`);
    assert(ends.aborted >= 4 && ends.granted >= 2);
  },
);

redisTest(
  "a connection that is dead without a word is replaced when nobody is inside",
  async ({ server, client }) => {
    await using proxy = await Proxy.start(server.port);
    const lock = (await client({ connectTimeout: 200 }, proxy.url)).lock("l", {
      restartGrace: 0,
      lease: 60_000,
    });
    const answered = () => lock.query().then(() => true, () => false);
    for (const ask of [() => lock.tryWrite(), () => lock.query()]) {
      proxy.forget();
      assert.match((await refusal(ask())).message, /did not answer within 200 ms$/);
      await until(answered);
    }
    const guard = await lock.write();
    proxy.forget();
    await guard.release(); // nobody is inside any more, here
    await until(answered);
    assert.deepEqual(await lock.query(), { holders: [], waiters: [] });
  },
);

redisTest(
  "a server that says nothing for a while costs nobody who is inside the lock",
  async ({ server, client }) => {
    const locks = await client({ connectTimeout: 200 });
    const lock = locks.lock("l", { restartGrace: 0, lease: 60_000 });
    await using guard = await lock.write();
    server.signal("SIGSTOP");
    await refusal(locks.lock("m", fresh).tryWrite());
    await refusal(lock.query());
    server.signal("SIGCONT");
    assert.equal((await lock.query()).holders.length, 1);
    assert.equal(guard.signal.aborted, false);
  },
);

redisTest(
  "a lock that was asked for before the connection broke keeps its place",
  async ({ server, client }) => {
    await using proxy = await Proxy.start(server.port);
    const lock = (await client({}, proxy.url)).lock("l", fresh);
    const other = (await client()).lock("l", fresh);
    const holder = await other.write();
    const first = lock.write({ label: "first" });
    await until(async () => (await other.query()).waiters.length === 1);
    const second = other.write({ label: "second" });
    await until(async () => (await other.query()).waiters.length === 2);
    proxy.cut();
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.deepEqual((await other.query()).waiters.map(({ label }) => label), ["first", "second"]);
    await holder.release();
    await (await first).release();
    await (await second).release();
  },
);

redisTest(
  "a grant that is heard of only over the next connection is trusted no longer than its lease",
  async ({ server, client }) => {
    await using proxy = await Proxy.start(server.port);
    const lease = 1500;
    const far = (await client({}, proxy.url)).lock("l", { ...fresh, lease });
    const near = (await client()).lock("l", { ...fresh, lease });
    const holder = await near.write();
    const waits = far.write();
    await until(async () => (await near.query()).waiters.length === 1);
    const waitsBehind = near.write();
    await until(async () => (await near.query()).waiters.length === 2);
    proxy.hold();
    proxy.cut();
    await holder.release();
    // The lease runs from here, and most of it has passed when the grant is heard of.
    await new Promise((resolve) => setTimeout(resolve, 0.75 * lease));
    proxy.resume();
    const guard = await waits;
    proxy.hold();
    const order: string[] = [];
    await Promise.all([
      lost(guard).then(() => order.push("lost")),
      waitsBehind.then((next) => {
        order.push("entered");
        return next.release();
      }),
    ]);
    assert.deepEqual(order, ["lost", "entered"]);
    proxy.resume();
    await guard.release();
  },
);

redisTest(
  "a restarted server that refuses the password ends the waits",
  async ({ client, server }) => {
    const lock = (await client()).lock("l", fresh);
    await using _guard = await lock.write();
    const waits = lock.write();
    await until(async () => (await lock.query()).waiters.length === 1);
    await server.kill();
    await using other = await Server.start("--requirepass", "new");
    await using proxy = await Proxy.start(other.port, server.port);
    assert.match((await refusal(waits)).message, /it refused the password/);
    assert.notEqual(proxy.url, undefined);
  },
);

redisTest("who gives up while the server is gone is not kept for its return", async ({
  client,
  server,
}) => {
  const lock = (await client()).lock("l", { restartGrace: 0, lease: 50 });
  await server.kill();
  const growth = await leastGrowth(async () => {
    for (let i = 0; i < 20; i++) {
      const waits = Array.from({ length: 1000 }, () => refusal(lock.write({ timeout: 10 })));
      await Promise.all(waits);
    }
  });
  assert(growth < 0.5, `${growth} MB of 20,000 that gave up`);
});

redisTest("a server that was just started lets nobody in, and says why", async ({ client }) => {
  const lock = (await client()).lock("l", { lease: 5000 });
  assert.equal(await lock.tryWrite(), undefined);
  for (const timeout of [0, 30]) {
    const error = await refusal(lock.write({ timeout }));
    assert(error instanceof LockTimeoutError);
    assert.match(
      error.message,
      /: the server was started less than 5000 ms ago .*\(restartGrace\)$/,
    );
  }
});
