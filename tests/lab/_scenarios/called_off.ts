import { defineScenario, type World } from "../../../lab/worlds/mod.ts";

/** A writer waits behind a reader and is called off; another reader waits behind the writer. */
function build(world: World) {
  const lock = world.lock("lock");
  const off = world.signal("off");
  const inside = world.cell("inside", 0);
  const answered = world.cell("answered", 0);
  const reader = (name: string) => ({ name, run: () => lock.withRead(async () => {}) });
  return [
    reader("first"),
    {
      name: "writer",
      run: async () => {
        try {
          await lock.withWrite(() => inside.write(1), { signal: off });
          await answered.write(1);
        } catch (error) {
          if ((error as Error).name !== "AbortError") throw error;
          await answered.write(2);
        }
      },
    },
    { name: "caller", run: () => off.fire() },
    reader("last"),
  ];
}

/** A waiter that another actor calls off. */
export default defineScenario({
  module: import.meta.url,
  name: "called-off",
  title: "A waiter that is called off",
  seed: "a test of the lab",
  lesson: [],
  parameters: {},
  worlds: ["tasks", "simulation", "workers", "processes", "machines"],
  variants: {
    aborts: {
      expect: "safe",
      because: "it gets in or it does not, and nobody is left standing",
      build,
      check: ({ inside, answered }) =>
        answered === 2 - inside ? undefined : `inside = ${inside}, answered = ${answered}`,
    },
    "never-gets-in": {
      expect: "broken",
      because: "the signal may come too late, and granted wins",
      build,
      check: ({ inside }) => inside === 0 ? undefined : "it got in",
    },
    "always-gets-in": {
      expect: "broken",
      because: "the signal may come in time",
      build,
      check: ({ inside }) => inside === 1 ? undefined : "it was called off",
    },
  },
});
