import { defineScenario, type EndState, team } from "../worlds/scenario.ts";

function check(
  { served }: EndState,
  { callers }: { readonly callers: number },
): string | undefined {
  return served === callers ? undefined : `${served} of ${callers} were served`;
}

/** A way out of the critical section that does not pass the release. */
export default defineScenario({
  module: import.meta.url,
  name: "forgotten-release",
  title: "The release that was forgotten",
  seed: "maph: pitfalls, forgetting to release",
  lesson: [
    "A lock is taken, and given back on the last line. Then somebody adds an early `return`, or a line " +
    "that throws, and there is a way out that does not pass the last line. The lock stays taken, and all " +
    "who come later wait for ever. The one who forgot has long gone on.",
    "So do not write the release at all: bind it to the block. `using guard = await lock.write()` and " +
    "`lock.withWrite(fn)` release however the block ends. A timeout does not mend it, but turns waiting for " +
    "ever into an error that names the lock.",
  ],
  parameters: {
    callers: { about: "callers", smoke: 2, bench: 4, min: 2, max: 16 },
  },
  worlds: ["tasks", "workers", "processes"],
  notes: {
    simulation: "it is the same there as between tasks",
    machines: "it is the same there as between processes",
  },
  variants: {
    unguarded: {
      expect: "broken",
      symptom: "deadlock",
      because: "the early return does not release, so the next one waits for ever",
      build: (world, { callers }) => {
        const served = world.cell("served", 0);
        const lock = world.lock("lock");
        return team(callers, async () => {
          const held = await lock.write();
          const before = await served.read();
          await served.write(before + 1);
          if (before === 0) return; // nothing more to do for the first; and no release
          await held.release();
        });
      },
      check,
    },
    bound: {
      expect: "safe",
      because: "the release is bound to the block, not to its last line",
      build: (world, { callers }) => {
        const served = world.cell("served", 0);
        const lock = world.lock("lock");
        return team(callers, () =>
          lock.withWrite(async () => {
            const before = await served.read();
            await served.write(before + 1);
            if (before === 0) return;
          }));
      },
      check,
    },
  },
});
