/** What every store does, in one suite for all of them. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type {
  GetOptions,
  LoadOptions,
  Store,
  Transaction,
  TransactionOptions,
} from "../../../lib/store/mod.ts";
import { outcome } from "../../_fake_host.ts";
import { kinds } from "./_stores.ts";

const limit = { timeout: 20_000 };

const valueOf = async (store: Pick<Store, "get">, key: string) => (await store.get(key))?.value;
const keysOf = async (store: Pick<Store, "list">, options = {}) =>
  (await store.list(options)).map(({ key }) => key);

/** A promise, and what lets it go. */
function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: resolve };
}

for (const { name, open } of kinds) {
  describe(name, () => {
    test("get() answers what set() stored, as copies", limit, async () => {
      using opened = open();
      const { store } = opened;
      assert.equal(await store.get("key"), undefined);
      const bytes = Buffer.from([1, 2, 3]);
      const nested = { list: [1, { deep: null }], text: "ü\u{1F600}\u0000" };
      await store.set("bytes", bytes);
      await store.set("nested", nested);
      bytes[0] = 9;
      nested.list.push(2);
      const first = (await store.get<Uint8Array>("bytes"))!.value;
      assert.deepEqual([...first], [1, 2, 3]);
      assert.equal(first.constructor, Uint8Array);
      first[0] = 9;
      assert.deepEqual([...(await store.get<Uint8Array>("bytes"))!.value], [1, 2, 3]);
      const copy = (await store.get<typeof nested>("nested"))!.value;
      assert.deepEqual(copy, { list: [1, { deep: null }], text: nested.text });
      copy.list.length = 0;
      assert.deepEqual((await store.get<typeof nested>("nested"))!.value.list, [1, { deep: null }]);
    });

    test("whatever JSON can express and whatever bytes there are is stored", limit, async () => {
      using opened = open();
      const { store } = opened;
      const values = [null, false, 0, -1.5, "", "\ud83d", [], {}, new Uint8Array(), "\ufeffx"];
      for (const [i, value] of values.entries()) await store.set(`${i}`, value);
      for (const [i, value] of values.entries()) {
        assert.deepEqual(await valueOf(store, `${i}`), value);
      }
    });

    test("a key is any text, and is nothing but a key", limit, async () => {
      using opened = open();
      const { store } = opened;
      const keys = [
        "",
        "../../etc/passwd",
        "/",
        "..",
        "a\0b",
        "__proto__",
        "constructor",
        'quotes " and \\',
        "\u{1F600}",
        "e\u0301",
        "\u00e9",
        "x".repeat(1024),
        "ü".repeat(512),
      ];
      for (const key of keys) await store.set(key, key);
      assert.deepEqual(await keysOf(store), [...keys].sort());
      for (const key of keys) assert.equal(await valueOf(store, key), key);
    });

    test(
      "keys and values that cannot be stored are refused, and nothing is lost",
      limit,
      async () => {
        using opened = open();
        const { store } = opened;
        await store.set("key", 1);
        const set = (...[key, ...value]: unknown[]) =>
          store.set(key as string, value.length === 0 ? 2 : value[0]);
        await assert.rejects(
          set(1),
          /^TypeError: Cannot set 1: a key must be a well-formed string/,
        );
        await assert.rejects(set(undefined), TypeError);
        await assert.rejects(set("\ud800"), /half of a surrogate pair/);
        await assert.rejects(set("x".repeat(1025)), /^RangeError: .* 1025 bytes, of 1024 at most$/);
        await assert.rejects(set("ü".repeat(513)), RangeError);
        await assert.rejects(
          set("key", undefined),
          /^TypeError: Cannot set "key": JSON cannot express/,
        );
        await assert.rejects(set("key", () => {}), TypeError);
        // Of which JSON would make {}.
        for (const bytes of [new ArrayBuffer(3), new DataView(new ArrayBuffer(3))]) {
          await assert.rejects(set("key", bytes), /^TypeError: .* bytes must be in a Uint8Array/);
        }
        await assert.rejects(set("key", 1n), TypeError);
        const circle: unknown[] = [];
        circle.push(circle);
        await assert.rejects(set("key", circle), TypeError);
        const throwing = (thrown: unknown) => ({
          toJSON() {
            throw thrown;
          },
        });
        const words = [
          [new Error("no"), "no"],
          [null, "null"],
          [Object.create(null), "an object"],
          [Symbol("no"), "Symbol(no)"],
        ];
        for (const [thrown, message] of words) {
          await assert.rejects(set("key", throwing(thrown)), {
            name: "TypeError",
            message: `Cannot set "key": ${message}`,
          });
        }
        await assert.rejects(store.get(2 as never), TypeError);
        await assert.rejects(store.get("key", { version: 0 }), RangeError);
        await assert.rejects(store.get("key", { version: "1" as never }), TypeError);
        await assert.rejects(store.compareAndSet("key", null as never, 2), TypeError);
        await assert.rejects(store.delete({} as never), TypeError);
        await assert.rejects(store.list({ prefix: 1 as never }), TypeError);
        await assert.rejects(store.list({ after: 1 as never }), TypeError);
        await assert.rejects(store.list({ limit: -1 }), RangeError);
        await assert.rejects(store.list({ limit: "1" as never }), TypeError);
        await assert.rejects(store.set("key", 2, { timeout: -1 }), RangeError);
        await assert.rejects(store.transaction(1 as never), TypeError);
        await assert.rejects(store.transaction(() => {}, { keys: "key" }), TypeError);
        await assert.rejects(store.transaction(() => {}, { keys: 1 as never }), TypeError);
        await assert.rejects(store.transaction(() => {}, { limit: NaN }), RangeError);
        await assert.rejects(store.load(5 as never), TypeError);
        await assert.rejects(store.load([{ key: 5, value: 5 }] as never), TypeError);
        await assert.rejects(store.load([null] as never), TypeError);
        await assert.rejects(store.load([], { replace: 1 as never }), TypeError);
        assert.equal(await valueOf(store, "key"), 1);
        assert.deepEqual(await keysOf(store), ["key"]);
      },
    );

    test("versions grow from commit to commit, whatever the key", limit, async () => {
      using opened = open();
      const { store } = opened;
      const first = await store.set("a", 1);
      const second = await store.set("b", 1);
      assert.equal(await store.delete("a"), true);
      const third = await store.set("a", 1);
      assert(first < second && second < third);
      assert.equal((await store.get("a"))!.version, third);
      assert.deepEqual(await store.list(), [
        { key: "a", version: third },
        { key: "b", version: second },
      ]);
    });

    test("delete() answers whether the key was there", limit, async () => {
      using opened = open();
      const { store } = opened;
      assert.equal(await store.delete("key"), false);
      await store.set("key", 1);
      assert.equal(await store.delete("key"), true);
      assert.equal(await store.get("key"), undefined);
      assert.equal(await store.delete("key"), false);
      assert.deepEqual(await store.list(), []);
    });

    test("compareAndSet() stores only where nothing has changed", limit, async () => {
      using opened = open();
      const { store } = opened;
      const first = await store.compareAndSet("key", undefined, "one");
      assert(first !== undefined);
      assert.equal(await store.compareAndSet("key", undefined, "no"), undefined);
      assert.equal(await store.compareAndSet("other", first, "no"), undefined);
      const second = await store.compareAndSet("key", first, "two");
      assert(second !== undefined && second > first);
      assert.equal(await store.compareAndSet("key", first, "no"), undefined);
      assert.deepEqual(await store.get("key"), { key: "key", value: "two", version: second });
    });

    test("compareAndSet() is not deceived by a key that went and came back", limit, async () => {
      using opened = open();
      const { store } = opened;
      const first = await store.set("key", "same");
      await store.delete("key");
      await store.set("key", "same");
      assert.equal(await store.compareAndSet("key", first, "no"), undefined);
    });

    test("list() answers keys in order, by prefix and page by page", limit, async () => {
      using opened = open();
      const { store } = opened;
      for (const key of ["b2", "a", "b10", "b", "c", "B"]) await store.set(key, 1);
      assert.deepEqual(await keysOf(store), ["B", "a", "b", "b10", "b2", "c"]);
      assert.deepEqual(await keysOf(store, { prefix: "b" }), ["b", "b10", "b2"]);
      assert.deepEqual(await keysOf(store, { prefix: "b", limit: 2 }), ["b", "b10"]);
      assert.deepEqual(await keysOf(store, { prefix: "b", after: "b10" }), ["b2"]);
      assert.deepEqual(await keysOf(store, { after: "b1", limit: 1 }), ["b10"]);
      assert.deepEqual(await keysOf(store, { after: "c" }), []);
      assert.deepEqual(await keysOf(store, { prefix: "z" }), []);
      assert.deepEqual(await keysOf(store, { limit: 0 }), []);
      await store.delete("b");
      await store.set("bb", 1);
      assert.deepEqual(await keysOf(store, { prefix: "b" }), ["b10", "b2", "bb"]);
    });

    test("versions() lists those that are kept, and get() answers each", limit, async () => {
      using opened = open({ keep: 3 });
      const { store } = opened;
      assert.deepEqual(await store.versions("key"), []);
      const all = [];
      for (const value of ["one", "two", "three", "four"]) {
        all.unshift(await store.set("key", value));
      }
      assert.deepEqual(await store.versions("key"), all.slice(0, 3));
      assert.deepEqual(await store.get("key", { version: all[2] }), {
        key: "key",
        value: "two",
        version: all[2],
      });
      assert.equal(await store.get("key", { version: all[3] }), undefined);
      await store.delete("key");
      assert.deepEqual(await store.versions("key"), []);
      assert.equal(await store.get("key", { version: all[0] }), undefined);
    });

    test("transaction() commits all it did, and reads what it wrote", limit, async () => {
      using opened = open();
      const { store } = opened;
      const first = await store.set("a", 1);
      await store.set("b", 2);
      const answer = await store.transaction(async (tx) => {
        assert.deepEqual(await tx.get("a"), { key: "a", value: 1, version: first });
        tx.set("a", 10);
        tx.set("c", 30);
        tx.delete("b");
        tx.delete("nothing");
        assert.deepEqual(await tx.get("a"), { key: "a", value: 10, version: 0 });
        assert.equal(await tx.get("b"), undefined);
        assert.deepEqual(await tx.list(), [{ key: "a", version: 0 }, { key: "c", version: 0 }]);
        assert.deepEqual(await tx.list({ after: "a" }), [{ key: "c", version: 0 }]);
        return "done";
      });
      assert.equal(answer, "done");
      const [a, c] = await store.list();
      assert.equal(a.version, c.version, "one commit");
      assert.deepEqual([await valueOf(store, "a"), await valueOf(store, "c")], [10, 30]);
      assert.equal(await store.get("b"), undefined);
    });

    test("a transaction that throws has changed nothing", limit, async () => {
      using opened = open();
      const { store } = opened;
      const version = await store.set("a", 1);
      const fails = store.transaction((tx) => {
        tx.set("a", 2);
        tx.delete("a");
        tx.set("b", 2);
        throw new Error("no");
      });
      await assert.rejects(fails, /^Error: no$/);
      await assert.rejects(store.transaction((tx) => tx.set("a", undefined)), TypeError);
      assert.deepEqual(await store.list(), [{ key: "a", version }]);
    });

    test("a transaction that changes nothing commits nothing", limit, async () => {
      using opened = open();
      const { store } = opened;
      const first = await store.set("a", 1);
      await store.transaction((tx) => tx.delete("b"));
      await store.transaction(() => {});
      assert.equal(await store.set("a", 2), first + 1);
    });

    test("a transaction is of no use when it is over", limit, async () => {
      using opened = open();
      const { store } = opened;
      let kept: Transaction | undefined;
      await store.transaction((tx) => void (kept = tx));
      assert.throws(
        () => kept!.set("a", 1),
        /^TypeError: Cannot set "a": the transaction is over$/,
      );
      assert.throws(() => kept!.delete("a"), TypeError);
      await assert.rejects(kept!.get("a"), TypeError);
      await assert.rejects(kept!.list(), TypeError);
      assert.deepEqual(await store.list(), []);
    });

    test("a transaction that has named its keys touches no others", limit, async () => {
      using opened = open();
      const { store } = opened;
      await store.set("a", 1);
      await store.transaction(async (tx) => {
        tx.set("a", (await tx.get<number>("a"))!.value + 1);
        assert.throws(() => tx.set("b", 1), /^TypeError: Cannot set "b": it is not among the keys/);
        assert.throws(() => tx.delete("b"), TypeError);
        await assert.rejects(tx.get("b"), TypeError);
        await assert.rejects(tx.list(), /^TypeError: Cannot list keys: this transaction has named/);
      }, { keys: new Set(["a"]) });
      assert.equal(await valueOf(store, "a"), 2);
    });

    test("transactions of one key lose no update, and neither do those of all", limit, async () => {
      using opened = open();
      const { store } = opened;
      await Promise.all(Array.from({ length: 20 }, (_, i) =>
        store.transaction(async (tx) => {
          const before = (await tx.get<number>("count"))?.value ?? 0;
          await Promise.resolve();
          tx.set("count", before + 1);
        }, i % 2 === 0 ? { keys: ["count"] } : {})));
      assert.equal(await valueOf(store, "count"), 20);
    });

    test("the same, read and written without a transaction, loses some", limit, async () => {
      using opened = open();
      const { store } = opened;
      await Promise.all(Array.from({ length: 20 }, async () => {
        const before = (await store.get<number>("count"))?.value ?? 0;
        await Promise.resolve();
        await store.set("count", before + 1);
      }));
      assert((await store.get<number>("count"))!.value < 20);
    });

    test("a transaction past its limit changes nothing, whatever comes of it", limit, async () => {
      using opened = open();
      const { store } = opened;
      await store.set("a", 1);
      const { opened: later, open: goOn } = gate();
      let late: Promise<void> | undefined;
      const slow = store.transaction((tx) => {
        late = later.then(() => {
          assert(tx.signal.aborted);
          tx.set("a", 2);
        });
        return late;
      }, { limit: 5 });
      await assert.rejects(slow, { name: "UpdateLimitError" });
      assert.equal(await store.set("b", 1) > 0, true, "the next one has its turn");
      goOn();
      await assert.rejects(late!, /the transaction is over/);
      assert.equal(await valueOf(store, "a"), 1);
    });

    test("who waits for a key can give up, and leaves nothing behind", limit, async () => {
      using opened = open();
      const { store } = opened;
      await store.set("a", 1);
      const { opened: held, open: letGo } = gate();
      const inside = gate();
      const transaction = store.transaction(async (tx) => {
        inside.open();
        await held;
        tx.set("a", 2);
      });
      await inside.opened;
      await assert.rejects(store.set("a", 3, { timeout: 5 }), { name: "LockTimeoutError" });
      await assert.rejects(store.delete("a", { timeout: 0 }), { name: "LockTimeoutError" });
      const reason = new Error("enough");
      const controller = new AbortController();
      const aborted = [
        store.compareAndSet("a", 1, 3, { signal: controller.signal }),
        store.transaction(() => {}, { signal: controller.signal }),
        store.load([{ key: "a", value: 3 }], { signal: controller.signal }),
      ];
      controller.abort(reason);
      for (const each of aborted) await assert.rejects(each, reason);
      await assert.rejects(store.set("z", 1, { signal: controller.signal }), reason);
      letGo();
      await transaction;
      assert.equal(await valueOf(store, "a"), 2);
      assert.deepEqual(await keysOf(store), ["a"]);
    });

    test("what waits goes by the options it was called with", limit, async () => {
      using opened = open({ keep: 4 });
      const { store } = opened;
      const first = await store.set("a", 1);
      const { opened: held, open: letGo } = gate();
      const inside = gate();
      const transaction = store.transaction(async (tx) => {
        inside.open();
        await held;
        tx.set("b", 2);
      });
      await inside.opened;
      const options: GetOptions & TransactionOptions & LoadOptions = { version: first, limit: 1e6 };
      const waiting = [
        store.set("a", 3, options),
        store.compareAndSet("none", undefined, 4, options),
        store.delete("b", options),
        store.transaction((tx) => tx.set("c", 5), options),
        store.load([{ key: "d", value: 6 }], options),
        store.get("a", options),
      ];
      const signal = AbortSignal.abort(new Error("of another call"));
      Object.assign(options, {
        signal,
        timeout: 0,
        version: 1e6,
        limit: 0,
        keys: [],
        replace: true,
      });
      letGo();
      await transaction;
      const answers = await Promise.all(waiting);
      assert.deepEqual(answers[2], true);
      assert.deepEqual(answers[5], { key: "a", value: 1, version: first });
      assert.deepEqual(await keysOf(store), ["a", "c", "d", "none"]);
    });

    test("snapshot() stays what it was, until it is disposed of", limit, async () => {
      using opened = open({ keep: 2 });
      const { store } = opened;
      const first = await store.set("a", 1);
      await store.set("b", new Uint8Array([1]));
      const snapshot = await store.snapshot();
      for (let i = 2; i < 6; i++) await store.set("a", i);
      await store.delete("b");
      await store.set("c", 1);
      assert.equal(snapshot.epoch, first + 1);
      assert.deepEqual(await keysOf(snapshot), ["a", "b"]);
      assert.deepEqual(await snapshot.get("a"), { key: "a", value: 1, version: first });
      assert.deepEqual(await valueOf(snapshot, "b"), new Uint8Array([1]));
      assert.deepEqual(await snapshot.versions("a"), [first]);
      assert.equal(await snapshot.get("c"), undefined);
      snapshot[Symbol.dispose]();
      snapshot[Symbol.dispose]();
      await assert.rejects(snapshot.get("a"), /^TypeError: Cannot get "a": the snapshot has been/);
      await assert.rejects(snapshot.list(), TypeError);
      await assert.rejects(snapshot.versions("a"), TypeError);
    });

    test("load() stores all or nothing, and what came last for a key", limit, async () => {
      using opened = open();
      const { store } = opened;
      const version = await store.set("a", 1);
      async function* failing() {
        yield { key: "a", value: 2 };
        await Promise.resolve();
        yield { key: "b", value: 2 };
        throw new Error("no more");
      }
      await assert.rejects(store.load(failing()), /^Error: no more$/);
      await assert.rejects(
        store.load([{ key: "b", value: 1 }, { key: "c", value: 1n }]),
        TypeError,
      );
      assert.deepEqual(await store.list(), [{ key: "a", version }]);
      const items = [["b", 1], ["c", 2], ["b", 3]].map(([key, value]) => ({
        key: `${key}`,
        value,
      }));
      assert.equal(await store.load(items), 2);
      assert.deepEqual(await store.list(), [
        { key: "a", version },
        { key: "b", version: version + 1 },
        { key: "c", version: version + 1 },
      ]);
      assert.equal(await valueOf(store, "b"), 3);
      assert.equal(await store.load([{ key: "z", value: 1 }], { replace: true }), 1);
      assert.deepEqual(await keysOf(store), ["z"]);
      assert.equal(await store.load([]), 0);
      assert.equal(await store.load([], { replace: true }), 0);
      assert.deepEqual(await keysOf(store), []);
    });

    test("load() ends with its signal, though its items never do", limit, async () => {
      using opened = open();
      const { store } = opened;
      const controller = new AbortController();
      const { signal } = controller;
      const asked = Promise.withResolvers<void>();
      async function* stalled() {
        yield { key: "a", value: 1 };
        asked.resolve();
        await new Promise(() => {});
      }
      const loading = store.load(stalled(), { signal });
      await asked.promise;
      controller.abort(new Error("enough"));
      await assert.rejects(loading, /^Error: enough$/);
      await assert.rejects(store.load(stalled(), { signal }), /^Error: enough$/);
      assert.deepEqual(await keysOf(store), []);
    });

    test("load() closes its items when one of them is refused", limit, async () => {
      using opened = open();
      const { store } = opened;
      let closed = 0;
      async function* items() {
        try {
          yield { key: "a", value: 1n };
        } finally {
          await Promise.resolve();
          closed++;
        }
      }
      for (const [i, options] of [{}, { signal: new AbortController().signal }].entries()) {
        await assert.rejects(store.load(items(), options), TypeError);
        assert.equal(closed, i + 1);
        assert.equal(await store.load([{ key: "b", value: 1 }], options), 1);
      }
    });

    test("readOnly() reads and has nothing to write with", limit, async () => {
      using opened = open();
      const { store } = opened;
      const reader = store.readOnly();
      await store.set("a", 1);
      assert.equal(await valueOf(reader, "a"), 1);
      assert.deepEqual(await keysOf(reader), ["a"]);
      assert.equal((await reader.versions("a")).length, 1);
      {
        using snapshot = await reader.snapshot();
        assert.equal(await valueOf(snapshot, "a"), 1);
      }
      for (const method of ["set", "delete", "compareAndSet", "transaction", "load"]) {
        assert.equal((reader as unknown as Record<string, unknown>)[method], undefined);
      }
    });
  });
}

