import type { ObjectKind } from "../worlds/object_kind.ts";
import { type Actor, defineScenario, type EndState } from "../worlds/scenario.ts";
import type { Cell, World } from "../worlds/world.ts";

/** A lock that counts its permits and takes back whatever it is given. */
class CountingLock {
  #free = 1;
  readonly #queue: (() => void)[] = [];

  acquire(): Promise<void> | void {
    if (this.#free > 0) this.#free--;
    else return new Promise((resolve) => this.#queue.push(resolve));
  }

  release(): void {
    const next = this.#queue.shift();
    if (next === undefined) this.#free++;
    else next();
  }
}

const countingLock: ObjectKind<CountingLock, "acquire" | "release"> = {
  operations: { acquire: "write", release: "write" },
  tasks: () => new CountingLock(),
};

function check({ overlapped }: EndState): string | undefined {
  return overlapped === 0 ? undefined : "two were inside at once";
}

/** What is done inside: whoever finds somebody there says so. */
async function inside(busy: Cell, overlapped: Cell): Promise<void> {
  if (await busy.read() === 1) await overlapped.write(1);
  await busy.write(1);
  await busy.write(0);
}

interface Section {
  acquire(): Promise<{ release(): Promise<void> }>;
}

/** The first gives back what it took on both ways out; two others come after it. */
function visitors(world: World, section: Section): Actor[] {
  const busy = world.cell("busy", 0);
  const overlapped = world.cell("overlapped", 0);
  return ["tidy", "B", "C"].map((name) => ({
    name,
    run: async () => {
      const held = await section.acquire();
      await inside(busy, overlapped);
      await held.release();
      if (name === "tidy") await held.release(); // in its `finally`, to be on the safe side
    },
  }));
}

/** A release that is done twice. */
export default defineScenario({
  module: import.meta.url,
  name: "double-release",
  title: "The release that was done twice",
  seed: "ANCHORS: @std/async Semaphore and asyncutil Mutex; async-mutex and a stranger's release()",
  lesson: [
    "Somebody releases a lock at the end of a block, and once more in the `finally` round it. The lock is a " +
    "counter: the first release makes it 1, or lets in the next; the second release lets in one more. Now two " +
    "are inside, and neither of them did anything wrong.",
    "A release must be bound to the acquire it belongs to. A guard releases once and does nothing the second " +
    "time, and a lock has no bare `release()` by which whoever holds nothing could let somebody in.",
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
      because: "the second release lets in one whom nobody has made room for",
      worlds: ["tasks"],
      build: (world) => {
        const lock = world.object("lock", countingLock);
        return visitors(world, {
          acquire: async () => {
            await lock.acquire();
            return { release: () => lock.release() };
          },
        });
      },
      check,
    },
    guard: {
      expect: "safe",
      because: "a guard gives back once what it holds, and then nothing",
      build: (world) => {
        const lock = world.lock("lock");
        return visitors(world, { acquire: () => lock.write() });
      },
      check,
    },
  },
});
