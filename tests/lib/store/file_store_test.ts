/** `FileStore` on real files: what is in the folder, what happens when it is damaged, and closing. */
import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { CorruptError } from "../../../mod.ts";
import { encodeVersion } from "../../../lib/_file_version.ts";
import { Simulation } from "../../../lab/mod.ts";
import { decodeManifest } from "../../../lib/store/_manifest.ts";
import { FileStore, type Item } from "../../../lib/store/mod.ts";
import { failingAt } from "../_failing_disk.ts";
import { Folder } from "../_folder.ts";
import { FOLDER, openStore } from "./_simulated.ts";

const limit = { timeout: 60_000 };

const valueOf = async (store: Pick<FileStore, "get">, key: string) => (await store.get(key))?.value;

/** A store with a value, and where its files are. */
async function filled(folder: Folder) {
  const path = folder.at("store");
  const store = new FileStore(path);
  await store.set("key", "value");
  const [name] = readdirSync(`${path}/content`);
  return { store, path, manifest: `${path}/manifest`, content: `${path}/content/${name}` };
}

test("constructing and reading a FileStore makes no files", limit, async () => {
  using folder = new Folder();
  using store = new FileStore(folder.at("deep", "store"));
  assert.equal(store.path, folder.at("deep", "store"));
  assert.equal(await store.get("key"), undefined);
  assert.deepEqual(await store.list(), []);
  assert.equal(store.epoch, 0);
  assert.deepEqual(readdirSync(folder.path), []);
});

test(
  "the files are for their owner alone, and named by nothing that was handed in",
  limit,
  async () => {
    using folder = new Folder();
    using store = new FileStore(folder.at("deep", "store"));
    const keys = ["../escaped", "/etc/passwd", "secret-name", "a\0b", "..", "CON"];
    for (const key of keys) await store.set(key, key);
    const names = readdirSync(folder.path, { recursive: true, encoding: "utf8" });
    for (const name of names) {
      const { mode } = statSync(folder.at(name));
      assert.equal(mode & 0o077, 0, name);
      if (name.includes("content/")) {
        assert.match(
          name,
          /^deep\/store\/content\/[0-9a-f]{16}-[0-9a-z]+$/,
        );
      }
      assert(!name.includes("secret"));
    }
    assert.deepEqual(readdirSync(folder.at("deep", "store")).sort(), [
      "content",
      "live",
      "locks",
      "manifest",
    ]);
    assert.equal(readdirSync(folder.at("deep", "store", "content")).length, keys.length);
    assert.deepEqual(readdirSync(folder.path), ["deep"]);
  },
);

test("a key has one of 16 locks, and the same one in all releases", limit, async () => {
  const lockOf: Record<string, number> = { "": 9, ada: 2, config: 8, "ключ": 11, "😀": 9, "\0": 3 };
  for (const [key, stripe] of Object.entries(lockOf)) {
    using folder = new Folder();
    using store = new FileStore(folder.path);
    await store.set(key, 1);
    const names = readdirSync(folder.at("locks")).filter((name) => /^keys-\d+$/.test(name));
    assert.deepEqual(names, [`keys-${stripe}`], key);
  }
  using folder = new Folder();
  using store = new FileStore(folder.path);
  await store.load(Array.from({ length: 500 }, (_, i) => ({ key: `${i}`, value: i })));
  for (let i = 0; i < 20; i++) await store.set(`other ${i}`, i);
  const names = readdirSync(folder.at("locks")).filter((name) => /^keys-\d+$/.test(name));
  assert.deepEqual(names.sort(), Array.from({ length: 16 }, (_, i) => `keys-${i}`).sort());
});

test("the path of a FileStore is a folder's, existing or not, by any name", limit, async () => {
  using folder = new Folder();
  writeFileSync(folder.at("file"), "");
  const make = (path: unknown) => () => new FileStore(path as string);
  assert.throws(make(""), /^TypeError: Cannot create file store in "": the path is empty/);
  assert.throws(make(5), TypeError);
  assert.throws(make("a\0b"), /NUL/);
  assert.throws(make("file:///tmp/x"), /pass a URL object/);
  assert.throws(make(new URL("http://example.com/")), /a http: URL names no folder/);
  assert.throws(make(folder.at("file")), /it is no folder/);
  assert.throws(() => new FileStore(folder.path, { keep: 0 }), RangeError);
  assert.throws(() => new FileStore(folder.path, { keep: "1" as never }), TypeError);
  assert.throws(() => new FileStore(folder.path, { retry: { max: -1 } }), RangeError);
  assert.throws(() => new FileStore(folder.path, { label: 5 as never }), TypeError);

  mkdirSync(folder.at("store"));
  symlinkSync(folder.at("store"), folder.at("link"));
  using store = new FileStore(pathToFileURL(folder.at("store")));
  using other = new FileStore(folder.at("link"));
  await store.set("key", 1);
  assert.equal(await valueOf(other, "key"), 1);
  assert.equal(other.path, store.path);
});

