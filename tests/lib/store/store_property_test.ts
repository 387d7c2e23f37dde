/**
 * Stores against a model that does the same with plain arrays, in random sequences; the one in files
 * used by two processes of a simulation in turn, which are closed and killed in between.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type SimulatedProcess, Simulation } from "../../../lab/mod.ts";
import { RwLock } from "../../../mod.ts";
import {
  type FileStore,
  LockedStore,
  MemoryStore,
  type Store,
  type StoreSnapshot,
} from "../../../lib/store/mod.ts";
import { checkProperty } from "../../_property.ts";
import { runs } from "../../_runs.ts";
import { FOLDER, openStore } from "./_simulated.ts";

const timeout = runs(300_000, 3_600_000);
const FILE = "tests/lib/store/store_property_test.ts";

/** One write: `undefined` deletes. */
type Write = readonly [key: string, value: unknown];

type Step =
  | { do: "set"; key: string; value: unknown }
  | { do: "delete"; key: string }
  | { do: "compareAndSet"; key: string; value: unknown; back: number }
  | { do: "transaction"; writes: Write[]; named: boolean; fails: boolean }
  | { do: "load"; writes: Write[]; replace: boolean; fails: boolean }
  | { do: "versions"; key: string; back: number }
  | { do: "list"; prefix: string; after: string | undefined; limit: number }
  | { do: "snapshot" }
  | { do: "dispose"; which: number }
  | { do: "reopen"; kills: boolean }
  | { do: "collect" };

