/**
 * `deno task bench:redis [TEXT…]`: `RedisLock` beside bare round trips and npm:redlock, on Deno and then on
 * Bun, against a server of its own (Debian's `redis-server`) on a free port.
 *
 * The floor is what no lock over a server can do without: to ask and to be answered, once to
 * acquire and once to release. A hand-off between two processes takes as many: the one says that it
 * leaves, and the other hears of it.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createClient } from "redis";
import { Redis } from "ioredis";
import Redlock from "redlock";
import { runCommand, runtimes } from "../lab/worlds/_runtimes.ts";
import { RedisLocks } from "../lib/redis/mod.ts";
import { Server } from "../tests/lib/redis/_server.ts";
import { main } from "./_main.ts";
import { type Contestant, defineBenchmark } from "../lab/runners/suite.ts";

const PAIRS = 100;
const HAND_OFFS = 100;

await using server = await Server.start();
const options = { restartGrace: 0 };

const client = createClient({ url: server.url });
await client.connect();
const roundTrips: Contestant = {
  name: "two bare round trips (PING)",
  async run() {
    for (let i = 0; i < PAIRS; i++) {
      await client.ping();
      await client.ping();
    }
    return PAIRS;
  },
};

const locks = await RedisLocks.connect(server.url);
const lock = locks.lock("uncontended", options);

const io = new Redis(server.port, "127.0.0.1");
const redlock = new Redlock([io], { retryCount: 0 });

const uncontended = defineBenchmark("RedisLock.write() + release, uncontended", () => ({
  operations: PAIRS,
  expected: PAIRS,
  ours: {
    name: "RedisLock",
    async run() {
      let last = 0n;
      let grown = 0;
      for (let i = 0; i < PAIRS; i++) {
        const guard = await lock.write();
        if (guard.token > last) grown++;
        last = guard.token;
        await guard.release();
      }
      return grown;
    },
  },
  rivals: [
    { ...roundTrips, atMost: 2.5 },
    {
      name: "redlock on one server",
      async run() {
        for (let i = 0; i < PAIRS; i++) await (await redlock.acquire(["key"], 10_000)).release();
        return PAIRS;
      },
    },
  ],
}));

// Between processes: this one and one of the same runtime, which wants the lock all the time.
const contended = locks.lock("contended", options);
const { command, args } = runCommand(
  runtimes()[0],
  new URL("./_redis_child.ts", import.meta.url).href,
  [server.url, contended.name],
);
const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
await once(child.stdout, "data");

const handOff = defineBenchmark("RedisLock hand-off between two processes", () => ({
  operations: HAND_OFFS,
  expected: HAND_OFFS / 2,
  ours: {
    name: "RedisLock",
    async run() {
      // Each turn of this side is followed by one of the other.
      let guard = await contended.write();
      let turns = 0;
      for (let i = 0; i < HAND_OFFS / 2; i++) {
        const next = contended.write();
        const before = guard.token;
        await guard.release();
        guard = await next;
        if (guard.token > before) turns++;
      }
      await guard.release();
      return turns;
    },
  },
  rivals: [{ ...roundTrips, run: async () => (await roundTrips.run() as number) / 2, atMost: 4 }],
}));

await main([uncontended, handOff], import.meta.url);

child.stdin.end();
await once(child, "exit");
locks.close();
client.destroy();
io.disconnect();
