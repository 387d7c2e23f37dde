import { defineScenario, type SharedFile, type Variant } from "../../../lab/worlds/mod.ts";

const OLD = "the old text, which is somewhat long";
const NEW = "THE NEW TEXT, WHICH IS AS LONG AS IT";

type Recipe = (data: SharedFile, aside: SharedFile) => Promise<void>;

/** A file is saved while the power is cut, and then read. */
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
    data === OLD || data === NEW ? undefined : `data is torn: ${data}`,
});

/** What of a file survives a power loss. */
export default defineScenario({
  module: import.meta.url,
  name: "saving",
  title: "Saving a file",
  seed: "a test of the lab",
  lesson: [],
  parameters: {},
  worlds: ["simulation"],
  notes: {
    tasks: "there are no files",
    workers: "there are no files",
    processes: "nobody cuts the power of a real machine",
  },
  variants: {
    "in-place": saving("broken", "what is half written stays", async (data) => {
      await data.write(NEW);
      await data.sync();
    }),
    "aside-unsynced": saving("broken", "the new name may survive without the data", async (
      data,
      aside,
    ) => {
      await aside.write(NEW);
      await aside.rename(data);
    }),
    aside: saving("safe", "the name leads to what was synced, old or new", async (data, aside) => {
      await aside.write(NEW);
      await aside.sync();
      await aside.rename(data);
    }),
    "told-too-early": {
      ...saving("broken", "what was told is taken back", () => Promise.resolve()),
      build: (world) => {
        const data = world.file("data", OLD);
        const aside = world.file("aside");
        const power = world.crash("power");
        const told = world.channel("told");
        return [
          {
            name: "writer",
            run: async () => {
              await aside.write(NEW);
              await aside.sync();
              await aside.rename(data);
              await told.send("saved");
            },
          },
          {
            name: "client",
            run: async () => {
              await told.receive();
              await power.losePower();
            },
          },
        ];
      },
      check: (_end, _parameters, { data }) => data === NEW ? undefined : "what was saved is gone",
    },
  },
});
