import { map, type SharedMap } from "../worlds/map_kind.ts";
import { defineScenario, team } from "../worlds/scenario.ts";
import { insertRow, type SharedWriteQueue, writeQueue } from "../worlds/table_kind.ts";

/** Numbers that two give at once. */
export default defineScenario({
  module: import.meta.url,
  name: "queue-order",
  title: "Two writes with one number",
  seed: "reedbase: pending writes, first in, first out",
  lesson: [
    "Writes that cannot be done at once are queued, each in a file named by its number. The next number is " +
    "one more than the last: look, add one, write. Two processes that look at the same moment give the same " +
    "number, and the second file takes the place of the first: a write that was accepted is gone.",
    "A time is no number either: two isolates taking turns got UUIDs of version 7 out of order in half the " +
    "cases. The order has to be decided where it cannot be decided twice: the number is given under the " +
    "queue's lock, and the file is there before the lock is left.",
  ],
  parameters: {
    producers: { about: "producers", smoke: 2, bench: { processes: 4 }, min: 2, max: 8 },
  },
  worlds: ["simulation", "processes"],
  notes: { tasks: "the queue is made of files", workers: "the queue is made of files" },
  variants: {
    unguarded: {
      expect: "broken",
      because: "between looking for the last number and using the next, another looks",
      build: (world, { producers }) => {
        const last = world.cell("last", 0, { atomic: true });
        const queue = world.object("queue", map<string>());
        return team(producers, async (place) => {
          const number = await last.read() + 1;
          await last.write(number);
          await queue.set(String(number), `write of ${place}`);
        });
      },
      check: (_end, { producers }, { queue }) => {
        const found = (queue as SharedMap<string>).keys().length;
        return found === producers ? undefined : `${found} of ${producers} writes are queued`;
      },
    },
    numbered: {
      expect: "safe",
      because: "the number is given under the queue's lock, together with the file",
      build: (world, { producers }) => {
        const queue = world.object("queue", writeQueue());
        return team(
          producers,
          async (place) => void await queue.queue(insertRow(`row ${place}`, "1")),
        );
      },
      check: (_end, { producers }, { queue }) => {
        const found = (queue as SharedWriteQueue).count();
        return found === producers ? undefined : `${found} of ${producers} writes are queued`;
      },
    },
  },
});
