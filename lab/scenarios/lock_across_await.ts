import { type Actor, defineScenario, type EndState } from "../worlds/scenario.ts";
import type { Channel, Lock, World } from "../worlds/world.ts";

function check({ answered }: EndState): string | undefined {
  return answered === 1 ? undefined : "the request was not answered";
}

/** One asks, the other answers; both need the lock, for a moment. */
function askAndAnswer(
  world: World,
  ask: (lock: Lock, requests: Channel<number>, answers: Channel<number>) => Promise<void>,
): Actor[] {
  const answered = world.cell("answered", 0);
  const lock = world.lock("lock");
  const requests = world.channel<number>("requests");
  const answers = world.channel<number>("answers");
  return [
    {
      name: "client",
      run: async () => {
        await ask(lock, requests, answers);
        await answered.write(1);
      },
    },
    {
      name: "server",
      run: async () => {
        const request = await requests.receive();
        await lock.withWrite(() => answers.send(request + 1));
      },
    },
  ];
}

/** A lock that is held while one waits for another who needs it. */
export default defineScenario({
  module: import.meta.url,
  name: "lock-across-await",
  title: "A lock held across a wait",
  seed: "airs: locks held across await points",
  lesson: [
    "A client takes the lock, sends a request, and waits for the answer with the lock still in its hands. " +
    "To answer, the server needs the lock. The client waits for the server and the server for the lock: " +
    "neither ever goes on. Nothing in either piece of code looks wrong; the two together are.",
    "An `await` inside a critical section is a wait for somebody, and that somebody may need the lock. " +
    "Hold a lock only while you touch what it guards: read what you need, leave, and then wait.",
  ],
  parameters: {},
  worlds: ["tasks", "workers", "processes"],
  notes: {
    simulation: "it is the same there as between tasks",
    machines: "it is the same there as between processes",
  },
  variants: {
    unguarded: {
      expect: "broken",
      symptom: "deadlock",
      because: "the client waits inside the lock for one who needs the lock",
      build: (world) =>
        askAndAnswer(world, (lock, requests, answers) =>
          lock.withWrite(async () => {
            await requests.send(1);
            await answers.receive();
          })),
      check,
    },
    "leave-first": {
      expect: "safe",
      because: "the client has left the lock before it waits",
      build: (world) =>
        askAndAnswer(world, async (lock, requests, answers) => {
          await lock.withWrite(() => requests.send(1));
          await answers.receive();
        }),
      check,
    },
  },
});
