import { map } from "../worlds/map_kind.ts";
import { defineScenario, team } from "../worlds/scenario.ts";
import type { SharedMap } from "../worlds/map_kind.ts";
import { store } from "../worlds/store_kind.ts";

const KEYS = ["a", "b", "c"];
const SECRETS = Object.fromEntries(KEYS.map((key) => [key, `secret of ${key}`]));

/** Many who only read. */
export default defineScenario({
  module: import.meta.url,
  name: "concurrent-reads",
  title: "Readers that are not only readers",
  seed: "keyvault: concurrent reads (10 × 100)",
  lesson: [
    "Ten readers read a hundred secrets each, side by side. Nobody writes, so nothing can go wrong, and no " +
    "lock is needed: that is the case in the seed, and it is safe.",
    "Then somebody wants to know how often secrets are read, and each read adds one to a counter. Now every " +
    "reader is a writer, and reads are lost from the count. A cache that moves what was used to the front, a " +
    "file's time of last access, a reference count: it is the writes one does not see that race. Count in one " +
    "step that cannot be cut in two.",
  ],
  parameters: {
    readers: {
      about: "readers",
      smoke: 2,
      bench: { tasks: 10, workers: 4, processes: 4 },
      min: 2,
      max: 16,
    },
    reads: {
      about: "reads by each",
      smoke: 1,
      bench: { tasks: 100, workers: 100, processes: 20 },
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
      because: "each read also writes how many there were, and one buries another",
      build: (world, { readers, reads }) => {
        const store = world.object("store", map(SECRETS));
        const count = world.cell("count", 0);
        return team(readers, async (place) => {
          for (let i = 0; i < reads; i++) {
            await store.get(KEYS[(place + i) % KEYS.length]);
            await count.write(await count.read() + 1);
          }
        });
      },
      check: ({ count }, { readers, reads }) =>
        count === readers * reads ? undefined : `${readers * reads} reads, but count = ${count}`,
    },
    counted: {
      expect: "safe",
      because: "counting is one step: it succeeds only if nobody counted in between",
      build: (world, { readers, reads }) => {
        const store = world.object("store", map(SECRETS));
        const count = world.cell("count", 0, { atomic: true });
        return team(readers, async (place) => {
          for (let i = 0; i < reads; i++) {
            await store.get(KEYS[(place + i) % KEYS.length]);
            for (;;) {
              const seen = await count.read();
              if (await count.compareAndSet(seen, seen + 1)) break;
            }
          }
        });
      },
      check: ({ count }, { readers, reads }) =>
        count === readers * reads ? undefined : `${readers * reads} reads, but count = ${count}`,
    },
    "only-reads": {
      expect: "safe",
      because: "nobody writes, so nothing depends on the order",
      build: (world, { readers, reads }) => {
        const store = world.object("store", map(SECRETS));
        const wrong = world.cell("wrong", 0);
        return team(readers, async (place) => {
          for (let i = 0; i < reads; i++) {
            const key = KEYS[(place + i) % KEYS.length];
            if (await store.get(key) !== SECRETS[key]) await wrong.write(1);
          }
        });
      },
      check: ({ wrong }, _numbers, { store }) =>
        wrong === 0 && (store as SharedMap<string>).keys().length === KEYS.length
          ? undefined
          : "a reader found something else",
    },
    store: {
      expect: "safe",
      because: "readers of the library's own store find what was stored, whole, whoever else reads",
      worlds: ["tasks", "processes"],
      build: (world, { readers, reads }) => {
        const secrets = world.object("secrets", store());
        const filled = world.barrier("filled", readers);
        const wrong = world.cell("wrong", 0);
        return team(readers, async (place) => {
          if (place === 0) {
            for (const key of KEYS) await secrets.set(key, SECRETS[key]);
          }
          await filled.wait();
          for (let i = 0; i < reads; i++) {
            const key = KEYS[(place + i) % KEYS.length];
            if ((await secrets.get(key))?.value !== SECRETS[key]) await wrong.write(1);
          }
        });
      },
      check: ({ wrong }) => wrong === 0 ? undefined : "a reader found something else",
    },
  },
});
