/**
 * What the child processes of these tests do: one function a role, chosen by the first argument,
 * with its parameters as JSON in the second. See `_children.ts`.
 */
import { spawn } from "node:child_process";
import { readFileSync, writeFileSync, writeSync } from "node:fs";
import process from "node:process";
import { createInterface } from "node:readline";
import { systemHost, withHost } from "../../lib/_host.ts";
import { CsvRow, QueueFullError, queueWrite, removeFromQueue, Table } from "../../lib/queue/mod.ts";
import { FileLock, type Guard, type LockMode } from "../../mod.ts";
import { writeBlindly, writeFenced } from "./_fenced_file.ts";
import { type StoreRoles, storeRoles } from "./_store_roles.ts";
import { type Twin, twinOf } from "../lib/_altered.ts";
import { TABLE, type TwinName, twins } from "./_storm.ts";
import { openTally, tallyAfter, wrongWith } from "./_tally.ts";

/** The parameters of each role. */
export interface Roles extends StoreRoles {
  /** Adds one to a counter file, again and again. */
  increment: { counter: string; lock: string | undefined; times: number };
  /** Acquires when told to, and says so; releases when told to. */
  hold: { lock: string; mode: LockMode };
  /** Holds, and has a child of its own. */
  parent: { lock: string };
  /** Holds, and lets nothing else run for a while. */
  blocked: { lock: string; ms: number };
  /** The same with proper-lockfile. */
  "blocked-peer": { file: string; ms: number; stale: number };
  /** Enters again and again for some time, and says how long it waited each time. */
  loop: {
    lock: string;
    how: "FileLock" | "polling";
    mode: LockMode;
    /** How long it is inside each time, and outside between, in milliseconds. */
    inside: number;
    outside: number;
    for: number;
  };
  /** Acquires and releases, and has nothing else to do. */
  brief: { lock: string };
  /** Adds to a tally, so many times, and says each epoch if it is told to. */
  commit: { file: string; name: string; times: number; says: boolean };
  /** The same, but it writes into the file that readers read. */
  "commit-in-place": { file: string; name: string; times: number };
  /**
   * Inserts rows `key 0`, `key 1` and so on into a table, each after the one before is accepted. One
   * that queues them also queues rows that it removes again.
   */
  produce: { base: string; key: string; how: "write" | "queue"; twin: TwinName };
  /** Drains a table's queue in the background. */
  drain: { base: string; twin: TwinName };
  /** Drains once, and stops for ever when the table is replaced and nothing is taken away yet. */
  "drain-half": { base: string; twin: TwinName };
  /** Queues a row when told to, its key. */
  enqueue: { base: string };
  /** Reads a tally again and again until told to stop, and says what it found. */
  watch: { file: string };
  /** Adds one to a counter file, again and again, under a lock of a Redis server or under none. */
  "redis-increment": { url: string; counter: string; guarded: boolean; times: number };
  /** Holds locks of a Redis server, and says their tokens. */
  "redis-hold": { url: string; names: string[]; lease: number };
  /** Holds one, and writes when told to, whatever has become of its lease. */
  "redis-write-late": { url: string; lease: number; file: string; fenced: boolean };
}

const words = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

function say(what: string, details: object = {}): void {
  process.stdout.write(JSON.stringify({ say: what, ...details }) + "\n");
}

/** Waits for the parent's next word; ends the process with the parent. */
async function told(): Promise<string> {
  const { value, done } = await words.next();
  if (done) process.exit(0);
  return value;
}

