import { defineScenario, type Variant } from "../worlds/scenario.ts";
import type { SharedFile } from "../worlds/world.ts";

const OLD = "balance: 100; owner: alice; checked";
const NEW = "BALANCE: 250; OWNER: CAROL; CHECKED";

type Recipe = (data: SharedFile, aside: SharedFile) => Promise<void>;

/** A file is saved while the power is cut; afterwards it is read. */
const saving = (expect: "broken" | "safe", because: string, save: Recipe): Variant => ({
  expect,
  because,
  // Nobody cuts the power of a real machine for a lesson.
  worlds: ["simulation"],
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

/** A file is saved, and whoever saves it is killed; afterwards it is read. */
const killed = (expect: "broken" | "safe", because: string, save: Recipe): Variant => ({
  ...saving(expect, because, save),
  worlds: ["simulation", "processes"],
  build: (world) => {
    const data = world.file("data", OLD);
    const aside = world.file("aside");
    const crash = world.crash("crash");
    return [
      { name: "writer", run: () => save(data, aside) },
      { name: "killer", run: () => crash.kill("writer") },
    ];
  },
});

/** A file is saved and its owner told so; then the power is cut. */
const telling = (expect: "broken" | "safe", because: string, save: Recipe): Variant => ({
  ...saving(expect, because, save),
  build: (world) => {
    const data = world.file("data", OLD);
    const aside = world.file("aside");
    const power = world.crash("power");
    const told = world.channel("told");
    return [
      {
        name: "writer",
        run: async () => {
          await save(data, aside);
          await told.send("saved");
        },
      },
      {
        name: "owner",
        run: async () => {
          await told.receive();
          await power.losePower();
        },
      },
    ];
  },
  check: (_end, _parameters, { data }) =>
    data === NEW ? undefined : `what was said to be saved is gone: ${data}`,
});

const saveAside: Recipe = async (data, aside) => {
  await aside.write(NEW);
  await aside.sync();
  await aside.rename(data);
};

const saveForGood: Recipe = async (data, aside) => {
  await saveAside(data, aside);
  await data.syncName();
};

/** What of a file survives a crash. */
export default defineScenario({
  module: import.meta.url,
  name: "torn-file",
  title: "The file that was half saved",
  seed:
    'reedbase: atomic writes; Pillai et al., "All File Systems Are Not Created Equal", OSDI 2014',
  lesson: [
    "A file is saved by emptying it and writing the new text. A program that is killed in between leaves it " +
    "empty, or with half of its text. So write the new text to another file, and put that in the place of the " +
    "old one by renaming, which is whole or not at all. If only the program dies that is enough: the system " +
    "goes on, and keeps what the dead program wrote.",
    "If the power goes it is not. The system keeps writes in memory and brings them to the disk when and in " +
    "whatever order it likes. A file that was written over from beginning to end has some blocks that are new " +
    "and some that are old. And a rename may reach the disk before the text that it gives the name to, so that " +
    "the name leads to a file that is empty or torn.",
    "So `sync` the file before the rename. And if you tell somebody that it is saved, first sync the folder " +
    "too, or the new name may be gone.",
  ],
  parameters: {},
  worlds: ["simulation", "processes"],
  notes: {
    tasks: "there are no files",
    workers: "there are no files",
    machines: "machines share no files",
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
    durable: saving("safe", "the name leads to what was synced, old or new", saveForGood),
    "told-too-early": telling("broken", "the new name may be lost with the power", saveAside),
    "told-when-durable": telling("safe", "the new name is synced when it is told", saveForGood),
    killed: killed(
      "broken",
      "the old text is gone before the new one is there",
      async (data) => {
        await data.truncate();
        await data.write(NEW);
      },
    ),
    "killed-aside": killed(
      "safe",
      "the name leads to the old file or to the new one, and each is whole",
      async (data, aside) => {
        await aside.write(NEW);
        await aside.rename(data);
      },
    ),
  },
});
