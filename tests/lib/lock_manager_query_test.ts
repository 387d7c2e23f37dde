/**
 * What `query()` tells, and what is left of a name that nobody holds. Which of the web platform's
 * tests have no counterpart is said in `lock_manager_test.ts`.
 */
import { describe, test } from "node:test";
import assert from "node:assert/strict";
import { type LockInfo, LockManager } from "../../lib/lock_manager.ts";
import { settle } from "../_fake_host.ts";
import { heldMegabytes } from "../_garbage.ts";
import { hold } from "./_held_lock.ts";

const timeout = 20_000;

const shown = (infos: readonly LockInfo[]) => infos.map(({ name, mode }) => `${name} ${mode}`);

/** What is held and what is asked for, as `name mode`. */
async function look(locks: LockManager): Promise<[held: string[], pending: string[]]> {
  const { held, pending } = await locks.query();
  return [shown(held), shown(pending)];
}

describe("LockManager.query()", { timeout }, () => {
  test("LockManager.query() of a manager without locks tells of none", { timeout }, async () => {
    assert.deepEqual(await new LockManager().query(), { held: [], pending: [] });
  });

  test("LockManager.query() tells name, mode and client of each request", {
    timeout,
  }, async () => {
    const locks = new LockManager();
    const held = hold(locks, "a", { mode: "shared" });
    const waiting = hold(locks, "a");
    const snapshot = await locks.query();
    const { clientId } = snapshot.held[0];
    assert.match(clientId, /^[0-9a-f]{16}$/);
    assert.deepEqual(snapshot, {
      held: [{ name: "a", mode: "shared", clientId }],
      pending: [{ name: "a", mode: "exclusive", clientId }],
    });
    assert.deepEqual(await locks.query(), snapshot, "the client stays the same");
    const other = new LockManager();
    const elsewhere = hold(other, "a");
    assert.notEqual((await other.query()).held[0].clientId, clientId, "managers are told apart");
    for (const { release } of [held, waiting, elsewhere]) release();
  });

  test("LockManager.query() tells what is so when it is called, and its answer stays", {
    timeout,
  }, async () => {
    const locks = new LockManager();
    const first = hold(locks, "a");
    const before = locks.query();
    const second = hold(locks, "a");
    const after = locks.query();
    first.release();
    await second.begun;
    assert.deepEqual(shown((await before).held), ["a exclusive"]);
    assert.deepEqual(shown((await before).pending), []);
    assert.deepEqual(shown((await after).pending), ["a exclusive"]);
    assert.deepEqual(await look(locks), [["a exclusive"], []]);
    second.release();
  });

  test("LockManager.query() tells a lock as held before its callback has begun", {
    timeout,
  }, async () => {
    const locks = new LockManager();
    const done = locks.request("a", () => {});
    const asked = look(locks);
    await done;
    assert.deepEqual(await asked, [["a exclusive"], []]);
    assert.deepEqual(await look(locks), [[], []]);
  });

  test("LockManager.query() lists what is held in the order of the grants, over all names", {
    timeout,
  }, async () => {
    const locks = new LockManager();
    const first = hold(locks, "a"), others = ["b", "c"].map((name) => hold(locks, name));
    const shared = ["a", "d", "a", "b"].map((name) => hold(locks, name, { mode: "shared" }));
    await settle();
    assert.deepEqual(await look(locks), [
      ["a exclusive", "b exclusive", "c exclusive", "d shared"],
      ["a shared", "a shared", "b shared"],
    ]);
    first.release();
    await first.done;
    assert.deepEqual(await look(locks), [
      ["b exclusive", "c exclusive", "d shared", "a shared", "a shared"],
      ["b shared"],
    ]);
    for (const { release } of [...others, ...shared]) release();
  });

  test("LockManager.query() lists what was stolen in the order of the thefts", {
    timeout,
  }, async () => {
    const locks = new LockManager();
    const names = ["a", "b", "c"];
    const robbed = names.map((name) => hold(locks, name));
    const thieves = ["c", "a", "b"].map((name) => hold(locks, name, { steal: true }));
    assert.deepEqual(await look(locks), [["c exclusive", "a exclusive", "b exclusive"], []]);
    for (const { release } of [...robbed, ...thieves]) release();
    await Promise.all(thieves.map(({ done }) => done));
    assert.deepEqual(await look(locks), [[], []]);
  });

  test("LockManager.query() lists who waits in the order they came", { timeout }, async () => {
    const locks = new LockManager();
    const modes = ["exclusive", "shared", "exclusive", "shared", "shared"] as const;
    const requests = modes.map((mode) => hold(locks, "a", { mode }));
    for (let i = 1; i < modes.length; i++) {
      assert.deepEqual(
        (await look(locks))[1],
        modes.slice(i === 4 ? 5 : i).map((mode) => `a ${mode}`),
      );
      requests[i - 1].release();
      await requests[i].begun;
    }
    requests[4].release();
  });

  test("LockManager.query() tells of two managers what each has", { timeout }, async () => {
    const [one, two] = [new LockManager(), new LockManager()];
    const held = hold(one, "a");
    assert.deepEqual(await look(two), [[], []]);
    held.release();
  });
});

