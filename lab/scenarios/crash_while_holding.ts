import { defineScenario, type EndState, team } from "../worlds/scenario.ts";
import type { Cell, World } from "../worlds/world.ts";

/** After how long a lock file counts as left behind, in ms. */
const STALE = 100;

/** Where the system knows who is dead. */
const ONE_MACHINE = ["simulation", "processes"] as const;

/** Counts to one more, with another step between reading and writing. */
async function add(count: Cell, work: () => Promise<void> = () => Promise.resolve()) {
  const seen = await count.read();
  await work();
  await count.write(seen + 1);
}

/** A holder is killed wherever it is, and the other two want in. */
function withKiller(world: World, count: () => Promise<void>) {
  const crash = world.crash("crash");
  return [
    ...team(2, () => count()),
    { name: "killer", run: () => crash.kill("A") },
  ];
}

/** B has counted; A perhaps, before it died. */
function atMostOneMissing({ count }: EndState): string | undefined {
  return count === 1 || count === 2 ? undefined : `count = ${count}`;
}

/** Somebody dies with a lock in his hands. */
export default defineScenario({
  module: import.meta.url,
  name: "crash-while-holding",
  title: "Dead with the lock in its hands",
  seed: "maph: file locking; reedbase: lock recovery",
  lesson: [
    "The simplest lock between processes is a file: whoever creates it has the lock, and removes it " +
    "when done. A process that dies in between removes nothing. The file stays, and with it the lock, " +
    "for ever; somebody has to come and delete it by hand.",
    "The usual cure is a clock: a lock file older than a while is taken for left behind, and whoever " +
    "waits removes it. But a process can be slow without being dead: it was suspended, the machine " +
    "was asleep, the garbage collector ran. Then its lock is taken away while it is inside, another " +
    "enters, and what the lock was to guard is lost. No length of time is right: a short one takes " +
    "locks from the living, a long one makes everybody wait for the dead.",
    "The system knows who is dead. A lock that belongs to an open file (flock) is gone the moment its " +
    "process is, however it ends, and not a moment before. What the dead one has left half done is " +
    "still half done: whoever enters next has to be able to live with that.",
    "Between machines there is no such system. A server that was asked to keep a key keeps it, whoever " +
    "has died. So there the lock is lent: its holder has to be heard of again and again, and when it has " +
    "been silent for the length of its lease the next one is let in. That is the clock again, with the " +
    "same flaw and with a remedy of its own: see stale-lease.",
  ],
  parameters: {},
  worlds: ["simulation", "processes", "machines"],
  notes: {
    tasks: "tasks live and die together",
    workers: "a worker that dies keeps its lock until it is reaped: see terminated-worker",
  },
  variants: {
    "lock-file": {
      expect: "broken",
      symptom: "deadlock",
      because: "nobody removes the file of a process that has died",
      worlds: ONE_MACHINE,
      build: (world) => {
        const held = world.file("held");
        const freed = world.channel<null>("freed");
        const count = world.cell("count", 0);
        return withKiller(world, async () => {
          while (!await held.create()) await freed.receive();
          await add(count);
          await held.remove();
          await freed.send(null);
        });
      },
      check: () => undefined,
    },
    "stale-after-a-while": {
      expect: "broken",
      because: "a lock is taken from one who is slow and not dead",
      worlds: ["simulation", "processes"],
      build: (world) => {
        const held = world.file("held");
        const clock = world.clock("clock");
        const count = world.cell("count", 0);
        const enter = async () => {
          for (let tries = 0; !await held.create(String(await clock.now())); tries++) {
            if (tries > 0) await clock.sleep(STALE);
            const since = Number(await held.read() ?? Infinity);
            if (await clock.now() - since >= STALE) await held.remove();
          }
        };
        return team(2, async (place) => {
          await enter();
          // The first is slow: longer than anybody thought a live process could be.
          await add(count, () => place === 0 ? clock.sleep(2 * STALE) : Promise.resolve());
          await held.remove();
        });
      },
      check: ({ count }) => count === 2 ? undefined : `two have counted, and count = ${count}`,
    },
    "key-without-expiry": {
      expect: "broken",
      symptom: "deadlock",
      because: "a server does not know that whoever has set the key is dead",
      worlds: ["simulation", "machines"],
      build: (world) => {
        const held = world.cell("held", 0, { atomic: true });
        const freed = world.channel<null>("freed");
        const count = world.cell("count", 0);
        return withKiller(world, async () => {
          while (!await held.compareAndSet(0, 1)) await freed.receive();
          await add(count);
          await held.write(0);
          await freed.send(null);
        });
      },
      check: () => undefined,
    },
    lease: {
      expect: "safe",
      because: "the server forgets a holder that it has not heard of for the length of its lease",
      worlds: ["machines"],
      build: (world) => {
        const lock = world.lock("lock");
        const count = world.cell("count", 0);
        return withKiller(world, () => lock.withWrite(() => add(count)));
      },
      check: atMostOneMissing,
    },
    flock: {
      expect: "safe",
      because: "the system frees the lock of a process the moment it dies",
      worlds: ONE_MACHINE,
      build: (world) => {
        const lock = world.lock("lock");
        const count = world.cell("count", 0);
        return withKiller(world, () => lock.withWrite(() => add(count)));
      },
      check: atMostOneMissing,
    },
  },
});
