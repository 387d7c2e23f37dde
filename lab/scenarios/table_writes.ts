import type { Shared } from "../worlds/object_kind.ts";
import { type Actor, defineScenario, type EndState, team } from "../worlds/scenario.ts";
import {
  insertRow,
  type SharedTable,
  type SharedWriteQueue,
  table,
  writeQueue,
} from "../worlds/table_kind.ts";
import { type SharedValue, value } from "../worlds/value_kind.ts";
import type { World } from "../worlds/world.ts";

/** How long a write waits for the table before it is queued, in ms. */
const PATIENCE = 50;

const ROWS = ["row 1", "row 2"];

/** One writes two rows, and is killed wherever it is; whoever comes then drains. */
function withCrash(
  world: World,
  queue: (row: string) => Promise<unknown>,
  drain: () => Promise<unknown>,
): Actor[] {
  const crash = world.crash("crash");
  const accepted = world.cell("accepted", 0);
  return [
    {
      name: "writer",
      run: async () => {
        for (const [i, row] of ROWS.entries()) {
          await queue(row);
          await accepted.write(i + 1);
          await drain();
        }
      },
    },
    { name: "killer", run: () => crash.kill("writer") },
    {
      name: "heir",
      run: async () => {
        await crash.after();
        await drain();
      },
    },
  ];
}

/** Each row that was accepted is there once; one that was not, because of the crash, once at most. */
function checkRows({ accepted }: EndState, rows: readonly string[]): string | undefined {
  const counts = ROWS.map((row) => rows.filter((found) => found === row).length);
  if (counts.some((count) => count > 1)) return "a row was written twice";
  return counts.slice(0, accepted).includes(0) ? "a row that was accepted is gone" : undefined;
}

type Drain = (
  queue: Shared<SharedWriteQueue>,
  id: string,
  apply: () => Promise<void>,
) => Promise<void>;

/** A queue and the rows beside it, drained one write at a time. */
function byHand(world: World, drainOne: Drain): Actor[] {
  const queue = world.object("queue", writeQueue());
  const rows = world.object("rows", value<string[]>([]));
  return withCrash(world, (row) => queue.queue(insertRow(row)), async () => {
    for (let next = await queue.next(); next !== undefined; next = await queue.next()) {
      const { id, write } = next;
      await drainOne(queue, id, async () => rows.set([...await rows.get(), write.rows[0].key]));
    }
  });
}

/** Rows that several processes add to one table. */
export default defineScenario({
  module: import.meta.url,
  name: "table-writes",
  title: "Rows that several add to one table",
  seed: "reedbase: write coordination, lock or queue and then drain",
  lesson: [
    "A table is a CSV file. To add a row is to read the file, add a line, and write it back. Two processes " +
    "that do so at once lose one of the two rows, though the file is replaced in one step each time and " +
    "never torn.",
    "With a lock the second has to wait for the first. Who cannot wait puts the write into a queue that " +
    "survives a crash, and whoever has the lock next applies what is queued before its own.",
    "Then a process is killed while it drains. It had applied a write and not yet removed it from the queue: " +
    "the next one applies it again. So remove it first? Then one that is killed in between has removed what " +
    "it never applied. No order of two steps is right when one can die between them. The number of the last " +
    "write applied has to stand in the same file as the rows, which is replaced in one step: what is in the " +
    "queue with a lower number was applied, and is only removed.",
  ],
  parameters: {
    writers: { about: "writers", smoke: 2, bench: { processes: 4 }, min: 2, max: 8 },
    rows: { about: "rows of each", smoke: 1, bench: { processes: 10 }, min: 1, max: 100 },
  },
  worlds: ["simulation", "processes"],
  notes: {
    tasks: "the table is made of files",
    workers: "the table is made of files",
    machines: "machines share no files",
  },
  variants: {
    unguarded: {
      expect: "broken",
      because: "between reading the table and replacing it another replaces it",
      build: (world, { writers, rows: each }) => {
        const rows = world.object("rows", value<string[]>([]));
        return team(writers, async (place) => {
          for (let i = 0; i < each; i++) await rows.set([...await rows.get(), `${place}-${i}`]);
        });
      },
      check: (_end, { writers, rows: each }, { rows }) => {
        const found = (rows as SharedValue<string[]>).get().length;
        return found === writers * each
          ? undefined
          : `${found} of ${writers * each} rows are there`;
      },
    },
    coordinated: {
      expect: "safe",
      because: "each row is applied once, under the lock or from the queue",
      build: (world, { writers, rows: each }) => {
        const rows = world.object("rows", table());
        return team(writers, async (place) => {
          for (let i = 0; i < each; i++) {
            await rows.write(insertRow(`${place}-${i}`, "1"), { timeout: PATIENCE });
          }
        });
      },
      check: async (_end, { writers, rows: each }, { rows }) => {
        const found = rows as SharedTable;
        await found.drain();
        const { size } = found.read().rows;
        return size === writers * each ? undefined : `${size} of ${writers * each} rows are there`;
      },
    },
    "apply-then-remove": {
      expect: "broken",
      because: "one who is killed between the two leaves a write in the queue that was applied",
      build: (world) =>
        byHand(world, async (queue, id, apply) => {
          await apply();
          await queue.remove(id);
        }),
      check: (end, _numbers, { rows }) => checkRows(end, (rows as SharedValue<string[]>).get()),
    },
    "remove-then-apply": {
      expect: "broken",
      because: "one who is killed between the two has removed a write that was not applied",
      build: (world) =>
        byHand(world, async (queue, id, apply) => {
          await queue.remove(id);
          await apply();
        }),
      check: (end, _numbers, { rows }) => checkRows(end, (rows as SharedValue<string[]>).get()),
    },
    "crash-safe": {
      expect: "safe",
      because: "what was applied stands in the same file as the rows, wherever a process dies",
      build: (world) => {
        const rows = world.object("rows", table());
        return withCrash(world, (row) => rows.queue(insertRow(row)), () => rows.drain());
      },
      check: async (end, _numbers, { rows }) => {
        const found = rows as SharedTable;
        await found.drain();
        if (found.countSetAside() > 0) return "a write was applied, and then again";
        return checkRows(end, [...found.read().rows.keys()]);
      },
    },
  },
});
