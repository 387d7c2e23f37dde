import assert from "node:assert/strict";
import { CsvRow } from "../../../lib/queue/mod.ts";
import { defineScenario, objects, team } from "../../../lab/worlds/mod.ts";

const rows = (key: string) => [new CsvRow(key, ["1"])];

/** The kinds of objects that come with the lab, at each distance where they are. */
export default defineScenario({
  module: import.meta.url,
  name: "kinds",
  title: "Kinds of objects",
  seed: "a test of the lab",
  lesson: [],
  parameters: {},
  worlds: ["tasks", "simulation", "workers", "processes"],
  variants: {
    "value-and-map": {
      expect: "safe",
      because: "each does what it says",
      build: (world) => {
        const value = world.object("value", objects.value<string[]>(["ä"]));
        const map = world.object("map", objects.map<number>({ b: 2, "a/b*": 1 }));
        const turn = world.channel<null>("turn");
        return [
          {
            name: "first",
            run: async () => {
              assert.deepEqual(await value.get(), ["ä"]);
              await value.set([...await value.get(), "é"]);
              assert.deepEqual(await map.keys(), ["a/b*", "b"]);
              await map.set("c", 3);
              assert.equal(await map.delete("b"), true);
              assert.equal(await map.delete("b"), false);
              await turn.send(null);
            },
          },
          {
            name: "second",
            run: async () => {
              await turn.receive();
              assert.deepEqual(await value.get(), ["ä", "é"]);
              assert.deepEqual(await map.keys(), ["a/b*", "c"]);
              assert.deepEqual([await map.get("b"), await map.get("c")], [undefined, 3]);
            },
          },
        ];
      },
      check: (_end, _parameters, { value, map }) => {
        assert.deepEqual((value as { get(): unknown }).get(), ["ä", "é"]);
        assert.deepEqual((map as { get(key: string): unknown }).get("c"), 3);
        return undefined;
      },
    },
    "value-race": {
      expect: "broken",
      because: "reading and replacing are two steps",
      build: (world) => {
        const value = world.object("value", objects.value(0));
        return team(2, async () => value.set(await value.get() + 1));
      },
      check: (_end, _parameters, { value }) =>
        (value as { get(): number }).get() === 2 ? undefined : "an update is lost",
    },
    "disjoint-keys": {
      expect: "safe",
      because: "each writes a key of its own",
      build: (world) => {
        const map = world.object("map", objects.map<number>());
        return team(2, (place) => map.set("AB"[place], place));
      },
      check: (_end, _parameters, { map }) =>
        (map as { keys(): string[] }).keys().join("") === "AB" ? undefined : "a key is lost",
    },
    snapshots: {
      expect: "safe",
      because: "updates take turns, and of two commits on one version one is refused",
      build: (world) => {
        const count = world.object("count", objects.snapshots(0));
        const guess = world.object("guess", objects.snapshots(0));
        const conflicts = world.cell("conflicts", 0);
        return [
          ...team(2, async () => void await count.update((value) => value + 1)),
          ...["C", "D"].map((name) => ({
            name,
            run: async () => {
              const { value, epoch } = await guess.read();
              try {
                await guess.commit(epoch, value + 1);
              } catch (error) {
                if ((error as Error).name !== "ConflictError") throw error;
                await conflicts.write(1);
              }
            },
          })),
        ];
      },
      check: async ({ conflicts }, _parameters, { count, guess }) => {
        const value = async (object: unknown) =>
          (await (object as { read(): { value: number } }).read()).value;
        const found = [await value(count), await value(guess)];
        return found.join() === `2,${2 - conflicts}` ? undefined : `${found}, ${conflicts} refused`;
      },
    },
    table: {
      expect: "safe",
      worlds: ["simulation", "processes"],
      because: "each row is written once, at once or from the queue",
      build: (world) => {
        const table = world.object("table", objects.table());
        return [
          ...team(2, async (place) => {
            await table.write({ operation: "insert", rows: rows("AB"[place]) }, { timeout: 50 });
          }),
          { name: "drainer", run: async () => void await table.drain() },
        ];
      },
      check: async (_end, _parameters, { table }) => {
        await (table as { drain(): Promise<unknown> }).drain();
        const { rows } = (table as { read(): { rows: ReadonlyMap<string, unknown> } }).read();
        return [...rows.keys()].sort().join("") === "AB" ? undefined : `rows ${[...rows.keys()]}`;
      },
    },
    store: {
      expect: "safe",
      worlds: ["tasks", "simulation", "processes"],
      because: "transactions take turns, and what is read at once is of one version",
      build: (world) => {
        const store = world.object("store", objects.store());
        const torn = world.cell("torn", 0);
        return [
          ...team(2, async (place) => {
            await store.transaction(async (transaction) => {
              const count = (await transaction.get<number>("count"))?.value ?? 0;
              transaction.set("count", count + 1);
              transaction.set("last", "AB"[place]);
            });
          }),
          {
            name: "reader",
            run: async () => {
              const all = await store.readAll();
              if ("count" in all !== "last" in all) await torn.write(1);
              assert.equal(await store.compareAndSet("count", 1_000, 7), undefined);
              await store.set("seen", "yes");
              assert.equal(await store.delete("seen"), true);
              assert.equal(await store.get("seen"), undefined);
            },
          },
        ];
      },
      check: async ({ torn }, _parameters, { store }) => {
        const { count, ...rest } = await (store as objects.SharedStore).readAll();
        return count === 2 && torn === 0 && Object.keys(rest).join() === "last"
          ? undefined
          : `count = ${count}, torn = ${torn}`;
      },
    },
    processor: {
      expect: "safe",
      worlds: ["tasks"],
      because: "a job that was accepted is done, and one too many is refused",
      build: (world) => {
        const pool = world.object(
          "pool",
          objects.processor({ workers: 1, queueLimit: 1 }, ({ held }) => ({
            wait: async () => {
              await held();
              return "done";
            },
          })),
        );
        const accepted = world.channel<boolean>("accepted");
        const clock = world.clock("clock");
        const refused = world.cell("refused", 0);
        const done = world.cell("done", 0, { atomic: true });
        const add = async () => {
          for (let seen = await done.read(); !await done.compareAndSet(seen, seen + 1);) {
            seen = await done.read();
          }
        };
        return [
          ...team(3, async () => {
            let id: number;
            try {
              id = await pool.offer("wait");
            } catch (error) {
              if ((error as Error).name !== "QueueFullError") throw error;
              await refused.write(1);
              return await accepted.send(false);
            }
            await accepted.send(true);
            assert.equal(await pool.complete(id), "done");
            await add();
          }),
          {
            name: "gate",
            run: async () => {
              for (let i = 0; i < 3; i++) {
                if (!await accepted.receive()) continue;
                while (!await pool.letGo()) await clock.sleep(1);
              }
              assert.equal((await pool.stats()).queued, 0);
            },
          },
        ];
      },
      check: ({ done, refused }) =>
        done + refused === 3 ? undefined : `${done} done, ${refused} refused`,
    },
    queue: {
      expect: "safe",
      worlds: ["simulation", "processes"],
      because: "what is queued is there until it is removed",
      build: (world) => {
        const queue = world.object("queue", objects.writeQueue());
        return team(2, async (place) => {
          const id = await queue.queue({ operation: "insert", rows: rows("AB"[place]) });
          assert.ok(await queue.next() !== undefined);
          await queue.remove(id);
        });
      },
      check: (_end, _parameters, { queue }) =>
        (queue as { count(): number }).count() === 0 ? undefined : "something is left",
    },
  },
});
