import { map, type SharedMap } from "../worlds/map_kind.ts";
import { type Actor, defineScenario, team } from "../worlds/scenario.ts";
import { type SharedStore, store } from "../worlds/store_kind.ts";
import { type SharedValue, value } from "../worlds/value_kind.ts";
import type { World } from "../worlds/world.ts";

type Numbers = { readonly writers: number; readonly keys: number };
type Whole = Record<string, number>;

function missing(found: number, { writers, keys }: Numbers): string | undefined {
  return found === writers * keys ? undefined : `${found} of ${writers * keys} keys are there`;
}

/** Each writes keys of its own into a store that is one value. */
function wholeMap(
  world: World,
  { writers, keys }: Numbers,
  around: (write: () => Promise<void>) => Promise<void>,
): Actor[] {
  const store = world.object("store", value<Whole>({}));
  return team(writers, async (place) => {
    for (let i = 0; i < keys; i++) {
      await around(async () => store.set({ ...await store.get(), [`${place}-${i}`]: i }));
    }
  });
}

/** Writers that do not touch each other's keys. */
export default defineScenario({
  module: import.meta.url,
  name: "concurrent-writes",
  title: "Different keys, one file",
  seed: "keyvault: concurrent writes (10 × 10)",
  lesson: [
    "Ten writers store ten secrets each, every one under a key of its own. They cannot be in each other's " +
    "way, one would think, for no two touch the same key. But the store is one JSON file: to set a key is to " +
    "read all of it, add the key, and write all of it back. Between the two somebody else has written, and " +
    "his key is gone.",
    "What races is what is read and written as one, whatever the keys are called. Keep each key by itself, " +
    "so that writing one leaves the others alone; or hold a lock over reading and writing the whole.",
  ],
  parameters: {
    writers: {
      about: "writers",
      smoke: 2,
      bench: { tasks: 10, workers: 4, processes: 4 },
      min: 2,
      max: 16,
    },
    keys: { about: "keys by each", smoke: 1, bench: 10, min: 1, max: 100 },
  },
  worlds: ["tasks", "workers", "processes"],
  notes: {
    simulation: "it is the same there as between tasks",
    machines: "the library's stores are not kept on a server",
  },
  variants: {
    unguarded: {
      expect: "broken",
      because: "setting one key writes all the others as they were",
      build: (world, numbers) => wholeMap(world, numbers, (write) => write()),
      check: (_end, numbers, { store }) =>
        missing(Object.keys((store as SharedValue<Whole>).get()).length, numbers),
    },
    locked: {
      expect: "safe",
      because: "reading and writing the whole is one critical section",
      build: (world, numbers) => {
        const lock = world.lock("lock");
        return wholeMap(world, numbers, (write) => lock.withWrite(write));
      },
      check: (_end, numbers, { store }) =>
        missing(Object.keys((store as SharedValue<Whole>).get()).length, numbers),
    },
    "by-key": {
      expect: "safe",
      because: "each key is kept by itself, and no two write the same",
      build: (world, { writers, keys }) => {
        const store = world.object("store", map<number>());
        return team(writers, async (place) => {
          for (let i = 0; i < keys; i++) await store.set(`${place}-${i}`, i);
        });
      },
      check: (_end, numbers, { store }) =>
        missing((store as SharedMap<number>).keys().length, numbers),
    },
    store: {
      expect: "safe",
      because: "the library's own store keeps each key by itself",
      worlds: ["tasks", "processes"],
      build: (world, { writers, keys }) => {
        const secrets = world.object("secrets", store());
        return team(writers, async (place) => {
          for (let i = 0; i < keys; i++) await secrets.set(`${place}-${i}`, i);
        });
      },
      check: async (_end, numbers, { secrets }) =>
        missing((await (secrets as SharedStore).list()).length, numbers),
    },
  },
});