for (const { name, open } of kinds.filter(({ name }) => !name.startsWith("Locked"))) {
  test(`${name}: readers do not wait for a transaction that goes on`, limit, async () => {
    using opened = open();
    const { store } = opened;
    await store.set("a", 1);
    const held = gate();
    const inside = gate();
    const transaction = store.transaction(async (tx) => {
      tx.set("a", 2);
      inside.open();
      await held.opened;
    });
    await inside.opened;
    assert.equal((await outcome(store.get("a")) as { value: unknown }).value, 1);
    assert.deepEqual(await outcome(store.list()), [{ key: "a", version: 1 }]);
    assert.deepEqual(await outcome(store.versions("a")), [1]);
    const snapshot = await store.snapshot();
    held.open();
    await transaction;
    assert.equal(await valueOf(snapshot, "a"), 1);
    assert.equal(await valueOf(store, "a"), 2);
    snapshot[Symbol.dispose]();
  });

  test(
    `${name}: writers of other keys do not wait for a transaction that named its own`,
    limit,
    async () => {
      using opened = open();
      const { store } = opened;
      const held = gate();
      const inside = gate();
      const transaction = store.transaction(async (tx) => {
        inside.open();
        await held.opened;
        tx.set("a", 1);
      }, { keys: ["a"] });
      await inside.opened;
      // Some of these share the lock of "a"; not all.
      const others = Array.from({ length: 20 }, (_, i) => store.set(`other ${i}`, i));
      await Promise.any(others);
      assert.equal(await store.get("a"), undefined);
      held.open();
      await Promise.all([transaction, ...others]);
      assert.equal((await store.list()).length, 21);
    },
  );
}
