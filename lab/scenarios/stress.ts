import { models } from "../engine/history/mod.ts";
import { map, type SharedMap } from "../worlds/map_kind.ts";
import {
  type Actor,
  defineScenario,
  type EndState,
  type SharedObjects,
  team,
} from "../worlds/scenario.ts";
import type { Shared } from "../worlds/object_kind.ts";
import { type SharedStore, store } from "../worlds/store_kind.ts";
import type { World } from "../worlds/world.ts";

type Numbers = { readonly actors: number; readonly operations: number };

const KEYS = ["a", "b"];

function check(
  { size }: EndState,
  _numbers: Numbers,
  { store }: SharedObjects,
): string | undefined {
  const found = (store as SharedMap<number>).keys().length;
  return size === found ? undefined : `size = ${size}, and there are ${found} keys`;
}

/** Each stores, retrieves, lists and deletes in turn; the size is kept beside. */
function mayhem(
  world: World,
  { actors, operations }: Numbers,
  around: (operation: () => Promise<void>) => Promise<void>,
): Actor[] {
  const store = world.object("store", map<number>());
  const size = world.cell("size", 0);
  const grow = async (by: number) => size.write(await size.read() + by);
  const kinds = [
    async (key: string) => {
      if (await store.get(key) === undefined) await grow(1);
      await store.set(key, 1);
    },
    async (key: string) => {
      if (await store.delete(key)) await grow(-1);
    },
    async (key: string) => void await store.get(key),
    async () => void await store.keys(),
  ];
  return team(actors, async () => {
    for (let i = 0; i < operations; i++) {
      // A quarter each; all begin with the same key, so that there is something to race for.
      await around(() => kinds[i % 4](KEYS[(i >> 2) % KEYS.length]));
    }
  });
}

/** The same with the library's own store, with every call recorded: it must be a set of keys. */
function recorded(
  world: World,
  { actors, operations }: Numbers,
  list: (store: Shared<SharedStore>) => Promise<string[]>,
): Actor[] {
  const shared = world.object("store", store());
  const calls = world.calls();
  const kinds = [
    (key: string) => calls.call("add", key, async () => void await shared.set(key, 1)),
    (key: string) => calls.call("remove", key, () => shared.delete(key)),
    (key: string) => calls.call("has", key, async () => await shared.get(key) !== undefined),
    () => calls.call("read", undefined, () => list(shared)),
  ];
  return team(actors, async (place) => {
    for (let i = 0; i < operations; i++) {
      // Each does everything to both keys; every other one begins with listing.
      const turn = i + (place % 2) * 6;
      await kinds[(turn >> 1) % 4](KEYS[turn % KEYS.length]);
    }
  });
}

/** A bit of everything. */
export default defineScenario({
  module: import.meta.url,
  name: "stress",
  title: "A bit of everything",
  seed: "keyvault: stress (20 × 100, a quarter each of store, retrieve, list, delete)",
  lesson: [
    "Twenty actors store, retrieve, list and delete as fast as they can, and at the end the store is whole: each " +
    "of its operations is atomic. What is not whole is what was kept beside it, the number of keys. Two store " +
    "the same key at once; both find it missing, and both count it.",
    "Whatever is derived from shared data, a size, an index, a cache, is shared data too. Change it in the same " +
    "critical section as what it is derived from; or do not keep it, and derive it when it is wanted.",
    "But to derive it is no single step either. A list that is put together key by key may have a key that was " +
    "gone before another came, and so be what the store never was. Nothing in the end shows it: it takes the " +
    "history of all calls, in which such a list fits nowhere.",
  ],
  parameters: {
    actors: {
      about: "actors",
      smoke: 2,
      bench: { tasks: 20, workers: 4, processes: 4 },
      min: 2,
      max: 20,
    },
    operations: {
      about: "operations by each",
      smoke: 2,
      bench: { tasks: 100, workers: 40, processes: 20 },
      min: 1,
      max: 1000,
    },
  },
  worlds: ["tasks", "workers", "processes"],
  notes: {
    simulation: "it is the same there as between tasks",
    machines: "the library's stores are not kept on a server",
  },
  variants: {
    unguarded: {
      expect: "broken",
      because: "the size is changed in steps of its own, beside the store",
      build: (world, numbers) => mayhem(world, numbers, (operation) => operation()),
      check,
    },
    locked: {
      expect: "safe",
      because: "the store and its size are changed in one critical section",
      build: (world, numbers) => {
        const lock = world.lock("lock");
        return mayhem(world, numbers, (operation) => lock.withWrite(operation));
      },
      check,
    },
    "key-by-key": {
      expect: "broken",
      because: "a list that is put together key by key is of no one moment",
      worlds: ["tasks"],
      build: (world, numbers) =>
        recorded(world, numbers, async (store) => {
          const keys = [];
          for (const key of KEYS) if (await store.get(key) !== undefined) keys.push(key);
          return keys;
        }),
      check: () => undefined,
      model: models.set(),
    },
    store: {
      expect: "safe",
      because: "whatever is done to the library's own store is done at one moment, listing too",
      worlds: ["tasks", "processes"],
      build: (world, numbers) =>
        recorded(world, numbers, async (store) => (await store.list()).map(({ key }) => key)),
      check: () => undefined,
      model: models.set(),
    },
  },
});
