/** The contract of `RedisLock`, against a real server. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  LeaseLostError,
  LockTimeoutError,
  type RedisConnectOptions,
  type RedisGuard,
  RedisLocks,
  RedisUnavailableError,
} from "../../../lib/redis/mod.ts";
import type { Contention } from "../../../lib/lock.ts";
import { Proxy } from "./_proxy.ts";
import { fresh, redisTest, until } from "./_server.ts";

/** Lets whatever was sent arrive, and its answer too. */
async function asked(lock: { query(): Promise<{ waiters: readonly unknown[] }> }, waiters: number) {
  await until(async () => (await lock.query()).waiters.length === waiters);
}

redisTest("RedisLock.write() keeps out every other, of any client", async ({ client }) => {
  const [mine, theirs] = [(await client()).lock("l", fresh), (await client()).lock("l", fresh)];
  const guard = await mine.write();
  assert.equal(await mine.tryWrite(), undefined);
  assert.equal(await theirs.tryWrite(), undefined);
  assert.equal(await theirs.tryRead(), undefined);
  await guard.release();
  await using next = await theirs.tryWrite();
  assert.equal(next?.mode, "write");
});

redisTest("RedisLock.read() lets readers in together", async ({ client }) => {
  const [mine, theirs] = [(await client()).lock("l", fresh), (await client()).lock("l", fresh)];
  await using a = await mine.read();
  await using b = await theirs.read();
  assert(a.token < b.token);
  assert.equal(await theirs.tryWrite(), undefined);
});

redisTest(
  "RedisLock serves first come, first served, and no reader overtakes a writer",
  async ({ client }) => {
    const locks = [(await client()).lock("l", fresh), (await client()).lock("l", fresh)];
    const first = await locks[0].write();
    const order: string[] = [];
    const waits: Promise<void>[] = [];
    const modes = ["read", "read", "write", "read", "write", "read"] as const;
    for (const [i, mode] of modes.entries()) {
      const wait = locks[i % 2][mode]({ label: `${mode} ${i}` }).then((guard) => {
        order.push(guard.label!);
        return guard.release();
      });
      waits.push(wait);
      await asked(locks[0], i + 1);
    }
    assert.equal(await locks[1].tryRead(), undefined, "try overtakes the queue");
    await first.release();
    await Promise.all(waits);
    const readers = order.slice(0, 2).sort();
    assert.deepEqual([...readers, ...order.slice(2)], modes.map((mode, i) => `${mode} ${i}`));
  },
);

redisTest(
  "RedisGuard.release() does nothing the second time, and frees no other's",
  async ({ client }) => {
    const lock = (await client()).lock("l", fresh);
    const first = await lock.write();
    await first.release();
    assert.equal(first.released, true);
    await using second = await lock.write();
    await first.release();
    assert.equal(await lock.tryWrite(), undefined);
    assert.equal(second.released, false);
  },
);

redisTest(
  "RedisLock.write() rejects when its time has passed, and leaves no place behind",
  async ({ client }) => {
    const lock = (await client()).lock("accounts", fresh);
    const guard = await lock.read({ label: "report" });
    const error = await lock.write({ timeout: 30 }).catch((error) => error);
    assert(error instanceof LockTimeoutError);
    assert.match(
      error.message,
      /^Cannot write-lock accounts within \d.* ms: it is held by a reader \(report\)$/,
    );
    await using _reader = await lock.read({ timeout: 500 });
    assert.equal((await lock.query()).waiters.length, 0);
    await guard.release();
  },
);

redisTest(
  "RedisLock.write({ timeout: 0 }) takes the lock only if it is free",
  async ({ client }) => {
    const lock = (await client()).lock("l", fresh);
    const guard = await lock.write({ timeout: 0 });
    await assert.rejects(lock.read({ timeout: 0 }), LockTimeoutError);
    await guard.release();
  },
);

redisTest(
  "RedisLock.write() rejects with the signal's reason and lets in those behind",
  async ({ client }) => {
    const lock = (await client()).lock("l", fresh);
    await using _reader = await lock.read();
    const controller = new AbortController();
    const writer = lock.write({ signal: controller.signal });
    await asked(lock, 1);
    const behind = lock.read();
    await asked(lock, 2);
    const reason = new Error("no longer wanted");
    controller.abort(reason);
    await assert.rejects(writer, reason);
    await (await behind).release();
    await assert.rejects(lock.write({ signal: controller.signal }), reason);
  },
);

