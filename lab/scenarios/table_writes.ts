import { defineScenario, team } from "../worlds/scenario.ts";
import { insertRow, type SharedTable, table } from "../worlds/table_kind.ts";
import { type SharedValue, value } from "../worlds/value_kind.ts";

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
    "survives a crash, and whoever has the lock next applies what is queued before its own. The number of the " +
    "last write applied stands in the same file as the rows, so nothing is applied twice, wherever a process dies.",
  ],
  parameters: {
    writers: { about: "writers", smoke: 2, bench: { processes: 4 }, min: 2, max: 8 },
  },
  worlds: ["simulation", "processes"],
  notes: { tasks: "the table is made of files", workers: "the table is made of files" },
  variants: {
    unguarded: {
      expect: "broken",
      because: "between reading the table and replacing it another replaces it",
      build: (world, { writers }) => {
        const rows = world.object("rows", value<string[]>([]));
        return team(writers, async (place) => rows.set([...await rows.get(), `row ${place}`]));
      },
      check: (_end, { writers }, { rows }) => {
        const found = (rows as SharedValue<string[]>).get().length;
        return found === writers ? undefined : `${found} of ${writers} rows are there`;
      },
    },
    coordinated: {
      expect: "safe",
      because: "each row is applied once, under the lock or from the queue",
      build: (world, { writers }) => {
        const rows = world.object("rows", table());
        return team(
          writers,
          async (place) => void await rows.write(insertRow(`row ${place}`, "1"), { timeout: 50 }),
        );
      },
      check: async (_end, { writers }, { rows }) => {
        const found = rows as SharedTable;
        await found.drain();
        const { size } = found.read().rows;
        return size === writers ? undefined : `${size} of ${writers} rows are there`;
      },
    },
  },
});
