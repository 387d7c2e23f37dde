/**
 * `acquireAll()`, given up at every step, whichever of its locks it waits for. What is raced is in
 * `_races.ts`. (`SharedRwLock` waits by the runtime and not by its host, so it is not among them.)
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { expectSafe, explore, type Race, Simulation } from "../../../lab/mod.ts";
import {
  acquireAll,
  type AcquireOptions,
  FileLock,
  type Guard,
  type LockRequest,
  type ReadWriteLock,
  RwLock,
} from "../../../mod.ts";
import { occupied, stranded } from "./_left.ts";
import { expectAllSafe, expectBroken, racesOf } from "./_races.ts";
import type { Scene } from "./_stage.ts";

const timeout = 120_000;

type All = (requests: readonly LockRequest[], options?: AcquireOptions) => Promise<Guard>;

/** Which of three locks are held before: the others are free. */
const busy = [[0], [1], [2], [0, 2]];

function over(locks: readonly ReadWriteLock[], before: readonly number[], all: All): Scene {
  const guards = before.map((place) => locks[place].tryWrite()!);
  const requests = locks.map((lock) => [lock, "write"] as const);
  const first = (faults: readonly (string | undefined)[]) =>
    faults.find((fault) => fault !== undefined);
  return {
    modes: { before: "write", asks: "write", follows: "write" },
    ask: async (limits) => {
      const guard = await all(requests, { ...limits, label: "asks" });
      return () => guard.release();
    },
    follow: async () => {
      const guard = await all(requests.toReversed(), { label: "follows" });
      return () => guard.release();
    },
    free: () => {
      for (const guard of guards) guard.release();
    },
    granted: () =>
      locks.every((lock) => lock.query().holders.some(({ label }) => label === "asks")),
    still: () => first(locks.map((lock) => stranded(lock))),
    empty: () => first(locks.map((lock) => occupied(lock))),
  };
}

const tasks = (before: readonly number[], all: All = acquireAll) => (): Scene =>
  over([new RwLock(), new RwLock(), new RwLock()], before, all);

/** Acquires in the order in which they are named. */
const unordered: All = async (requests, options) => {
  const guards: Guard[] = [];
  try {
    for (const [lock, mode] of requests) guards.push(await lock[mode](options));
  } catch (error) {
    for (const guard of guards.reverse()) guard.release();
    throw error;
  }
  return await released(guards);
};

/** Keeps what it has when it fails. */
const grasping: All = async (requests, options) => {
  const inOrder = await Promise.resolve(
    options?.label === "asks" ? requests : requests.toReversed(),
  );
  const guards: Guard[] = [];
  for (const [lock, mode] of inOrder) guards.push(await lock[mode](options));
  return await released(guards);
};

function released(guards: readonly Guard[]): Promise<Guard> {
  const release = () => {
    for (const guard of guards.toReversed()) guard.release();
  };
  return Promise.resolve({ mode: "write", released: false, release, [Symbol.dispose]: release });
}

/** A lock before which one stops, so that others may come in between. */
function stepped(lock: ReadWriteLock, step: () => Promise<void>): ReadWriteLock {
  const write = lock.write.bind(lock);
  return Object.assign(lock, {
    write: async (options?: AcquireOptions) => {
      await step();
      return await write(options);
    },
  });
}

/** Two who name two locks in opposite orders, and give nothing up. */
function opposite(all: All): Race {
  return {
    name: "opposite orders",
    build: (world) => {
      const pair = world.object("pair", {
        operations: { there: "write", back: "write" },
        tasks: (world) => {
          const step = world.operation("step", "write", () => {});
          const locks = [new RwLock(), new RwLock()].map((lock) => stepped(lock, step));
          const requests = locks.map((lock) => [lock, "write"] as const);
          const both = async (requests: readonly LockRequest[]) => {
            using _guard = await all(requests);
            await step();
          };
          return { there: () => both(requests), back: () => both(requests.toReversed()) };
        },
      });
      return [{ name: "A", run: () => pair.there() }, { name: "B", run: () => pair.back() }];
    },
  };
}

describe("acquireAll(), given up at every step", { timeout }, () => {
  test("lets both through who name two locks in opposite orders", { timeout }, async () => {
    const { evidence } = await expectSafe(opposite(acquireAll), { strategy: "exhaustive" });
    assert.equal(evidence.kind, "proved");
  });

  for (const before of busy) {
    const names = before.map((place) => ["first", "second", "last"][place]).join(" and ");

    test(`loses nobody and leaves nothing while the ${names} of its locks is held`, {
      timeout,
    }, async () => {
      await expectAllSafe(racesOf(`all of three, ${names} held`, tasks(before), { turns: 5 }));
    });
  }

  test("loses nobody and leaves nothing over an RwLock and a FileLock", {
    timeout,
  }, async () => {
    for (const before of [[0], [1]]) {
      const mixed = (): Scene => {
        const simulation = new Simulation();
        const process = simulation.process();
        const locks = process.build(() => [new RwLock(), new FileLock("/lock")]);
        const scene = over(locks, before, acquireAll);
        return {
          ...scene,
          host: process,
          // It has its place before the file and has not looked yet whether the file is free.
          late: () => locks[1].query().waiters[0]?.label === "asks" && process.timers === 0,
          pass: () => simulation.clock.advance() > 0,
          empty: () => {
            const { pending } = simulation.clock;
            return scene.empty() as string | undefined ??
              (pending > 0 ? `${pending} timers are pending` : undefined);
          },
        };
      };
      const name = `all of two kinds, number ${before} held`;
      await expectAllSafe(racesOf(name, mixed, { turns: 2, passes: 1 }));
    }
  });
});

describe("the races notice an acquireAll() that", { timeout }, () => {
  test("acquires in the order in which locks are named", { timeout }, async () => {
    const { failure } = await explore(opposite(unordered), { strategy: "exhaustive" });
    assert.equal(failure?.kind, "deadlock");
  });

  test("keeps what it has when it fails", { timeout }, async () => {
    await expectBroken(racesOf("grasping", tasks([1], grasping)), /the one who asks still holds/);
  });
});