redisTest(
  "an aborted wait that was granted in that moment gives the lock back",
  async ({ client }) => {
    const lock = (await client()).lock("l", fresh);
    const other = (await client()).lock("l", fresh);
    for (let i = 0; i < 50; i++) {
      const holder = await other.write();
      const controller = new AbortController();
      const wait = lock.write({ signal: controller.signal }).then(
        (guard) => guard.release(),
        () => {},
      );
      if (i % 2 === 0) await asked(other, 1);
      const released = holder.release();
      if (i % 3 === 0) await released;
      controller.abort();
      await wait;
      await released;
      await until(async () => (await other.query()).holders.length === 0);
    }
  },
);

redisTest("RedisLock.withWrite() releases however its function ends", async ({ client }) => {
  const lock = (await client()).lock("l", fresh);
  assert.equal(await lock.withWrite((guard) => guard.token > 0n), true);
  await assert.rejects(lock.withWrite(() => Promise.reject(new Error("inside"))), /inside/);
  await assert.rejects(
    lock.withRead(() => {
      throw new Error("at once");
    }),
    /at once/,
  );
  assert.deepEqual(await lock.query(), { holders: [], waiters: [] });
});

redisTest("a lease is renewed for as long as its holder lives", async ({ client }) => {
  const lock = (await client()).lock("l", { ...fresh, lease: 400 });
  const other = (await client()).lock("l", { ...fresh, lease: 400 });
  await using guard = await lock.write();
  await assert.rejects(other.write({ timeout: 1200 }), LockTimeoutError);
  assert.equal(guard.signal.aborted, false);
  assert(guard.remaining > 0);
});

redisTest(
  "a client that is gone frees its locks when the lease has passed, and not before",
  async ({ client }) => {
    const gone = await client();
    const held = await gone.lock("l", { ...fresh, lease: 300 }).write();
    const lock = (await client()).lock("l", { ...fresh, lease: 300 });
    const since = performance.now();
    gone.close();
    const waits = lock.write();
    await until(() => held.signal.aborted);
    assert(held.signal.reason instanceof LeaseLostError);
    await using next = await waits;
    const waited = performance.now() - since;
    assert(waited >= 190, `it came in after ${waited} ms, and the lease was 300, renewed each 100`);
    assert(next.token > held.token);
  },
);

redisTest(
  "a waiter that dies leaves the queue when its lease has passed",
  async ({ client, server }) => {
    const lock = (await client()).lock("l", { ...fresh, lease: 300 });
    const proxy = await Proxy.start(server.port);
    const gone = await client({}, proxy.url);
    const guard = await lock.read();
    gone.lock("l", { ...fresh, lease: 300 }).write().catch(() => {});
    await asked(lock, 1);
    await proxy[Symbol.asyncDispose](); // no word of it comes through any more
    const reader = await lock.read(); // behind the dead writer
    await reader.release();
    await guard.release();
    assert.deepEqual(await lock.query(), { holders: [], waiters: [] });
    assert.equal(server.cli("keys", "*"), "interlock:{l}:meta");
  },
);

redisTest(
  "nothing but the last token stays on the server when everybody dies",
  async ({ client, server }) => {
    const proxy = await Proxy.start(server.port);
    const gone = await client({}, proxy.url);
    const lock = gone.lock("l", { ...fresh, lease: 100 });
    await lock.write();
    lock.write().catch(() => {});
    await asked(lock, 1);
    await proxy[Symbol.asyncDispose]();
    await until(() => server.cli("keys", "*") === "interlock:{l}:meta");
    assert(Number(server.cli("pttl", "interlock:{l}:meta")) > 6 * 24 * 3_600_000);
  },
);

redisTest("RedisLock.query() tells who holds and who waits, in all clients", async ({ client }) => {
  const lock = (await client()).lock("l", fresh);
  const other = (await client()).lock("l", fresh);
  const guard = await lock.write({ label: "import: a\nb" });
  const waits = other.read({ label: "report" });
  await asked(lock, 1);
  const { holders: [holder], waiters: [waiter] } = await lock.query();
  assert.deepEqual({ ...holder, since: 0 }, {
    mode: "write",
    label: "import: a\nb",
    token: guard.token,
    since: 0,
  });
  assert.deepEqual({ ...waiter, since: 0 }, { mode: "read", label: "report", since: 0 });
  assert(Math.abs(waiter.since - Date.now()) < 5000);
  await guard.release();
  await (await waits).release();
});

