/**
 * What every lock promises (`lib/lock.ts`, promises 1 to 6), and what those promise besides
 * inside one process, as checks that know of a lock only what is in its contract.
 *
 * A check is given a `Setup`: one lock seen from two sides, and a time that stands still until the
 * check moves it. `lock_contract_test.ts` says which locks, and which defects each check finds.
 */
import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import {
  type Contention,
  type Guard,
  type LockMode,
  type LockOptions,
  type LockStats,
  LockTimeoutError,
  type ReadWriteLock,
} from "../../mod.ts";

/** One lock, seen from two sides: two tasks, threads or processes. */
export interface Setup {
  readonly mine: ReadWriteLock;
  /** The same lock from the other side; where the sides are tasks, the same object. */
  readonly theirs: ReadWriteLock;
  /** Lets virtual time pass on both sides, and everything run that needs none. */
  advance(ms: number): Promise<void>;
  /** How many timers are set on both sides. */
  timers(): number;
  /** How often either side has read the clock, where that is counted. */
  clockReads?(): number;
}

/** One promise. */
export interface Promised {
  readonly name: string;
  /** Whether only locks inside one process promise it, to the tasks of one thread. */
  readonly ordered?: boolean;
  /** What the lock is built with. */
  readonly options?: LockOptions;
  readonly check: (setup: Setup) => Promise<void>;
}

const MODES: readonly LockMode[] = ["read", "write"];

/** How long a lock between processes may take to notice, in milliseconds, with a margin. */
const NOTICED = 200;

/** Where a promise stands. */
interface Watched<T> {
  readonly promise: Promise<T>;
  state: "waits" | "granted" | "rejected";
  value?: T;
  error?: unknown;
}

function watch<T>(promise: Promise<T>): Watched<T> {
  const watched: Watched<T> = { promise, state: "waits" };
  promise.then(
    (value) => Object.assign(watched, { state: "granted", value }),
    (error) => Object.assign(watched, { state: "rejected", error }),
  );
  return watched;
}

/** Lets time pass until it is settled. */
async function settled<T>(setup: Setup, watched: Watched<T>): Promise<Watched<T>> {
  for (let step = 0; step < 500 && watched.state === "waits"; step++) await setup.advance(1);
  assert.notEqual(watched.state, "waits", "it waits for ever");
  return watched;
}

/** Lets time pass until it is granted. */
async function granted<T>(setup: Setup, promise: Promise<T> | Watched<T>): Promise<T> {
  const watched = await settled(setup, promise instanceof Promise ? watch(promise) : promise);
  if (watched.state === "rejected") throw watched.error;
  return watched.value!;
}

/** Fails unless it still waits after time enough to be granted. */
async function assertWaits(setup: Setup, watched: Watched<unknown>): Promise<void> {
  await setup.advance(NOTICED);
  assert.equal(watched.state, "waits");
}

/** Acquires by a try, which between processes may need more than one. */
async function tried(setup: Setup, lock: ReadWriteLock, mode: LockMode): Promise<Guard> {
  for (let step = 0; step < NOTICED; step++) {
    const guard = mode === "read" ? lock.tryRead() : lock.tryWrite();
    if (guard !== undefined) return guard;
    await setup.advance(1);
  }
  assert.fail(`it cannot be ${mode}-locked, though it is free`);
}

/** Fails unless the lock is as if nobody had ever come. */
async function assertNothingLeft(setup: Setup): Promise<void> {
  const { mine, theirs } = setup;
  await setup.advance(0);
  for (const lock of [mine, theirs]) {
    assert.deepEqual(lock.query(), { holders: [], waiters: [] });
    (await tried(setup, lock, "write")).release();
    (await granted(setup, lock.write())).release();
    (await granted(setup, lock.read())).release();
  }
  assert.equal(setup.timers(), 0, "timers are left");
}

/** A signal that knows how many listeners it has. */
function countedSignal(): { controller: AbortController; listeners: () => number } {
  const controller = new AbortController();
  const { signal } = controller;
  const { addEventListener, removeEventListener } = signal;
  let count = 0;
  signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
    count++;
    addEventListener.apply(signal, args);
  };
  signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
    count--;
    removeEventListener.apply(signal, args);
  };
  return { controller, listeners: () => count };
}

