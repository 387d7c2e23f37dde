import { type Actor, defineScenario, type SharedObjects, team } from "../worlds/scenario.ts";
import { insertRow, type SharedWriteQueue, writeQueue } from "../worlds/table_kind.ts";
import type { Shared } from "../worlds/object_kind.ts";
import type { World } from "../worlds/world.ts";

type Numbers = { readonly producers: number; readonly writes: number; readonly limit: number };

/** Each puts so many writes into one queue, as far as there is room. */
function produce(
  world: World,
  { producers, writes, limit }: Numbers,
  put: (queue: Shared<SharedWriteQueue>, key: string, limit: number) => Promise<unknown>,
): Actor[] {
  const queue = world.object("queue", writeQueue());
  return team(producers, async (place) => {
    for (let i = 0; i < writes; i++) await put(queue, `row ${place}-${i}`, limit);
  });
}

function check(
  _end: unknown,
  { producers, writes, limit }: Numbers,
  { queue }: SharedObjects,
): string | undefined {
  const found = (queue as SharedWriteQueue).count();
  const wanted = Math.min(limit, producers * writes);
  return found === wanted ? undefined : `${found} are pending, and there is room for ${limit}`;
}

/** A bound that is looked at before it is used. */
export default defineScenario({
  module: import.meta.url,
  name: "queue-full",
  title: "The queue that was not full yet",
  seed: "reedbase: at most 100 pending writes",
  lesson: [
    "A queue takes so many writes and no more, so that whoever produces faster than others consume is told, " +
    "instead of filling the disk. Two producers look: there is room for one. Both put theirs in. The bound " +
    "is passed, by as many as there are producers.",
    "Look and put must be one step, under the queue's lock. Then the second is told that the queue is full, " +
    "and can say so to those who asked.",
  ],
  parameters: {
    producers: { about: "producers", smoke: 2, bench: { processes: 4 }, min: 2, max: 8 },
    writes: { about: "writes of each", smoke: 1, bench: { processes: 30 }, min: 1, max: 100 },
    limit: { about: "how many may be pending", smoke: 1, bench: 100, min: 1, max: 100 },
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
      because: "between the look and the put another looks",
      build: (world, numbers) =>
        produce(world, numbers, async (queue, key, limit) => {
          if (await queue.count() < limit) await queue.queue(insertRow(key, "1"));
        }),
      check,
    },
    bounded: {
      expect: "safe",
      because: "look and put are one step under the queue's lock; the second is refused",
      build: (world, numbers) =>
        produce(world, numbers, async (queue, key, limit) => {
          try {
            await queue.queue(insertRow(key, "1"), { limit });
          } catch (error) {
            if ((error as Error).name !== "QueueFullError") throw error;
          }
        }),
      check,
    },
  },
});
