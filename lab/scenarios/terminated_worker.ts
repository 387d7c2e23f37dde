import { type Actor, defineScenario, type EndState } from "../worlds/scenario.ts";
import type { World } from "../worlds/world.ts";

function check({ served }: EndState): string | undefined {
  return served === 1 ? undefined : "the one who waited was not served";
}

/** One holds the lock for ever; somebody ends its thread while another waits. */
function threads(world: World, reaps: boolean): Actor[] {
  const lock = world.lock("lock");
  const served = world.cell("served", 0, { atomic: true });
  const never = world.channel("never");
  const crash = world.crash("terminate");
  return [
    { name: "holder", run: () => lock.withWrite(async () => void await never.receive()) },
    {
      name: "terminator",
      run: async () => {
        await crash.kill("holder");
        if (reaps) await lock.reap("holder");
      },
    },
    {
      name: "waiter",
      run: async () => {
        await crash.after();
        await lock.withWrite(() => served.write(1));
      },
    },
  ];
}

/** A thread that is ended inside its critical section. */
export default defineScenario({
  module: import.meta.url,
  name: "terminated-worker",
  title: "A thread that ends with the lock in its hands",
  seed: "ANCHORS: terminate() leaves a SharedArrayBuffer lock word locked",
  lesson: [
    "A Worker takes a lock in shared memory, and then `terminate()` ends it. A process that dies gives its " +
    "file locks back, for the system keeps account of them. Nobody keeps account of a word in shared memory: it " +
    "says that the lock is taken, the one who took it is gone, and all others wait for ever.",
    "So a lock in shared memory must know who holds it. `SharedRwLock` registers each thread as an owner, and " +
    "whoever ends a thread tells the lock: `lock.reap(owner)` gives back what it held, takes it out of the queue, " +
    "and lets nothing in by which the dead could come back.",
  ],
  parameters: {},
  worlds: ["workers"],
  notes: {
    tasks: "a function cannot be ended from outside",
    simulation: "the system gives back what a process held",
    processes: "the system gives back what a process held; see crash-while-holding",
    machines: "the server gives back what it has not heard of for a while: see crash-while-holding",
  },
  variants: {
    unguarded: {
      expect: "broken",
      symptom: "deadlock",
      because: "nobody gives back what the thread held",
      build: (world) => threads(world, false),
      check,
    },
    reaped: {
      expect: "safe",
      because: "whoever ended the thread gives back what it held",
      build: (world) => threads(world, true),
      check,
    },
  },
});