const exclusion: Promised[] = [
  ...MODES.flatMap((held) => MODES.map((wanted) => ({ held, wanted }))).map((
    { held, wanted },
  ): Promised => {
    const shared = held === "read" && wanted === "read";
    return {
      name: `a ${wanted}er ${shared ? "enters" : "waits"} beside a ${held}er`.replaceAll("ee", "e"),
      async check(setup) {
        for (const lock of [setup.mine, setup.theirs]) {
          const holder = await granted(setup, setup.mine[held]());
          assert.equal(holder.mode, held);
          const entering = watch(lock[wanted]());
          if (!shared) {
            await assertWaits(setup, entering);
            assert.equal(wanted === "read" ? lock.tryRead() : lock.tryWrite(), undefined);
            holder.release();
          }
          const guard = await granted(setup, entering);
          assert.equal(guard.mode, wanted);
          const third = watch(setup.theirs.write());
          await assertWaits(setup, third);
          guard.release();
          holder.release();
          (await granted(setup, third)).release();
        }
        await assertNothingLeft(setup);
      },
    };
  }),
  {
    name: "a guard releases once: again it does nothing, whoever holds the lock by then",
    async check(setup) {
      for (const mode of MODES) {
        const guard = await granted(setup, setup.mine[mode]());
        assert.equal(guard.released, false);
        guard.release();
        assert.equal(guard.released, true);
        const [one, other] = [
          await granted(setup, setup.mine.read()),
          await granted(setup, setup.theirs.read()),
        ];
        guard.release();
        guard[Symbol.dispose]();
        one.release();
        one.release();
        const writer = watch(setup.mine.write());
        await assertWaits(setup, writer);
        other.release();
        (await granted(setup, writer)).release();
      }
      await assertNothingLeft(setup);
    },
  },
  {
    name: "a lock has no release of its own",
    async check(setup) {
      for (const name of ["release", "unlock"]) assert.equal(name in setup.mine, false, name);
      await assertNothingLeft(setup);
    },
  },
];

const leaving: Promised[] = [
  ...(["times out", "aborts"] as const).map((how): Promised => ({
    name: `a writer that ${how} lets in those it held back, and leaves nothing`,
    options: { label: "ledger" },
    async check(setup) {
      const holder = await granted(setup, setup.mine.read({ label: "report" }));
      const { controller, listeners } = countedSignal();
      const { signal } = controller;
      const writer = watch(setup.theirs.write({ timeout: 50, signal }));
      const behind = watch(setup.theirs.read());
      await setup.advance(10);
      assert.equal(writer.state, "waits");
      const reason = new Error("not any more");
      if (how === "aborts") controller.abort(reason);
      await settled(setup, writer);
      assert.equal(writer.state, "rejected");
      if (how === "aborts") {
        assert.equal(writer.error, reason);
      } else {
        const error = writer.error as LockTimeoutError;
        assert(error instanceof LockTimeoutError);
        assert.equal(error.lock, "ledger");
        assert.equal(error.mode, "write");
        assert(error.waited >= 50, `it waited ${error.waited} ms`);
        assert.match(error.message, /^Cannot write-lock ledger within .* ms: /);
        assert(error.holders === undefined || error.holders[0].mode === "read");
      }
      (await granted(setup, behind)).release();
      assert.equal(listeners(), 0, "listeners are left");
      holder.release();
      await assertNothingLeft(setup);
    },
  })),
  {
    name: "a hundred that give up, each in its own way, leave nothing",
    async check(setup) {
      const holder = await granted(setup, setup.mine.write());
      const { controller, listeners } = countedSignal();
      const { signal } = controller;
      const waiters = Array.from({ length: 100 }, (_, i) => {
        const lock = i % 2 === 0 ? setup.mine : setup.theirs;
        return watch(lock[MODES[i % 3 % 2]](i % 5 < 3 ? { timeout: 20 + i % 7 } : { signal }));
      });
      await setup.advance(30);
      controller.abort(new Error("enough"));
      for (const waiter of waiters) {
        assert.equal((await settled(setup, waiter)).state, "rejected");
      }
      assert.equal(listeners(), 0, "listeners are left");
      holder.release();
      await assertNothingLeft(setup);
    },
  },
  {
    name: "a signal already aborted ends it before it begins, though the lock is free",
    async check(setup) {
      const reason = new Error("too late");
      await assert.rejects(setup.mine.write({ signal: AbortSignal.abort(reason) }), reason);
      await assertNothingLeft(setup);
    },
  },
  {
    name: "a getter of the options that throws, whenever it is read, leaves nothing",
    async check(setup) {
      const failure = new Error("not to be read");
      for (const held of [false, true]) {
        for (let reads = 1, failed = true; failed; reads++) {
          const holder = held ? await granted(setup, setup.mine.write()) : undefined;
          let left = reads;
          const read = <T>(value: T): T => {
            if (--left === 0) throw failure;
            return value;
          };
          const entering = watch(setup.theirs.write({
            get timeout() {
              return read(1000);
            },
            get signal() {
              return read(undefined);
            },
            get label() {
              return read("job");
            },
            get owner() {
              return read(setup);
            },
          }));
          await setup.advance(0);
          holder?.release();
          failed = (await settled(setup, entering)).state === "rejected";
          if (failed) assert.equal(entering.error, failure);
          else entering.value!.release();
          await assertNothingLeft(setup);
        }
      }
    },
  },
  {
    name: "a timeout of 0 takes the lock if it is free, and else gives up at once",
    async check(setup) {
      const guard = await granted(setup, setup.mine.write({ timeout: 0 }));
      const waits = watch(setup.theirs.read({ timeout: 0 }));
      await setup.advance(0);
      assert(waits.error instanceof LockTimeoutError);
      guard.release();
      await assertNothingLeft(setup);
    },
  },
];