describe("LockManager: memory", { timeout: 120_000 }, () => {
  test("LockManager remembers nothing of a million names used once", {
    timeout: 120_000,
  }, async () => {
    const locks = new LockManager();
    const use = async (from: number, to: number) => {
      for (let i = from; i < to; i++) await locks.request(`name ${i}`, () => {});
    };
    await use(0, 10_000);
    const before = heldMegabytes();
    await use(10_000, 1_010_000);
    const grown = heldMegabytes() - before;
    // One word for each name would be 8 MB.
    assert(grown < 1, `the heap grew by ${grown} MB`);
    assert.deepEqual(await locks.query(), { held: [], pending: [] });
  });

  test("LockManager remembers nothing of names however their locks end", {
    timeout: 120_000,
  }, async () => {
    const locks = new LockManager();
    const signal = AbortSignal.abort();
    const use = async (from: number, to: number) => {
      for (let i = from; i < to; i++) {
        const name = `name ${i}`;
        const controller = new AbortController();
        const held = hold(locks, name, { mode: "shared" });
        const aborted = hold(locks, name, { signal: controller.signal });
        const waits = hold(locks, name, { mode: "shared" });
        controller.abort();
        const thief = hold(locks, name, { steal: true });
        const options = { ifAvailable: true };
        const all = [
          ...[held, aborted, waits, thief].map(({ done }) => done),
          locks.request(name, options, (lock) => Promise.reject(lock)),
          locks.request(name, { signal }, () => {}),
          locks.request(`-${name}`, () => {}),
        ];
        for (const { release } of [held, waits, thief]) release();
        await Promise.allSettled(all);
      }
    };
    await use(0, 1_000);
    const before = heldMegabytes();
    await use(1_000, 21_000);
    const grown = heldMegabytes() - before;
    // The smallest thing left behind each time would be 1.2 MB.
    assert(grown < 1, `the heap grew by ${grown} MB`);
    assert.deepEqual(await locks.query(), { held: [], pending: [] });
  });

  // Deno's navigator.locks holds 430 MB after these for good.
  test("LockManager holds no memory after 200,000 grants without a turn of the event loop", {
    timeout: 120_000,
  }, async () => {
    const locks = new LockManager();
    const run = async (times: number) => {
      for (let i = 0; i < times; i++) {
        const first = locks.request("name", () => {});
        const next = locks.request("name", () => {});
        await first;
        await next;
      }
    };
    await run(10_000);
    const before = heldMegabytes();
    await run(100_000);
    const grown = heldMegabytes() - before;
    // One word for each grant would be 1.5 MB.
    assert(grown < 1, `the heap grew by ${grown} MB`);
  });

  test("LockManager.request() costs no more when a hundred thousand names are held", {
    timeout: 120_000,
  }, async () => {
    // What would be looked at is counted and not timed: a map's own searches do not show here.
    const locks = new LockManager();
    const held = Array.from({ length: 100_000 }, (_, i) => hold(locks, `name ${i}`));
    const { get, set, keys, values, entries, forEach } = Map.prototype;
    let looked = 0;
    const count = <F extends (...args: never[]) => unknown>(fn: F, weight: number) =>
      function (this: unknown, ...args: Parameters<F>) {
        looked += weight;
        return fn.apply(this, args);
      };
    const restore = { get, set, keys, values, entries, forEach, [Symbol.iterator]: entries };
    try {
      Object.assign(Map.prototype, {
        get: count(get, 1),
        set: count(set, 1),
        keys: count(keys, 100_000),
        values: count(values, 100_000),
        entries: count(entries, 100_000),
        forEach: count(forEach, 100_000),
        [Symbol.iterator]: count(entries, 100_000),
      });
      await locks.request("another", () => {});
      await locks.request("name 7", { steal: true }, () => {});
    } finally {
      Object.assign(Map.prototype, restore);
    }
    assert(looked > 0 && looked < 100, `it looked at ${looked} names`);
    for (const { release } of held) release();
  });
});
