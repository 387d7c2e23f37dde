import { type Actor, defineScenario, type EndState } from "../worlds/scenario.ts";
import type { World } from "../worlds/world.ts";

type Numbers = { readonly increments: number };

function check({ counter }: EndState, { increments }: Numbers): string | undefined {
  return counter === 2 * increments
    ? undefined
    : `${2 * increments} increments, but counter = ${counter}`;
}

/** The careful one locks; whether the other does is the question. */
function pair(world: World, { increments }: Numbers, bothLock: boolean): Actor[] {
  const counter = world.cell("counter", 0);
  const lock = world.lock("lock");
  const increment = async () => counter.write(await counter.read() + 1);
  return [
    {
      name: "careful",
      run: async () => {
        for (let i = 0; i < increments; i++) await lock.withWrite(increment);
      },
    },
    {
      name: "hasty",
      run: async () => {
        for (let i = 0; i < increments; i++) {
          await (bothLock ? lock.withWrite(increment) : increment());
        }
      },
    },
  ];
}

/** A lock that not everybody takes. */
export default defineScenario({
  module: import.meta.url,
  name: "mixed-locking",
  title: "The lock that not everybody takes",
  seed: "maph: pitfalls, mixing locked and unlocked access",
  lesson: [
    "The server takes the lock before it writes. The script that somebody runs at night does not: it only " +
    "adds one, which is over at once. But a lock stops nobody who does not ask: it is an agreement, not a " +
    "wall. The script writes in the middle of the server's critical section, and one of the two updates is " +
    "lost, no matter how careful the server was.",
    "A lock protects data only if every way to the data passes it. So do not hand out the data and the " +
    "lock: hand out an object whose methods take the lock, and let nothing else reach the data.",
  ],
  parameters: {
    increments: {
      about: "increments by each",
      smoke: 1,
      bench: { tasks: 20, workers: 200, processes: 30 },
      min: 1,
      max: 10_000,
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
      because: "one of the two does not ask for the lock, and so is not stopped by it",
      build: (world, numbers) => pair(world, numbers, false),
      check,
    },
    everybody: {
      expect: "safe",
      because: "every way to the counter passes the lock",
      build: (world, numbers) => pair(world, numbers, true),
      check,
    },
  },
});