/** How many turns after the release something happens; the last is a macrotask later. */
const MOMENTS = [0, 1, 2, 3, 5, 8, 13, Infinity];

async function turns(count: number): Promise<void> {
  if (count === Infinity) return void await setImmediate();
  for (let turn = 0; turn < count; turn++) await null;
}

const granting: Promised[] = [
  ...(["aborted", "timed out"] as const).map((how): Promised => ({
    name: `between release and continuation a waiter that is ${how} loses no lock`,
    async check(setup) {
      for (const moment of MOMENTS) {
        for (const mode of MODES) {
          const holder = await granted(setup, setup.mine.write());
          const controller = new AbortController();
          const options = how === "aborted" ? { signal: controller.signal } : { timeout: 40 };
          const waiter = watch(setup.theirs[mode](options));
          await setup.advance(how === "aborted" ? 5 : 39);
          assert.equal(waiter.state, "waits");
          holder.release();
          if (moment > 0) await turns(moment);
          const passed = how === "timed out" ? setup.advance(1) : undefined;
          controller.abort();
          await passed;
          // Between two sides either may be first; what counts is that both agree on it.
          if ((await settled(setup, waiter)).state === "granted") {
            assert.equal(setup.mine.tryWrite(), undefined);
            waiter.value!.release();
          }
          await assertNothingLeft(setup);
        }
      }
    },
  })),
];

const sections: Promised[] = [
  {
    name: "a section that throws or rejects releases, and the caller hears of it",
    async check(setup) {
      const failure = new Error("no");
      const fails = [() => Promise.reject(failure), () => {
        throw failure;
      }];
      for (const lock of [setup.mine, setup.theirs]) {
        for (const fail of fails) {
          await assert.rejects(() => granted(setup, lock.withRead(fail)), failure);
          await assert.rejects(() => granted(setup, lock.withWrite(fail)), failure);
        }
        assert.equal(await granted(setup, lock.withWrite(() => 7)), 7);
        assert.equal(await granted(setup, lock.withRead(() => Promise.resolve(8))), 8);
      }
      await assertNothingLeft(setup);
    },
  },
  {
    name: "a section holds the lock until its promise has settled",
    async check(setup) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const section = watch(setup.mine.withWrite(() => promise));
      await setup.advance(1);
      const waiter = watch(setup.theirs.read());
      await assertWaits(setup, waiter);
      resolve();
      await granted(setup, section);
      (await granted(setup, waiter)).release();
      await assertNothingLeft(setup);
    },
  },
  {
    name: "a lock is not re-entrant, not for the same owner either",
    async check(setup) {
      const owner = {};
      for (const held of MODES) {
        const guard = await granted(setup, setup.mine[held]({ owner }));
        const again = watch(setup.mine.write({ owner }));
        await assertWaits(setup, again);
        guard.release();
        (await granted(setup, again)).release();
      }
      await assertNothingLeft(setup);
    },
  },
];

/** Whom the locks of the next check tell. */
let told: Contention[] = [];

