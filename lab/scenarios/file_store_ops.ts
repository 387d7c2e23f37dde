import { models } from "../engine/history/mod.ts";
import { defineScenario, type Parameters, team, type Variant } from "../worlds/scenario.ts";
import { store } from "../worlds/store_kind.ts";
import type { SharedFile } from "../worlds/world.ts";

const NAMES = ["A", "B", "C", "D", "E"];

type Numbers = "actors" | "operations";

const secret = (name: string, operations: number) => `secret ${operations} of ${name}`;

/** Each stores texts of its own under a name of its own, by way of another file, and retrieves them. */
function storing(
  expect: "broken" | "safe",
  because: string,
  aside: (name: string) => string,
): Variant<Numbers> {
  return {
    expect,
    because,
    build: (world, { actors, operations }) => {
      const names = NAMES.slice(0, actors);
      const files = new Map<string, SharedFile>();
      for (const name of names.flatMap((name) => [name, aside(name)])) {
        if (!files.has(name)) files.set(name, world.file(name));
      }
      const wrong = world.cell("wrong", 0);
      return names.map((name) => ({
        name,
        run: async () => {
          const temporary = files.get(aside(name))!;
          const own = files.get(name)!;
          for (let i = 1; i <= operations; i++) {
            await temporary.write(secret(name, i));
            try {
              await temporary.rename(own);
            } catch (error) {
              if ((error as { code?: string }).code !== "ENOENT") throw error;
            }
            if (await own.read() !== secret(name, i)) await wrong.write(1);
          }
        },
      }));
    },
    check: ({ wrong }, { actors, operations }, stored) => {
      const others = NAMES.slice(0, actors).filter((name) =>
        stored[name] !== secret(name, operations)
      );
      if (others.length > 0) {
        return others.map((name) => `${name} has ${stored[name] ?? "nothing"}`).join(", ");
      }
      return wrong === 0 ? undefined : "somebody retrieved what another had stored";
    },
  };
}

/** Files that are written aside, all to one side. */
export default defineScenario<Numbers>({
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
    "has; a random one will do. Or use a store that has thought of it: what was done to the library's is " +
    "checked here key by key, as a register that is written and read.",
  ],
  parameters: {
    actors: { about: "actors", smoke: 2, bench: { processes: 5 }, min: 2, max: NAMES.length },
    operations: {
      about: "how often each stores, and how often it retrieves",
      smoke: 1,
      bench: { processes: 10 },
      min: 1,
      max: 100,
    },
  },
  worlds: ["simulation", "processes"],
  notes: {
    tasks: "there are no files",
    workers: "threads of one process share its files",
    machines: "machines share no files",
  },
  variants: {
    unguarded: storing("broken", "both write aside to the same file", () => "temporary"),
    "own-temporary": storing(
      "safe",
      "each has a temporary file of its own",
      (name) => `temporary ${name}`,
    ),
    store: {
      expect: "safe",
      because: "whoever reads a key of the store finds what was last written",
      build: (world, { actors, operations }: Parameters<Numbers>) => {
        const files = world.object("files", store());
        const calls = world.calls();
        return team(actors, async (place) => {
          for (let i = 0; i < operations; i++) {
            // Each writes what another reads next.
            const [mine, other] = [place, place + 1].map((each) => `key ${each % actors}`);
            const value = `${place}-${i}`;
            await calls.call("write", value, async () => void await files.set(mine, value), mine);
            const get = async () => (await files.get(other))?.value ?? null;
            await calls.call("read", undefined, get, other);
          }
        });
      },
      check: () => undefined,
      model: models.register(),
    },
  },
});
