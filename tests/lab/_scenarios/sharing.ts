import { defineScenario } from "../../../lab/worlds/mod.ts";

/** Shares an object of its own, which cannot be done further away than between tasks. */
export default defineScenario({
  module: import.meta.url,
  name: "sharing",
  title: "An object of its own",
  seed: "a test of the lab",
  lesson: [],
  parameters: {},
  worlds: ["tasks", "workers"],
  variants: {
    shares: {
      expect: "safe",
      because: "nothing is checked",
      build: (world) => {
        const own = world.shared("own", () => ({ count: 0 }));
        return [{ name: "A", run: async () => void await Promise.resolve(own.count++) }];
      },
      check: () => undefined,
    },
  },
});
