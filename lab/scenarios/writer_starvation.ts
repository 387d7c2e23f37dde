import { defineScenario } from "../worlds/scenario.ts";
import { notOvertaken, polling, queueing } from "./_overtaking.ts";

/** Readers who overlap, and a writer who is not one of them. */
export default defineScenario({
  module: import.meta.url,
  name: "writer-starvation",
  title: "The writer whose turn never comes",
  seed: "shardex: fairness of readers and writers; ANCHORS: async-rwlock, whose readers overtake",
  lesson: [
    "A read lock lets readers in beside readers, so the obvious rule is: if a reader is inside, another may " +
    "enter. A writer has to wait until nobody is inside. But while the first reader is still there a second " +
    "comes, and before that one leaves a third. Each stays for a moment only, and there is always one. The " +
    "writer waits, no error is raised, nobody is slow: the new configuration is just never loaded.",
    "One reader that passes the writer does no harm. But what may pass once may pass for ever, so it is the " +
    "first overtaking that a test should look for, and not a wait that is too long: no length is too long.",
    "In a fair lock a reader that finds a writer waiting waits behind it. Readers that are inside already " +
    "leave one by one, and then it is the writer's turn. It costs some of what readers could have done at " +
    "once. Prefer readers only where a write may come late, or not at all.",
    "Between processes the lock of a file has no queue: who finds it taken asks again later, and it goes to " +
    "whoever asks at the right moment. `FileLock` has a second lock, a gate, which a waiter holds while it " +
    "waits for the first; whoever comes later has to wait at the gate.",
  ],
  parameters: {
    others: {
      about: "readers",
      smoke: 2,
      bench: { tasks: 8, workers: 3, processes: 3 },
      min: 2,
      max: 16,
    },
    rounds: {
      about: "how often each reads",
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
    "read-preferring": {
      expect: "broken",
      because: "a reader enters beside readers, past a writer that waits",
      worlds: ["tasks"],
      build: (world, numbers) => queueing(world, "writer", numbers, "read-preferring"),
      check: notOvertaken,
    },
    polled: {
      expect: "broken",
      because:
        "a file's lock has no queue, so a reader gets it while a writer is between two tries",
      worlds: ["simulation", "processes"],
      build: (world, numbers) => polling(world, "writer", numbers),
      check: notOvertaken,
    },
    fair: {
      expect: "safe",
      because: "a reader that comes after a waiting writer waits behind it",
      worlds: ["tasks", "simulation", "workers"],
      build: (world, numbers) => queueing(world, "writer", numbers, "fair"),
      check: notOvertaken,
    },
  },
});