const key = fc.constantFrom("", "a", "ab", "b", "../b", "\u{1F600}");
const value = fc.oneof(
  fc.nat(),
  fc.string({ maxLength: 3 }),
  fc.uint8Array({ maxLength: 3 }),
  fc.constantFrom(null, [], { x: [1] }),
);
const some = fc.array(fc.tuple(key, value), { maxLength: 4 });
const of = <T extends string>(name: T) => fc.constant(name);

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: of("set"), key, value }) },
  { weight: 3, arbitrary: fc.record({ do: of("delete"), key }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: of("compareAndSet"), key, value, back: fc.nat(2) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: of("transaction"),
      writes: fc.array(fc.tuple(key, fc.option(value, { nil: undefined })), { maxLength: 4 }),
      named: fc.boolean(),
      fails: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: of("load"),
      writes: some,
      replace: fc.boolean(),
      fails: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: of("versions"), key, back: fc.nat(3) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: of("list"),
      prefix: fc.constantFrom("", "a", "b"),
      after: fc.option(key, { nil: undefined }),
      limit: fc.constantFrom(0, 1, 2, Infinity),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: of("snapshot") }) },
  { weight: 2, arbitrary: fc.record({ do: of("dispose"), which: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.record({ do: of("reopen"), kills: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: of("collect") }) },
);

/** The values of each key, the newest first. */
type Rows = ReadonlyMap<string, readonly { readonly version: number; readonly value: unknown }[]>;

/** What a store does, said as simply as possible. */
class Model {
  epoch = 0;
  rows: Rows = new Map();
  constructor(readonly keep: number) {}

  commit(writes: ReadonlyMap<string, unknown>, replace = false): number {
    this.epoch++;
    const rows = new Map(replace ? [] : this.rows);
    for (const [key, value] of writes) {
      if (value === undefined) rows.delete(key);
      else {
        const before = this.rows.get(key) ?? [];
        rows.set(key, [{ version: this.epoch, value }, ...before].slice(0, this.keep));
      }
    }
    this.rows = rows;
    return this.epoch;
  }

  get keys(): string[] {
    return [...this.rows.keys()].sort();
  }
}

/** A store, and how it is used by somebody else from now on. */
interface Subject {
  readonly store: Store;
  finish<T>(promise: Promise<T>): Promise<T>;
  /** Answers whether the snapshots that were taken are gone. */
  reopen(kills: boolean): boolean;
  collect(): void;
  /** Checks what is left at the end, where no snapshot is. */
  end(values: number): void;
}

function inMemory(store: Store): Subject {
  return { store, finish: (promise) => promise, reopen: () => false, collect() {}, end() {} };
}

function inFiles(keep: number): Subject {
  const simulation = new Simulation();
  const start = () => {
    const process = simulation.process();
    return { process, store: openStore(process, undefined, { keep }) };
  };
  let turn = 0;
  const parties: { process: SimulatedProcess; store: FileStore }[] = [start(), start()];
  return {
    get store() {
      return parties[turn].store;
    },
    finish: (promise) => simulation.finish(promise),
    reopen(kills) {
      const { process, store } = parties[turn];
      if (kills) process.kill();
      else store.close();
      parties[turn] = start();
      turn = 1 - turn;
      return kills;
    },
    collect: () => void parties[turn].store.collect(),
    end(values) {
      const { process, store } = parties[turn];
      const { files } = process;
      if (files.kind(FOLDER) === undefined) return;
      store.collect();
      for (const party of parties) party.store.close();
      assert.equal(files.list(`${FOLDER}/content`).length, values);
      assert.deepEqual(files.list(`${FOLDER}/live`), []);
    },
  };
}

async function follow(subject: Subject, model: Model, steps: readonly Step[]): Promise<void> {
  const { finish } = subject;
  const snapshots: { snapshot: StoreSnapshot; rows: Rows; epoch: number }[] = [];
  const boom = new Error("as it should");
  for (const step of steps) {
    const { store } = subject;
    const row = "key" in step ? model.rows.get(step.key) ?? [] : [];
    if (step.do === "set") {
      const version = await finish(store.set(step.key, step.value));
      assert.equal(version, model.commit(new Map([[step.key, step.value]])));
    } else if (step.do === "delete") {
      assert.equal(await finish(store.delete(step.key)), row.length > 0);
      if (row.length > 0) model.commit(new Map([[step.key, undefined]]));
    } else if (step.do === "compareAndSet") {
      const newest = row[0]?.version;
      // The right one; one that was; or none.
      const expected = [newest, Math.max(1, (newest ?? 2) - 1), undefined][step.back];
      const done = await finish(store.compareAndSet(step.key, expected, step.value));
      const matches = expected === newest;
      assert.equal(done, matches ? model.commit(new Map([[step.key, step.value]])) : undefined);
    } else if (step.do === "transaction") {
      const keys = step.named ? step.writes.map(([key]) => key) : undefined;
      const done = finish(store.transaction((tx) => {
        for (const [key, value] of step.writes) {
          if (value === undefined) tx.delete(key);
          else tx.set(key, value);
        }
        if (step.fails) throw boom;
      }, { keys }));
      if (step.fails) await assert.rejects(done, boom);
      else {
        await done;
        const writes = new Map(step.writes);
        for (const [key, value] of writes) {
          if (value === undefined && !model.rows.has(key)) writes.delete(key);
        }
        if (writes.size > 0) model.commit(writes);
      }
    } else if (step.do === "load") {
      const { writes, replace, fails } = step;
      const done = finish(store.load(
        async function* () {
          for (const [key, value] of writes) yield await Promise.resolve({ key, value });
          if (fails) throw boom;
        }(),
        { replace },
      ));
      if (fails) await assert.rejects(done, boom);
      else {
        const all = new Map(writes);
        assert.equal(await done, all.size);
        if (all.size > 0 || replace) model.commit(all, replace);
      }
    } else if (step.do === "versions") {
      const versions = row.map(({ version }) => version);
      assert.deepEqual(await store.versions(step.key), versions);
      const kept = row[step.back];
      const version = kept?.version ?? model.epoch + 1;
      const expected = kept && { key: step.key, ...kept };
      assert.deepEqual(await store.get(step.key, { version }), expected);
    } else if (step.do === "list") {
      const { prefix, after, limit } = step;
      const expected = model.keys.filter((key) => key.startsWith(prefix))
        .filter((key) => after === undefined || key > after).slice(0, limit);
      const found = await store.list({ prefix, after, limit });
      assert.deepEqual(found.map(({ key }) => key), expected);
    } else if (step.do === "snapshot") {
      const { epoch, rows } = model;
      snapshots.push({ snapshot: await store.snapshot(), rows, epoch });
    } else if (step.do === "dispose") {
      const [gone] = snapshots.splice(step.which, 1);
      gone?.snapshot[Symbol.dispose]();
    } else if (step.do === "collect") subject.collect();
    else if (subject.reopen(step.kills)) {
      // Those of a process that was killed are of no use any more; which they are we do not ask.
      for (const { snapshot } of snapshots.splice(0)) disposeQuietly(snapshot);
    }
    await compare(subject.store, model.rows);
    for (const { snapshot, rows, epoch } of snapshots) {
      assert.equal(snapshot.epoch, epoch);
      await compare(snapshot, rows);
    }
  }
  for (const { snapshot } of snapshots) snapshot[Symbol.dispose]();
  const values = [...model.rows.values()].reduce((sum, row) => sum + row.length, 0);
  subject.end(values);
}

function disposeQuietly(snapshot: StoreSnapshot): void {
  try {
    snapshot[Symbol.dispose]();
  } catch {
    // Its process is gone.
  }
}

async function compare(store: Pick<Store, "list" | "get">, rows: Rows): Promise<void> {
  const expected = [...rows].map(([key, [{ version }]]) => ({ key, version }))
    .sort((a, b) => a.key < b.key ? -1 : 1);
  assert.deepEqual(await store.list(), expected);
  for (const [key, [{ value, version }]] of rows) {
    assert.deepEqual(await store.get(key), { key, value, version });
  }
}

const subjects: Record<string, (keep: number) => Subject> = {
  MemoryStore: (keep) => inMemory(new MemoryStore({ keep })),
  LockedStore: (keep) => inMemory(new LockedStore(new MemoryStore({ keep }), new RwLock())),
  FileStore: inFiles,
};

for (const [name, open] of Object.entries(subjects)) {
  test(`${name} does what a sequential model does, step by step`, { timeout }, async () => {
    const property = fc.asyncProperty(
      fc.array(step, { size: "max", maxLength: 40 }),
      fc.integer({ min: 1, max: 3 }),
      (steps, keep) => follow(open(keep), new Model(keep), steps),
    );
    await checkProperty(property, FILE);
  });
}
