import { type Actor, defineScenario, type EndState, team } from "../worlds/scenario.ts";
import { type SharedStore, store } from "../worlds/store_kind.ts";
import type { Cell, Lock, World } from "../worlds/world.ts";

type Numbers = { readonly actors: number; readonly rounds: number };

function check({ stored, indexed }: EndState, { actors, rounds }: Numbers): string | undefined {
  return stored === actors * rounds && indexed === stored
    ? undefined
    : `stored ${stored} and indexed ${indexed} of ${actors * rounds}`;
}

/** Each stores and indexes, retrieves, and lists the index and looks at what is stored. */
function storeAndList(
  world: World,
  { actors, rounds }: Numbers,
  order: (secrets: Lock, index: Lock) => readonly [Lock, Lock],
): Actor[] {
  const secrets = world.lock("secrets");
  const index = world.lock("index");
  const stored = world.cell("stored", 0);
  const indexed = world.cell("indexed", 0);
  const [first, second] = order(secrets, index);
  const add = async (cell: Cell) => cell.write(await cell.read() + 1);
  return team(actors, async () => {
    for (let i = 0; i < rounds; i++) {
      await secrets.withWrite(async () => {
        await add(stored);
        await index.withWrite(() => add(indexed));
      });
      await secrets.withRead(() => stored.read());
      await first.withRead(() => second.withRead(() => indexed.read()));
    }
  });
}

/** Store, retrieve and list, each with its own idea of the order. */
export default defineScenario({
  module: import.meta.url,
  name: "no-deadlock",
  title: "Store and list, the other way round",
  seed: "keyvault: no deadlock (10 × 20 store, retrieve, list, in 5 s)",
  lesson: [
    "A store has a lock for its secrets and one for its index. Storing takes the secrets first and then the " +
    "index. Listing begins with the index, as one would, and then looks at the secrets. When both are half " +
    "way each has the lock the other wants. That listing only reads does not help: a reader keeps a writer " +
    "out as well as a writer does.",
    "The order of locks belongs to the locks and not to the operation. Write it down once, and let every " +
    "operation follow it; `acquireAll` does that for you.",
  ],
  parameters: {
    actors: {
      about: "actors",
      smoke: 2,
      bench: { tasks: 10, workers: 4, processes: 4 },
      min: 2,
      max: 16,
    },
    rounds: {
      about: "rounds of each",
      smoke: 1,
      bench: { tasks: 20, workers: 20, processes: 10 },
      min: 1,
      max: 100,
    },
  },
  worlds: ["tasks", "workers", "processes"],
  notes: {
    simulation: "it is the same there as between tasks",
    machines: "it is the same there as between processes",
  },
  variants: {
    unguarded: {
      expect: "broken",
      symptom: "deadlock",
      because: "storing and listing take the two locks in opposite orders",
      build: (world, numbers) => storeAndList(world, numbers, (secrets, index) => [index, secrets]),
      check,
    },
    "one-order": {
      expect: "safe",
      because: "both take the secrets first",
      build: (world, numbers) => storeAndList(world, numbers, (secrets, index) => [secrets, index]),
      check,
    },
    store: {
      expect: "safe",
      because: "operations of the library's own store take its locks in one order",
      worlds: ["tasks", "processes"],
      build: (world, { actors, rounds }) => {
        const secrets = world.object("secrets", store());
        return team(actors, async (place) => {
          for (let i = 0; i < rounds; i++) {
            await secrets.set(`${i}-${place}`, i);
            // What others have stored, too.
            await secrets.get(`${i}-${(place + 1) % actors}`);
            await secrets.list();
          }
        });
      },
      check: async (_end, { actors, rounds }, { secrets }) => {
        const { length } = await (secrets as SharedStore).list();
        return length === actors * rounds
          ? undefined
          : `${length} of ${actors * rounds} are stored`;
      },
    },
  },
});
