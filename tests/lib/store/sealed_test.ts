/** Exports under a password: what comes back, and that nothing else does. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import process from "node:process";
import {
  exportStore,
  importStore,
  type Item,
  MemoryStore,
  type StoreSnapshot,
  UnsealError,
} from "../../../lib/store/mod.ts";
import { deriveKeys, encodeHeader, makeHeader } from "../../../lib/store/_sealed_header.ts";
import { seal } from "../../../lib/store/_sealed_stream.ts";
import { Folder } from "../_folder.ts";
import { FileStore } from "../../../lib/store/mod.ts";
import {
  cheap,
  CHUNK,
  collect,
  contentsOf,
  decryptByTheBook,
  HEADER,
  join,
  open,
  password,
  sealed,
  takeApart,
  valuesOf,
} from "./_sealed.ts";
import { kinds } from "./_stores.ts";

const limit = { timeout: 60_000 };

const some: readonly Item[] = [
  { key: "", value: "the empty key" },
  { key: "bytes", value: new Uint8Array([0, 1, 2, 255]) },
  { key: "json", value: { list: [1, null, "ü\u{1F600}"], deep: { er: true } } },
  { key: "nothing", value: new Uint8Array() },
  { key: "null", value: null },
  { key: "x".repeat(1024), value: 0 },
];

async function filled(items: readonly Item[] = some): Promise<MemoryStore> {
  const store = new MemoryStore();
  await store.load(items);
  return store;
}

/** Values that take four chunks. */
const large = (): Item[] =>
  ["a", "b", "c"].map((key, i) => ({ key, value: new Uint8Array(70_000).fill(i + 1) }));

/** Imports what it must not import into a store with something in it, which must stay as it is. */
async function refused(bytes: Uint8Array, what: string): Promise<UnsealError> {
  const store = await filled([{ key: "kept", value: 1 }, { key: "a", value: 1 }]);
  const before = [store.epoch, await contentsOf(store)];
  const error = await open(store, bytes).then(() => undefined, (error) => error);
  assert(error instanceof UnsealError, `${what}: ${error ?? "it was imported"}`);
  assert.match(error.message, /^Cannot unseal: /);
  assert.deepEqual([store.epoch, await contentsOf(store)], before, what);
  return error;
}

for (const from of kinds) {
  test(`an export of a ${from.name} is imported into each kind of store`, limit, async () => {
    using source = from.open();
    await source.store.load(some);
    const bytes = await sealed(source.store);
    for (const to of kinds) {
      using target = to.open();
      await target.store.set("json", "replaced");
      await target.store.set("kept", 1);
      assert.equal(await open(target.store, bytes), some.length);
      const expected = [...some, { key: "kept", value: 1 }]
        .map(({ key, value }) => [key, value]).sort(([a], [b]) => a! < b! ? -1 : 1);
      assert.deepEqual(await valuesOf(target.store), expected);
      assert.equal(
        await importStore(target.store, [bytes], { password, replace: true }),
        some.length,
      );
      assert.deepEqual(await valuesOf(target.store), await valuesOf(source.store));
    }
  });
}

test("an export is that of one version, whatever is written meanwhile", limit, async () => {
  for (const { open: openStore } of kinds.slice(0, 2)) {
    using opened = openStore();
    const { store } = opened;
    await store.load(large());
    const before = await valuesOf(store);
    const stream = await exportStore(store, { password, cost: cheap });
    await store.delete("a");
    const reader = stream.getReader();
    const pieces: Uint8Array[] = [];
    for (let i = 0;; i++) {
      const { value, done } = await reader.read();
      if (done) break;
      pieces.push(value);
      await store.load([{ key: "b", value: i }, { key: `${i}`, value: i }]);
    }
    assert(pieces.length > 4);
    const copy = new MemoryStore();
    await open(copy, join(pieces));
    assert.deepEqual(await valuesOf(copy), before);
  }
});

test("a snapshot can be exported, and some of its keys", limit, async () => {
  const store = await filled(["a1", "a2", "b1"].map((key) => ({ key, value: key })));
  using snapshot = await store.snapshot();
  await store.set("a3", 1);
  const keysIn = async (bytes: Uint8Array) => {
    const copy = new MemoryStore();
    await open(copy, bytes);
    return (await copy.list()).map(({ key }) => key);
  };
  const exported = async (options = {}) =>
    await keysIn(await collect(await exportStore(snapshot, { password, cost: cheap, ...options })));
  assert.deepEqual(await exported(), ["a1", "a2", "b1"]);
  assert.deepEqual(await exported({ prefix: "a" }), ["a1", "a2"]);
  assert.deepEqual(await exported({ keys: ["b1", "a2", "a2", "z"] }), ["a2", "b1"]);
  assert.deepEqual(await exported({ keys: ["b1", "a2"], prefix: "b" }), ["b1"]);
  assert.deepEqual(await exported({ keys: [] }), []);
  assert.equal((await snapshot.list()).length, 3, "it was not disposed of");
});

