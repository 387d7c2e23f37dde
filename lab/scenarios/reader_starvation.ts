import { defineScenario } from "../worlds/scenario.ts";
import { notOvertaken, polling, queueing } from "./_overtaking.ts";

/** Writers who follow one another, and a reader who is not one of them. */
export default defineScenario({
  module: import.meta.url,
  name: "reader-starvation",
  title: "The reader who only wanted to look",
  seed: "shardex: fairness of readers and writers; DESIGN: policies whose starvation is shown",
  lesson: [
    "Writers starved, so somebody turned the rule round: while a writer waits, no reader enters. Now the " +
    "value is as new as can be, and nobody sees it. Before a writer leaves the next has asked; a reader that " +
    "came before both of them is passed by the second, and by the third. With three writers that are busy " +
    "all the time the page shows nothing at all.",
    "To prefer one side always means that the other may wait for ever. Write preference is for writers who " +
    "are few and short, where a reader waits for a handful of them and no more.",
    "A fair lock prefers nobody: it lets in who came first. Then nobody waits longer than for those who were " +
    "there before, and how long that is can be told from the length of the queue.",
  ],
  parameters: {
    others: {
      about: "writers",
      smoke: 2,
      bench: { tasks: 8, workers: 3, processes: 3 },
      min: 2,
      max: 16,
    },
    rounds: {
      about: "how often each writes",
      smoke: 1,
      bench: { tasks: 20, workers: 50, processes: 50 },
      min: 1,
      max: 1000,
    },
  },
  worlds: ["tasks", "simulation", "workers", "processes"],
  notes: {
    processes:
      "who waits for a FileLock is known in the simulation only; a bare flock races here too",
    machines: "who waits is known to nobody but the server",
  },
  variants: {
    "write-preferring": {
      expect: "broken",
      because: "a writer that came later enters before a reader that waits",
      worlds: ["tasks"],
      build: (world, numbers) => queueing(world, "reader", numbers, "write-preferring"),
      check: notOvertaken,
    },
    polled: {
      expect: "broken",
      because:
        "a file's lock has no queue, so a writer gets it while a reader is between two tries",
      worlds: ["simulation", "processes"],
      build: (world, numbers) => polling(world, "reader", numbers),
      check: notOvertaken,
    },
    fair: {
      expect: "safe",
      because: "a writer that comes after a waiting reader waits behind it",
      worlds: ["tasks", "workers"],
      build: (world, numbers) => queueing(world, "reader", numbers, "fair"),
      check: notOvertaken,
    },
  },
});
