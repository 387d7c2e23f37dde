import { models } from "../engine/history/mod.ts";
import { map } from "../worlds/map_kind.ts";
import { type Actor, defineScenario, type EndState, team } from "../worlds/scenario.ts";
import { insertRow, writeQueue } from "../worlds/table_kind.ts";
import type { World } from "../worlds/world.ts";

type Numbers = { readonly producers: number; readonly writes: number };

/** A queue as producers and the one consumer use it. */
interface Queue {
  put(write: string): Promise<void>;
  /** Takes out the first, if there is one. */
  take(): Promise<string | undefined>;
}

/** Some put writes into a queue; one takes them out, as many as were put in. */
function transport(world: World, { producers, writes }: Numbers, { put, take }: Queue): Actor[] {
  const calls = world.calls();
  const there = world.channel<null>("there");
  const missing = world.cell("missing", 0);
  return [
    ...team(producers, async (place) => {
      for (let i = 0; i < writes; i++) {
        const write = `${place}-${i}`;
        await calls.call("enqueue", write, () => put(write));
        await there.send(null);
      }
    }),
    {
      name: "consumer",
      run: async () => {
        for (let i = 0; i < producers * writes; i++) {
          await there.receive();
          const write = await calls.call("dequeue", undefined, take);
          if (write === undefined) await missing.write(1);
        }
      },
    },
  ];
}

/** Writes in files that are taken in the order of their names. */
function byName(world: World, name: (write: string) => Promise<string>): Queue {
  const files = world.object("files", map<string>());
  return {
    put: async (write) => files.set(await name(write), write),
    take: async () => {
      const [first] = await files.keys();
      if (first === undefined) return undefined;
      const write = await files.get(first);
      await files.delete(first);
      return write;
    },
  };
}

function check({ missing }: EndState): string | undefined {
  return missing === 0 ? undefined : "a write that was accepted is not in the queue";
}

const model = models.queue();

/** Numbers that two give at once. */
export default defineScenario({
  module: import.meta.url,
  name: "queue-order",
  title: "Two writes with one number",
  seed: "reedbase: pending writes, first in, first out; its UUIDs as names",
  lesson: [
    "Writes that cannot be done at once are queued, each in a file named by its number. The next number is " +
    "one more than the last: look, add one, write. Two processes that look at the same moment give the same " +
    "number, and the second file takes the place of the first: a write that was accepted is gone.",
    "A time is no number either. Within one millisecond all have the same, and what decides then has nothing " +
    "to do with who came first; two isolates taking turns got UUIDs of version 7 out of order in half the cases.",
    "The order has to be decided where it cannot be decided twice: the number is given under the queue's " +
    "lock, and the file is there before the lock is left. That the queue is one, first in, first out, is " +
    "checked here by its history: who had put in a write before another began must see it come out before.",
  ],
  parameters: {
    producers: { about: "producers", smoke: 2, bench: { processes: 4 }, min: 2, max: 8 },
    // With more, some runs overlap so much that their histories take the checker ten seconds and more.
    writes: { about: "writes of each", smoke: 2, bench: { processes: 4 }, min: 1, max: 100 },
  },
  worlds: ["simulation", "processes"],
  notes: {
    tasks: "the queue is made of files",
    workers: "the queue is made of files",
    machines: "machines share no files",
  },
  variants: {
    unguarded: {
      expect: "broken",
      because: "between looking for the last number and using the next, another looks",
      build: (world, numbers) => {
        const last = world.cell("last", 0, { atomic: true });
        const queue = byName(world, async () => {
          const number = await last.read() + 1;
          await last.write(number);
          return String(number).padStart(6, "0");
        });
        return transport(world, numbers, queue);
      },
      check,
      model,
    },
    "by-time": {
      expect: "broken",
      because:
        "within one millisecond it is not the time that decides, but what the names have besides",
      build: (world, numbers) => {
        const clock = world.clock("clock");
        const queue = byName(
          world,
          async (write) => `${Math.floor(await clock.now())}-${write}`,
        );
        return transport(world, numbers, queue);
      },
      check,
      model,
    },
    numbered: {
      expect: "safe",
      because: "the number is given under the queue's lock, together with the file",
      build: (world, numbers) => {
        const files = world.object("queue", writeQueue());
        return transport(world, numbers, {
          put: async (write) => void await files.queue(insertRow(write)),
          take: async () => {
            const first = await files.next();
            if (first === undefined) return undefined;
            await files.remove(first.id);
            return first.write.rows[0].key;
          },
        });
      },
      check,
      model,
    },
  },
});