const observing: Promised[] = [
  {
    name: "onContention is told once of a wait that passes contentionAfter, and of no other",
    options: { onContention: (event) => void told.push(event), contentionAfter: 30 },
    async check(setup) {
      told = [];
      (await granted(setup, setup.mine.write())).release();
      const holder = await granted(setup, setup.theirs.write());
      const brief = watch(setup.mine.read({ timeout: 25 }));
      await setup.advance(29);
      assert.equal(brief.state, "rejected");
      assert.equal(told.length, 0);
      const waiter = watch(setup.mine.read());
      await setup.advance(29);
      assert.equal(told.length, 0);
      await setup.advance(300);
      assert.equal(told.length, 1);
      assert(told[0].waited >= 30 && told[0].mode === "read");
      holder.release();
      (await granted(setup, waiter)).release();
      await setup.advance(300);
      assert.equal(told.length, 1);
      await assertNothingLeft(setup);
    },
  },
  {
    name: "query() shows holders and waiters by mode and label",
    async check(setup) {
      const holder = await granted(setup, setup.mine.write({ label: "import" }));
      const waiter = watch(setup.mine.read({ label: "export" }));
      await setup.advance(5);
      const { holders, waiters } = setup.mine.query();
      assert.deepEqual(holders.map(({ mode, label }) => [mode, label]), [["write", "import"]]);
      assert.deepEqual(waiters.map(({ mode, label }) => [mode, label]), [["read", "export"]]);
      assert.equal(holder.label, "import");
      holder.release();
      (await granted(setup, waiter)).release();
      await assertNothingLeft(setup);
    },
  },
  {
    name: "what cannot be meant is refused, and nothing is acquired",
    async check(setup) {
      const refused: [object, typeof TypeError | typeof RangeError][] = [
        [{ timeout: -1 }, RangeError],
        [{ timeout: NaN }, RangeError],
        [{ timeout: "5" }, TypeError],
        [{ signal: {} }, TypeError],
        [{ label: 7 }, TypeError],
        [{ owner: "me" }, TypeError],
      ];
      for (const [options, kind] of refused) {
        const error = await (async () => await setup.mine.write(options))().catch((error) => error);
        assert(error instanceof kind, JSON.stringify(options));
        assert.match(error.message, /^Cannot .*[^.]$/);
      }
      await assertNothingLeft(setup);
    },
  },
];

/** What both sides have counted together. */
function counted({ mine, theirs }: Setup) {
  const all = [...new Set([mine, theirs])].map((lock) => lock.stats());
  const sum = (count: (stats: LockStats) => number) =>
    all.reduce((sum, stats) => sum + count(stats), 0);
  return {
    acquired: MODES.map((mode) => sum(({ acquired }) => acquired[mode])),
    contended: sum(({ contended }) => contended),
    timedOut: sum(({ timedOut }) => timedOut),
    aborted: sum(({ aborted }) => aborted),
    holders: sum(({ holders }) => holders),
    waiters: sum(({ waiters }) => waiters),
    waits: sum(({ wait }) => wait.count),
    holds: sum(({ hold }) => hold.count),
    longestWait: Math.max(...all.map(({ longestWait }) => longestWait)),
    longestHold: Math.max(...all.map(({ hold }) => hold.max)),
  };
}

