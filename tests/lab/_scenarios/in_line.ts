import { defineScenario, type World } from "../../../lab/worlds/mod.ts";

/** Whoever is inside looks who waits. */
function build(world: World) {
  const lock = world.lock("lock");
  const mine = world.cell("mine", 0);
  const others = world.cell("others", 0);
  return ["A", "B"].map((name) => ({
    name,
    run: () =>
      lock.withWrite(async () => {
        const waiting = await lock.waiting();
        if (waiting.includes(name)) await mine.write(1);
        if (waiting.some((other) => other !== name && "AB".includes(other))) await others.write(1);
      }),
  }));
}

/** Who waits for a lock, wherever that is known. */
export default defineScenario({
  module: import.meta.url,
  name: "in-line",
  title: "Who waits",
  seed: "a test of the lab",
  lesson: [],
  parameters: {},
  worlds: ["tasks", "simulation", "workers", "processes", "machines"],
  variants: {
    itself: {
      expect: "safe",
      because: "who was let in waits no more",
      worlds: ["tasks", "simulation", "workers", "machines"],
      build,
      check: ({ mine }) => mine === 0 ? undefined : "one who is inside waits",
    },
    other: {
      expect: "broken",
      because: "the other may have asked meanwhile",
      worlds: ["tasks", "simulation", "workers", "machines"],
      build,
      check: ({ others }) => others === 0 ? undefined : "the other waits",
    },
    unknown: {
      expect: "broken",
      symptom: "threw",
      because: "no process knows who waits",
      worlds: ["processes"],
      build,
      check: () => undefined,
    },
  },
});