redisTest("RedisLock.stats() counts what this client did", async ({ client }) => {
  const locks = await client();
  const lock = locks.lock("l", { ...fresh, stats: true });
  const guard = await lock.write();
  const waits = lock.read();
  await assert.rejects(lock.write({ timeout: 20 }), LockTimeoutError);
  await assert.rejects(lock.write({ signal: AbortSignal.timeout(20) }));
  // Those that need not wait to know, and tries, which count only when they succeed.
  await assert.rejects(lock.write({ timeout: 0 }), LockTimeoutError);
  await assert.rejects(lock.write({ signal: AbortSignal.abort() }));
  assert.equal(await lock.tryWrite(), undefined);
  assert.deepEqual([lock.stats().holders, lock.stats().waiters], [1, 1]);
  await guard.release();
  await (await waits).release();
  const { acquired, contended, timedOut, aborted, wait, hold } = lock.stats();
  assert.deepEqual(acquired, { read: 1, write: 1 });
  assert.deepEqual([contended, timedOut, aborted, wait.count, hold.count], [3, 2, 2, 3, 2]);
  assert.throws(() => locks.lock("l", fresh).stats(), TypeError);
});

redisTest(
  "a wait for a server that was just started is a wait like any other",
  async ({ client }) => {
    const lock = (await client()).lock("l", { lease: 1000, restartGrace: 1500, stats: true });
    const waits = lock.write({ label: "early" });
    assert.equal(lock.stats().waiters, 1);
    await (await waits).release();
    const { contended, wait } = lock.stats();
    assert.deepEqual([contended, wait.count], [1, 1]);
  },
);

redisTest("RedisLock.write() with a timeout of 0 says who is inside", async ({ client }) => {
  await using _guard = await (await client()).lock("l", fresh).write({ label: "report" });
  await assert.rejects(
    (await client()).lock("l", fresh).write({ timeout: 0 }),
    (error) => {
      assert(error instanceof LockTimeoutError);
      assert.deepEqual(error.holders, [{ mode: "write", label: "report" }]);
      return true;
    },
  );
});

redisTest(
  "8,000 of one process that wait for a lock cost as little as they are",
  async ({ client }) => {
    const lock = (await client()).lock("l", { restartGrace: 0 });
    const writer = await lock.write();
    const readers = Array.from({ length: 8000 }, () => lock.read());
    const last = lock.write();
    await until(async () => (await lock.query()).waiters.length === 8001, 20_000);
    await writer.release();
    const guards = await Promise.all(readers);
    assert(guards.every(({ remaining }) => remaining > 0));
    await Promise.all(guards.map((guard) => guard.release()));
    await (await last).release();
  },
  { timeout: 60_000 },
);

redisTest("RedisLock tells once of a wait that lasts", async ({ client }) => {
  const told: Contention[] = [];
  const lock = (await client()).lock("l", {
    ...fresh,
    contentionAfter: 20,
    onContention: (event) => void told.push(event),
  });
  const guard = await lock.write({ label: "long" });
  await assert.rejects(lock.read({ timeout: 100 }), LockTimeoutError);
  assert.deepEqual(told.map(({ mode, holders }) => [mode, holders[0].label]), [["read", "long"]]);
  assert(told[0].waited >= 20);
  await guard.release();
});

redisTest("names with odd characters are names of their own", async ({ client }) => {
  const locks = await client();
  const names = [
    "a",
    "a}",
    "{a}",
    "}{",
    "%7D",
    "{",
    "a b\r\n",
    "é",
    "\u{1f512}",
    "\0",
    "*",
    "x".repeat(1024),
  ];
  const guards: RedisGuard[] = [];
  for (const name of names) {
    const guard = await locks.lock(name, fresh).tryWrite();
    assert(guard !== undefined, `${JSON.stringify(name)} is taken for another`);
    guards.push(guard);
  }
  for (const name of names) assert.equal(await locks.lock(name, fresh).tryWrite(), undefined);
  for (const guard of guards) await guard.release();
});