test("the bytes are those that the format's documentation says", limit, async () => {
  const store = await filled(large());
  const bytes = await sealed(store);
  assert.equal(bytes.length, HEADER + 3 * CHUNK + (3 * 70_008 - 3 * 2 ** 16) + 16);
  const text = decryptByTheBook(bytes, password);
  assert.deepEqual([...text.subarray(0, 9)], [2, 0, 1, 0, 1, 0x11, 0x70, 97, 1]);
  assert.equal(text.length, 3 * 70_008);
});

test("an export from before is still read", limit, async () => {
  const store = new MemoryStore();
  const bytes = Uint8Array.from(atob(FROM_BEFORE), (char) => char.charCodeAt(0));
  assert.equal(await importStore(store, [bytes], { password: "Pässwörd" }), 2);
  assert.deepEqual(await valuesOf(store), [["bytes", new Uint8Array([1, 2, 3])], ["name", "Ada"]]);
});

const FROM_BEFORE =
  "aW50ZXJsb2NrLXNlYWxlZAEKCAEAAQAAdW4bLK29m/aLMcYx+SRWr7/bUpN9HZz3GW2ALFH9ks7EOG2TiltsAOJJQGDyI6KrBqcOEY+Jm9vA3FbbgqxdU5WQzeLglvqae9Sn5+ay4KvU/uKIe9MMCaWvV9ZQ0FOCzrpaM25UGpDQlQ+Xh1H4f5CrkkdlMHk=";

test("two exports of the same have nothing in common but what all have", limit, async () => {
  const store = await filled();
  const [a, b] = [await sealed(store), await sealed(store)];
  assert.deepEqual(a.subarray(0, 24), b.subarray(0, 24));
  for (const [from, to] of [[24, 56], [56, 63], [64, 96], [96, 112]]) {
    assert.notDeepEqual(a.subarray(from, to), b.subarray(from, to));
  }
});

test("a password is the same however it is typed, and another is another", limit, async () => {
  const store = await filled();
  const bytes = await sealed(store, { password: "caf\u00e9" });
  const copy = new MemoryStore();
  await importStore(copy, [bytes], { password: "cafe\u0301" });
  await importStore(copy, [bytes], { password: new TextEncoder().encode("caf\u00e9") });
  for (const other of ["cafe", "café ", "CAFÉ", new Uint8Array([1])]) {
    await assert.rejects(
      importStore(copy, [bytes], { password: other }),
      (error) => error instanceof UnsealError && error.reason === "password",
    );
  }
});

test("an export with any one byte changed is refused, and nothing has changed", limit, async () => {
  const bytes = await sealed(await filled([{ key: "a", value: "secret" }]));
  const reasons = new Set<string>();
  for (let at = 0; at < bytes.length; at++) {
    // Every bit of the header, of which some ask for scrypt to cost more, and one of each other byte.
    for (const bit of at < 24 ? [0, 1, 2, 3, 4, 5, 6, 7] : [at % 8]) {
      const damaged = bytes.slice();
      damaged[at] ^= 1 << bit;
      // With the cost as low as this, more of it is still cheap, but not all.
      reasons.add((await refused(damaged, `bit ${bit} of byte ${at}`)).reason);
    }
  }
  assert.deepEqual([...reasons].sort(), ["damaged", "password", "unsupported"]);
});

test("an export cut off at any length is refused, and nothing has changed", limit, async () => {
  const bytes = await sealed(await filled([{ key: "a", value: "secret" }]));
  for (let length = 0; length < bytes.length; length++) {
    await refused(bytes.subarray(0, length), `${length} bytes`);
  }
});

test("an export that goes on is refused, and nothing has changed", limit, async () => {
  const bytes = await sealed(await filled([{ key: "a", value: "secret" }]));
  for (const length of [1, 15, 16, 17, 100, CHUNK, CHUNK + 1]) {
    await refused(join([bytes, new Uint8Array(length)]), `${length} bytes more`);
  }
  await refused(join([bytes, bytes]), "twice");
});

