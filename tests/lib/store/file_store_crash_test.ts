/**
 * `FileStore` killed, and its power cut, at every I/O step of every operation, with every disk that may
 * be left: what was committed is there, what was not is there whole or not at all, snapshots stay what
 * they were, and nothing is left behind. The twins, each with one thing done wrong, and the naive
 * store, are caught by the same checks.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { CrashOptions, CrashProgram, SimulatedProcess } from "../../../lab/mod.ts";
import type { FileStore, Item } from "../../../lib/store/mod.ts";
import { altered, none, type Twin, unlocked } from "../_altered.ts";
import { explore, FOLDER, openAfterCrash, openStore } from "./_simulated.ts";
import { NaiveStore, type Written } from "./_naive_store.ts";

const limit = { timeout: 300_000 };

const CONTENT = `${FOLDER}/content`;
const LIVE = `${FOLDER}/live`;
const NEXT = `${FOLDER}/manifest.interlock-next`;

type State = Readonly<Record<string, unknown>>;

/** All that is in a store. */
async function stateOf(store: Pick<Written, "list" | "get">): Promise<State> {
  const state: Record<string, unknown> = {};
  for (const { key } of await store.list()) {
    const { value } = (await store.get(key))!;
    state[key] = value instanceof Uint8Array ? [...value] : value;
  }
  return state;
}

const long = (text: string) => text.repeat(40);

async function* slowly(items: readonly Item[]): AsyncGenerator<Item> {
  for (const item of items) {
    await Promise.resolve();
    yield item;
  }
}

/** Something to do, and all that is in the store after it. */
type Operation = readonly [run: (store: Written) => Promise<unknown>, after: State];

/** One of each. */
const all: readonly Operation[] = [
  [(store) => store.set("a", long("one")), { a: long("one") }],
  [(store) => store.set("b", new Uint8Array([1, 2])), { a: long("one"), b: [1, 2] }],
  [(store) => store.set("a", "two"), { a: "two", b: [1, 2] }],
  [
    (store) =>
      store.transaction(async (tx) => {
        tx.set("a", `${(await tx.get("a"))!.value}, three`);
        tx.set("c", long("new"));
      }, { keys: ["a", "c"] }),
    { a: "two, three", b: [1, 2], c: long("new") },
  ],
  [(store) => store.delete("b"), { a: "two, three", c: long("new") }],
  [
    (store) => store.load(slowly([{ key: "d", value: 4 }, { key: "a", value: long("loaded") }])),
    { a: long("loaded"), c: long("new"), d: 4 },
  ],
  [
    (store) =>
      store.load(slowly([{ key: "e", value: 5 }, { key: "d", value: 6 }]), { replace: true }),
    { d: 6, e: 5 },
  ],
];

async function expectSafe<T>(name: string, program: CrashProgram<T>): Promise<void> {
  const { verdict, evidence, complete, failure } = await explore(program);
  console.log(`  ${name}: ${evidence}`);
  assert.equal(verdict, "safe", failure?.report ?? evidence);
  assert(complete, evidence);
}

async function expectBroken<T>(
  name: string,
  program: CrashProgram<T>,
  options?: CrashOptions,
): Promise<void> {
  const { verdict, evidence, failure } = await explore(program, options);
  assert.equal(verdict, "broken", evidence);
  const [message] = (failure!.error as Error).message.split("\n");
  console.log(`  ${name}: ${failure!.crash ?? "no crash"}, ${message}`);
}

/** One more write goes well, and leaves nothing that nobody needs beside so many values. */
async function closeTidily(
  store: FileStore,
  { files }: SimulatedProcess,
  values: number,
): Promise<void> {
  const before = await stateOf(store);
  const { epoch } = store;
  assert.equal(await store.set("after", 1), epoch + 1);
  assert.deepEqual(await stateOf(store), { ...before, after: 1 });
  store.collect();
  store.close();
  assert.equal(files.list(CONTENT).length, values + 1, "no content is left behind");
  assert.deepEqual(files.list(LIVE), [], "nobody is left to be alive");
  assert.deepEqual(files.list(FOLDER), ["content", "live", "locks", "manifest"]);
}

/**
 * Makes all locks there are. Their names need not last, so each that does not would be there or not on
 * a disk of its own.
 */
async function makeLocks(process: SimulatedProcess): Promise<void> {
  const store = openStore(process);
  await store.transaction(() => {});
  store.close();
}

/** One process that does one operation after the other; the first few of them, or all. */
function oneAfterTheOther(
  twin: Twin,
  operations: readonly Operation[] = all,
  setUp?: CrashProgram["setUp"],
): CrashProgram<number> {
  return {
    setUp,
    run: (machine) =>
      machine.start("writer", async (process, report) => {
        const store = openStore(process, twin);
        for (const [i, [run]] of operations.entries()) {
          await run(store);
          report(i + 1);
        }
        store.close();
      }),
    async check({ process, reported }) {
      const done = reported.length;
      const store = openAfterCrash(process);
      const { epoch } = store;
      assert(epoch === done || epoch === done + 1, `${done} were committed, ${epoch} are there`);
      const expected = epoch === 0 ? {} : operations[epoch - 1][1];
      assert.deepEqual(await stateOf(store), expected);
      await closeTidily(store, process, Object.keys(expected).length);
    },
  };
}

