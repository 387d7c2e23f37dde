import { type Actor, defineScenario, type EndState } from "../worlds/scenario.ts";
import type { World } from "../worlds/world.ts";

function check({ balance }: EndState): string | undefined {
  return balance === 2 ? undefined : `two deposits of 1, but balance = ${balance}`;
}

/** A client asks a server to deposit; a script deposits by itself. */
function bank(world: World, around: (step: () => Promise<void>) => Promise<void>): Actor[] {
  const balance = world.cell("balance", 0);
  const requests = world.channel<number>("requests");
  const answers = world.channel<number>("answers");
  const deposit = (amount: number) =>
    around(async () => balance.write(await balance.read() + amount));
  return [
    {
      name: "client",
      run: async () => {
        await requests.send(1);
        await answers.receive();
      },
    },
    {
      name: "server",
      run: async () => {
        await deposit(await requests.receive());
        await answers.send(200);
      },
    },
    { name: "script", run: () => deposit(1) },
  ];
}

/** A server, and one who goes round it. */
export default defineScenario({
  module: import.meta.url,
  name: "server-and-writer",
  title: "The server, and the one who goes round it",
  seed: "maph: HTTP server and direct writer on one store (its third test)",
  lesson: [
    "A server is the only one that writes, one request after the other, so it needs no lock. Then a script " +
    "writes to the same store by itself, past the server. The server has read, the script writes, the server " +
    "writes what it had made of the old value, answers 200, and the script's deposit is gone.",
    "Either nobody goes round the server: the script sends it a request like everybody else. Or the store has " +
    "a lock that both take. That it is only one script, and only at night, is no third way.",
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
      because: "the server and the script each take themselves for the only writer",
      build: (world) => bank(world, (step) => step()),
      check,
    },
    locked: {
      expect: "safe",
      because: "both take the store's lock over reading and writing",
      build: (world) => {
        const lock = world.lock("store");
        return bank(world, (step) => lock.withWrite(step));
      },
      check,
    },
  },
});
