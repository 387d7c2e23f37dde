/** One store in files, with processes of both runtimes that use it at once. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { type Call, check, describeCheck } from "../../lab/mod.ts";
import { FileStore, importStore, MemoryStore } from "../../lib/store/mod.ts";
import { Folder } from "../lib/_folder.ts";
import { storeModel } from "../lib/store/_store_model.ts";
import { type Child, participants, start, startAll } from "./_children.ts";

const limit = { timeout: 180_000 };
const KEYS = ["a", "b", "c"];

/** Lets children begin together, and waits until all have said that they are done. */
async function finish(children: readonly Child[]) {
  for (const child of children) child.tell();
  return await Promise.all(children.map((child) => child.next("done")));
}

function histories(lines: readonly { readonly [detail: string]: unknown }[]): Call[] {
  return lines.flatMap(({ history }) => history as Call[]);
}

/** What several processes did to a store at once. */
async function recorded(folder: Folder, locks: boolean, seed: number, calls: number) {
  await using stack = new AsyncDisposableStack();
  const children = await startAll(4, "store", (i) => ({
    folder: folder.at("store"),
    clock: folder.at("clock"),
    name: `${i}-`,
    keys: KEYS,
    seed: seed + i,
    calls,
    locks,
  }));
  for (const child of children) stack.use(child);
  return histories(await finish(children));
}

test("FileStore is linearizable among processes", limit, async () => {
  using folder = new Folder();
  const seed = Math.floor(Math.random() * 2 ** 31);
  const history = await recorded(folder, true, seed, 60);
  const result = check(history, storeModel);
  console.log(`  ${participants()}: ${history.length} calls, seed ${seed}, ${result.verdict}`);
  assert.equal(history.length, 240);
  assert.equal(result.verdict, "ok", describeCheck(result));
});

test("the check finds processes that do not lock", limit, async () => {
  // A race is a matter of luck: what is certain is only that it is not lucky five times.
  for (let round = 1; round <= 5; round++) {
    using folder = new Folder();
    const outcome = await recorded(folder, false, round, 60).then(
      (history) => describeCheck(check(history, storeModel)),
      // Content that two wrote, or a manifest that one took from under the other.
      (error) => String(error).split("\n")[0],
    );
    console.log(`  without locks, round ${round}: ${outcome.slice(0, 100)}`);
    if (!outcome.startsWith("linearizable")) return;
  }
  assert.fail("it was right five times: this check would not notice");
});

test("FileStore: 5 processes write 10 keys and read them, 10 and 10 times", limit, async () => {
  using folder = new Folder();
  await using stack = new AsyncDisposableStack();
  const children = await startAll(5, "store-own-keys", (i) => ({
    folder: folder.at("store"),
    name: `${i}`,
    keys: 10,
  }));
  for (const child of children) stack.use(child);
  for (const { read } of await finish(children)) assert.equal(read, 10);
  using store = new FileStore(folder.at("store"));
  const keys = await store.list();
  assert.equal(keys.length, 50);
  for (const { key } of keys) assert.equal((await store.get(key))?.value, `value of ${key}`);
  assert.equal(store.epoch, 50);
});

const KILLS = 24;

test(
  "FileStore: processes that are killed leave whole commits, and nothing for good",
  limit,
  async () => {
    using folder = new Folder();
    const path = folder.at("store");
    let leases = 0;
    let committed = 0;
    const startWriter = (round: number) =>
      start(round, "store-transfer", { folder: path, keys: 4 });
    let next = startWriter(0);
    for (let round = 0; round < KILLS; round++) {
      await using writer = await next;
      if (round + 1 < KILLS) next = startWriter(round + 1);
      writer.tell();
      for (let i = 0; i <= round % 3; i++) {
        committed = (await writer.next("committed"))
          .epoch as number;
      }
      // Not to wait for anything, but so that the kill falls on any step of a commit.
      await new Promise((resolve) => setTimeout(resolve, 6 * Math.random()));
      await writer.kill();
      const reader = new FileStore(path).readOnly();
      const values = await Promise.all(
        (await reader.list()).map(({ key }) => reader.get<number>(key)),
      );
      const sum = values.reduce((sum, entry) => sum + entry!.value, 0);
      assert.equal(sum, 0, "a transfer is there whole");
      const epoch = Math.max(...values.map((entry) => entry!.version));
      assert(epoch >= committed, `epoch ${committed} was committed, ${epoch} is there`);
      leases = Math.max(leases, readdirSync(`${path}/live`).length);
    }
    using store = new FileStore(path);
    await store.set("after", 0);
    store.collect();
    const { length } = await store.list();
    assert.equal(readdirSync(`${path}/content`).length, length);
    assert.equal(readdirSync(`${path}/live`).length, 1);
    console.log(
      `  ${KILLS} kills, ${participants()}: at most ${leases} leases, ${length - 1} keys`,
    );
  },
);

test("a snapshot holds for as long as its process lives, and not longer", limit, async () => {
  using folder = new Folder();
  const path = folder.at("store");
  using store = new FileStore(path);
  await store.set("a", "old");
  for (const round of [0, 1]) {
    await using reader = await start(round, "store-snapshot", { folder: path, key: "a" });
    reader.tell();
    await reader.next("taken");
    await store.set("a", `new ${round}`);
    assert.equal(readdirSync(`${path}/content`).length, 2);
    reader.tell();
    assert.equal((await reader.next("read")).value, round === 0 ? "old" : "new 0");
    await reader.kill();
    assert.equal(store.collect(), 1);
    assert.equal(readdirSync(`${path}/content`).length, 1);
  }
});

test("what one process exports another imports", limit, async () => {
  using folder = new Folder();
  const store = new FileStore(folder.at("store"));
  await store.load([{ key: "a", value: "ä" }, { key: "b", value: new Uint8Array([1, 2]) }]);
  for (const i of [0, 1]) {
    await using child = await start(i, "store-export", { folder: store.path, password: "pass" });
    child.tell();
    const { sealed } = await child.next("exported");
    const copy = new MemoryStore();
    const bytes = Uint8Array.from(atob(sealed as string), (char) => char.charCodeAt(0));
    assert.equal(await importStore(copy, [bytes], { password: "pass" }), 2);
    assert.equal((await copy.get("a"))?.value, "ä");
  }
  store.close();
});