test("chunks that are left out, repeated or exchanged are refused", limit, async () => {
  const bytes = await sealed(await filled(large()));
  const pieces = takeApart(bytes);
  assert.equal(pieces.length, 5);
  const [head, a, b, c, d] = pieces;
  const arranged: Record<string, Uint8Array[]> = {
    "without the last": [head, a, b, c],
    "without the last two": [head, a, b],
    "without any": [head],
    "without the first": [head, b, c, d],
    "without one between": [head, a, c, d],
    "the first twice": [head, a, a, b, c, d],
    "the last twice": [head, a, b, c, d, d],
    "the first in place of the second": [head, a, a, c, d],
    exchanged: [head, b, a, c, d],
    backwards: [head, d, c, b, a],
    "cut within a chunk": [head, a, b, c.subarray(0, 100)],
  };
  for (const [how, pieces] of Object.entries(arranged)) {
    assert.equal((await refused(join(pieces), how)).reason, "damaged", how);
  }
  const other = takeApart(await sealed(await filled(large())));
  assert.equal(
    (await refused(join([head, a, other[2], c, d]), "a foreign chunk")).reason,
    "damaged",
  );
  assert.equal((await refused(join([other[0], a, b, c, d]), "a foreign header")).reason, "damaged");
  await open(new MemoryStore(), join(pieces));
});

test("what is no export is refused", limit, async () => {
  for (const text of ["", "hello", "interlock-sealed", "x".repeat(1000)]) {
    assert.equal((await refused(new TextEncoder().encode(text), text)).reason, "unsupported");
  }
});

describe("a hostile header", () => {
  const spoilt = async (change: (bytes: Uint8Array) => void) => {
    const bytes = await sealed(await filled([{ key: "a", value: "secret" }]));
    change(bytes);
    const since = performance.now();
    const error = await refused(bytes, "a hostile header");
    return { error, ms: performance.now() - since };
  };

  test("cannot make scrypt cost more than is allowed", limit, async () => {
    for (const [logN, r, p] of [[24, 8, 1], [20, 64, 64], [19, 8, 1], [17, 8, 3], [1, 64, 64]]) {
      const { error } = await spoilt((bytes) => bytes.set([logN, r, p], 17));
      if (128 * 2 ** logN * r * p > 2 ** 28) {
        assert.match(error.message, /scrypt would cost \d+, and at most 268435456 is allowed/);
        assert.equal(error.reason, "unsupported");
      } else {
        assert.equal(error.reason, "password");
      }
    }
  });

  test("has numbers that scrypt works with", limit, async () => {
    for (
      const numbers of [[0, 8, 1], [25, 8, 1], [255, 8, 1], [16, 1, 1], [1, 0, 1], [1, 8, 0], [
        1,
        65,
        1,
      ]]
    ) {
      const { error } = await spoilt((bytes) => bytes.set(numbers, 17));
      assert.equal(error.reason, "unsupported", `${numbers}`);
    }
  });

  test("cannot ask for chunks of any size", limit, async () => {
    for (const size of [0, 2 ** 24 + 1, 2 ** 31, 2 ** 32 - 1]) {
      const { error } = await spoilt((bytes) =>
        new DataView(bytes.buffer, bytes.byteOffset).setUint32(20, size)
      );
      assert.match(error.message, /it has chunks of \d+ bytes/);
    }
    const { error } = await spoilt((bytes) =>
      new DataView(bytes.buffer, bytes.byteOffset).setUint32(20, 1)
    );
    assert.equal(error.reason, "damaged");
  });

  test("of a format to come is refused as that", limit, async () => {
    const { error } = await spoilt((bytes) => bytes[16] = 2);
    assert.match(error.message, /it has format 2, which this release cannot read/);
  });
});

test("costLimit says what scrypt may cost", limit, async () => {
  const bytes = await sealed(await filled(), { cost: { N: 4, r: 1, p: 1 } });
  const store = new MemoryStore();
  const at = (costLimit: number) => importStore(store, [bytes], { password, costLimit });
  await assert.rejects(at(511), /scrypt would cost 512, and at most 511 is allowed/);
  assert.equal(await at(512), some.length);
});

/** An export with a text of our own. */
async function forged(...text: Uint8Array[]): Promise<Uint8Array> {
  const header = makeHeader(cheap);
  const { key, commitment } = await deriveKeys(new TextEncoder().encode(password), header);
  const head = encodeHeader(header, commitment);
  async function* pieces() {
    yield* text;
  }
  return join([head, await collect(seal(pieces(), header, key, head))]);
}

