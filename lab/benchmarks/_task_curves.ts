/** Curves over how many tasks read, write and wait. */
import { RwLock, Snapshots } from "../../mod.ts";
import type { Case, PrepareCase, Way } from "./case.ts";

/** Reads in a sample, whoever many share them. */
const READS = 4_096;

/** Runs so many tasks that share the operations of a sample; answers what they have done in all. */
async function share(
  tasks: number,
  operations: number,
  once: () => Promise<boolean>,
): Promise<number> {
  let right = 0;
  const each = operations / tasks;
  const task = async () => {
    for (let i = 0; i < each; i++) if (await once()) right++;
  };
  await Promise.all(Array.from({ length: tasks }, task));
  return right;
}

/** A value that is whole if its halves are equal. A reader looks at one, lets others run, and at the other. */
interface Halves {
  readonly left: number;
  readonly right: number;
}

async function isWhole(value: Halves): Promise<boolean> {
  const { left } = value;
  await undefined;
  return left === value.right;
}

/** Readers that share a sample's reads, each letting others run in the midst of every read. */
export function readers(count: number): PrepareCase {
  return (): Case => {
    const snapshots = new Snapshots<Halves>({ left: 0, right: 0 });
    const lock = new RwLock();
    const value: Halves = { left: 0, right: 0 };
    const view = () => share(count, READS, () => snapshots.view(isWhole));
    return {
      operations: READS,
      expected: READS,
      ways: [
        { name: "Snapshots", run: view },
        {
          name: "Snapshots, a slow write in flight",
          async run() {
            const written = Promise.withResolvers<void>();
            const before = snapshots.epoch;
            const update = snapshots.update(async ({ left }) => {
              await written.promise;
              return { left: left + 1, right: left + 1 };
            });
            const right = await view();
            const waited = snapshots.epoch === before;
            written.resolve();
            await update;
            return waited && snapshots.epoch === before + 1 ? right : "the write was not in flight";
          },
        },
        {
          name: "RwLock",
          run: () => share(count, READS, () => lock.withRead(() => isWhole(value))),
        },
        { name: "nothing", run: () => share(count, READS, () => isWhole(value)) },
      ],
    };
  };
}

/** Updates in a sample. */
const UPDATES = 2_048;

/** Tasks that share a sample's updates of one count: read it, let others run, write it back. */
export function writers(count: number): PrepareCase {
  return (): Case => {
    const lock = new RwLock();
    const updates = async (around: (fn: () => Promise<void>) => Promise<unknown>) => {
      let counter = 0;
      await share(count, UPDATES, async () => {
        await around(async () => {
          const seen = counter;
          await undefined;
          counter = seen + 1;
        });
        return true;
      });
      return counter;
    };
    let tail = Promise.resolve();
    return {
      operations: UPDATES,
      expected: UPDATES,
      ways: [
        { name: "RwLock", run: () => updates((fn) => lock.withWrite(fn)) },
        { name: "a chain of promises", run: () => updates((fn) => tail = tail.then(fn)) },
      ],
    };
  };
}

/** Hand-offs in a sample, at least. */
const HAND_OFFS = 10_000;

/** The least that a queue of waiters can be. */
class Turns {
  readonly #resolvers: (() => void)[] = [];
  #next = 0;

  take(): Promise<void> {
    return new Promise((resolve) => void this.#resolvers.push(resolve));
  }

  pass(): void {
    this.#resolvers[this.#next++]?.();
  }
}

/** So many tasks queue behind one that holds the lock; then it is handed on until all were inside. */
export function waiters(count: number): PrepareCase {
  const times = Math.max(1, Math.floor(HAND_OFFS / count));
  /** Fills the queue and empties it; answers how many came in their turn. */
  const queue = (
    name: string,
    once: (enter: (place: number) => void) => Promise<unknown>,
  ): Way => ({
    name,
    async run() {
      let inTurn = 0;
      for (let i = 0; i < times; i++) {
        let next = 0;
        await once((place) => {
          if (place === next) inTurn++;
          next++;
        });
      }
      return inTurn;
    },
  });
  return (): Case => ({
    operations: times * count,
    expected: times * count,
    ways: [
      queue("RwLock", async (enter) => {
        const lock = new RwLock();
        const first = lock.tryWrite()!;
        const wait = async (place: number) => {
          const guard = await lock.write();
          enter(place);
          guard.release();
        };
        const all = Array.from({ length: count }, (_, place) => wait(place));
        first.release();
        await Promise.all(all);
      }),
      queue("a list of resolvers", async (enter) => {
        const turns = new Turns();
        const wait = async (place: number) => {
          await turns.take();
          enter(place);
          turns.pass();
        };
        const all = Array.from({ length: count }, (_, place) => wait(place));
        turns.pass();
        await Promise.all(all);
      }),
    ],
  });
}
