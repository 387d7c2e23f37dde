import { processor } from "../worlds/processor_kind.ts";
import { type Actor, defineScenario, type EndState, team } from "../worlds/scenario.ts";
import type { World } from "../worlds/world.ts";

const LIMIT = 1;

type Numbers = { readonly clients: number };

function check({ deepest }: EndState): string | undefined {
  return deepest <= LIMIT
    ? undefined
    : `${deepest} jobs waited at once, and there is room for ${LIMIT}`;
}

/**
 * Clients of the library's own processor, with one worker who is busy for as long as it takes: one job
 * is being done, and the others wait, as far as they are accepted.
 *
 * @param queueLimit How many may wait, as the processor sees to it.
 * @param look Whether clients look themselves whether there is room.
 */
function clientsOf(
  world: World,
  { clients }: Numbers,
  { queueLimit, look }: { queueLimit: number; look: boolean },
): Actor[] {
  const pool = world.object(
    "pool",
    processor({ workers: 1, queueLimit }, ({ held }) => ({ work: held })),
  );
  const deepest = world.cell("deepest", 0);
  const refused = world.cell("refused", 0, { atomic: true });
  const refuse = async () => {
    for (let seen = await refused.read(); !await refused.compareAndSet(seen, seen + 1);) {
      seen = await refused.read();
    }
  };
  return team(clients, async () => {
    if (look && (await pool.stats()).queued >= LIMIT) return await refuse();
    try {
      await pool.offer("work");
    } catch (error) {
      if ((error as Error).name !== "QueueFullError") throw error;
      return await refuse();
    }
    const { queued } = await pool.stats();
    if (queued > await deepest.read()) await deepest.write(queued);
  });
}

/** As deep as it may be, and who was not accepted was told. */
function checkPool(end: EndState, { clients }: Numbers): string | undefined {
  const { deepest, refused } = end;
  if (deepest > LIMIT) return check(end);
  return refused === clients - LIMIT - 1 ? undefined : `${refused} of ${clients} were refused`;
}

/** More work than can be done. */
export default defineScenario({
  module: import.meta.url,
  name: "overload",
  title: "More work than can be done",
  seed: "airs: back-pressure that does not wait",
  lesson: [
    "Jobs come faster than they are done. A queue without a bound takes them all: it grows, everybody waits " +
    "longer and longer, and at last memory is gone, with all the jobs in it. That each job was accepted with a " +
    "kind word helps nobody.",
    "A queue needs a bound, and whoever comes when it is full must be told so at once, while he can still do " +
    "something about it. The place in the queue is claimed in one step: looking for room and taking it must " +
    "not be two.",
    "To let him wait for room instead looks kinder, and is worse. A job hands in another, to the pool it runs " +
    "in, and waits for room; when all who have a place do so, nobody ever gives one back. Who is refused at " +
    "once can do the work himself, try later, or say no to his own caller.",
  ],
  parameters: {
    clients: {
      about: "clients",
      smoke: 3,
      bench: { tasks: 20, workers: 4, processes: 4 },
      min: 3,
      max: 20,
    },
  },
  worlds: ["tasks", "workers", "processes"],
  notes: {
    simulation: "it is the same there as between tasks",
    machines: "it is the same there as between processes",
  },
  variants: {
    unguarded: {
      expect: "broken",
      because: "looking for room and taking it are two steps",
      build: (world, { clients }) => {
        const depth = world.cell("depth", 0);
        const deepest = world.cell("deepest", 0);
        return team(clients, async () => {
          if (await depth.read() >= LIMIT) return; // refused
          const mine = await depth.read() + 1;
          await depth.write(mine);
          if (mine > await deepest.read()) await deepest.write(mine);
        });
      },
      check,
    },
    claimed: {
      expect: "safe",
      because: "room is looked for and taken in one step, and who finds none is told at once",
      build: (world, { clients }) => {
        const depth = world.cell("depth", 0, { atomic: true });
        const deepest = world.cell("deepest", 0, { atomic: true });
        return team(clients, async () => {
          for (;;) {
            const seen = await depth.read();
            if (seen >= LIMIT) return; // refused
            if (await depth.compareAndSet(seen, seen + 1)) return await deepest.write(seen + 1);
          }
        });
      },
      check,
    },
    "wait-for-room": {
      expect: "broken",
      symptom: "deadlock",
      because: "all who have a place wait for another, and nobody gives his back",
      build: (world, { clients }) => {
        const places = world.channel<null>("places");
        const opener = {
          name: "opener",
          run: async () => {
            for (let i = 0; i < clients; i++) await places.send(null);
          },
        };
        return [
          opener,
          ...team(clients, async () => {
            const place = await places.receive();
            // What it does needs another job done, in the same pool.
            const another = await places.receive();
            await places.send(another);
            await places.send(place);
          }),
        ];
      },
      check: () => undefined,
    },
    "look-then-offer": {
      expect: "broken",
      because: "what the processor told of its queue was true a moment ago",
      worlds: ["tasks"],
      build: (world, numbers) =>
        clientsOf(world, numbers, { queueLimit: numbers.clients, look: true }),
      check: checkPool,
    },
    processor: {
      expect: "safe",
      because: "the processor looks and takes in one step, and refuses at once",
      worlds: ["tasks"],
      build: (world, numbers) => clientsOf(world, numbers, { queueLimit: LIMIT, look: false }),
      check: checkPool,
    },
  },
});
