import { type Actor, defineScenario, type EndState, team } from "../worlds/scenario.ts";
import type { Cell, World } from "../worlds/world.ts";

function check({ stock }: EndState): string | undefined {
  return stock === 0 ? undefined : `stock = ${stock} after two took one each`;
}

async function takeOne(stock: Cell, seen: number): Promise<void> {
  await stock.write(seen - 1);
}

/** Two look at the stock as readers, and then want to write. */
function two(world: World, run: (stock: Cell) => Promise<void>): Actor[] {
  const stock = world.cell("stock", 2);
  return team(2, () => run(stock));
}

/** Readers that want to become writers without leaving. */
export default defineScenario({
  module: import.meta.url,
  name: "upgrade-deadlock",
  title: "Two readers that both want to write",
  seed: "ANCHORS: @esfx/async-readerwriterlock, whose upgrade() never resolves",
  lesson: [
    "Two look at the stock under a read lock, side by side. Both find something to change, and both ask " +
    "for the write lock while they still hold the read lock. A writer must be alone: each waits until the " +
    "other has stopped reading, and neither will. A peer's `upgrade()` does it with one reader alone: it " +
    "waits for a reader which is itself.",
    "Leaving in between does not deadlock, but then another can write in between, and what was read is " +
    "stale: look again after coming in as a writer. Or enter as the one reader that may upgrade: there is " +
    "only one of those at a time, so no two can wait for each other.",
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
      because: "each waits, inside as a reader, for the other reader to leave",
      // Between processes it comes to the same, but whether the second reader gets in beside a writer
      // that waits is for the system to say there, so no schedule found nearer replays.
      worlds: ["tasks", "workers"],
      build: (world) => {
        const lock = world.lock("lock");
        return two(world, (stock) =>
          lock.withRead(async () => {
            const seen = await stock.read();
            await lock.withWrite(() => takeOne(stock, seen));
          }));
      },
      check,
    },
    "leave-and-enter": {
      expect: "broken",
      because: "it does not deadlock, but what was read may be stale when the writer is inside",
      build: (world) => {
        const lock = world.lock("lock");
        return two(world, async (stock) => {
          const seen = await lock.withRead(() => stock.read());
          await lock.withWrite(() => takeOne(stock, seen));
        });
      },
      check,
    },
    "look-again": {
      expect: "safe",
      because: "what counts is read again as a writer",
      build: (world) => {
        const lock = world.lock("lock");
        return two(world, async (stock) => {
          if (await lock.withRead(() => stock.read()) === 0) return;
          await lock.withWrite(async () => takeOne(stock, await stock.read()));
        });
      },
      check,
    },
    upgradable: {
      expect: "safe",
      because:
        "only one at a time may upgrade; the second is refused at once and looks again as a writer",
      worlds: ["tasks"],
      build: (world) => {
        const lock = world.lock("lock");
        return two(world, async (stock) => {
          try {
            const held = await lock.upgradable();
            try {
              const seen = await stock.read();
              await held.upgrade();
              await takeOne(stock, seen);
            } finally {
              await held.release();
            }
          } catch (error) {
            if ((error as Error).name !== "UpgradeConflictError") throw error;
            await lock.withWrite(async () => takeOne(stock, await stock.read()));
          }
        });
      },
      check,
    },
  },
});
