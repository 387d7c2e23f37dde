/** Strategies of several writers, over a store in memory. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  locked,
  MemoryStore,
  optimistic,
  partitioned,
  partOf,
  singleWriter,
  type Strategy,
  transactional,
  uncoordinated,
} from "../../../lib/store/mod.ts";
import { LockTimeoutError, RwLock } from "../../../mod.ts";

const limit = { timeout: 10_000 };
const TIMES = 20;

/** Counts to `TIMES`, each by a writer of its own who computes for a while; answers the count. */
async function count(store: MemoryStore, strategy: Strategy): Promise<unknown> {
  await Promise.all(
    Array.from({ length: TIMES }, () =>
      strategy.update<number>("count", async (count = 0) => {
        await Promise.resolve();
        return count + 1;
      })),
  );
  return (await store.get("count"))?.value;
}

const strategies: Record<string, (store: MemoryStore) => Strategy | Promise<Strategy>> = {
  locked: (store) => locked(store, new RwLock()),
  singleWriter: (store) => singleWriter(store, new RwLock()),
  partitioned: (store) => partitioned([locked(store, new RwLock()), locked(store, new RwLock())]),
  optimistic,
  transactional,
};

for (const [name, make] of Object.entries(strategies)) {
  test(`${name}() loses no update, and none when some of them fail`, limit, async () => {
    const store = new MemoryStore();
    const strategy = await make(store);
    await assert.rejects(strategy.update("count", () => Promise.reject(new Error("no"))), /no/);
    assert.equal(await store.get("count"), undefined);
    assert.equal(await count(store, strategy), TIMES);
  });
}

test("the check finds updates that are lost: uncoordinated() loses some", limit, async () => {
  const store = new MemoryStore();
  assert.notEqual(await count(store, uncoordinated(store)), TIMES);
});

test(
  "singleWriter() keeps others out until it is given up and what is under way is done",
  limit,
  async () => {
    const store = new MemoryStore();
    const claim = new RwLock();
    const writer = await singleWriter(store, claim);
    await assert.rejects(singleWriter(store, claim), LockTimeoutError);
    assert.deepEqual(Object.keys(writer.reader).filter((name) => name === "set"), []);
    assert(!("set" in writer.reader));

    const begun = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    const first = writer.update("a", async () => {
      begun.resolve();
      await goOn.promise;
      return 1;
    });
    const waiting = writer.update<number>("a", (a = 0) => a + 1);
    await begun.promise;
    writer[Symbol.dispose]();
    writer[Symbol.dispose]();
    await assert.rejects(
      writer.update("a", () => 9),
      /^TypeError: .* claim to be the writer was given/,
    );
    await assert.rejects(singleWriter(store, claim), LockTimeoutError, "it is still at work");
    goOn.resolve();
    assert.deepEqual(await Promise.all([first, waiting]), [1, 2]);
    using next = await singleWriter(store, claim, { timeout: 1000 });
    assert.equal(await next.update<number>("a", (a = 0) => a + 1), 3);
  },
);

test("transactional() keeps nobody waiting who writes to another key", limit, async () => {
  const strategy = transactional(new MemoryStore());
  const goOn = Promise.withResolvers<number>();
  const slow = strategy.update("ada", () => goOn.promise);
  // Of another lock: see the test of what lock a key has.
  assert.equal(await strategy.update("config", () => 2, { timeout: 1000 }), 2);
  goOn.resolve(1);
  assert.equal(await slow, 1);
});

test("optimistic() computes again when another has written meanwhile", limit, async () => {
  const store = new MemoryStore();
  const seen: unknown[] = [];
  await optimistic(store).update<number>("a", async (a) => {
    seen.push(a);
    if (seen.length < 3) await store.set("a", seen.length);
    return 10;
  });
  assert.deepEqual(seen, [undefined, 1, 2]);
  assert.equal((await store.get("a"))?.value, 10);
});

test(
  "partitioned() has each key written by one part, the same everywhere and always",
  limit,
  async () => {
    const used: Record<string, number[]> = {};
    const part = (i: number): Strategy => ({
      name: `${i}`,
      update: (key, change) => {
        (used[key] ??= []).push(i);
        return Promise.resolve(change(undefined));
      },
    });
    const strategy = partitioned([0, 1, 2].map(part));
    for (const key of ["", "ada", "config", "ключ"]) {
      await strategy.update(key, () => 1);
      await strategy.update(key, () => 1);
      assert.deepEqual(used[key], [partOf(key, 3), partOf(key, 3)]);
    }
    // Programs of other releases must send a key to the same part.
    assert.deepEqual(["", "ada", "config", "ключ"].map((key) => partOf(key, 16)), [9, 2, 8, 11]);
    const parts = new Set(Array.from({ length: 100 }, (_, i) => partOf(`key ${i}`, 3)));
    assert.deepEqual([...parts].sort(), [0, 1, 2]);
    for (const wrong of [0, -1, 1.5, NaN, Infinity]) {
      assert.throws(
        () => partOf("a", wrong),
        RangeError,
      );
    }
    for (const wrong of [[], undefined]) {
      assert.throws(
        () => partitioned(wrong as never),
        TypeError,
      );
    }
  },
);

test(
  "what is no store, no lock and no change is refused, and nothing is claimed",
  limit,
  async () => {
    const store = new MemoryStore();
    for (const strategy of [uncoordinated, optimistic, transactional]) {
      for (const wrong of [undefined, null, {}, 5]) {
        assert.throws(() => strategy(wrong as never), {
          name: "TypeError",
          message: /^Cannot make a strategy: a store was expected, got /,
        });
      }
      await assert.rejects(strategy(store).update("a", 5 as never), {
        name: "TypeError",
        message: 'Cannot update "a": change must be a function, got 5',
      });
    }
    const lock = new RwLock();
    await assert.rejects(singleWriter({} as never, lock), {
      name: "TypeError",
      message: "Cannot claim to be the writer: a store was expected, got an object",
    });
    await assert.rejects(singleWriter(store, {} as never), {
      name: "TypeError",
      message: "Cannot claim to be the writer: a lock was expected, got an object",
    });
    await assert.rejects(singleWriter(store, lock, { timeout: NaN }), RangeError);
    assert.deepEqual(lock.query().holders, []);
  },
);

test("singleWriter() does not wait for the claim unless told for how long", limit, async () => {
  const lock = new RwLock();
  using _other = await lock.write();
  await assert.rejects(singleWriter(new MemoryStore(), lock, { timeout: undefined }), {
    name: "LockTimeoutError",
  });
});