test(
  "FileStore: the first write is there whole or not at all, folders and all",
  limit,
  async () => {
    await expectSafe("the first write", oneAfterTheOther(none, all.slice(0, 1)));
  },
);

test("FileStore: each operation is there whole or not at all", limit, async () => {
  await expectSafe("one process", oneAfterTheOther(none, all, makeLocks));
});

/** What a writer of several says: what the shared count became, and at which epoch. */
interface Counted {
  readonly writer: number;
  readonly count: number;
}

/** Two processes that count together, each beside a key of its own, in one transaction. */
function together(twin: Twin): CrashProgram<Counted> {
  return {
    setUp: makeLocks,
    run(machine) {
      for (const writer of [0, 1]) {
        void machine.start(`writer ${writer}`, async (process, report) => {
          const store = openStore(process, twin);
          for (let n = 1; n <= 2; n++) {
            const count = await store.transaction(async (tx) => {
              const before = (await tx.get<number>("count"))?.value ?? 0;
              tx.set("count", before + 1);
              tx.set(`writer ${writer}`, `${n}${"!".repeat(writer * 100)}`);
              return before + 1;
            }, { keys: ["count", `writer ${writer}`] });
            report({ writer, count });
          }
          store.close();
        });
      }
    },
    async check({ process, reported }) {
      const store = openAfterCrash(process);
      const state = await stateOf(store) as Record<string, string>;
      const own = [0, 1].map((writer) => Number.parseInt(state[`writer ${writer}`] ?? "0"));
      const count = Number(state.count ?? 0);
      assert.equal(own[0] + own[1], count, "a transaction is there whole");
      for (const { writer, count: at } of reported) {
        assert(count >= at, `the count was ${at} and is ${count}`);
        const times = reported.filter((other) => other.writer === writer).length;
        assert(own[writer] >= times, `writer ${writer} had committed ${times} times`);
      }
      assert.equal(store.epoch, count);
      assert.equal(new Set(reported.map(({ count }) => count)).size, reported.length);
      await closeTidily(store, process, Object.keys(state).length);
    },
  };
}

test("FileStore: what a dead writer left stands in nobody's way", limit, async () => {
  await expectSafe("two processes", together(none));
});

/** A process that looks at one version while another writes the next ones. */
function watched(twin: Twin): CrashProgram {
  return {
    async setUp(process) {
      await makeLocks(process);
      const store = openStore(process);
      await store.load([{ key: "a", value: 0 }, { key: "b", value: 0 }]);
      store.close();
    },
    run(machine) {
      void machine.start("reader", async (process) => {
        const store = openStore(process, twin);
        for (let i = 0; i < 3; i++) {
          using snapshot = await store.snapshot();
          const a = await snapshot.get<number>("a");
          await process.sleep(12);
          const b = await snapshot.get<number>("b");
          assert.deepEqual(a, { ...b, key: "a" }, "a snapshot stays what it was");
        }
        store.close();
      });
      void machine.start("writer", async (process) => {
        const store = openStore(process, twin);
        for (let n = 1; n <= 4; n++) {
          await process.sleep(5);
          await store.transaction((tx) => {
            tx.set("a", n);
            tx.set("b", n);
          }, { keys: ["a", "b"] });
        }
        store.close();
      });
    },
    async check({ process }) {
      const store = openAfterCrash(process);
      const { a, b } = await stateOf(store);
      assert.equal(a, b);
      await closeTidily(store, process, 2);
    },
  };
}

test(
  "FileStore.snapshot() stays what it was, and what it kept goes when its process dies",
  limit,
  async () => {
    await expectSafe("a reader and a writer", watched(none));
  },
);

/**
 * One process dies before some step of its own, and another, which was there before, goes on from what
 * it left; then the power is lost to that. Says also whether the first came to that step.
 */
function afterOneThatDies(before: number) {
  let died = false;
  const program: CrashProgram<string> = {
    setUp: async (process) => {
      await makeLocks(process);
      const store = openStore(process);
      await store.load([{ key: "kept", value: long("kept") }, { key: "own", value: long("old") }]);
      store.close();
    },
    run(machine) {
      let steps = 0;
      machine.simulation.beforeStep = ({ process }) => {
        if (process.name === "first" && ++steps === before) process.kill();
      };
      const dies = () =>
        machine.start("first", async (process) => {
          await openStore(process).transaction((tx) => {
            tx.set("own", long("new"));
            tx.set("other", long("new"));
          }, { keys: ["own", "other"] });
        });
      void machine.start("second", async (process, report) => {
        const store = openStore(process);
        // So that it has nothing to make ready afterwards, by which something would be synced.
        (await store.snapshot())[Symbol.dispose]();
        died = await dies() === "killed";
        store.collect();
        await store.set("mine", long("mine"));
        report("mine");
        store.close();
      });
    },
    async check({ process, reported }) {
      const store = openAfterCrash(process);
      const state = await stateOf(store);
      if (reported.includes("mine")) assert.equal(state.mine, long("mine"));
      const own = long("other" in state ? "new" : "old");
      assert.equal(state.own, own, "a transaction is there whole");
      await closeTidily(store, process, Object.keys(state).length);
    },
  };
  return { program, died: () => died };
}