test(
  "content that nobody needs is removed by the next commit, or the one after a snapshot",
  limit,
  async () => {
    using folder = new Folder();
    const { store, path } = await filled(folder);
    const count = () => readdirSync(`${path}/content`).length;
    await store.set("key", "second");
    assert.equal(count(), 1);
    const snapshots = [await store.snapshot(), await store.snapshot()];
    assert.equal(readdirSync(`${path}/live`).length, 2, "one pin for both");
    await store.set("key", "third");
    await store.set("key", "fourth");
    assert.equal(count(), 3, "those since the snapshot are kept, whether it needs them or not");
    assert.equal(await valueOf(snapshots[0] as never, "key"), "second");
    snapshots[0][Symbol.dispose]();
    await store.set("other", 1);
    assert.equal(count(), 4);
    snapshots[1][Symbol.dispose]();
    assert.equal(readdirSync(`${path}/live`).length, 1);
    await store.delete("other");
    assert.equal(count(), 1);
    await store.set("last", 1);
    const { retired } = decodeManifest(readFileSync(`${path}/manifest`), path);
    assert.deepEqual(retired, [], "nobody is reminded of what is gone");
    store.close();
    assert.deepEqual(readdirSync(`${path}/live`), []);
  },
);

test("keep holds the content of so many values, and no more", limit, async () => {
  using folder = new Folder();
  using store = new FileStore(folder.at("store"), { keep: 2 });
  for (let i = 0; i < 5; i++) await store.set("key", i);
  assert.equal(readdirSync(folder.at("store", "content")).length, 2);
  const [newest, older] = await store.versions("key");
  assert.equal((await store.get("key", { version: older }))?.value, 3);
  assert.equal((await store.get("key", { version: newest }))?.value, 4);
  await store.delete("key");
  assert.equal(readdirSync(folder.at("store", "content")).length, 0);
});

test("damaged content throws a CorruptError that names it", limit, async () => {
  const damages: Record<string, (file: string) => void> = {
    "it has 8 bytes and should have 7": (file) => writeFileSync(file, '"value" '),
    "it has 0 bytes and should have 7": (file) => writeFileSync(file, ""),
    "its checksum does not match": (file) => writeFileSync(file, '"valve"'),
  };
  for (const [reason, damage] of Object.entries(damages)) {
    using folder = new Folder();
    const { store, content } = await filled(folder);
    damage(content);
    await assert.rejects(store.get("key"), (error) => {
      assert(error instanceof CorruptError);
      assert.equal(error.message, `Cannot read epoch 1 of ${content}: ${reason}`);
      assert.deepEqual([error.file, error.epoch], [content, 1]);
      return true;
    });
    await assert.rejects(store.transaction((tx) => tx.get("key")), CorruptError);
    assert.equal(await store.set("key", "mended"), 2);
    assert.equal(await valueOf(store, "key"), "mended");
    store.close();
  }
  using folder = new Folder();
  const { store, content } = await filled(folder);
  rmSync(content);
  await assert.rejects(
    store.get("key"),
    /^CorruptError: Cannot read epoch 1 of .*the value of "key" is missing$/,
  );
  store.close();
});

