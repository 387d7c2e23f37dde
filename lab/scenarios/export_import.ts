import { map } from "../worlds/map_kind.ts";
import { type Actor, defineScenario, type EndState } from "../worlds/scenario.ts";
import { type SharedStore, store } from "../worlds/store_kind.ts";
import { type SharedValue, value } from "../worlds/value_kind.ts";
import type { World } from "../worlds/world.ts";

/** What exports are sealed under. */
const PASSWORD = "correct horse";

type Numbers = { readonly exports: number; readonly imports: number };
type Both = { readonly user: number; readonly password: number };

function check({ torn }: EndState): string | undefined {
  return torn === 0
    ? undefined
    : "an export has the user of one moment with the password of another";
}

/** Some import both keys, others export them. */
function crowd(
  world: World,
  { exports, imports }: Numbers,
  write: (number: number) => Promise<void>,
  read: () => Promise<Both>,
): Actor[] {
  const torn = world.cell("torn", 0);
  return [
    ...Array.from({ length: imports }, (_, place) => ({
      name: `import ${place + 1}`,
      run: () => write(place + 1),
    })),
    ...Array.from({ length: exports }, (_, place) => ({
      name: `export ${place + 1}`,
      run: async () => {
        const { user, password } = await read();
        if (user !== password) await torn.write(1);
      },
    })),
  ];
}

/** Imports what was sealed with values in it, as it is opened with a password. */
type Import = (
  secrets: Pick<SharedStore, "openExport" | "importExport" | "set">,
  values: Both,
  openedWith?: string,
) => Promise<void>;

/** The same with everything under a password, and one who imports and does not know it. */
function sealedCrowd(world: World, numbers: Numbers, importSealed: Import): Actor[] {
  const secrets = world.object("secrets", store());
  const refused = world.cell("refused", 0);
  const stranger = {
    name: "stranger",
    run: async () => {
      try {
        await importSealed(secrets, { user: -1, password: -2 }, "guessed");
      } catch (error) {
        if ((error as Error).name !== "UnsealError") throw error;
        await refused.write(1);
      }
    },
  };
  const others = crowd(
    world,
    numbers,
    (number) => importSealed(secrets, { user: number, password: number }),
    async () => ({ user: 0, password: 0, ...await secrets.readExport(PASSWORD) }),
  );
  return [...others, stranger];
}

function checkSealed(end: EndState): string | undefined {
  return end.refused === 1 ? check(end) : "an import with another password was not refused";
}

/** A backup that is made while others write. */
export default defineScenario({
  module: import.meta.url,
  name: "export-import",
  title: "The backup that was never true",
  seed: "keyvault: concurrent export and import (5 + 5)",
  lesson: [
    "An export goes through the keys one by one. Meanwhile an import replaces them. The export has the new " +
    "user name and the old password: a state in which the store never was. It is sealed, signed and put away, " +
    "and nobody notices until it is needed.",
    "A backup must be of one moment. Either keep writers out as long as it takes, which with a large store is " +
    "long; or export a snapshot, which stays as it is while writers go on. And an import must be all or nothing: " +
    "put one new version in the place of the old, not key after key.",
    "A password changes nothing about that: it keeps others from reading a backup, and tells whether every " +
    "byte of it is as it was sealed. What was opened as a whole and is then stored key after key can be seen " +
    "by halves all the same. And nothing of an import may be seen before its last byte was found " +
    "genuine. One that is opened with another password, or is damaged, has changed nothing.",
  ],
  parameters: {
    exports: {
      about: "exports",
      smoke: 1,
      bench: { tasks: 5, workers: 2, processes: 2 },
      min: 1,
      max: 8,
    },
    imports: {
      about: "imports",
      smoke: 1,
      bench: { tasks: 5, workers: 2, processes: 2 },
      min: 1,
      max: 8,
    },
  },
  worlds: ["tasks", "workers", "processes"],
  notes: {
    simulation: "it is the same there as between tasks",
    machines: "the library's stores are not kept on a server",
  },
  variants: {
    unguarded: {
      expect: "broken",
      because: "between two keys of the export an import writes",
      build: (world, numbers) => {
        const store = world.object("store", map<number>({ user: 0, password: 0 }));
        return crowd(world, numbers, async (number) => {
          await store.set("user", number);
          await store.set("password", number);
        }, async () => ({
          user: (await store.get("user"))!,
          password: (await store.get("password"))!,
        }));
      },
      check,
    },
    locked: {
      expect: "safe",
      because: "an import has the store alone, exports share it",
      build: (world, numbers) => {
        const store = world.object("store", map<number>({ user: 0, password: 0 }));
        const lock = world.lock("lock");
        return crowd(world, numbers, (number) =>
          lock.withWrite(async () => {
            await store.set("user", number);
            await store.set("password", number);
          }), () =>
          lock.withRead(async () => ({
            user: (await store.get("user"))!,
            password: (await store.get("password"))!,
          })));
      },
      check,
    },
    version: {
      expect: "safe",
      because: "an import puts one version in the place of another, and an export reads one",
      build: (world, numbers) => {
        const store = world.object("store", value<Both>({ user: 0, password: 0 }));
        return crowd(
          world,
          numbers,
          (number) => store.set({ user: number, password: number }),
          () => store.get(),
        );
      },
      check: (end, _numbers, { store }) => {
        const { user, password } = (store as SharedValue<Both>).get();
        return user === password ? check(end) : "the store itself is torn";
      },
    },
    store: {
      expect: "safe",
      because: "an import is one transaction of the library's store, and an export one snapshot",
      worlds: ["tasks", "processes"],
      build: (world, numbers) => {
        const secrets = world.object("secrets", store());
        return crowd(
          world,
          numbers,
          async (number) => {
            await secrets.transaction((transaction) => {
              transaction.set("user", number);
              transaction.set("password", number);
            });
          },
          async () => ({ user: 0, password: 0, ...await secrets.readAll() }),
        );
      },
      check,
    },
    "sealed-key-by-key": {
      expect: "broken",
      because: "what was sealed is opened as a whole, and then stored one key after the other",
      worlds: ["processes"],
      build: (world, numbers) =>
        sealedCrowd(world, numbers, async (secrets, values, openedWith) => {
          const opened = await secrets.openExport(values, PASSWORD, openedWith);
          for (const [key, value] of Object.entries(opened)) await secrets.set(key, value);
        }),
      check: checkSealed,
    },
    sealed: {
      expect: "safe",
      because:
        "an export under a password is of one snapshot, and an import of one is all or nothing",
      worlds: ["processes"],
      build: (world, numbers) =>
        sealedCrowd(world, numbers, async (secrets, values, openedWith) => {
          await secrets.importExport(values, PASSWORD, openedWith);
        }),
      check: checkSealed,
    },
  },
});