test("FileStore: what is done after one that died survives", limit, async () => {
  let before = 0;
  for (let went = true; went;) {
    const { program, died } = afterOneThatDies(++before);
    const { verdict, evidence, failure } = await explore(program, { crashes: ["power loss"] });
    assert.equal(verdict, "safe", failure?.report ?? evidence);
    went = died();
  }
  console.log(`  died before each of ${before - 1} steps`);
  assert(before > 40);
});

test("FileStore.collect() removes nothing that a power loss could bring back", limit, async () => {
  const fails: Twin = (files) => ({
    syncFolder(path) {
      if (path === FOLDER && files.kind(`${FOLDER}/manifest`) !== undefined) throw new Error("no");
      files.syncFolder(path);
    },
  });
  await expectSafe("after a commit that was not made durable", {
    run: (machine) =>
      machine.start("writer", async (process) => {
        const [writer, collector] = [openStore(process, fails), openStore(process)];
        (await collector.snapshot())[Symbol.dispose]();
        (await writer.snapshot())[Symbol.dispose]();
        await collector.set("a", long("old"));
        await assert.rejects(writer.set("a", long("new")), /a power loss may take it back/);
        collector.collect();
      }),
    async check({ process }) {
      const { a = "old" } = await stateOf(openAfterCrash(process));
      assert.match(`${a}`, /^(old|new)+$/);
    },
  });
});

const doesNotSync = (folder: string): Twin => (files) => ({
  syncFolder: (path) => path === folder || files.syncFolder(path),
});

const withoutSync = (folder: string): Twin => (files) => ({
  open(path, options) {
    const file = files.open(path, options);
    return path.startsWith(folder) ? altered(file, { sync() {} }) : file;
  },
});

/** Says that a program suffers from what a twin does wrong. */
const breaks =
  <T>(program: (twin: Twin) => CrashProgram<T>, options?: CrashOptions) =>
  (defect: string, twin: Twin) => expectBroken(defect, program(twin), options);

const alone = breaks((twin) => oneAfterTheOther(twin), { crashes: ["power loss"] });
const amongOthers = breaks(together);
const beneathReaders = breaks(watched);

/** One thing done wrong, and where it shows. */
const twins: Record<string, readonly [twin: Twin, shows: typeof alone]> = {
  "does not sync content": [withoutSync(CONTENT), alone],
  "does not sync the folder of contents": [doesNotSync(CONTENT), alone],
  "does not sync the manifest": [withoutSync(NEXT), alone],
  "does not sync the folder of the manifest": [doesNotSync(FOLDER), alone],
  "does not sync the folders above": [doesNotSync("/data"), alone],
  "does not sync its lease": [doesNotSync(LIVE), alone],
  "writes the manifest in place": [
    (files) => ({
      open(path, options) {
        if (path !== NEXT) return files.open(path, options);
        const file = files.open(`${FOLDER}/manifest`, { ...options, exclusive: false });
        file.truncate(0);
        return file;
      },
      rename() {},
    }),
    alone,
  ],
  "does not lock": [unlocked, amongOthers],
  "does not look for pins": [
    (files) => ({ list: (path) => files.list(path).filter((name) => !/\.\d+$/.test(name)) }),
    beneathReaders,
  ],
  "pins nothing": [
    (files) => ({
      open: (path, options) =>
        files.open(/\.\d+$/.test(path) ? path.replace(/\.\d+$/, "-unpinned") : path, options),
    }),
    beneathReaders,
  ],
};

for (const [defect, [twin, shows]] of Object.entries(twins)) {
  test(`the check finds a store that ${defect}`, limit, () => shows(defect, twin));
}

/** The naive store, under the same operations and no stricter a check. */
const naive: CrashProgram<number> = {
  run: (machine) =>
    machine.start("writer", async (process, report) => {
      const store = new NaiveStore(process.files, FOLDER);
      for (const [i, [run]] of all.entries()) {
        await run(store);
        report(i + 1);
      }
    }),
  async check({ process, reported: { length: done } }) {
    const state = JSON.stringify(sorted(await stateOf(new NaiveStore(process.files, FOLDER))));
    const allowed = [done - 1, done].map((i) => JSON.stringify(sorted(all[i]?.[1] ?? {})));
    assert(allowed.includes(state), `${done} were done, and there is ${state}`);
  },
};

const sorted = (state: State): State => Object.fromEntries(Object.entries(state).sort());

test("the check finds a store that renames one file after the other", limit, async () => {
  await expectBroken("one file after the other", naive);
});
