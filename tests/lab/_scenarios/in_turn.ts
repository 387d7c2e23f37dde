import { defineScenario, team } from "../../../lab/worlds/mod.ts";

/** Three take turns with a lock, and each leaves its number behind those before it. */
export default defineScenario({
  module: import.meta.url,
  name: "in-turn",
  title: "Who was whose next",
  seed: "a test of the lab",
  lesson: [],
  parameters: {},
  worlds: ["tasks", "machines"],
  variants: {
    locked: {
      expect: "safe",
      because: "each comes inside once, in whatever order",
      build: (world) => {
        const lock = world.lock("lock");
        const order = world.cell("order", 0);
        return team(
          3,
          (place) =>
            lock.withWrite(async () => await order.write(await order.read() * 10 + place + 1)),
        );
      },
      check: ({ order }) => new Set(String(order)).size === 3 ? undefined : `order = ${order}`,
    },
  },
});
