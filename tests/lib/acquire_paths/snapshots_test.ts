/**
 * `Snapshots.update()`, given up at every step of its wait and of its run. What is raced is in
 * `_races.ts`; here one is inside once one's value is committed, and there is nothing to give back.
 */
import { describe, test } from "node:test";
import { RwLock, Snapshots } from "../../../mod.ts";
import { expectAllSafe, expectBroken, racesOf } from "./_races.ts";
import type { Limits, Scene } from "./_stage.ts";
import { raced } from "./_twins.ts";

const timeout = 120_000;

/** As much of `Snapshots` as the races need. */
interface Value {
  readonly current: number;
  readonly epoch: number;
  update(fn: (value: number) => number | Promise<number>, options?: Options): Promise<number>;
}

type Options = Partial<Limits> & { limit?: number };

const ours = (): Value => new Snapshots(0);
const nothing = () => {};

/** How much each adds, so that the value tells whose were committed. */
const BEFORE = 1, ASKS = 10, FOLLOWS = 100;

/** What both scenes have in common; `commits` is whose updates were answered. */
function over(value: Value, commits: Set<number>) {
  const add = async (amount: number, updating: Promise<number>) => {
    await updating;
    commits.add(amount);
    return nothing;
  };
  return {
    modes: { before: "read", asks: "read", follows: "read" },
    follow: () => add(FOLLOWS, value.update((before) => before + FOLLOWS)),
    granted: () => Math.floor(value.current / ASKS) % 10 === 1,
    empty: async () => {
      const expected = [...commits].reduce((sum, amount) => sum + amount, 0);
      if (value.current !== expected) return `the value is ${value.current} and not ${expected}`;
      if (value.epoch !== commits.size) {
        return `the epoch is ${value.epoch} and not ${commits.size}`;
      }
      // Whoever comes next has his turn at once.
      await value.update((before) => before, { timeout: 0 });
      return undefined;
    },
    add,
  } as const;
}

/** Given up while another update runs. */
const waiting = (make: () => Value) => (): Scene => {
  const value = make();
  const gate = Promise.withResolvers<void>();
  const { add, ...scene } = over(value, new Set([BEFORE]));
  let ran = false;
  value.update(async (before) => (await gate.promise, before + BEFORE));
  return {
    ...scene,
    ask: (limits) => add(ASKS, value.update((before) => (ran = true, before + ASKS), limits)),
    free: () => gate.resolve(),
    late: () => ran,
  };
};

/** Given up while it runs itself. */
const running = (make: () => Value) => (): Scene => {
  const value = make();
  const gate = Promise.withResolvers<void>();
  const { add, ...scene } = over(value, new Set());
  let ran = false;
  return {
    ...scene,
    ask: (limits) => {
      const run = async (before: number) => {
        await gate.promise;
        ran = true;
        return before + ASKS;
      };
      return add(ASKS, value.update(run, { ...limits, limit: limits.timeout }));
    },
    free: () => gate.resolve(),
    late: () => ran,
  };
};

/** Snapshots as they are often written: a value, and a lock around what changes it. */
abstract class Written implements Value {
  current = 0;
  epoch = 0;
  readonly lock = new RwLock();
  abstract update: Value["update"];

  async replace(fn: (value: number) => number | Promise<number>): Promise<number> {
    this.current = await fn(this.current);
    return ++this.epoch;
  }
}

/** Nobody waits for what was given up, but it goes on and commits. */
class Ghostly extends Written {
  update: Value["update"] = (fn, limits) =>
    raced(() => this.lock.withWrite(() => this.replace(fn)), limits);
}

/** Who gives up in his turn keeps it. */
class Grasping extends Written {
  update: Value["update"] = async (fn, { timeout, signal, limit } = {}) => {
    const turn = await this.lock.write({ timeout, signal });
    const epoch = await raced(() => this.replace(fn), { timeout: limit, signal });
    turn.release();
    return epoch;
  };
}

describe("Snapshots.update(), given up at every step", { timeout }, () => {
  test("loses no turn and commits nothing while it waits", { timeout }, async () => {
    await expectAllSafe(racesOf("update that waits", waiting(ours), { turns: 5 }));
  });

  test("loses no turn and commits nothing while it runs", { timeout }, async () => {
    await expectAllSafe(racesOf("update that runs", running(ours), { turns: 5 }));
  });
});

describe("the races notice snapshots that", { timeout }, () => {
  test("commit what was given up", { timeout }, async () => {
    for (const scene of [waiting, running]) {
      const races = racesOf("ghostly", scene(() => new Ghostly()));
      await expectBroken(races, /the value is \d+ and not|a grant was lost/);
    }
  });

  test("lose the turn of an update that was given up", { timeout }, async () => {
    const races = racesOf("grasping", running(() => new Grasping()));
    await expectBroken(races, /the one who follows waits for ever/);
  });
});
