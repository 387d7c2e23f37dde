import type { Shared } from "../worlds/object_kind.ts";
import { processor, type SharedProcessor } from "../worlds/processor_kind.ts";
import { type Actor, defineScenario, type EndState, team } from "../worlds/scenario.ts";
import type { Cell, Channel, World } from "../worlds/world.ts";

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

type Numbers = { readonly clients: number; readonly jobs: number; readonly ms: number };

/** Tells when a job is done. */
type Finished = Channel<null>;

/** Clients request one job after another, until they are told that nothing is accepted any more. */
function underLoad(
  world: World,
  { clients, jobs, ms }: Numbers,
  shutdown: (pool: Shared<SharedProcessor>, finished: Finished) => Promise<number>,
): Actor[] {
  const pool = world.object(
    "pool",
    processor({ workers: 4 }, ({ world }) => {
      const clock = world.clock("clock");
      return { work: () => ms === 0 ? clock.now() : clock.sleep(ms) };
    }),
  );
  const clock = world.clock("clock");
  const finished = world.channel<null>("finished");
  const aborted = world.cell("aborted", 0);
  const closed = world.cell("closed", 0, { atomic: true });
  const late = world.cell("late", 0);
  return [
    ...team(clients, async () => {
      try {
        for (let i = 0; i < jobs; i++) {
          const afterwards = await closed.read() === 1;
          await pool.request("work");
          if (afterwards) await late.write(1);
          await finished.send(null);
        }
      } catch (error) {
        if ((error as Error).name !== "ShutdownError") throw error;
      }
    }),
    {
      name: "shutdown",
      run: async () => {
        if (ms > 0) await clock.sleep(ms);
        await aborted.write(await shutdown(pool, finished));
        await closed.write(1);
      },
    },
  ];
}

function checkPool({ aborted, late }: EndState): string | undefined {
  if (aborted > 0) return `${aborted} jobs were accepted and not done`;
  return late === 0 ? undefined : "a job was accepted after the pool had closed";
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
    "It does not help to wait until nothing is left to do and to close then: under load there is always " +
    "something left, and what comes between the last look and the closing is lost. Refuse first; what was " +
    "accepted can then only become less.",
  ],
  parameters: {
    clients: {
      about: "clients of the processor",
      smoke: 2,
      bench: { tasks: 20 },
      min: 1,
      max: 20,
    },
    ms: { about: "how long a job takes, in ms", smoke: 0, bench: { tasks: 5 }, min: 0, max: 100 },
    jobs: { about: "jobs of each", smoke: 1, bench: { tasks: 10 }, min: 1, max: 1000 },
  },
  worlds: ["tasks", "workers", "processes"],
  notes: {
    simulation: "it is the same there as between tasks",
    machines: "it is the same there as between processes",
  },
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
    "drain-then-refuse": {
      expect: "broken",
      because: "what is accepted between the last look and the closing is not done any more",
      worlds: ["tasks"],
      build: (world, numbers) =>
        underLoad(world, numbers, async (pool, finished) => {
          const isIdle = async () => {
            const { queued, active } = await pool.stats();
            return queued + active === 0;
          };
          while (!await isIdle()) await finished.receive();
          return (await pool.shutdown({ timeout: 0 })).aborted;
        }),
      check: checkPool,
    },
    "refuse-then-drain": {
      expect: "safe",
      because: "the processor refuses first, and then finishes what it has accepted",
      worlds: ["tasks"],
      build: (world, numbers) =>
        underLoad(
          world,
          numbers,
          async (pool) => (await pool.shutdown({ timeout: Infinity })).aborted,
        ),
      check: checkPool,
    },
  },
});
