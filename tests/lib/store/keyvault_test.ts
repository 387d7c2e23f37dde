/**
 * The seven concurrency tests of rust-keyvault, by their meaning and with their numbers: each of its
 * threads is a task here. All leave one barrier together. What they are for a store that is behind one
 * lock, as theirs was, they are here for stores that need none.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Prng } from "../../../lab/engine/prng.ts";
import { exportStore, importStore, MemoryStore, type Store } from "../../../lib/store/mod.ts";
import { kinds } from "./_stores.ts";

const limit = { timeout: 60_000 };

/** Starts so many tasks, lets none begin before all are there, and waits for their end. */
async function startTogether(count: number, task: (index: number) => Promise<void>): Promise<void> {
  const { promise: all, resolve: open } = Promise.withResolvers<void>();
  let there = 0;
  await Promise.all(Array.from({ length: count }, async (_, index) => {
    if (++there === count) open();
    await all;
    await task(index);
  }));
}

const valueOf = async (store: Store, key: string) => (await store.get(key))?.value;
const keysOf = async (store: Store) => (await store.list()).map(({ key }) => key);
/** What a key of theirs was: bytes, and something said of them. */
const keyOf = (id: string) => ({
  id,
  bytes: Array.from(id, (char) => char.charCodeAt(0)),
  state: "active",
});