function item(format: number, key: Uint8Array, value: Uint8Array, lengths?: [number, number]) {
  const head = new DataView(new ArrayBuffer(7));
  head.setUint8(0, format);
  head.setUint16(1, lengths?.[0] ?? key.length);
  head.setUint32(3, lengths?.[1] ?? value.length);
  return join([new Uint8Array(head.buffer), key, value]);
}

test("a text that is no export's is refused, though it is under the password", limit, async () => {
  const utf8 = (text: string) => new TextEncoder().encode(text);
  const [k, v] = [utf8("key"), utf8("1")];
  const texts: Record<string, Uint8Array> = {
    "no format": item(0, k, v),
    "an unknown format": item(3, k, v),
    "a key too long": item(1, new Uint8Array(1025), v),
    "a value too long": item(1, k, v, [3, 2 ** 28 + 1]),
    "a value that is cut off": item(1, k, v, [3, 2 ** 28]),
    "a head that is cut off": item(1, k, v).subarray(0, 5),
    "no value": item(1, k, new Uint8Array()),
    "no JSON": item(1, k, utf8("{")),
    "no UTF-8 in a value": item(1, k, new Uint8Array([34, 0xff, 34])),
    "no UTF-8 in a key": item(1, new Uint8Array([0xff]), v),
    "a surrogate in a key": item(1, new Uint8Array([0xed, 0xa0, 0x80]), v),
    "a key twice": join([item(1, k, v), item(2, k, v)]),
  };
  for (const [what, text] of Object.entries(texts)) {
    assert.equal((await refused(await forged(text), what)).reason, "damaged", what);
  }
  assert.equal(
    await open(new MemoryStore(), await forged(item(1, k, v), item(2, utf8("l"), v))),
    2,
  );
  assert.equal(await open(new MemoryStore(), await forged()), 0);
});

test("pieces may be of any length", limit, async () => {
  const bytes = await sealed(await filled(large()));
  for (const length of [1, 7, 95, 96, 97, CHUNK - 1, CHUNK, CHUNK + 1, bytes.length]) {
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; at += length) pieces.push(bytes.subarray(at, at + length));
    const copy = new MemoryStore();
    const later = async function* () {
      for (const piece of pieces) yield await Promise.resolve(piece);
    };
    assert.equal(await importStore(copy, later(), { password }), 3);
  }
  const streamed = new MemoryStore();
  await importStore(streamed, new Response(bytes.slice().buffer).body!, { password });
  assert.equal((await streamed.list()).length, 3);
});

test(
  "what a reader does to the pieces of an export, or a writer to those of an import, does not matter",
  limit,
  async () => {
    const store = await filled(large());
    const pieces: Uint8Array[] = [];
    for await (const piece of await exportStore(store, { password, cost: cheap })) {
      pieces.push(new Uint8Array(structuredClone(piece.buffer, { transfer: [piece.buffer] })));
    }
    const bytes = join(pieces);
    const reused = new Uint8Array(1000);
    const source = async function* () {
      for (let at = 0; at < bytes.length; at += 1000) {
        const piece = bytes.subarray(at, at + 1000);
        reused.set(piece);
        yield await Promise.resolve(reused.subarray(0, piece.length));
        reused.fill(0);
      }
    };
    const copy = new MemoryStore();
    assert.equal(await importStore(copy, source(), { password }), 3);
    for (const { key } of await store.list()) {
      assert.deepEqual((await copy.get(key))?.value, (await store.get(key))?.value);
    }
  },
);

test(
  "an import that fails ends its source, and so does one whose target fails",
  limit,
  async () => {
    const bytes = await sealed(await filled(large()));
    const spoilt = bytes.slice();
    spoilt[HEADER + 5] ^= 1;
    for (
      const [given, options] of [[spoilt, { password }], [bytes, { password: "wrong" }]] as const
    ) {
      let ended = false;
      const source = async function* () {
        try {
          for (let at = 0; at < given.length; at += 1000) yield given.subarray(at, at + 1000);
        } finally {
          ended = true;
        }
      };
      await assert.rejects(importStore(new MemoryStore(), source(), options), UnsealError);
      assert(ended);
    }
    let cancelled = false;
    const stream = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(100)),
      cancel: () => void (cancelled = true),
    });
    await assert.rejects(importStore(new MemoryStore(), stream, { password }), UnsealError);
    assert(cancelled);
  },
);

