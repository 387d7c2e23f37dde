import { type Actor, defineScenario, team } from "../worlds/scenario.ts";
import type { EndState, Parameters } from "../worlds/scenario.ts";
import type { Cell } from "../worlds/world.ts";

type Numbers = Parameters<"actors" | "increments">;

function wanted({ actors, increments }: Numbers): number {
  return actors * increments;
}

function count(end: EndState, numbers: Numbers): string | undefined {
  const { counter } = end;
  if (counter === wanted(numbers)) return undefined;
  const lost = wanted(numbers) - counter;
  return `${wanted(numbers)} increments, but counter = ${counter}: ${lost} ${
    lost === 1 ? "update is" : "updates are"
  } lost`;
}

/** Each actor reads the counter, adds one and writes it back, with nothing to hold that together. */
function readThenWrite(counter: Cell, { actors, increments }: Numbers): Actor[] {
  return team(actors, async () => {
    for (let i = 0; i < increments; i++) {
      const seen = await counter.read();
      await counter.write(seen + 1);
    }
  });
}

/** The race every other one is told by. */
export default defineScenario({
  module: import.meta.url,
  name: "lost-update",
  title: "The lost update",
  seed: "maph: multi-writer scenarios and race conditions",
  lesson: [
    "Several writers each add one to a shared counter: read it, add one, write it back. Each of the " +
    "three steps is right, and the program is wrong, because nothing holds them together. When two " +
    "writers read the same value before either has written, both write the same sum, and the second " +
    "write buries the first. No error is raised, no value is damaged; an update is simply gone.",
    "It does not take threads. Two asynchronous functions in one isolate do it as soon as there is " +
    "an `await` between the read and the write; workers do it in shared memory, processes in a file, " +
    "machines on a server. Making each read and each write atomic does not help, for it is the gap between them that is " +
    "the trouble.",
    "There are five ways out. Hold a lock from before the read until after the write: between " +
    "processes that is the lock of a file, between machines the lock of a server. Or write only if nobody has written since you read, and " +
    "start again if somebody has. Or let one writer do all the writing and send it your changes. Or " +
    "let a token go round, and write only while you have it. Or give each writer a part of its own and " +
    "add up the parts.",
  ],
  parameters: {
    actors: { about: "writers", smoke: 2, bench: 4, min: 1, max: 16 },
    increments: {
      about: "increments by each writer",
      smoke: 1,
      // Enough for threads to overlap, and few enough for files that are renamed at each write.
      bench: { tasks: 500, workers: 250, processes: 40, machines: 10 },
      min: 1,
      max: 100_000,
    },
  },
  worlds: ["tasks", "simulation", "workers", "processes", "machines"],
  variants: {
    unguarded: {
      expect: "broken",
      because: "nothing stops a second writer between another's read and its write",
      build: (world, numbers) => readThenWrite(world.cell("counter", 0), numbers),
      check: count,
    },
    "atomic-cells": {
      expect: "broken",
      because: "each read and each write is atomic, but the two together are not",
      build: (world, numbers) => readThenWrite(world.cell("counter", 0, { atomic: true }), numbers),
      check: count,
    },
    locked: {
      expect: "safe",
      because: "the lock is held from before the read until after the write",
      build: (world, { actors, increments }) => {
        const counter = world.cell("counter", 0);
        const lock = world.lock("lock");
        return team(actors, async () => {
          for (let i = 0; i < increments; i++) {
            await lock.withWrite(async () => {
              const seen = await counter.read();
              await counter.write(seen + 1);
            });
          }
        });
      },
      check: count,
    },
    optimistic: {
      expect: "safe",
      because:
        "a write goes through only if the counter still holds what was read; else it is retried",
      build: (world, { actors, increments }) => {
        const counter = world.cell("counter", 0, { atomic: true });
        return team(actors, async () => {
          for (let i = 0; i < increments; i++) {
            let seen = await counter.read();
            while (!await counter.compareAndSet(seen, seen + 1)) seen = await counter.read();
          }
        });
      },
      check: count,
    },
    "single-writer": {
      expect: "safe",
      because: "only one actor writes the counter; the others send it what they want added",
      build: (world, { actors, increments }) => {
        const counter = world.cell("counter", 0);
        const requests = world.channel<number>("requests");
        const senders = team(actors, async () => {
          for (let i = 0; i < increments; i++) await requests.send(1);
        });
        const writer = {
          name: "writer",
          run: async () => {
            for (let i = 0; i < actors * increments; i++) {
              const added = await requests.receive();
              const seen = await counter.read();
              await counter.write(seen + added);
            }
          },
        };
        return [...senders, writer];
      },
      check: count,
    },
    token: {
      expect: "safe",
      because: "there is one token, and only whoever has it reads and writes",
      build: (world, { actors, increments }) => {
        const counter = world.cell("counter", 0);
        const token = world.channel<null>("token");
        return team(actors, async (place) => {
          if (place === 0) await token.send(null);
          for (let i = 0; i < increments; i++) {
            await token.receive();
            const seen = await counter.read();
            await counter.write(seen + 1);
            await token.send(null);
          }
        });
      },
      check: count,
    },
    partitioned: {
      expect: "safe",
      because: "each actor has a counter of its own, and the result is their sum",
      build: (world, { actors, increments }) => {
        const parts = Array.from({ length: actors }, (_, i) => world.cell(`part ${i + 1}`, 0));
        return team(actors, async (place) => {
          const part = parts[place];
          for (let i = 0; i < increments; i++) {
            const seen = await part.read();
            await part.write(seen + 1);
          }
        });
      },
      check: (end, numbers) =>
        count({ counter: Object.values(end).reduce((sum, part) => sum + part, 0) }, numbers),
    },
  },
});
