import { defineScenario, team } from "../worlds/scenario.ts";
import type { EndState } from "../worlds/scenario.ts";
import type { Cell } from "../worlds/world.ts";

const NONE = 0;
const MADE = 1;
const CLAIMED = 2;

function check({ made }: EndState): string | undefined {
  return made === 1 ? undefined : `the connection was made ${made} times`;
}

/** Makes what was not there, and says so. */
async function make(made: Cell): Promise<void> {
  await made.write(await made.read() + 1);
}

/** Check, then act: made once is made twice. */
export default defineScenario({
  module: import.meta.url,
  name: "async-lazy-init",
  title: "Made on first use, twice",
  seed: "maph: pitfalls; ANCHORS: a cache with an asynchronous fill",
  lesson: [
    "A connection is made when it is first needed: `if (!connection) connection = await connect()`. " +
    "Two callers that come at once both find none, and both make one. One of the two is lost, " +
    "together with whatever was set up on it, and nobody closes it.",
    "Between the check and the act there is an `await`, and what was checked has changed by then. " +
    "Do both under one lock. Or claim the making in the same step as the check: whoever gets the " +
    "claim makes it, the others wait until it is there. In one isolate the claim is a promise that is " +
    "stored before it is awaited.",
  ],
  parameters: {
    callers: { about: "callers", smoke: 2, bench: 8, min: 2, max: 16 },
  },
  worlds: ["tasks", "workers", "processes"],
  notes: {
    simulation: "it is the same there as between tasks",
    machines: "it is the same there as between processes",
  },
  variants: {
    unguarded: {
      expect: "broken",
      because: "between the check and the act another caller checks",
      build: (world, { callers }) => {
        const connection = world.cell("connection", NONE);
        const made = world.cell("made", 0);
        return team(callers, async () => {
          if (await connection.read() === MADE) return;
          await make(made);
          await connection.write(MADE);
        });
      },
      check,
    },
    locked: {
      expect: "safe",
      because: "check and act are one critical section",
      build: (world, { callers }) => {
        const connection = world.cell("connection", NONE);
        const made = world.cell("made", 0);
        const lock = world.lock("lock");
        return team(callers, () =>
          lock.withWrite(async () => {
            if (await connection.read() === MADE) return;
            await make(made);
            await connection.write(MADE);
          }));
      },
      check,
    },
    claimed: {
      expect: "safe",
      because: "the check is the claim: only one caller can get it",
      build: (world, { callers }) => {
        const connection = world.cell("connection", NONE, { atomic: true });
        const made = world.cell("made", 0);
        const ready = world.channel<number>("ready");
        return team(callers, async (place) => {
          if (await connection.compareAndSet(NONE, CLAIMED)) {
            await make(made);
            await connection.write(MADE);
            for (let other = 1; other < callers; other++) await ready.send(place);
          } else await ready.receive();
        });
      },
      check,
    },
  },
});
