import { type Actor, defineScenario, type EndState } from "../worlds/scenario.ts";
import type { Lock, World } from "../worlds/world.ts";

type Numbers = { readonly rounds: number };

function check({ stored, indexed }: EndState, { rounds }: Numbers): string | undefined {
  return stored === rounds && indexed === rounds
    ? undefined
    : `stored ${stored} and indexed ${indexed} of ${rounds}`;
}

/** One stores and indexes; one lists the index and looks at what is stored. */
function storeAndList(
  world: World,
  { rounds }: Numbers,
  order: (secrets: Lock, index: Lock) => readonly [Lock, Lock],
): Actor[] {
  const secrets = world.lock("secrets");
  const index = world.lock("index");
  const stored = world.cell("stored", 0);
  const indexed = world.cell("indexed", 0);
  const [first, second] = order(secrets, index);
  return [
    {
      name: "store",
      run: async () => {
        for (let i = 1; i <= rounds; i++) {
          await secrets.withWrite(async () => {
            await stored.write(i);
            await index.withWrite(() => indexed.write(i));
          });
        }
      },
    },
    {
      name: "list",
      run: async () => {
        for (let i = 1; i <= rounds; i++) {
          await first.withRead(() => second.withRead(async () => void await stored.read()));
        }
      },
    },
  ];
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
    rounds: {
      about: "rounds of each",
      smoke: 1,
      bench: { tasks: 20, workers: 20, processes: 10 },
      min: 1,
      max: 100,
    },
  },
  worlds: ["tasks", "workers", "processes"],
  notes: { simulation: "it is the same there as between tasks" },
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
  },
});
