import { type Actor, defineScenario, type EndState } from "../worlds/scenario.ts";
import type { Cell, World } from "../worlds/world.ts";

function check({ accepted, done }: EndState): string | undefined {
  return accepted === done ? undefined : `${accepted} jobs were accepted, ${done} were done`;
}

/** One is asked for a job while another shuts the pool down. */
function pool(
  world: World,
  around: (step: () => Promise<void>) => Promise<void>,
): Actor[] {
  const closed = world.cell("closed", 0);
  const pending = world.cell("pending", 0);
  const accepted = world.cell("accepted", 0);
  const done = world.cell("done", 0);
  const finish = async (jobs: Cell) => {
    await done.write(await jobs.read());
    await jobs.write(0);
  };
  return [
    {
      name: "client",
      run: () =>
        around(async () => {
          if (await closed.read() === 1) return; // refused
          await pending.write(1);
          await accepted.write(1);
        }),
    },
    {
      name: "shutdown",
      run: () =>
        around(async () => {
          await closed.write(1);
          await finish(pending);
        }),
    },
  ];
}

/** A job that comes while the doors close. */
export default defineScenario({
  module: import.meta.url,
  name: "shutdown-under-load",
  title: "The job that came while the doors closed",
  seed: "airs: graceful shutdown under load",
  lesson: [
    "A pool shuts down: it refuses what comes from now on, and finishes what it has accepted. A client looks " +
    "whether the pool is open, finds that it is, and hands in a job. Between the look and the handing in the " +
    "pool has closed and finished what there was. The job was accepted, and nobody will ever do it.",
    "Accepting is a check and an act, and closing changes what is checked. Both must be one step: then a job " +
    "is either refused, and its sender knows, or it is among those that are finished.",
  ],
  parameters: {},
  worlds: ["tasks", "workers", "processes"],
  notes: { simulation: "it is the same there as between tasks" },
  variants: {
    unguarded: {
      expect: "broken",
      because: "between the look at the door and the handing in the door is closed",
      build: (world) => pool(world, (step) => step()),
      check,
    },
    "one-step": {
      expect: "safe",
      because: "accepting and closing are each one step",
      build: (world) => {
        const lock = world.lock("door");
        return pool(world, (step) => lock.withWrite(step));
      },
      check,
    },
  },
});
