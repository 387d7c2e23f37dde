import { defineScenario, team, type World } from "../../../lab/worlds/mod.ts";

/** Two count inside a lock, and one of them is killed. */
function build(world: World, reaps: boolean) {
  const lock = world.lock("lock");
  const count = world.cell("count", 0);
  const crash = world.crash("crash");
  return [
    ...team(2, () => lock.withWrite(async () => count.write(await count.read() + 1))),
    {
      name: "killer",
      run: async () => {
        await crash.kill("A");
        if (reaps) await lock.reap("A");
      },
    },
  ];
}

/** An actor is killed: with the lock in its hands, perhaps. */
export default defineScenario({
  module: import.meta.url,
  name: "crashing",
  title: "Killed inside",
  seed: "a test of the lab",
  lesson: [],
  parameters: {},
  worlds: ["simulation", "workers", "processes", "machines"],
  variants: {
    reaped: {
      expect: "safe",
      because: "what it held is free, for the system or the reaper has freed it",
      build: (world) => build(world, true),
      check: ({ count }) => count === 1 || count === 2 ? undefined : `count = ${count}`,
    },
    unreaped: {
      expect: "safe",
      because: "the system frees what a process held, and a lease passes",
      worlds: ["simulation", "processes", "machines"],
      build: (world) => build(world, false),
      check: ({ count }) => count === 1 || count === 2 ? undefined : `count = ${count}`,
    },
    "unreaped-worker": {
      expect: "broken",
      symptom: "deadlock",
      because: "nobody frees what a worker held",
      worlds: ["workers"],
      build: (world) => build(world, false),
      check: () => undefined,
    },
    dies: {
      expect: "broken",
      because: "A may be killed before it has counted",
      build: (world) => build(world, true),
      check: ({ count }) => count === 2 ? undefined : "A has not counted",
    },
    survives: {
      expect: "broken",
      because: "A may have counted before it is killed",
      build: (world) => build(world, true),
      check: ({ count }) => count === 1 ? undefined : "A has counted",
    },
    "aftermath-sees": {
      expect: "broken",
      because: "who waits for a crash comes after it, or when all have ended",
      build: (world) => {
        const crash = world.crash("crash");
        const never = world.channel("never");
        const lock = world.lock("lock");
        return [
          { name: "A", run: async () => void await lock.withWrite(() => never.receive()) },
          { name: "killer", run: () => crash.kill("A") },
          {
            name: "heir",
            run: async () => {
              await crash.after();
              await lock.reap("A");
              await lock.withWrite(async () => {});
            },
          },
        ];
      },
      check: () => "the heir got in",
    },
  },
});
