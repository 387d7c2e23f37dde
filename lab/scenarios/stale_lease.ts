import { defineScenario, team } from "../worlds/scenario.ts";
import type { SharedObjects } from "../worlds/scenario.ts";
import { fencedNumber, leasedLock } from "../worlds/lease_kind.ts";
import type { FencedNumber, LeasedLock } from "../worlds/lease_kind.ts";
import type { Shared } from "../worlds/object_kind.ts";
import type { World } from "../worlds/world.ts";

/** How long the lock is lent for, and how long one who has it works, in ms. */
const LEASE = 600;
const WORK = 60;

/** What two share who want to add one each, with the lock, and who stops whichever has it. */
interface Office {
  readonly lease: Shared<LeasedLock>;
  readonly store: Shared<FencedNumber>;
  /** Takes as long as things take that are done under a lock. */
  work(): Promise<void>;
}

/**
 * @param add Adds one under the lock with that token; answers whether it did. What it could not do is
 *   begun again with the next token.
 */
function office(world: World, add: (office: Office, token: number) => Promise<boolean>) {
  const lease = world.object("lease", leasedLock(LEASE));
  const store = world.object("store", fencedNumber(0));
  const clock = world.clock("clock");
  const inside = world.channel<null>("inside");
  const shared = { lease, store, work: () => clock.sleep(WORK) };
  const workers = team(2, async () => {
    for (let told = false, done = false; !done; told = true) {
      const token = await lease.acquire();
      if (!told) await inside.send(null);
      done = await add(shared, token);
      await lease.release(token);
    }
  });
  const stopper = {
    name: "stopper",
    run: async () => {
      await inside.receive();
      await lease.stall();
    },
  };
  return [...workers, stopper];
}

async function check(
  _end: unknown,
  _parameters: unknown,
  { store }: SharedObjects,
): Promise<string | undefined> {
  const count = await (store as FencedNumber).get();
  return count === 2 ? undefined : `two have added one each, and the count is ${count}`;
}

/** A holder that slept through the end of its lease, and does not know it. */
export default defineScenario({
  module: import.meta.url,
  name: "stale-lease",
  title: "Asleep past the end of the lease",
  seed: "M. Kleppmann: How to do distributed locking, 2016",
  lesson: [
    "Between machines nobody can see who is dead: a server only knows whom it has not heard of for a " +
    "while. So it lends its locks. A holder renews its lease for as long as it lives, and when it has " +
    "been silent for the length of one, the lock is the next one's.",
    "But silent is not dead. A process can be stopped between any two of its instructions: suspended, " +
    "swapped out, collecting garbage, on a machine that was moved. When it goes on, no time has passed " +
    "for it. It has read what it wanted to change, it holds the lock as far as it knows, and it writes: " +
    "late, over what the next holder is doing. Both were careful, and one of their updates is gone.",
    "To look at the lease before writing makes that rarer, and no more: the pause can come between the " +
    "look and the write, or the write can be under way in the network for as long. No clock of the " +
    "holder's can help, for it is the holder that stands still.",
    "What helps is a store that can tell old from new. Each grant comes with a number that only grows, " +
    "the fencing token. Whoever reads or writes shows it, and the store remembers the greatest it has " +
    "seen and refuses a lesser one, in the same step. Then a late write is refused, its holder is told, " +
    "and it begins again. It is not enough to check the writes: a late one that comes when the next " +
    "holder has read and not yet written is not late for the store, which has not seen the next token " +
    "yet. So the token goes with the first read too.",
    "The case and the remedy are Martin Kleppmann's (How to do distributed locking, 2016); Chubby calls " +
    "the token a sequencer (Burrows, OSDI 2006). Between tasks the lock is a model of it, and every order " +
    "can be run; between machines it is a RedisLock, whose holder is really stopped, by SIGSTOP, until " +
    "its lease has really passed.",
  ],
  parameters: {},
  worlds: ["tasks", "machines"],
  notes: {
    simulation:
      "a lock of the system's is not lent: it is gone when its process is, and not before",
    workers: "whoever stops, stops all threads",
    processes: "a lock of the system's is not lent: it is gone when its process is, and not before",
  },
  variants: {
    "lease-only": {
      expect: "broken",
      because: "a holder that was stopped past its lease writes late, over another's update",
      build: (world) =>
        office(world, async ({ store, work }) => {
          const seen = await store.get();
          await work();
          return await store.set(seen! + 1);
        }),
      check,
    },
    "looks-first": {
      expect: "broken",
      because: "between the look at the lease and the write there is room for a pause",
      build: (world) =>
        office(world, async ({ lease, store, work }, token) => {
          const seen = await store.get();
          await work();
          if (!await lease.isHeld(token)) return false;
          return await store.set(seen! + 1);
        }),
      check,
    },
    "fenced-writes": {
      expect: "broken",
      because: "a late write is not refused by a store that has not seen the next token yet",
      build: (world) =>
        office(world, async ({ store, work }, token) => {
          const seen = await store.get();
          await work();
          return await store.set(seen! + 1, token);
        }),
      check,
    },
    fenced: {
      expect: "safe",
      because: "whoever reads shows its token, and from then on the store refuses all before it",
      build: (world) =>
        office(world, async ({ store, work }, token) => {
          const seen = await store.get(token);
          if (seen === undefined) return false;
          await work();
          return await store.set(seen + 1, token);
        }),
      check,
    },
  },
});
