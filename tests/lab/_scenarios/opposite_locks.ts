import { defineScenario, type World } from "../../../lab/worlds/mod.ts";

function build(world: World, second: [string, string]) {
  const counter = world.cell("counter", 0);
  const actor = (name: string, [outer, inner]: [string, string]) => ({
    name,
    run: () =>
      world.lock(outer).withWrite(() =>
        world.lock(inner).withWrite(async () => counter.write(await counter.read() + 1))
      ),
  });
  world.lock("left");
  world.lock("right");
  return [actor("A", ["left", "right"]), actor("B", second)];
}

/** Two locks taken in opposite orders, to see a deadlock noticed at every distance. */
export default defineScenario({
  module: import.meta.url,
  name: "opposite-locks",
  title: "Two locks, two orders",
  seed: "a test of the lab",
  lesson: [],
  parameters: {},
  worlds: ["tasks", "simulation", "workers", "processes", "machines"],
  variants: {
    opposite: {
      expect: "broken",
      symptom: "deadlock",
      because: "each holds what the other wants",
      build: (world) => build(world, ["right", "left"]),
      check: () => undefined,
    },
    "same-order": {
      expect: "safe",
      because: "whoever has the first lock gets the second",
      build: (world) => build(world, ["left", "right"]),
      check: ({ counter }) => counter === 2 ? undefined : `counter = ${counter}`,
    },
  },
});
