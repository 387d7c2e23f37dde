import { defineScenario } from "../worlds/scenario.ts";
import type { ObjectKind } from "../worlds/object_kind.ts";
import type { Signal, World } from "../worlds/world.ts";

type Mode = "read" | "write";

/** What the actors need of a lock. */
interface ReadersAndWriter {
  read(): Promise<unknown>;
  write(signal: AbortSignal): Promise<unknown>;
  leave(mode: Mode): void;
}

/**
 * A fair lock as many have written it: who cannot enter joins a queue, and who leaves lets in those at
 * its head. What happens when a waiter is taken out of the queue is where they differ.
 */
class SmallLock implements ReadersAndWriter {
  readonly #inside: Record<Mode, number> = { read: 0, write: 0 };
  #queue: { mode: Mode; enter: () => void }[] = [];
  readonly #drains: boolean;

  /** @param drains Whether the queue is looked at again after a waiter was taken out of it. */
  constructor(drains: boolean) {
    this.#drains = drains;
  }

  read(): Promise<void> {
    return this.#wait("read");
  }

  write(signal: AbortSignal): Promise<void> {
    return this.#wait("write", signal);
  }

  leave(mode: Mode): void {
    this.#inside[mode]--;
    this.#drain();
  }

  #wait(mode: Mode, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const waiter = { mode, enter: resolve };
      this.#queue.push(waiter);
      signal?.addEventListener("abort", () => {
        if (!this.#queue.includes(waiter)) return;
        this.#queue = this.#queue.filter((other) => other !== waiter);
        reject(signal.reason);
        if (this.#drains) this.#drain();
      });
      this.#drain();
    });
  }

  #drain(): void {
    const { read, write } = this.#inside;
    const next = this.#queue[0];
    if (next === undefined || write > 0 || (next.mode === "write" && read > 0)) return;
    this.#queue.shift();
    this.#inside[next.mode]++;
    next.enter();
    this.#drain();
  }
}

const smallLock = (
  drains: boolean,
): ObjectKind<ReadersAndWriter, "read" | "write" | "leave"> => ({
  operations: { read: "write", write: "write", leave: "write" },
  tasks: () => new SmallLock(drains),
});

/** How the actors reach whatever lock it is. */
interface Doors {
  around(mode: Mode, fn: () => Promise<void>, signal?: Signal): Promise<void>;
}

/**
 * A reader stays inside until another has joined it. Between the two a writer asks for the lock, and
 * is called off.
 */
function build(world: World, { around }: Doors) {
  const off = world.signal("call off");
  const joined = world.channel<null>("joined");
  return [
    { name: "reader", run: () => around("read", async () => void await joined.receive()) },
    {
      name: "writer",
      run: async () => {
        try {
          await around("write", async () => {}, off);
        } catch (error) {
          if ((error as Error).name !== "AbortError") throw error;
        }
      },
    },
    { name: "caller", run: () => off.fire() },
    { name: "companion", run: () => around("read", () => joined.send(null)) },
  ];
}

function withSmallLock(world: World, drains: boolean): Doors {
  const lock = world.object("lock", smallLock(drains));
  return {
    around: async (mode, fn, signal) => {
      if (mode === "read") await lock.read();
      else await lock.write(signal!.signal);
      try {
        await fn();
      } finally {
        await lock.leave(mode);
      }
    },
  };
}

/** Two peers fail exactly here: removing a waiter can let others in, and nobody looks. */
export default defineScenario({
  module: import.meta.url,
  name: "cancelled-waiter-strands-readers",
  title: "A cancelled writer leaves the door shut",
  seed: "peers: Deno's navigator.locks, @esfx/async-readerwriterlock",
  lesson: [
    "In a fair lock a reader that comes after a waiting writer waits too, although readers are " +
    "inside: else writers would starve. So it is the waiting writer that shuts the door on it. When " +
    "that writer gives up, by a timeout or because somebody has called it off, nothing keeps the " +
    "reader out any more. But whoever wrote the lock thought of the queue as something that moves " +
    "when somebody leaves; nobody has left, and so nobody looks. The reader waits for those inside, " +
    "who may in turn wait for it.",
    "Removing a waiter is one of the moments at which others can enter, like a release: after it the " +
    "queue has to be drained again. The two small locks here differ in that one line. It is easy to " +
    "miss, for a test that cancels a waiter and then releases the lock passes.",
  ],
  parameters: {},
  worlds: ["tasks", "simulation", "workers", "processes"],
  notes: { machines: "it is the same there as between processes" },
  variants: {
    stranding: {
      expect: "broken",
      symptom: "deadlock",
      because: "the writer is taken out of the queue, and nobody looks who can enter now",
      worlds: ["tasks"],
      build: (world) => build(world, withSmallLock(world, false)),
      check: () => undefined,
    },
    draining: {
      expect: "safe",
      because: "when a waiter was taken out, the queue is drained again",
      worlds: ["tasks"],
      build: (world) => build(world, withSmallLock(world, true)),
      check: () => undefined,
    },
    library: {
      expect: "safe",
      because: "a waiter that gives up leaves nothing behind, at whatever distance",
      build: (world) => {
        const lock = world.lock("lock");
        return build(world, {
          around: (mode, fn, signal) =>
            mode === "read" ? lock.withRead(fn) : lock.withWrite(fn, { signal }),
        });
      },
      check: () => undefined,
    },
  },
});
