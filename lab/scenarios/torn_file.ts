import { defineScenario, type Variant } from "../worlds/scenario.ts";
import type { SharedFile } from "../worlds/world.ts";

const OLD = "balance: 100; owner: alice; checked";
const NEW = "BALANCE: 250; OWNER: CAROL; CHECKED";

type Recipe = (data: SharedFile, aside: SharedFile) => Promise<void>;

/** A file is saved while the power is cut; afterwards it is read. */
const saving = (expect: "broken" | "safe", because: string, save: Recipe): Variant => ({
  expect,
  because,
  build: (world) => {
    const data = world.file("data", OLD);
    const aside = world.file("aside");
    const power = world.crash("power");
    return [
      { name: "writer", run: () => save(data, aside) },
      { name: "power cut", run: () => power.losePower() },
    ];
  },
  check: (_end, _parameters, { data }) =>
    data === OLD || data === NEW ? undefined : `the file is neither old nor new: ${data}`,
});

/** What of a file survives a power loss. */
export default defineScenario({
  module: import.meta.url,
  name: "torn-file",
  title: "The file that was half saved",
  seed:
    'reedbase: atomic writes; Pillai et al., "All File Systems Are Not Created Equal", OSDI 2014',
  lesson: [
    "A file is saved by writing the new text over the old one. If the power goes in the middle, some blocks " +
    "are new and some are old: the file is neither. That a program wrote it all long before does not help, for " +
    "the system keeps writes in memory and brings them to the disk when and in whatever order it likes.",
    "So write the new text to another file, and put that in the place of the old one by renaming, which is " +
    "whole or not at all. But a rename says nothing about the data: it may reach the disk before the text " +
    "does, and then the name leads to a file that is empty or torn. `sync` the file before the rename. And " +
    "if you tell somebody that it is saved, first sync the folder too, or the new name may be gone.",
  ],
  parameters: {},
  worlds: ["simulation"],
  notes: {
    tasks: "there are no files",
    workers: "there are no files",
    processes: "nobody cuts the power of a real machine for a lesson",
  },
  variants: {
    unguarded: saving(
      "broken",
      "the old text is gone before the new one is whole",
      async (data) => {
        await data.write(NEW);
        await data.sync();
      },
    ),
    "aside-unsynced": saving(
      "broken",
      "the new name can reach the disk before the text it leads to",
      async (data, aside) => {
        await aside.write(NEW);
        await aside.rename(data);
      },
    ),
    durable: saving(
      "safe",
      "the name leads to what was synced, old or new",
      async (data, aside) => {
        await aside.write(NEW);
        await aside.sync();
        await aside.rename(data);
        await data.syncName();
      },
    ),
  },
});
