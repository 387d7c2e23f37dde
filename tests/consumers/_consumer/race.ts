/** A race of the consumer's own: the package's Workers and processes must find this module. */
import { defineScenario, team } from "@interlock/core/lab";

export default defineScenario({
  module: import.meta.url,
  name: "consumers-race",
  title: "A race outside the package",
  seed: "none",
  lesson: ["Two actors each add one."],
  parameters: { actors: { about: "actors", smoke: 2, bench: 2, min: 2, max: 2 } },
  worlds: ["tasks", "workers", "processes"],
  variants: {
    unguarded: {
      expect: "broken",
      because: "nothing holds the read and the write together",
      build: (world, { actors }) => {
        const counter = world.cell("counter", 0);
        return team(actors, async () => counter.write(await counter.read() + 1));
      },
      check: ({ counter }) => counter === 2 ? undefined : `counter = ${counter}`,
    },
    locked: {
      expect: "safe",
      because: "the lock does",
      build: (world, { actors }) => {
        const counter = world.cell("counter", 0);
        const lock = world.lock("lock");
        return team(
          actors,
          () => lock.withWrite(async () => counter.write(await counter.read() + 1)),
        );
      },
      check: ({ counter }) => counter === 2 ? undefined : `counter = ${counter}`,
    },
  },
});
