import { models } from "../engine/history/mod.ts";
import { map } from "../worlds/map_kind.ts";
import { defineScenario, type EndState, team } from "../worlds/scenario.ts";
import { store } from "../worlds/store_kind.ts";
import { value } from "../worlds/value_kind.ts";

function check({ ghosts }: EndState): string | undefined {
  return ghosts === 0 ? undefined : "a key that was listed was not there";
}

/** Readers who list and then look, beside writers who take away. */
export default defineScenario({
  module: import.meta.url,
  name: "mixed",
  title: "Listed, and gone",
  seed: "keyvault: mixed readers and writers (5 + 5 × 50)",
  lesson: [
    "A reader lists the keys and then gets the value of each. Meanwhile a writer deletes one. The list was " +
    "right, and the answer to each get is right; but the two are of different moments, and the reader finds " +
    "a key that has no value. Code after it takes that for damage, or crashes.",
    "A list is of the past as soon as it is there. Either live with it: a key without a value is one that " +
    "was deleted. Or read one version of everything: a snapshot, or a read lock held over both. The library's " +
    "store is checked here by its history as well: what is read must be what was last written or deleted.",
  ],
  parameters: {
    readers: {
      about: "readers",
      smoke: 1,
      bench: { tasks: 5, workers: 2, processes: 2 },
      min: 1,
      max: 8,
    },
    writers: {
      about: "writers",
      smoke: 1,
      bench: { tasks: 5, workers: 2, processes: 2 },
      min: 1,
      max: 8,
    },
    rounds: {
      about: "rounds of each",
      smoke: 1,
      bench: { tasks: 50, workers: 50, processes: 10 },
      min: 1,
      max: 100,
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
      because: "between the list and the look a writer deletes",
      build: (world, { readers, writers, rounds }) => {
        const store = world.object("store", map<number>({ a: 0 }));
        const ghosts = world.cell("ghosts", 0);
        return [
          ...team(writers, async () => {
            for (let i = 0; i < rounds; i++) {
              await store.delete("a");
              await store.set("a", i);
            }
          }),
          ...Array.from({ length: readers }, (_, place) => ({
            name: `reader ${place + 1}`,
            run: async () => {
              for (let i = 0; i < rounds; i++) {
                for (const key of await store.keys()) {
                  if (await store.get(key) === undefined) await ghosts.write(1);
                }
              }
            },
          })),
        ];
      },
      check,
    },
    locked: {
      expect: "safe",
      because: "list and look are one section, which readers share",
      build: (world, { readers, writers, rounds }) => {
        const store = world.object("store", map<number>({ a: 0 }));
        const ghosts = world.cell("ghosts", 0);
        const lock = world.lock("lock");
        return [
          ...team(writers, async () => {
            for (let i = 0; i < rounds; i++) {
              await lock.withWrite(async () => {
                await store.delete("a");
                await store.set("a", i);
              });
            }
          }),
          ...Array.from({ length: readers }, (_, place) => ({
            name: `reader ${place + 1}`,
            run: async () => {
              for (let i = 0; i < rounds; i++) {
                await lock.withRead(async () => {
                  for (const key of await store.keys()) {
                    if (await store.get(key) === undefined) await ghosts.write(1);
                  }
                });
              }
            },
          })),
        ];
      },
      check,
    },
    snapshot: {
      expect: "safe",
      because: "list and look are of one version",
      build: (world, { readers, writers, rounds }) => {
        const store = world.object("store", value<Record<string, number>>({ a: 0 }));
        const ghosts = world.cell("ghosts", 0);
        return [
          ...team(writers, async () => {
            for (let i = 0; i < rounds; i++) {
              await store.set({});
              await store.set({ a: i });
            }
          }),
          ...Array.from({ length: readers }, (_, place) => ({
            name: `reader ${place + 1}`,
            run: async () => {
              for (let i = 0; i < rounds; i++) {
                const version = await store.get();
                for (const key of Object.keys(version)) {
                  if (version[key] === undefined) await ghosts.write(1);
                }
              }
            },
          })),
        ];
      },
      check,
    },
    store: {
      expect: "safe",
      because: "readers of the library's own store have a snapshot, in which list and look agree",
      worlds: ["tasks", "processes"],
      build: (world, { readers, writers, rounds }) => {
        const secrets = world.object("secrets", store());
        const calls = world.calls();
        const write = (value: string | null) =>
          calls.call("write", value, async () => {
            if (value === null) await secrets.delete("a");
            else await secrets.set("a", value);
          });
        const read = () =>
          calls.call("read", undefined, async () => (await secrets.readAll()).a ?? null);
        return [
          ...team(writers, async (place) => {
            for (let i = 0; i < rounds; i++) {
              await write(`${place}-${i}`);
              await read();
              await write(null);
            }
          }),
          ...Array.from({ length: readers }, (_, place) => ({
            name: `reader ${place + 1}`,
            run: async () => {
              for (let i = 0; i < rounds; i++) await read();
            },
          })),
        ];
      },
      check: () => undefined,
      model: models.register(),
    },
  },
});
