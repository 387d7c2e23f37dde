import { type Actor, defineScenario, type EndState, team } from "../worlds/scenario.ts";
import type { Cell, Channel, World } from "../worlds/world.ts";

type Numbers = { readonly jobs: number };

class JobFailed extends Error {}

/** A job; the first one fails. */
async function work(place: number, done: Cell): Promise<void> {
  if (place === 0) throw new JobFailed();
  await done.write(await done.read() + 1);
}

function check({ ended }: EndState, { jobs }: Numbers): string | undefined {
  return ended === jobs ? undefined : `${ended} of ${jobs} jobs came to an end`;
}

/** Jobs that share one permit: a message, which is received and sent back. */
function pool(
  world: World,
  { jobs }: Numbers,
  run: (permits: Channel<number>, job: () => Promise<void>) => Promise<void>,
): Actor[] {
  const permits = world.channel<number>("permits");
  const done = world.cell("done", 0);
  const ended = world.cell("ended", 0);
  const lock = world.lock("ended lock");
  return [
    { name: "pool", run: () => permits.send(1) },
    ...team(jobs, async (place) => {
      try {
        await run(permits, () => work(place, done));
      } catch (error) {
        if (!(error instanceof JobFailed)) throw error;
      }
      await lock.withWrite(async () => ended.write(await ended.read() + 1));
    }),
  ];
}

/** A permit that does not come back when a job fails. */
export default defineScenario({
  module: import.meta.url,
  name: "permit-leak",
  title: "The permit that did not come back",
  seed: "airs: permits are returned on success, failure, abort and timeout",
  lesson: [
    "A pool runs so many jobs at a time: a job takes a permit, works, and gives it back. When a job fails, the " +
    "line that gives the permit back is never reached. Each failure makes the pool smaller by one, unseen; " +
    "the day it is empty, every job waits for ever, long after the failures that did it.",
    "The permit has to come back on every way out: `finally`, or a guard that gives it back when the block " +
    "ends. Then a failure costs the job that failed, and no other.",
  ],
  parameters: {
    jobs: { about: "jobs, of which the first fails", smoke: 2, bench: 8, min: 2, max: 16 },
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
      because: "the failing job keeps the permit, and the next waits for it for ever",
      build: (world, numbers) =>
        pool(world, numbers, async (permits, job) => {
          const permit = await permits.receive();
          await job();
          await permits.send(permit);
        }),
      check,
    },
    finally: {
      expect: "safe",
      because: "the permit comes back however the job ends",
      build: (world, numbers) =>
        pool(world, numbers, async (permits, job) => {
          const permit = await permits.receive();
          try {
            await job();
          } finally {
            await permits.send(permit);
          }
        }),
      check,
    },
  },
});
