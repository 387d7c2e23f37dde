import { LockTimeoutError } from "../../../lib/errors.ts";
import { defineScenario, type World } from "../../../lab/worlds/mod.ts";

function build(world: World, giveUp: (error: unknown) => void) {
  const lock = world.lock("lock");
  const inside = world.cell("inside", 0);
  const entered = world.cell("entered", 0);
  const clock = world.clock("clock");
  const enter = (name: string, timeout: number | undefined) => ({
    name,
    run: async () => {
      try {
        await lock.withWrite(async () => {
          await inside.write(await inside.read() + 1);
          await entered.write(await entered.read() + 1);
          await clock.sleep(50);
          await inside.write(await inside.read() - 1);
        }, { timeout });
      } catch (error) {
        giveUp(error);
      }
    },
  });
  return [enter("A", undefined), enter("B", 30_000), enter("C", undefined)];
}

/** A waiter that gives up, with others before and behind it. */
export default defineScenario({
  module: import.meta.url,
  name: "impatient",
  title: "A waiter that gives up",
  seed: "a test of the lab",
  lesson: [],
  parameters: {},
  worlds: ["tasks", "simulation", "workers", "processes", "machines"],
  variants: {
    "gives-up": {
      expect: "safe",
      because: "who gives up leaves nothing behind, and who is behind it gets in",
      build: (world) =>
        build(world, (error) => {
          if (!(error instanceof LockTimeoutError)) throw error;
        }),
      check: ({ inside, entered }) =>
        inside === 0 && (entered === 2 || entered === 3)
          ? undefined
          : `${inside} inside at the end, ${entered} have entered`,
    },
    "never-gives-up": {
      expect: "broken",
      symptom: "threw",
      because: "the timeout can pass, and nobody expects it",
      build: (world) =>
        build(world, (error) => {
          throw error;
        }),
      check: () => undefined,
    },
  },
});