test("a source that fails, or is none, changes nothing", limit, async () => {
  const store = new MemoryStore();
  const bytes = await sealed(await filled(large()));
  async function* failing() {
    yield bytes.subarray(0, CHUNK * 2);
    throw new Error("connection lost");
  }
  const into = (source: unknown) => importStore(store, source as [], { password });
  await assert.rejects(into(failing()), /^Error: connection lost$/);
  await assert.rejects(into("text"), TypeError);
  await assert.rejects(into(5), TypeError);
  await assert.rejects(into([bytes.subarray(0, 10), "text"]), TypeError);
  const controller = new AbortController();
  async function* aborting() {
    yield bytes.subarray(0, CHUNK * 3);
    controller.abort(new Error("enough"));
    yield bytes.subarray(CHUNK * 3);
  }
  const { signal } = controller;
  await assert.rejects(importStore(store, aborting(), { password, signal }), /^Error: enough$/);
  assert.equal(store.epoch, 0);
});

test("arguments that cannot be meant are refused", limit, async () => {
  const store = new MemoryStore();
  const out = (options: unknown, from: unknown = store) =>
    exportStore(from as never, options as never);
  await assert.rejects(
    out({ password }, {}),
    /^TypeError: Cannot export: a store was/,
  );
  await assert.rejects(out(undefined), /^TypeError: Cannot export: options must be an object/);
  await assert.rejects(out({}), /password must be a string or a Uint8Array, got a undefined/);
  await assert.rejects(out({ password: "" }), /the password is empty/);
  await assert.rejects(out({ password: "\ud800" }), /half of a surrogate pair/);
  await assert.rejects(out({ password, cost: 5 }), TypeError);
  await assert.rejects(out({ password, cost: { N: "5" } }), TypeError);
  for (
    const cost of [{ N: 3 }, { N: 1 }, { N: 2 ** 25 }, { r: 0 }, { p: 65 }, { N: 2 ** 16, r: 1 }]
  ) {
    await assert.rejects(out({ password, cost }), RangeError);
  }
  await assert.rejects(out({ password, keys: "key" }), TypeError);
  await assert.rejects(out({ password, keys: [1] }), TypeError);
  await assert.rejects(out({ password, prefix: 1 }), TypeError);
  await assert.rejects(out({ password, timeout: -1 }), RangeError);
  const into = (options: unknown) => importStore(store, [], options as never);
  await assert.rejects(into(undefined), TypeError);
  await assert.rejects(into({ password: 5 }), TypeError);
  await assert.rejects(into({ password, costLimit: "1" }), TypeError);
  await assert.rejects(into({ password, costLimit: NaN }), RangeError);
  await assert.rejects(importStore({} as never, [], { password }), /a store was expected/);
});

test("an export that is given up lets go of its version", limit, async () => {
  using folder = new Folder();
  using store = new FileStore(folder.at("store"));
  await store.load(large());
  const stream = await exportStore(store, { password, cost: cheap });
  const reader = stream.getReader();
  await reader.read();
  await store.load([{ key: "a", value: 1 }]);
  assert.equal(store.collect(), 0, "it is kept");
  await reader.cancel();
  assert.equal(store.collect(), 1, "it is not kept any more");
  const whole = await exportStore(store, { password, cost: cheap });
  await collect(whole);
  await store.load([{ key: "a", value: 2 }]);
  assert.equal(store.collect(), 0, "the commit has removed it");
});

test(
  "an export that is larger than memory should be is never in memory",
  { timeout: 120_000 },
  async () => {
    const MIB = 2 ** 20;
    const count = 256;
    const keys = Array.from({ length: count }, (_, i) => ({ key: `${i}`, version: 1 }));
    const snapshot: StoreSnapshot = {
      epoch: 1,
      list: () => Promise.resolve(keys),
      versions: () => Promise.resolve([1]),
      get: <T>(key: string) =>
        Promise.resolve({ key, value: new Uint8Array(MIB).fill(Number(key)) as T, version: 1 }),
      [Symbol.dispose]() {},
    };
    let first = 0;
    let most = 0;
    const target = {
      async load(items: AsyncIterable<Item> | Iterable<Item>) {
        let loaded = 0;
        for await (const { key, value } of items) {
          const bytes = value as Uint8Array;
          assert.equal(bytes.length, MIB);
          assert.equal(bytes[MIB - 1], Number(key) & 255);
          loaded++;
          const { rss } = process.memoryUsage();
          // What the runtime takes at first is its own affair.
          if (loaded === 16) first = rss;
          most = Math.max(most, rss);
        }
        return loaded;
      },
    };
    const stream = await exportStore(snapshot, { password, cost: cheap });
    assert.equal(await importStore(target, stream, { password }), count);
    const grown = (most - first) / MIB;
    console.log(`  ${count} MiB came through while the process grew by ${grown.toFixed(0)} MiB`);
    assert(grown < count / 2, `it grew by ${grown} MiB`);
  },
);