test(
  "a damaged manifest throws a CorruptError that names it, and is not written over",
  limit,
  async () => {
    const row = '["key",[[1,"0123456789abcdef-0","json",1,5]]]';
    const whole = (text: string, epoch = 2, format: "json" | "bytes" = "json") =>
      encodeVersion({ format, epoch, payload: new TextEncoder().encode(text) });
    const rows = (...rows: string[]) => whole(`{"rows":[${rows}],"retired":[]}`);
    const value = (text: string) => rows(`["key",[${text}]]`);
    const hostile: Record<string, Uint8Array> = {
      "no text": new Uint8Array(),
      "another text": new TextEncoder().encode("hello"),
      "no checksum": whole(`{"rows":[],"retired":[]}`).map((byte, i) => i === 60 ? byte ^ 1 : byte),
      "bytes": whole("{}", 2, "bytes"),
      "no JSON": whole("{"),
      "no object": whole("null"),
      "no rows": whole('{"retired":[]}'),
      "no retired": whole('{"rows":[]}'),
      "rows that are none": whole('{"rows":{},"retired":[]}'),
      "a row that is none": rows("5"),
      "a row of three": rows('["key",[],[]]'),
      "a key that is none": rows('[5,[[1,"0123456789abcdef-0","json",1,5]]]'),
      "a key with half a pair": rows('["\\ud800",[[1,"0123456789abcdef-0","json",1,5]]]'),
      "a key that is too long": rows(
        `["${"x".repeat(1025)}",[[1,"0123456789abcdef-0","json",1,5]]]`,
      ),
      "a key twice": rows(row, row.replace("-0", "-1")),
      "content twice": rows(row, row.replace("key", "other")),
      "no values": rows('["key",[]]'),
      "a path": value('[1,"../../../etc/passwd","json",1,5]'),
      "another path": value('[1,"0123456789abcdef-0/../../x","json",1,5]'),
      "a name with a line": value('[1,"0123456789abcdef-0\\n","json",1,5]'),
      "no name": value('[1,null,"json",1,5]'),
      "a version to come": value('[3,"0123456789abcdef-0","json",1,5]'),
      "version 0": value('[0,"0123456789abcdef-0","json",1,5]'),
      "half a version": value('[1.5,"0123456789abcdef-0","json",1,5]'),
      "an unknown format": value('[1,"0123456789abcdef-0","xml",1,5]'),
      "a negative length": value('[1,"0123456789abcdef-0","json",-1,5]'),
      "a length beyond all": value('[1,"0123456789abcdef-0","json",1e300,5]'),
      "no checksum of content": value('[1,"0123456789abcdef-0","json",1,"5"]'),
      "values out of order": value(
        '[1,"0123456789abcdef-0","json",1,5],[2,"0123456789abcdef-1","json",1,5]',
      ),
      "something retired that is none": whole('{"rows":[],"retired":[5]}'),
      "something retired with a path": whole('{"rows":[],"retired":[["../x",1]]}'),
      "something retired and not": whole(`{"rows":[${row}],"retired":[["0123456789abcdef-0",1]]}`),
      "something retired in time to come": whole(
        '{"rows":[],"retired":[["0123456789abcdef-0",3]]}',
      ),
    };
    // What is refused is not refused for something else.
    decodeManifest(rows(row), "manifest");
    decodeManifest(whole('{"rows":[],"retired":[["0123456789abcdef-0",2]]}'), "manifest");
    using folder = new Folder();
    const { store, manifest, content } = await filled(folder);
    const whereItIs = new RegExp(`^CorruptError: Cannot read (epoch \\d+ of )?${manifest}: `);
    const before = readFileSync(manifest);
    for (const [what, bytes] of Object.entries(hostile)) {
      writeFileSync(`${manifest}.aside`, bytes);
      rmSync(manifest);
      writeFileSync(manifest, bytes);
      const other = new FileStore(store.path);
      const asked = [
        () => other.get("key"),
        () => other.list(),
        () => other.snapshot(),
        () => other.set("key", 1),
        () => other.delete("key"),
        () => other.transaction((tx) => tx.set("key", 1)),
        () => other.load([{ key: "key", value: 1 }]),
      ];
      for (const ask of asked) await assert.rejects(ask, whereItIs, what);
      assert.throws(() => other.collect(), whereItIs, what);
      assert.deepEqual(new Uint8Array(readFileSync(manifest)), bytes, what);
      other.close();
    }
    writeFileSync(manifest, before);
    assert(existsSync(content), "nothing was removed");
    rmSync(`${manifest}.aside`);
    assert.equal(await valueOf(new FileStore(store.path), "key"), "value");
    store.close();
  },
);

test(
  "a write that fails at any step changes nothing, and leaves nothing behind",
  limit,
  async () => {
    const operations: ((store: FileStore) => Promise<unknown>)[] = [
      (store) => store.set("a", "new"),
      (store) => store.delete("a"),
      (store) => store.transaction((tx) => [tx.set("a", "new"), tx.set("b", "new")]),
      (store) => store.load([{ key: "c", value: 1 }, { key: "a", value: "new" }] as Item[]),
    ];
    let failures = 0;
    for (const operation of operations) {
      for (let failing = 1, done = false; !done; failing++) {
        const simulation = new Simulation();
        const former = ["a", "b"].map((key) => ({ key, process: simulation.process() }));
        for (const { key, process } of former) {
          const store = openStore(process);
          await simulation.finish(store.set(key, "old"));
          await store.snapshot();
        }
        for (const { process } of former) process.kill();
        const process = simulation.process();
        const store = openStore(process);
        const { outcome, failed, beyond } = await failingAt(
          simulation,
          failing,
          () => operation(store),
        );
        done = beyond;
        const state = async () =>
          JSON.stringify(await Promise.all((await store.list()).map(({ key }) => store.get(key))));
        if (failed && outcome instanceof Error) {
          failures++;
          assert.match(outcome.message, /^Cannot (write|lock|read) |no space left/);
          const taken = /a power loss may take it back/.test(outcome.message);
          assert.equal(store.epoch, taken ? 3 : 2, outcome.message);
          if (!taken) assert.equal((await store.get("a"))!.value, "old");
        } else assert.equal(store.epoch, 3);
        const after = await state();
        await simulation.finish(store.set("z", 1));
        await simulation.finish(store.delete("z"));
        assert.equal(await state(), after);
        store.collect();
        store.close();
        assert.deepEqual([process.descriptors, process.timers], [0, 0], `step ${failing}`);
        const next = openStore(process);
        next.collect();
        next.close();
        const { length } = JSON.parse(after);
        assert.equal(process.files.list(`${FOLDER}/content`).length, length);
        assert.deepEqual(process.files.list(`${FOLDER}/live`), []);
      }
    }
    console.log(`  ${failures} failures`);
    assert(failures > 60);
  },
);