redisTest("bad arguments are refused, and the message says what is allowed", async ({ client }) => {
  const locks = await client();
  const refused = (make: () => unknown, kind: typeof Error, message: RegExp) =>
    assert.throws(make, (error) => error instanceof kind && message.test(error.message));
  refused(() => locks.lock(""), RangeError, /name must have from 1 to 1024 characters, got 0/);
  refused(() => locks.lock("x".repeat(1025)), RangeError, /got 1025/);
  refused(() => locks.lock("\ud800"), TypeError, /well-formed Unicode/);
  refused(() => locks.lock(7 as never), TypeError, /name must be a string, got 7/);
  refused(
    () => locks.lock("l", { lease: 49 }),
    RangeError,
    /lease must be .* from 50 to 86400000, got 49/,
  );
  refused(() => locks.lock("l", { lease: 99.5 }), RangeError, /got 99.5/);
  refused(() => locks.lock("l", { restartGrace: -1 }), RangeError, /restartGrace/);
  refused(() => locks.lock("l", { stats: 1 as never }), TypeError, /stats must be true or false/);
  const lock = locks.lock("l", fresh);
  await assert.rejects(lock.write({ timeout: -1 }), RangeError);
  await assert.rejects(lock.write({ signal: 1 as never }), TypeError);
  await assert.rejects(lock.withWrite(1 as never), TypeError);
  assert.deepEqual(await lock.query(), { holders: [], waiters: [] });
});

test(
  "RedisLocks.connect() refuses what is no URL, without repeating a password",
  { timeout: 5000 },
  async () => {
    const like = /^Cannot connect: url must be like redis:\/\//;
    const refused: [string, RegExp, RedisConnectOptions?][] = [
      ["", like],
      ["127.0.0.1:6379", like],
      ["http://x", like],
      ["redis//u:secret@h", like],
      ["postgres://u:secret@h", like],
      ["redis://u:%zz@h", /^Cannot connect: user and password in url must be percent-encoded/],
      [
        "redis://u:secret@h/zero",
        /^Cannot connect: the database in url must be a number, got "\/z/,
      ],
      ["redis://u:secret@h", /^Cannot connect: tls is given, and url does not begin/, { tls: {} }],
      ["rediss://u:secret@h", /tls.ca must be a string, got 7$/, { tls: { ca: 7 as never } }],
      ["rediss://u:secret@h", /tls must be an object, got null$/, { tls: null as never }],
      ["redis://u:secret@h", /password must be a string, got 7$/, { password: 7 as never }],
    ];
    for (const [url, message, options] of refused) {
      const error = await RedisLocks.connect(url, options).catch((error) => error);
      assert(error instanceof TypeError, url);
      assert.match(error.message, message);
      assert(!error.message.includes("secret"));
    }
    const patience = RedisLocks.connect("redis://h", { connectTimeout: NaN });
    await assert.rejects(patience, RangeError);
  },
);

redisTest(
  "what a lock is asked for with is read before it is asked for, and only then",
  async ({ client }) => {
    const lock = (await client()).lock("l", fresh);
    for (const timeout of [0, 1000]) {
      let asked = false;
      const label = () => {
        assert(!asked, "read when the lock is held already, it would be held for ever");
        return "mine";
      };
      const guards = lock.write({
        timeout,
        get label() {
          return label();
        },
      });
      asked = true;
      await using guard = await guards;
      assert.equal(guard.label, "mine");
    }
    const signal = {
      aborted: false,
      addEventListener() {
        throw new Error("not mine");
      },
    };
    // Were anything left of it, it would reject a promise that nobody has.
    const waits = lock.write({ timeout: 10, signal: signal as never });
    await assert.rejects(waits, /^Error: not mine$/);
    await new Promise((resolve) => setTimeout(resolve, 30));
    assert.deepEqual(await lock.query(), { holders: [], waiters: [] });
  },
);

redisTest("RedisLocks.close() refuses who waits and who comes", async ({ client }) => {
  const [locks, other] = [await client(), await client()];
  const guard = await other.lock("l", fresh).write();
  const waits = locks.lock("l", fresh).write();
  await asked(other.lock("l", fresh), 1);
  locks.close();
  await assert.rejects(waits, RedisUnavailableError);
  await assert.rejects(locks.lock("l", fresh).write(), /connection to redis:\S+ was closed$/);
  await assert.rejects(locks.lock("l", fresh).tryWrite(), RedisUnavailableError);
  await guard.release();
});
