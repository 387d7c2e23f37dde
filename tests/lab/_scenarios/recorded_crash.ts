import { models } from "../../../lab/engine/history/mod.ts";
import {
  defineScenario,
  type SharedFile,
  type Variant,
  type World,
} from "../../../lab/worlds/mod.ts";

/**
 * A register is written by whoever is killed meanwhile; who comes afterwards reads it, twice. A call that
 * was cut off has taken effect if that was between its two steps, and not if it was before.
 */
function killed(world: World, early: boolean) {
  const value = world.cell("value", 0);
  const backup = world.cell("backup", 0);
  const crash = world.crash("crash");
  const calls = world.calls();
  return [
    {
      name: "writer",
      run: async () => {
        for (const next of [1, 2]) {
          const written = calls.invoke("write", next);
          if (early) written.ok();
          await value.write(next);
          await backup.write(next);
          if (!early) written.ok();
        }
      },
    },
    { name: "killer", run: () => crash.kill("writer") },
    {
      name: "heir",
      run: async () => {
        await crash.after();
        for (let i = 0; i < 2; i++) await calls.call("read", undefined, () => value.read());
      },
    },
  ];
}

/** A file is written and the power cut; what was acknowledged is to be there afterwards. */
const powerless = (
  expect: "broken" | "safe",
  because: string,
  write: (data: SharedFile, next: string) => Promise<void>,
): Variant => ({
  expect,
  because,
  worlds: ["simulation"],
  model: models.register("old"),
  build: (world) => {
    const data = world.file("data", "old");
    const power = world.crash("power");
    const calls = world.calls();
    return [
      { name: "writer", run: () => calls.call("write", "new", () => write(data, "new")) },
      { name: "power cut", run: () => power.losePower() },
      {
        name: "heir",
        run: async () => {
          await power.after();
          for (let i = 0; i < 2; i++) await calls.call("read", undefined, () => data.read());
        },
      },
    ];
  },
  check: () => undefined,
});

/** What only the history of a run with a crash tells: whoever was cut off may have written, or not. */
export default defineScenario({
  module: import.meta.url,
  name: "recorded-crash",
  title: "What was acknowledged before the crash",
  seed: "a test of the lab",
  lesson: [],
  parameters: {},
  worlds: ["simulation", "workers", "processes"],
  variants: {
    "after-writing": {
      expect: "safe",
      because: "what is acknowledged has been written, and what is not may have been",
      build: (world) => killed(world, false),
      check: () => undefined,
      model: models.register(0),
    },
    "before-writing": {
      expect: "broken",
      because: "what is acknowledged may never be written",
      build: (world) => killed(world, true),
      check: () => undefined,
      model: models.register(0),
    },
    synced: powerless("safe", "it is acknowledged when it is on the disk", async (data, next) => {
      await data.write(next);
      await data.sync();
    }),
    unsynced: powerless(
      "broken",
      "what is acknowledged may be in memory only",
      (data, next) => data.write(next),
    ),
  },
});
