/**
 * `deno task bench:store [TEXT…]`: the stores beside a plain `Map`, plain files and the least that a
 * durable file can cost, on Deno and then on Bun; maph's strategies beside each other; locking and
 * sealing beside doing without. TEXT selects the rows whose name contains it.
 *
 * Each sample ends with a look at what is there: a contestant that lost a write is found out.
 */
import { create } from "mutative";
import { createCipheriv, randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { replaceFile } from "../lib/_file_replace.ts";
import { type Host, systemHost, withHost } from "../lib/_host.ts";
import {
  exportStore,
  FileStore,
  importStore,
  locked,
  LockedStore,
  MemoryStore,
  optimistic,
  partitioned,
  partOf,
  singleWriter,
  type Store,
  type Strategy,
  transactional,
  uncoordinated,
} from "../lib/store/mod.ts";
import { FileLock, RwLock } from "../mod.ts";
import { folder } from "./_folder.ts";
import { main } from "./_main.ts";
import {
  type Benchmark,
  type BenchmarkSuite,
  type Contestant,
  defineBenchmark,
} from "../lab/runners/suite.ts";

const KEYS = 10_000;
const key = (i: number) => `key ${i % KEYS}`;
const value = { name: "value", list: [1, 2, 3] };
const items = (count: number) => Array.from({ length: count }, (_, i) => ({ key: key(i), value }));

/** A store in memory, and maps of the same. */
async function inMemory() {
  const store = new MemoryStore();
  await store.load(items(KEYS));
  const map = new Map<string, unknown>(items(KEYS).map(({ key, value }) => [key, value]));
  const texts = new Map(items(KEYS).map(({ key, value }) => [key, JSON.stringify(value)]));
  return { store, map, texts };
}

/** In memory: so many operations a sample, and a look at one of them. */
function memoryBenchmarks(): Benchmark[] {
  const TIMES = 2_000;
  const times = async (one: (i: number) => Promise<unknown>) => {
    for (let i = 0; i < TIMES; i++) await one(i);
  };
  return [
    defineBenchmark("MemoryStore.get() among 10,000 keys", async () => {
      const { store, map, texts } = await inMemory();
      return {
        operations: TIMES,
        expected: "value",
        ours: {
          name: "MemoryStore",
          async run() {
            let last: unknown;
            await times(async (i) => last = (await store.get<typeof value>(key(i)))!.value.name);
            return last;
          },
        },
        rivals: [{
          name: "await of a Map's get",
          async run() {
            let last: unknown;
            await times(async (i) =>
              last = (await Promise.resolve(map.get(key(i))) as typeof value).name
            );
            return last;
          },
        }, {
          name: "the same of a Map of JSON, parsed",
          async run() {
            let last: unknown;
            await times(async (i) => {
              last = (JSON.parse((await Promise.resolve(texts.get(key(i))))!) as typeof value).name;
            });
            return last;
          },
        }],
      };
    }),
    defineBenchmark("MemoryStore.set() among 10,000 keys", async () => {
      const { store, map } = await inMemory();
      return {
        operations: TIMES,
        expected: TIMES - 1,
        ours: {
          name: "MemoryStore",
          async run() {
            await times((i) => store.set(key(i), i));
            return (await store.get(key(TIMES - 1)))!.value;
          },
        },
        rivals: [{
          name: "await of a Map's set",
          async run() {
            await times((i) => Promise.resolve(map.set(key(i), i)));
            return map.get(key(TIMES - 1));
          },
        }],
      };
    }),
    defineBenchmark("MemoryStore: a snapshot of 10,000 keys, and a key set meanwhile", async () => {
      const { store } = await inMemory();
      let map: ReadonlyMap<string, unknown> = new Map(
        items(KEYS).map((each) => [each.key, each.value]),
      );
      const SNAPSHOTS = 20;
      /** Takes a snapshot, sets a key, and looks whether the snapshot has seen it: it must not. */
      const each = async (one: (i: number) => Promise<boolean>): Promise<number> => {
        let right = 0;
        for (let i = 0; i < SNAPSHOTS; i++) if (await one(i)) right++;
        return right;
      };
      const rival = (
        name: string,
        next: (i: number) => ReadonlyMap<string, unknown>,
      ): Contestant => ({
        name,
        run: () =>
          each(async (i) => {
            const snapshot = map;
            map = await Promise.resolve(next(i));
            return snapshot.get("key 7") !== map.get("key 7");
          }),
      });
      return {
        operations: SNAPSHOTS,
        expected: SNAPSHOTS,
        ours: {
          name: "MemoryStore",
          run: () =>
            each(async (i) => {
              using snapshot = await store.snapshot();
              await store.set("key 7", { i });
              const before = (await snapshot.get("key 7"))!.version;
              return before < (await store.get("key 7"))!.version;
            }),
        },
        rivals: [
          rival("mutative", (i) => create(map, (draft) => void draft.set("key 7", { i }))),
          rival("a plain copy of a Map", (i) => new Map(map).set("key 7", { i })),
        ],
      };
    }),
    defineBenchmark("MemoryStore.transaction() of two keys among 10,000", async () => {
      const { store, map } = await inMemory();
      return {
        operations: TIMES,
        expected: [TIMES - 1, TIMES - 1],
        ours: {
          name: "MemoryStore, the keys named",
          async run() {
            await times((i) =>
              store.transaction((tx) => {
                tx.set("a", i);
                tx.set("b", i);
              }, { keys: ["a", "b"] })
            );
            return [(await store.get("a"))!.value, (await store.get("b"))!.value];
          },
        },
        rivals: [{
          name: "MemoryStore, all keys",
          async run() {
            await times((i) =>
              store.transaction((tx) => {
                tx.set("a", i);
                tx.set("b", i);
              })
            );
            return [(await store.get("a"))!.value, (await store.get("b"))!.value];
          },
        }, {
          name: "await of two sets of a Map",
          async run() {
            await times((i) => Promise.resolve(map.set("a", i).set("b", i)));
            return [map.get("a"), map.get("b")];
          },
        }],
      };
    }),
  ];
}

/** Waits for no disk: for what is there before the clock runs. */
const hasty: Host = {
  ...systemHost,
  files: {
    ...systemHost.files,
    syncFolder() {},
    open: (path, options) => Object.assign(systemHost.files.open(path, options), { sync() {} }),
  },
};

/** A store in files with so many keys. */
async function filled(name: string, keys: number): Promise<FileStore> {
  const path = join(folder(), name);
  using filler = withHost(hasty, () => new FileStore(path));
  await filler.load(items(keys));
  return new FileStore(path);
}

function fileBenchmarks(): Benchmark[] {
  const READS = 500;
  const WRITES = 20;
  const text = JSON.stringify(value);
  const writes = (name: string, store: Store): Contestant => ({
    name,
    async run() {
      for (let i = 0; i < WRITES; i++) await store.set("written", i);
      return (await store.get("written"))!.value;
    },
  });
  const bytes = (i: number) => new TextEncoder().encode(String(i));
  const writesPlain: Contestant = {
    name: "fs.writeFile, not synced",
    async run() {
      for (let i = 0; i < WRITES; i++) await writeFile(join(folder(), "unsafe"), String(i));
      return Number(readFileSync(join(folder(), "unsafe"), "utf8"));
    },
  };
  const writesDurably: Contestant = {
    name: "one file written aside, synced and renamed",
    run() {
      const path = join(folder(), "durable");
      for (let i = 0; i < WRITES; i++) replaceFile(systemHost.files, path, bytes(i), 0o600);
      return Number(readFileSync(path, "utf8"));
    },
  };
  const together = (name: string, store: Store, one: boolean): Contestant => ({
    name,
    async run() {
      const set = (i: number) => store.set(`together ${i}`, i);
      const all = Array.from({ length: WRITES }, (_, i) => i);
      if (one) { for (const i of all) await set(i); }
      else await Promise.all(all.map(set));
      return (await store.list({ prefix: "together" })).length;
    },
  });
  return [
    defineBenchmark("FileStore.get() among 100 keys", async () => {
      const plain = join(folder(), "plain");
      await writeFile(plain, text);
      const store = await filled("hundred", 100);
      return {
        operations: READS,
        expected: "value",
        ours: {
          name: "FileStore",
          async run() {
            let last: unknown;
            for (let i = 0; i < READS; i++) {
              last = (await store.get<typeof value>(key(i % 100)))!.value.name;
            }
            return last;
          },
        },
        rivals: [{
          name: "fs.readFileSync and JSON.parse",
          run() {
            let last: unknown;
            for (let i = 0; i < READS; i++) last = JSON.parse(readFileSync(plain, "utf8")).name;
            return last;
          },
        }, {
          name: "await fs.readFile and JSON.parse",
          async run() {
            let last: unknown;
            for (let i = 0; i < READS; i++) last = JSON.parse(await readFile(plain, "utf8")).name;
            return last;
          },
        }],
      };
    }),
    defineBenchmark("FileStore.set() among 100 keys", async () => {
      const store = await filled("hundred", 100);
      return {
        operations: WRITES,
        expected: WRITES - 1,
        ours: writes("FileStore", store),
        rivals: [writesDurably, writesPlain],
      };
    }),
    defineBenchmark("FileStore.set(): what the number of keys costs", async ({ smoke }) => {
      // To fill one of 10,000 keys takes seconds.
      const most = smoke ? 1_000 : 10_000;
      return {
        operations: WRITES,
        expected: WRITES - 1,
        ours: writes("FileStore of 10 keys", await filled("ten", 10)),
        rivals: [
          writes("FileStore of 1,000 keys", await filled("thousand", 1_000)),
          writes("FileStore of 10,000 keys", await filled("ten thousand", most)),
        ],
      };
    }),
    defineBenchmark(`FileStore.set(): ${WRITES} tasks at once`, async () => {
      const store = await filled("hundred", 100);
      return {
        operations: WRITES,
        expected: WRITES,
        ours: together("at once", store, false),
        rivals: [together("one after the other", store, true)],
      };
    }),
  ];
}

/** The document's table: what a lock costs around an operation, and around a hundred. */
function lockBenchmarks(): Benchmark[] {
  const TIMES = 1_000;
  const BATCH = 100;
  const writes = (name: string, to: Pick<Store, "set">): Contestant => ({
    name,
    async run() {
      for (let i = 0; i < TIMES; i++) await to.set("key", i);
      return (await store.get("key"))!.value;
    },
  });
  const store = new MemoryStore();
  const inProcess = new LockedStore(store, new RwLock());
  const overFile = () => new LockedStore(store, new FileLock(join(folder(), "overhead")));
  const batch = (name: string, behind: LockedStore | undefined): Contestant => ({
    name,
    async run() {
      const write = async () => {
        for (let i = 0; i < BATCH; i++) await store.set("key", i);
      };
      for (let n = 0; n < TIMES / BATCH; n++) await (behind?.withWrite(write) ?? write());
      return (await store.get("key"))!.value;
    },
  });
  const reads = (name: string, from: Store): Contestant => ({
    name,
    async run() {
      await store.set("key", "read");
      let last: unknown;
      for (let i = 0; i < TIMES; i++) last = (await from.get("key"))!.value;
      return last;
    },
  });
  return [
    defineBenchmark("locking-overhead: a write in memory behind a FileLock", () => ({
      operations: TIMES,
      expected: TIMES - 1,
      ours: writes("LockedStore over a FileLock", overFile()),
      rivals: [
        writes("LockedStore over an RwLock", inProcess),
        writes("without a lock", store),
      ],
    })),
    defineBenchmark("locking-overhead: a read in memory behind a FileLock", () => ({
      operations: TIMES,
      expected: "read",
      ours: reads("LockedStore over a FileLock", overFile()),
      rivals: [reads("LockedStore over an RwLock", inProcess), reads("without a lock", store)],
    })),
    defineBenchmark(`locking-overhead: ${BATCH} writes in memory behind one FileLock`, () => ({
      operations: TIMES,
      expected: BATCH - 1,
      ours: batch("LockedStore over a FileLock", overFile()),
      rivals: [batch("LockedStore over an RwLock", inProcess), batch("without a lock", undefined)],
    })),
  ];
}

/** One update after the other, as each strategy does it, on stores in files. */
function strategyBenchmark(): Benchmark {
  return defineBenchmark("strategies: an update of a store in files", async () => {
    const TIMES = 20;
    const PARTS = 4;
    const store = () => new FileStore(mkdtempSync(join(folder(), "strategy-")));
    const file = (name: string) => new FileLock(join(folder(), name));
    const contestant = (
      strategy: Strategy,
      read: (key: string) => Promise<unknown>,
    ): Contestant => ({
      name: strategy.name,
      async run() {
        const before = await read("count") as number ?? 0;
        for (let i = 0; i < TIMES; i++) {
          await strategy.update<number>("count", (count = 0) => count + 1);
        }
        return await read("count") as number - before;
      },
    });
    const of = (make: (store: Store) => Strategy): Contestant => {
      const it = store();
      return contestant(make(it), async (key) => (await it.get(key))?.value);
    };
    const single = store();
    const writer = await singleWriter(single, file("writer"));
    const parts = Array.from({ length: PARTS }, store);
    return {
      operations: TIMES,
      expected: TIMES,
      ours: of(transactional),
      rivals: [
        contestant(writer, async (key) => (await single.get(key))?.value),
        of((store) => locked(store, file("strategies"))),
        of(optimistic),
        contestant(
          partitioned(parts.map(uncoordinated)),
          async (key) => (await parts[partOf(key, PARTS)].get(key))?.value,
        ),
        of(uncoordinated),
      ],
    };
  });
}

/** The cost of sealing, beside that of the cipher alone; scrypt is as cheap as can be. */
const MIB = 2 ** 20;
const SIZE = 16;
const password = "password";

/** How a store of so many mebibytes is exported; the cost of the key is as low as can be. */
async function exporting() {
  const store = new MemoryStore();
  await store.load(Array.from({ length: SIZE }, (_, i) => ({
    key: `${i}`,
    value: new Uint8Array(MIB).fill(i),
  })));
  const collect = async () => {
    const pieces: Uint8Array[] = [];
    for await (const piece of await exportStore(store, { password, cost: { N: 2 } })) {
      pieces.push(piece);
    }
    return pieces;
  };
  return { collect, pieces: await collect() };
}

/** The cost of sealing, beside that of the cipher alone. */
function sealedBenchmarks(): Benchmark[] {
  const cipherAlone: Contestant = {
    name: "AES-256-GCM alone, in chunks of 64 KiB",
    run() {
      const secret = randomBytes(32);
      const nonce = randomBytes(12);
      const text = new Uint8Array(2 ** 16);
      let bytes = 0;
      for (let i = 0; i < SIZE * 16; i++) {
        const cipher = createCipheriv("aes-256-gcm", secret, nonce);
        bytes += cipher.update(text).length;
        cipher.final();
        cipher.getAuthTag();
      }
      return bytes === SIZE * MIB;
    },
  };
  return [
    defineBenchmark("exportStore(): a mebibyte", async () => {
      const { collect, pieces } = await exporting();
      return {
        operations: SIZE,
        expected: true,
        ours: {
          name: "exportStore",
          run: async () => (await collect()).length === pieces.length,
        },
        rivals: [cipherAlone],
      };
    }),
    defineBenchmark("importStore(): a mebibyte", async () => {
      const { pieces } = await exporting();
      return {
        operations: SIZE,
        expected: true,
        ours: {
          name: "importStore",
          run: async () => await importStore(new MemoryStore(), pieces, { password }) === SIZE,
        },
        rivals: [cipherAlone],
      };
    }),
  ];
}

const suite: BenchmarkSuite = [
  ...memoryBenchmarks(),
  ...fileBenchmarks(),
  ...lockBenchmarks(),
  strategyBenchmark(),
  ...sealedBenchmarks(),
];
export default suite;

if (import.meta.main) await main(suite, import.meta.url);
