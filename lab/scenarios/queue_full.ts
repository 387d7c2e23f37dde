import { map, type SharedMap } from "../worlds/map_kind.ts";
import { defineScenario, team } from "../worlds/scenario.ts";
import { insertRow, type SharedWriteQueue, writeQueue } from "../worlds/table_kind.ts";

const LIMIT = 1;

function check(found: number): string | undefined {
  return found <= LIMIT ? undefined : `${found} are pending, and the limit is ${LIMIT}`;
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
  },
  worlds: ["simulation", "processes"],
  notes: { tasks: "the queue is made of files", workers: "the queue is made of files" },
  variants: {
    unguarded: {
      expect: "broken",
      because: "between the look and the put another looks",
      build: (world, { producers }) => {
        const queue = world.object("queue", map<number>());
        return team(producers, async (place) => {
          if ((await queue.keys()).length < LIMIT) await queue.set(String(place), place);
        });
      },
      check: (_end, _numbers, { queue }) => check((queue as SharedMap<number>).keys().length),
    },
    bounded: {
      expect: "safe",
      because: "look and put are one step under the queue's lock; the second is refused",
      build: (world, { producers }) => {
        const queue = world.object("queue", writeQueue());
        return team(producers, async (place) => {
          try {
            await queue.queue(insertRow(`row ${place}`, "1"), { limit: LIMIT });
          } catch (error) {
            if ((error as Error).name !== "QueueFullError") throw error;
          }
        });
      },
      check: (_end, _numbers, { queue }) => check((queue as SharedWriteQueue).count()),
    },
  },
});