/** The time, the same in all processes of this machine. */
function clock(): number {
  return performance.timeOrigin + performance.now();
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function spin(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

/** Plain polled flock, with the pauses of `FileLock` but without its gate: the twin that starves. */
async function polled(path: string, mode: LockMode): Promise<Guard> {
  const file = systemHost.files.open(path, { create: true, mode: 0o600 });
  while (!file.tryLock(mode === "read" ? "shared" : "exclusive")) {
    await sleep(1 + Math.random() * 19);
  }
  const release = () => file.close();
  return { mode, released: false, release, [Symbol.dispose]: release };
}

async function connectRedis(url: string) {
  const { RedisLocks } = await import("../../lib/redis/mod.ts");
  return await RedisLocks.connect(url);
}

const roles: { [R in keyof Roles]: (params: Roles[R]) => Promise<void> } = {
  ...storeRoles({ say, told }),

  async increment({ counter, lock: path, times }) {
    const lock = path === undefined ? undefined : new FileLock(path);
    say("up");
    await told();
    let longest = 0;
    for (let i = 0; i < times; i++) {
      const since = performance.now();
      using _guard = await lock?.write();
      longest = Math.max(longest, performance.now() - since);
      writeFileSync(counter, String(Number(readFileSync(counter, "utf8")) + 1));
    }
    say("done", { longest });
  },

  async hold({ lock: path, mode }) {
    const lock = new FileLock(path);
    say("up");
    for (;;) {
      await told();
      const wait = lock[mode]();
      say("waits");
      const guard = await wait;
      say("inside", { at: clock() });
      await told();
      guard.release();
      say("outside");
    }
  },

  async parent({ lock: path }) {
    const lock = new FileLock(path);
    await lock.write();
    const sleeper = spawn("sleep", ["60"], { stdio: "ignore" });
    say("up");
    await told();
    say("inside", { child: sleeper.pid });
    await told();
  },

  async blocked({ lock: path, ms }) {
    const lock = new FileLock(path);
    say("up");
    await told();
    const guard = await lock.write();
    say("inside");
    await sleep(0);
    spin(ms);
    say("still", { released: guard.released });
    await told();
    guard.release();
    say("outside");
  },

  async "blocked-peer"({ file, ms, stale }) {
    const { default: peer } = await import("proper-lockfile");
    say("up");
    await told();
    let compromised = false;
    const release = await peer.lock(file, { stale, onCompromised: () => compromised = true });
    say("inside");
    await sleep(0);
    spin(ms);
    // It had no chance to notice, and goes on as if it held the lock.
    await release().then(() => say("released", { compromised }), () => say("refused"));
  },

  async loop({ lock: path, how, mode, inside, outside, for: ms }) {
    const lock = new FileLock(path);
    say("up");
    await told();
    const waits: number[] = [];
    const end = performance.now() + ms;
    while (performance.now() < end) {
      const since = performance.now();
      {
        using _guard = how === "polling" ? await polled(path, mode) : await lock[mode]();
        waits.push(performance.now() - since);
        await sleep(inside);
      }
      if (outside > 0) await sleep(outside);
    }
    say("done", { waits });
  },

  async brief({ lock: path }) {
    const lock = new FileLock(path);
    say("up");
    await told();
    (await lock.write()).release();
    say("done");
  },

  async commit({ file, name, times, says }) {
    using snapshots = openTally(file);
    say("up");
    await told();
    for (let i = 0; i < times; i++) {
      const epoch = await snapshots.update((tally) => tallyAfter(tally, name));
      if (says) say("committed", { epoch });
    }
    say("done");
  },

  async "commit-in-place"({ file, name, times }) {
    const aside = `${file}.aside`;
    using snapshots = openTally(aside);
    say("up");
    await told();
    for (let i = 0; i < times; i++) {
      await snapshots.update((tally) => tallyAfter(tally, name));
      writeFileSync(file, readFileSync(aside));
    }
    say("done");
  },

  async produce({ base, key, how, twin }) {
    const host = twinOf(systemHost, twins[twin]);
    using table = withHost(host, () => new Table(base, TABLE));
    say("up");
    await told();
    for (let n = 0;; n++) {
      const write = { operation: "insert" as const, rows: [new CsvRow(`${key} ${n}`, [])] };
      const accept = async () => {
        if (how === "write") return (await table.write(write, { timeout: n % 2 * 200 })).state;
        await withHost(host, () => queueWrite(base, TABLE, write));
        return "queued";
      };
      try {
        say("accepted", { n, state: await accept() });
        if (how === "queue" && n % 3 === 2) {
          const rows = [new CsvRow(`~ ${key} ${n}`, [])];
          const id = await queueWrite(base, TABLE, { operation: "insert", rows });
          if (await removeFromQueue(base, TABLE, id)) say("removed", { key: rows[0].key });
        }
      } catch (error) {
        if (!(error instanceof QueueFullError)) throw error;
        say("full", { n });
        n--;
        await sleep(10);
      }
    }
  },

  async drain({ base, twin }) {
    using table = withHost(twinOf(systemHost, twins[twin]), () => new Table(base, TABLE));
    say("up");
    await told();
    table.startDraining({
      every: 5,
      onDrained: ({ drained }) => say("drained", { drained }),
      onError: (error) => Promise.reject(error),
    });
    await told();
  },

  async "drain-half"({ base, twin }) {
    const stopping: Twin = (files) => ({
      ...twins[twin](files),
      rename(from, to) {
        files.rename(from, to);
        if (!to.endsWith("table.csv")) return;
        writeSync(1, `${JSON.stringify({ say: "replaced" })}\n`);
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
      },
    });
    using table = withHost(twinOf(systemHost, stopping), () => new Table(base, TABLE));
    say("up");
    await told();
    await table.drain();
  },

  async enqueue({ base }) {
    say("up");
    for (;;) {
      const rows = [new CsvRow(await told(), [])];
      say("queued", { id: await queueWrite(base, TABLE, { operation: "insert", rows }) });
    }
  },

  async watch({ file }) {
    const snapshots = openTally(file);
    say("up");
    await told();
    let over = false;
    void told().then(() => over = true);
    let reads = 0;
    let last = 0;
    const epochs = new Set<number>();
    const wrong: string[] = [];
    while (!over) {
      reads++;
      try {
        const { value, epoch } = snapshots.read();
        if (epoch < last) wrong.push(`epoch ${epoch} after ${last}`);
        const found = wrongWith(value, epoch);
        if (found !== undefined) wrong.push(found);
        epochs.add(last = epoch);
      } catch (error) {
        wrong.push((error as Error).message);
      }
      if (reads % 8 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    say("done", { reads, last, epochs: epochs.size, wrong: wrong.length, first: wrong[0] });
  },

  async "redis-increment"({ url, counter, guarded, times }) {
    const locks = await connectRedis(url);
    const lock = locks.lock("counter", { restartGrace: 0 });
    const add = () => writeFileSync(counter, String(Number(readFileSync(counter, "utf8")) + 1));
    say("up");
    await told();
    let longest = 0;
    for (let i = 0; i < times; i++) {
      const since = performance.now();
      if (guarded) await lock.withWrite(add);
      else {
        // As far from each other as they are with the lock.
        await lock.query();
        add();
      }
      longest = Math.max(longest, performance.now() - since);
      if ((i + 1) % 100 === 0) say("counted");
    }
    say("done", { longest });
    locks.close();
  },

  async "redis-hold"({ url, names, lease }) {
    const locks = await connectRedis(url);
    say("up");
    await told();
    const guards = await Promise.all(
      names.map((name) => locks.lock(name, { restartGrace: 0, lease }).write()),
    );
    say("inside", { tokens: guards.map(({ token }) => String(token)) });
    await told();
  },

  async "redis-write-late"({ url, lease, file, fenced }) {
    const locks = await connectRedis(url);
    say("up");
    await told();
    const guard = await locks.lock("file", { restartGrace: 0, lease }).write();
    say("inside", { token: String(guard.token) });
    await told();
    const before = guard.signal.aborted;
    const done = fenced ? writeFenced(file, "late", guard.token) : writeBlindly(file, "late");
    await sleep(0);
    say("wrote", { done, before, after: guard.signal.aborted });
    locks.close();
  },
};

const [role, params] = process.argv.slice(2);
await roles[role as keyof Roles](JSON.parse(params) as never);
