import { defineScenario, type SharedObjects, type Variant } from "../worlds/scenario.ts";
import type { SharedFile } from "../worlds/world.ts";

const NAMES = ["A", "B"];

/** Each stores a text of its own under a name of its own, by way of another file. */
function storing(
  expect: "broken" | "safe",
  because: string,
  aside: (name: string) => string,
): Variant {
  return {
    expect,
    because,
    build: (world) => {
      const files = new Map<string, SharedFile>();
      for (const name of NAMES.flatMap((name) => [name, aside(name)])) {
        if (!files.has(name)) files.set(name, world.file(name));
      }
      return NAMES.map((name) => ({
        name,
        run: async () => {
          const temporary = files.get(aside(name))!;
          await temporary.write(`secret of ${name}`);
          try {
            await temporary.rename(files.get(name)!);
          } catch (error) {
            if ((error as { code?: string }).code !== "ENOENT") throw error;
          }
        },
      }));
    },
    check: (_end, _parameters, stored: SharedObjects) => {
      const wrong = NAMES.filter((name) => stored[name] !== `secret of ${name}`);
      return wrong.length === 0
        ? undefined
        : wrong.map((name) => `${name} has ${stored[name] ?? "nothing"}`).join(", ");
    },
  };
}

/** Files that are written aside, all to one side. */
export default defineScenario({
  module: import.meta.url,
  name: "file-store-ops",
  title: "One temporary file for all",
  seed: "keyvault: concurrent operations on a file store (5 × (10 + 10))",
  lesson: [
    "A store keeps each secret in a file of its own, and writes it the right way: to a temporary file first, " +
    "which is then renamed into place. So no reader ever finds half a secret, and no two writers touch the " +
    "same file. But the temporary file has one name. While one has written it and not yet renamed it, " +
    "another writes over it: the first puts the other's secret under its own name.",
    "What is written aside is shared as soon as two know its name. Give each writer a name that nobody else " +
    "has; a random one will do.",
  ],
  parameters: {},
  worlds: ["simulation", "processes"],
  notes: { tasks: "there are no files", workers: "threads of one process share its files" },
  variants: {
    unguarded: storing("broken", "both write aside to the same file", () => "temporary"),
    "own-temporary": storing(
      "safe",
      "each has a temporary file of its own",
      (name) => `temporary ${name}`,
    ),
  },
});
