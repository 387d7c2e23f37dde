import { defineScenario, type World } from "../../../lab/worlds/mod.ts";

/** Each sleeps for so long and then writes how long it slept. */
function sleepers(world: World, times: readonly number[]) {
  const clock = world.clock("clock");
  const last = world.cell("last", 0);
  return times.map((ms, place) => ({
    name: "AB"[place],
    run: async () => {
      const before = await clock.now();
      await clock.sleep(ms);
      if (await clock.now() - before < ms - 1) throw new RangeError("woken too early");
      await last.write(ms);
    },
  }));
}

/** Sleep, to see that it costs nothing and keeps the order of deadlines. */
export default defineScenario({
  module: import.meta.url,
  name: "in-time",
  title: "Deadlines",
  seed: "a test of the lab",
  lesson: [],
  parameters: {},
  worlds: ["tasks", "simulation", "workers", "processes", "machines"],
  variants: {
    "long-sleep": {
      expect: "safe",
      because: "nobody is woken before its time",
      build: (world) => sleepers(world, [30_000, 10]),
      check: ({ last }) => last === 30_000 || last === 10 ? undefined : `last = ${last}`,
    },
    "short-sleep": {
      expect: "safe",
      because: "nobody is woken before its time",
      build: (world) => sleepers(world, [20, 10]),
      check: ({ last }) => last > 0 ? undefined : `last = ${last}`,
    },
    "wakes-late": {
      expect: "broken",
      because: "waking is one thing and going on another: B can be passed over after its deadline",
      build: (world) => sleepers(world, [30_000, 10]),
      check: ({ last }) => last === 30_000 ? undefined : `last = ${last}`,
    },
  },
});
