import { defineScenario, team } from "../worlds/scenario.ts";
import type { EndState } from "../worlds/scenario.ts";
import type { Cell, World } from "../worlds/world.ts";

/** The two halves of one value, and whether anybody saw halves of two values. */
function halves(world: World): { low: Cell; high: Cell; torn: Cell } {
  return {
    low: world.cell("low", 0),
    high: world.cell("high", 0),
    torn: world.cell("torn", 0),
  };
}

function check({ torn }: EndState): string | undefined {
  return torn === 0
    ? undefined
    : "a reader saw the low half of one value and the high half of another";
}

/** A value that takes two writes is read between them. */
export default defineScenario({
  module: import.meta.url,
  name: "torn-read",
  title: "The torn read",
  seed: "shardex: readers see a whole version; keyvault: readers beside writers",
  lesson: [
    "A value that is stored in two places has two halves: two words, two fields, two files. A writer " +
    "changes one and then the other. Whoever reads in between gets a value that never existed: the " +
    "new low half with the old high half. Nothing crashes, and the value looks as good as any.",
    "Each half being atomic does not help, for it is the two together that mean something. A lock " +
    "does: readers share it, the writer has it alone. So does a version that the writer makes odd " +
    "before it begins and even when it is done: a reader that saw an odd one, or another one at its " +
    "end, looks again. It never makes the writer wait, but may have to look many times itself.",
  ],
  parameters: {
    readers: {
      about: "readers",
      smoke: 1,
      bench: { tasks: 8, workers: 2, processes: 2 },
      min: 1,
      max: 16,
    },
    updates: {
      about: "updates by the writer",
      smoke: 1,
      bench: { tasks: 20, workers: 200, processes: 20 },
      min: 1,
      max: 10_000,
    },
  },
  worlds: ["tasks", "workers", "processes"],
  notes: {
    simulation: "it is the same there as between tasks: no step of a cell can be cut in two",
    machines: "it is the same there as between processes",
  },
  variants: {
    unguarded: {
      expect: "broken",
      because: "a reader can look between the two writes",
      build: (world, { readers, updates }) => {
        const { low, high, torn } = halves(world);
        return [
          {
            name: "writer",
            run: async () => {
              for (let value = 1; value <= updates; value++) {
                await low.write(value);
                await high.write(value);
              }
            },
          },
          ...team(readers, async () => {
            for (let i = 0; i < updates; i++) {
              if (await low.read() !== await high.read()) await torn.write(1);
            }
          }),
        ];
      },
      check,
    },
    locked: {
      expect: "safe",
      because: "the writer has both halves alone, readers share them",
      build: (world, { readers, updates }) => {
        const { low, high, torn } = halves(world);
        const lock = world.lock("lock");
        return [
          {
            name: "writer",
            run: async () => {
              for (let value = 1; value <= updates; value++) {
                await lock.withWrite(async () => {
                  await low.write(value);
                  await high.write(value);
                });
              }
            },
          },
          ...team(readers, async () => {
            for (let i = 0; i < updates; i++) {
              await lock.withRead(async () => {
                if (await low.read() !== await high.read()) await torn.write(1);
              });
            }
          }),
        ];
      },
      check,
    },
    versioned: {
      expect: "safe",
      because: "a reader that saw the version change, or odd, looks again",
      build: (world, { readers, updates }) => {
        const { low, high, torn } = halves(world);
        const version = world.cell("version", 0, { atomic: true });
        return [
          {
            name: "writer",
            run: async () => {
              for (let value = 1; value <= updates; value++) {
                await version.write(2 * value - 1);
                await low.write(value);
                await high.write(value);
                await version.write(2 * value);
              }
            },
          },
          ...team(readers, async () => {
            for (let tries = 0; tries < 3; tries++) {
              const before = await version.read();
              const equal = await low.read() === await high.read();
              if (before % 2 !== 0 || await version.read() !== before) continue;
              if (!equal) await torn.write(1);
            }
          }),
        ];
      },
      check,
    },
  },
});