for (const { name, open } of kinds) {
  describe(`keyvault on a ${name}`, () => {
    test("concurrent reads: 10 tasks read one key 100 times each", limit, async () => {
      using opened = open();
      const { store } = opened;
      await store.set("key", keyOf("key"));
      let reads = 0;
      await startTogether(10, async () => {
        for (let i = 0; i < 100; i++) {
          assert.deepEqual(await valueOf(store, "key"), keyOf("key"));
          reads++;
        }
      });
      assert.equal(reads, 1000);
    });

    test("concurrent writes: 10 tasks write 10 keys of their own each", limit, async () => {
      using opened = open();
      const { store } = opened;
      await startTogether(10, async (task) => {
        for (let i = 0; i < 10; i++) await store.set(`${task}-${i}`, keyOf(`${task}-${i}`));
      });
      const keys = await keysOf(store);
      assert.equal(keys.length, 100);
      for (const key of keys) assert.deepEqual(await valueOf(store, key), keyOf(key));
    });

    test("mixed operations: 5 readers and 5 writers, 50 times each", limit, async () => {
      using opened = open();
      const { store } = opened;
      for (let i = 0; i < 10; i++) await store.set(`old ${i}`, keyOf(`old ${i}`));
      const done = { reads: 0, writes: 0 };
      await startTogether(10, async (task) => {
        for (let i = 0; i < 50; i++) {
          if (task < 5) {
            const key = `old ${(task + i) % 10}`;
            assert.deepEqual(await valueOf(store, key), keyOf(key));
            done.reads++;
          } else {
            await store.set(`new ${task} ${i}`, keyOf(`${i}`));
            done.writes++;
          }
        }
      });
      assert.deepEqual(done, { reads: 250, writes: 250 });
      assert.equal((await store.list({ prefix: "new" })).length, 250);
      assert.equal((await store.list({ prefix: "old" })).length, 10);
    });

    test(
      "file store operations: 5 tasks write 10 keys and read them, 10 and 10 times",
      limit,
      async () => {
        using opened = open();
        const { store } = opened;
        await startTogether(5, async (task) => {
          for (let i = 0; i < 10; i++) await store.set(`${task}-${i}`, keyOf(`${task}-${i}`));
          for (let i = 0; i < 10; i++) {
            assert.deepEqual(await valueOf(store, `${task}-${i}`), keyOf(`${task}-${i}`));
          }
        });
        assert.equal((await keysOf(store)).length, 50);
      },
    );

    test("stress: 20 tasks store, retrieve, list and delete at random, 100 times each", {
      timeout: 120_000,
    }, async () => {
      using opened = open();
      const { store } = opened;
      const seed = Math.floor(Math.random() * 2 ** 31);
      console.log(`  seed ${seed}`);
      const done = [0, 0, 0, 0];
      await startTogether(20, async (task) => {
        const prng = new Prng(seed + task);
        for (let i = 0; i < 100; i++) {
          const key = `${prng.below(50)}`;
          const kind = prng.below(4);
          done[kind]++;
          if (kind === 0) await store.set(key, keyOf(key));
          else if (kind === 1) {
            const value = await valueOf(store, key);
            if (value !== undefined) assert.deepEqual(value, keyOf(key));
          } else if (kind === 2) {
            const keys = await keysOf(store);
            assert.deepEqual(keys, [...new Set(keys)].sort());
          } else await store.delete(key);
        }
      });
      assert.equal(done.reduce((sum, count) => sum + count), 2000);
      assert(done.every((count) => count > 400), `${done}`);
      for (const key of await keysOf(store)) {
        assert.deepEqual(await valueOf(store, key), keyOf(key));
      }
      await store.set("after", 1);
      assert.equal(await valueOf(store, "after"), 1);
      assert.equal(await store.delete("after"), true);
    });

    test(
      "no deadlocks: 10 tasks store, retrieve and list 20 times each, within 5 s",
      limit,
      async () => {
        using opened = open();
        const { store } = opened;
        const since = performance.now();
        const { promise: late, reject } = Promise.withResolvers<never>();
        const timer = setTimeout(() => reject(new Error("not within 5 s")), 5_000);
        try {
          await Promise.race([
            late,
            startTogether(10, async (task) => {
              for (let i = 0; i < 20; i++) {
                // Each key is that of several tasks.
                const key = `${(task + i) % 7}`;
                await store.set(key, keyOf(key));
                assert.deepEqual(await valueOf(store, key), keyOf(key));
                assert((await keysOf(store)).includes(key));
              }
            }),
          ]);
        } finally {
          clearTimeout(timer);
        }
        console.log(`  ${name}: ${(performance.now() - since).toFixed(0)} ms`);
      },
    );

    test(
      "concurrent export and import: 5 tasks export a key, 5 import another",
      limit,
      async () => {
        using opened = open();
        const { store } = opened;
        const cost = { N: 2 ** 12 };
        const elsewhere = new MemoryStore();
        for (let i = 0; i < 5; i++) {
          await store.set(`export ${i}`, keyOf(`export ${i}`));
          await elsewhere.set(`import ${i}`, keyOf(`import ${i}`));
        }
        const collect = async (stream: AsyncIterable<Uint8Array>) => {
          const pieces: Uint8Array[] = [];
          for await (const piece of stream) pieces.push(piece);
          return pieces;
        };
        const given = await Promise.all(Array.from({ length: 5 }, async (_, i) => {
          const options = { password: `import ${i}`, keys: [`import ${i}`], cost };
          return await collect(await exportStore(elsewhere, options));
        }));
        const exported: Uint8Array[][] = [];
        await startTogether(10, async (task) => {
          const i = task % 5;
          if (task < 5) {
            const options = { password: `export ${i}`, keys: [`export ${i}`], cost };
            exported[i] = await collect(await exportStore(store, options));
          } else {
            assert.equal(await importStore(store, given[i], { password: `import ${i}` }), 1);
          }
        });
        for (let i = 0; i < 5; i++) {
          assert.deepEqual(await valueOf(store, `import ${i}`), keyOf(`import ${i}`));
          const copy = new MemoryStore();
          await importStore(copy, exported[i], { password: `export ${i}` });
          assert.deepEqual(await keysOf(copy), [`export ${i}`]);
          assert.deepEqual(await valueOf(copy, `export ${i}`), keyOf(`export ${i}`));
        }
        assert.equal((await keysOf(store)).length, 10);
      },
    );
  });
}