test(
  "close() lets go when what is under way is over, and refuses what comes later",
  limit,
  async () => {
    using folder = new Folder();
    const { store, path } = await filled(folder);
    const snapshot = await store.snapshot();
    const { promise: held, resolve: letGo } = Promise.withResolvers<void>();
    const transaction = store.transaction(async (tx) => {
      await held;
      tx.set("key", "late");
    });
    const waits = store.set("key", "last");
    store.close();
    store.close();
    await assert.rejects(
      store.get("key"),
      /^TypeError: Cannot get "key": this FileStore is closed$/,
    );
    await assert.rejects(store.set("key", 1), TypeError);
    await assert.rejects(store.list(), TypeError);
    await assert.rejects(store.snapshot(), TypeError);
    assert.throws(() => store.collect(), TypeError);
    assert.throws(() => store.epoch, TypeError);
    letGo();
    await Promise.all([transaction, waits]);
    assert.equal(readdirSync(`${path}/live`).length, 2);
    assert.equal((await snapshot.get("key"))?.value, "value");
    snapshot[Symbol.dispose]();
    assert.deepEqual(readdirSync(`${path}/live`), []);
    using again = new FileStore(path);
    assert.equal(await valueOf(again, "key"), "last");
    assert.equal(again.collect(), 2, "what only the snapshot needed");
  },
);

test("writers of one process that wait together are committed together", limit, async () => {
  using folder = new Folder();
  using store = new FileStore(folder.at("store"));
  const versions = await Promise.all(Array.from({ length: 40 }, (_, i) => store.set(`${i}`, i)));
  assert.deepEqual(
    [...versions].sort((a, b) => a - b),
    Array.from({ length: 40 }, (_, i) => i + 1),
  );
  assert.equal(store.epoch, 40);
  const simulation = new Simulation();
  const simulated = openStore(simulation.process());
  let renames = 0;
  simulation.beforeStep = ({ action }) => void (action === "rename" && renames++);
  await simulation.finish(
    Promise.all(Array.from({ length: 40 }, (_, i) => simulated.set(`${i}`, i))),
  );
  assert.equal((await simulated.list()).length, 40);
  console.log(`  ${renames} manifests for 40 commits`);
  assert(renames < 20);
});

test(
  "one of several that are committed together may give up without the others",
  limit,
  async () => {
    using folder = new Folder();
    using store = new FileStore(folder.at("store"));
    const controller = new AbortController();
    const outcomes = Promise.allSettled(
      Array.from(
        { length: 30 },
        (_, i) => store.set(`${i}`, i, i % 3 === 0 ? { signal: controller.signal } : {}),
      ),
    );
    await Promise.resolve();
    controller.abort(new Error("enough"));
    let stored = 0;
    for (const [i, outcome] of (await outcomes).entries()) {
      assert.equal(await valueOf(store, `${i}`), outcome.status === "fulfilled" ? i : undefined);
      if (outcome.status === "fulfilled") stored++;
      else assert.equal(outcome.reason.message, "enough");
    }
    assert(stored >= 20 && stored < 30);
    store.collect();
    assert.equal(readdirSync(folder.at("store", "content")).length, stored);
  },
);

test("a reader needs no right to write, but for a snapshot", limit, async () => {
  const simulation = new Simulation();
  const writer = openStore(simulation.process());
  await simulation.finish(writer.set("key", "value"));
  const refuse = () => {
    throw Object.assign(new Error("permission denied"), { code: "EACCES" });
  };
  const reader = openStore(simulation.process(), (files) => ({
    open: (path, options) => options.readOnly ? files.open(path, options) : refuse(),
    makeFolder: refuse,
    rename: refuse,
    remove: refuse,
    syncFolder: refuse,
  }));
  assert.equal(await valueOf(reader, "key"), "value");
  await simulation.finish(writer.set("key", "other"));
  assert.equal(await valueOf(reader, "key"), "other");
  assert.equal((await reader.list()).length, 1);
  await assert.rejects(
    reader.snapshot(),
    /^Error: Cannot write \/data\/app\/store: permission denied$/,
  );
  await assert.rejects(reader.set("key", 1), /^Error: Cannot write /);
});
