import type { ObjectKind } from "../worlds/object_kind.ts";
import { type Actor, defineScenario, type EndState } from "../worlds/scenario.ts";
import type { World } from "../worlds/world.ts";

/** A lock whose waiters look at their signal when they go on, and not when they are let in. */
class ForgetfulLock {
  #held = false;
  readonly #queue: (() => void)[] = [];

  async acquire(signal?: AbortSignal): Promise<void> {
    if (!this.#held) {
      this.#held = true;
      return;
    }
    await new Promise<void>((resolve) => this.#queue.push(resolve));
    // By now the lock is ours, and this forgets to give it back.
    signal?.throwIfAborted();
  }

  release(): void {
    const next = this.#queue.shift();
    if (next === undefined) this.#held = false;
    else next();
  }
}

const forgetfulLock: ObjectKind<ForgetfulLock, "acquire" | "release"> = {
  operations: { acquire: "write", release: "write" },
  tasks: () => new ForgetfulLock(),
};

function check({ served }: EndState): string | undefined {
  return served === 1 ? undefined : "the last one was not served";
}

function isAbort(error: unknown): boolean {
  return (error as Error).name === "AbortError";
}

interface Section {
  /** Waits as one who may be called off; answers how to leave. */
  acquire(patient: boolean): Promise<() => Promise<void>>;
}

/** One is inside, one waits and may be called off, one comes last. */
function build(world: World, fire: () => Promise<void>, section: Section): Actor[] {
  const served = world.cell("served", 0);
  const visit = async (patient: boolean) => {
    const leave = await section.acquire(patient);
    if (patient) await served.write(1);
    await leave();
  };
  return [
    { name: "first", run: async () => await (await section.acquire(true))() },
    {
      name: "called off",
      run: async () => {
        try {
          await visit(false);
        } catch (error) {
          if (!isAbort(error)) throw error;
        }
      },
    },
    { name: "caller", run: fire },
    { name: "last", run: () => visit(true) },
  ];
}

/** An abort that comes between the grant and the one it was granted to. */
export default defineScenario({
  module: import.meta.url,
  name: "granted-then-aborted",
  title: "Granted, and then called off",
  seed: "ANCHORS: promise cancellation leaks locks",
  lesson: [
    "A waiter is let in: the lock is its own from now on. But it is asynchronous, and goes on only a moment " +
    "later. In that moment its signal aborts. If the waiter then looks at the signal and throws, it throws " +
    "with the lock in its hands. Nobody will ever give it back.",
    "Who may be called off must be asked at the moment of the grant, in the same step. Before it, the abort " +
    "wins and the waiter leaves the queue; from then on the grant wins, and the abort has no say. There is " +
    "no third case.",
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
      because: "the one called off holds the lock when it throws, and nobody gives it back",
      worlds: ["tasks"],
      build: (world) => {
        const lock = world.object("lock", forgetfulLock);
        const off = world.signal("off");
        return build(world, () => off.fire(), {
          acquire: async (patient) => {
            await lock.acquire(patient ? undefined : off.signal);
            return () => lock.release();
          },
        });
      },
      check,
    },
    decided: {
      expect: "safe",
      because: "the grant and the abort are decided in one step, and one of them wins",
      build: (world) => {
        const lock = world.lock("lock");
        const off = world.signal("off");
        return build(world, () => off.fire(), {
          acquire: async (patient) => {
            const held = await lock.write(patient ? {} : { signal: off });
            return () => held.release();
          },
        });
      },
      check,
    },
  },
});