const counting: Promised[] = [
  {
    name: "stats() counts each acquire once, by how it ended, and how long waits and holds took",
    options: { stats: true },
    async check(setup) {
      const { mine, theirs } = setup;
      const holder = await granted(setup, theirs.write({ label: "import" }));
      const waits = watch(mine.read({ label: "export" }));
      const late = watch(mine.write({ timeout: 30 }));
      const controller = new AbortController();
      const aborted = watch(mine.read({ signal: controller.signal }));
      await setup.advance(10);
      const { holders, waiters, longestWait } = counted(setup);
      assert.deepEqual([holders, waiters], [1, 3]);
      assert(longestWait >= 10, "of those who wait still");
      assert.equal(typeof theirs.query().holders[0].since, "number");
      assert.equal(typeof mine.query().waiters[0].since, "number");
      controller.abort();
      await settled(setup, late);
      await settled(setup, aborted);
      const before = AbortSignal.abort();
      await assert.rejects(mine.write({ signal: before }), before.reason);
      const atOnce = watch(mine.read({ timeout: 0 }));
      assert.equal((await settled(setup, atOnce)).state, "rejected");
      assert.equal(mine.tryWrite(), undefined);
      holder.release();
      const reader = await granted(setup, waits);
      await setup.advance(50);
      reader.release();
      reader.release();
      (await tried(setup, mine, "write")).release();

      const { longestWait: waited, longestHold: held, ...counts } = counted(setup);
      assert.deepEqual(counts, {
        acquired: [1, 2],
        contended: 3,
        timedOut: 2,
        aborted: 2,
        holders: 0,
        waiters: 0,
        waits: 3,
        holds: 3,
      });
      assert(waited >= 30 && waited < 30 + NOTICED, `it waited ${waited} ms`);
      assert(held >= 50 && held < 50 + NOTICED, `it held ${held} ms`);
      await assertNothingLeft(setup);
    },
  },
  {
    name: "statistics are refused by a lock that counts nothing",
    async check(setup) {
      for (const lock of [setup.mine, setup.theirs]) {
        assert.throws(() => lock.stats(), {
          name: "TypeError",
          message: /^Cannot tell the statistics of .*: .* without stats: true$/,
        });
        const guard = await granted(setup, lock.write({ label: "import" }));
        assert.equal(lock.query().holders[0].since, undefined);
        guard.release();
      }
      await assertNothingLeft(setup);
    },
  },
];

const order: Promised[] = [
  {
    name: "first come, first served; neighbouring readers enter together, none past a writer",
    ordered: true,
    async check(setup) {
      const inside = new Set<string>();
      const seen: string[] = [];
      const holder = await granted(setup, setup.mine.write());
      const wanted = ["read", "read", "write", "read", "read", "read", "write", "write"] as const;
      const guards = new Map<string, Guard>();
      for (const [i, mode] of wanted.entries()) {
        const lock = i % 2 === 0 ? setup.mine : setup.theirs;
        void lock[mode]().then((guard) => {
          inside.add(`${mode} ${i}`);
          guards.set(`${mode} ${i}`, guard);
        });
        await setup.advance(1);
      }
      holder.release();
      for (let round = 0; round < 5; round++) {
        await setup.advance(5);
        seen.push([...inside].sort().join(", "));
        for (const name of inside) guards.get(name)!.release();
        inside.clear();
      }
      assert.deepEqual(seen, [
        "read 0, read 1",
        "write 2",
        "read 3, read 4, read 5",
        "write 6",
        "write 7",
      ]);
      await assertNothingLeft(setup);
    },
  },
  {
    name: "tryRead() and tryWrite() never overtake those who wait",
    ordered: true,
    async check(setup) {
      const holder = await granted(setup, setup.mine.read());
      const writer = watch(setup.theirs.write());
      await setup.advance(1);
      assert.equal(setup.mine.tryRead(), undefined);
      assert.equal(setup.theirs.tryRead(), undefined);
      holder.release();
      // Granted or about to be: not theirs to take either way.
      assert.equal(setup.mine.tryRead(), undefined);
      assert.equal(setup.theirs.tryWrite(), undefined);
      (await granted(setup, writer)).release();
      await assertNothingLeft(setup);
    },
  },
  {
    name: "2,000 waiters on one signal have one listener between them",
    ordered: true,
    async check(setup) {
      const holder = await granted(setup, setup.mine.write());
      const { controller, listeners } = countedSignal();
      const { signal } = controller;
      const waiters = Array.from({ length: 2000 }, () => watch(setup.mine.read({ signal })));
      await setup.advance(0);
      assert.equal(listeners(), 1);
      controller.abort();
      await setup.advance(1);
      assert(waiters.every(({ state }) => state === "rejected"));
      assert.equal(listeners(), 0);
      holder.release();
      await assertNothingLeft(setup);
    },
  },
  {
    name: "what need not wait reads no clock and sets no timer",
    ordered: true,
    async check(setup) {
      const before = setup.clockReads?.();
      for (const mode of MODES) {
        const guard = await setup.mine[mode]();
        assert.equal(setup.timers(), 0);
        guard.release();
      }
      setup.mine.tryRead()!.release();
      setup.mine.tryWrite()!.release();
      assert.equal(setup.clockReads?.(), before);
    },
  },
];

/** All of them. */
export const promises: readonly Promised[] = [
  ...exclusion,
  ...leaving,
  ...granting,
  ...sections,
  ...observing,
  ...counting,
  ...order,
];
