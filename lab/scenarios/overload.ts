import { defineScenario, type EndState, team } from "../worlds/scenario.ts";

const LIMIT = 1;

function check({ deepest }: EndState): string | undefined {
  return deepest <= LIMIT
    ? undefined
    : `${deepest} jobs waited at once, and there is room for ${LIMIT}`;
}

/** More work than can be done. */
export default defineScenario({
  module: import.meta.url,
  name: "overload",
  title: "More work than can be done",
  seed: "airs: back-pressure that does not wait",
  lesson: [
    "Jobs come faster than they are done. A queue without a bound takes them all: it grows, everybody waits " +
    "longer and longer, and at last memory is gone, with all the jobs in it. That each job was accepted with a " +
    "kind word helps nobody.",
    "A queue needs a bound, and whoever comes when it is full must be told so at once, while he can still do " +
    "something about it. The place in the queue is claimed in one step: looking for room and taking it must " +
    "not be two.",
  ],
  parameters: {
    clients: {
      about: "clients",
      smoke: 2,
      bench: { tasks: 8, workers: 4, processes: 4 },
      min: 2,
      max: 16,
    },
  },
  worlds: ["tasks", "workers", "processes"],
  notes: { simulation: "it is the same there as between tasks" },
  variants: {
    unguarded: {
      expect: "broken",
      because: "looking for room and taking it are two steps",
      build: (world, { clients }) => {
        const depth = world.cell("depth", 0);
        const deepest = world.cell("deepest", 0);
        return team(clients, async () => {
          if (await depth.read() >= LIMIT) return; // refused
          const mine = await depth.read() + 1;
          await depth.write(mine);
          if (mine > await deepest.read()) await deepest.write(mine);
        });
      },
      check,
    },
    claimed: {
      expect: "safe",
      because: "room is looked for and taken in one step, and who finds none is told at once",
      build: (world, { clients }) => {
        const depth = world.cell("depth", 0, { atomic: true });
        const deepest = world.cell("deepest", 0, { atomic: true });
        return team(clients, async () => {
          for (;;) {
            const seen = await depth.read();
            if (seen >= LIMIT) return; // refused
            if (await depth.compareAndSet(seen, seen + 1)) return await deepest.write(seen + 1);
          }
        });
      },
      check,
    },
  },
});
