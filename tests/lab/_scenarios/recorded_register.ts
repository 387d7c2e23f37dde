import { models } from "../../../lab/engine/history/mod.ts";
import { defineScenario, type World } from "../../../lab/worlds/mod.ts";

/** A writer and a reader of a register; the copy is written after the value. */
function build(world: World, places: readonly ["value" | "copy", "value" | "copy"]) {
  const cells = { value: world.cell("value", 0), copy: world.cell("copy", 0) };
  const calls = world.calls();
  return [
    {
      name: "writer",
      run: () =>
        calls.call("write", 1, async () => {
          await cells.value.write(1);
          await cells.copy.write(1);
        }),
    },
    {
      name: "reader",
      run: async () => {
        for (const place of places) await calls.call("read", undefined, () => cells[place].read());
      },
    },
  ];
}

/** What only a history tells: the end state is the same. */
export default defineScenario({
  module: import.meta.url,
  name: "recorded-register",
  title: "A register with a stale copy",
  seed: "a test of the lab",
  lesson: [],
  parameters: {},
  worlds: ["tasks", "simulation", "workers", "processes", "machines"],
  variants: {
    "one-place": {
      expect: "safe",
      because: "all read where is written first",
      build: (world) => build(world, ["value", "value"]),
      check: () => undefined,
      model: models.register(0),
    },
    "stale-copy": {
      expect: "broken",
      because: "the copy can be older than what was read before",
      build: (world) => build(world, ["value", "copy"]),
      check: () => undefined,
      model: () => models.register(0),
    },
  },
});
