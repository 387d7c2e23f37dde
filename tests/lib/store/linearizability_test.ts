/**
 * Histories of several who use one store at once, checked against what a store does when they come one
 * after another. What is wrong with the stores that lose something, the same check finds. Between real
 * processes: `tests/processes/store_test.ts`.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { check, describeCheck, recorder, Simulation } from "../../../lab/mod.ts";
import { Prng } from "../../../lab/engine/prng.ts";
import { type Entry, MemoryStore, type Store } from "../../../lib/store/mod.ts";
import { runs } from "../../_runs.ts";
import { none, type Twin, unlocked } from "../_altered.ts";
import { openStore } from "./_simulated.ts";
import { callAtRandom } from "./_store_client.ts";
import { storeModel } from "./_store_model.ts";

const limit = { timeout: runs(300_000, 3_600_000) };
const KEYS = ["a", "b", "c"];
const CLIENTS = 4;

/** Numbers of a seed. */
function randomFrom(seed: number): () => number {
  const prng = new Prng(seed);
  return () => prng.next() / 2 ** 32;
}

/** A history of several processes of a simulation. */
async function simulated(seed: number, twin: Twin) {
  const simulation = new Simulation({ seed });
  const calls = recorder();
  const ended = Array.from({ length: CLIENTS }, (_, i) => {
    const process = simulation.process(`process ${i}`);
    const client = { name: `${i}-`, store: openStore(process, twin), calls, keys: KEYS };
    return callAtRandom({ ...client, random: () => process.random() }, 12);
  });
  await simulation.finish(Promise.all(ended));
  return calls.history();
}

/** A history of several tasks, which give way to each other at random in all they do. */
async function amongTasks(seed: number, store: Store) {
  const random = randomFrom(seed);
  const calls = recorder();
  await Promise.all(
    Array.from({ length: CLIENTS }, (_, i) =>
      callAtRandom(
        { name: `${i}-`, store: givingWay(store, random), calls, keys: KEYS, random },
        25,
      )),
  );
  return calls.history();
}

/** The same store, whose calls begin and end a little later. */
function givingWay(store: Store, random: () => number): Store {
  const pause = async () => {
    for (let turns = Math.floor(random() * 4); turns > 0; turns--) await Promise.resolve();
  };
  return new Proxy(store, {
    get(target, name) {
      const method = Reflect.get(target, name);
      return async (...args: unknown[]) => {
        await pause();
        const result = await method.apply(target, args);
        await pause();
        return result;
      };
    },
  });
}

const again = (seed: number) => `seed ${seed}`;

test("MemoryStore is linearizable among tasks", limit, async () => {
  for (let seed = 1; seed <= runs(100, 2000); seed++) {
    const result = check(await amongTasks(seed, new MemoryStore()), storeModel);
    assert.equal(result.verdict, "ok", `${again(seed)}: ${describeCheck(result)}`);
  }
});

test("FileStore is linearizable among simulated processes", limit, async () => {
  for (let seed = 1; seed <= runs(60, 2000); seed++) {
    const result = check(await simulated(seed, none), storeModel);
    assert.equal(result.verdict, "ok", `${again(seed)}: ${describeCheck(result)}`);
  }
});

/** How many of so many seeds show what is wrong. */
async function broken(seeds: number, history: (seed: number) => ReturnType<typeof simulated>) {
  let count = 0;
  for (let seed = 1; seed <= seeds; seed++) {
    // What it does not find in the history, it may find on the way: a value that is gone.
    const verdict = await history(seed).then((calls) => check(calls, storeModel).verdict, String);
    if (verdict !== "ok") count++;
  }
  return count;
}

test("the check finds a FileStore that does not lock", limit, async () => {
  const count = await broken(20, (seed) => simulated(seed, unlocked));
  console.log(`  ${count} of 20 are wrong`);
  assert(count > 0);
});

test("the check finds a store whose transactions are a read and a write", limit, async () => {
  class Torn extends MemoryStore {
    override async transaction<R>(fn: Parameters<Store["transaction"]>[0]): Promise<R> {
      const writes: [string, unknown][] = [];
      await fn({
        epoch: 0,
        signal: new AbortController().signal,
        get: <T>(key: string) => this.get<T>(key),
        list: () => this.list(),
        set: (key, value) => void writes.push([key, value]),
        delete: () => {},
      });
      await Promise.resolve();
      for (const [key, value] of writes) await this.set(key, value);
      return undefined as R;
    }
  }
  const count = await broken(20, (seed) => amongTasks(seed, new Torn()));
  console.log(`  ${count} of 20 are wrong`);
  assert(count > 0);
});

test("the check finds a store that reads what it had read before", limit, async () => {
  class Stale extends MemoryStore {
    readonly #cache = new Map<string, Entry | undefined>();
    #reads = 0;
    override async get<T>(key: string): Promise<Entry<T> | undefined> {
      if (this.#reads++ % 4 === 0) this.#cache.set(key, await super.get(key));
      return this.#cache.get(key) as Entry<T> | undefined;
    }
  }
  const count = await broken(20, (seed) => amongTasks(seed, new Stale()));
  console.log(`  ${count} of 20 are wrong`);
  assert(count > 0);
});
