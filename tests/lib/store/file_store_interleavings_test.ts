/**
 * One process between any two I/O steps of another. In the simulation a process runs from one `await`
 * to the next alone; here what reads, pins and collects, and does so without any, is cut open: at each
 * of its steps in turn another process does all of something else.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Files, type SimulatedProcess, Simulation } from "../../../lab/mod.ts";
import { Contents } from "../../../lib/store/_contents.ts";
import { ManifestFile } from "../../../lib/store/_manifest_file.ts";
import type { FileStore, StoreSnapshot } from "../../../lib/store/mod.ts";
import { none, type Twin } from "../_altered.ts";
import { FOLDER, openStore } from "./_simulated.ts";

const limit = { timeout: 60_000 };
const MANIFEST = `${FOLDER}/manifest`;

/** A process with a store. */
interface Party {
  readonly process: SimulatedProcess;
  readonly store: FileStore;
}

function party(simulation: Simulation, name: string, twin: Twin = none): Party {
  const process = simulation.process(name);
  return { process, store: openStore(process, twin) };
}

/** Lets `intrude` happen once, before the step of `process` that has this number from now on. */
function intrudeAt(
  simulation: Simulation,
  process: SimulatedProcess,
  step: number,
  intrude: () => void,
): { readonly happened: boolean } {
  const intrusion = { happened: false };
  let steps = 0;
  simulation.beforeStep = (taken) => {
    if (taken.process !== process || intrusion.happened || steps++ < step) return;
    intrusion.happened = true;
    intrude();
  };
  return intrusion;
}

/** Does `run` for each step at which it can be cut open, until it has no more. Answers how many. */
async function atEachStep(run: (step: number) => Promise<boolean>): Promise<number> {
  for (let step = 0;; step++) {
    if (!await run(step)) return step;
  }
}

function put(files: Files, path: string, bytes: Uint8Array): void {
  const aside = `${path}.put`;
  const file = files.open(aside, { create: true });
  file.write(bytes, 0);
  file.close();
  files.rename(aside, path);
}

const both = (value: number) => [{ key: "a", value }, { key: "b", value }];

/**
 * A store with 1 at each of two keys, and what turns it into one with 2 at a stroke: the commit of
 * another process, and all the cleaning up after it.
 */
async function beforeCommit(): Promise<
  { simulation: Simulation; writer: Party; commit: () => void }
> {
  const simulation = new Simulation();
  const writer = party(simulation, "writer");
  const { files } = writer.process;
  await simulation.finish(writer.store.load(both(1)));
  const before = files.readFile(MANIFEST)!;
  // Time goes back: so what was needed before the commit must not go away with it.
  const keeper = party(simulation, "keeper");
  await simulation.finish(keeper.store.snapshot());
  await simulation.finish(writer.store.load(both(2)));
  const after = files.readFile(MANIFEST)!;
  put(files, MANIFEST, before);
  keeper.process.kill();
  const commit = () => {
    put(files, MANIFEST, after);
    writer.store.collect();
  };
  return { simulation, writer, commit };
}

const valueOf = async (store: Pick<StoreSnapshot, "get">, key: string) =>
  (await store.get<number>(key))!.value;

const contents = ({ process }: Party) => process.files.list(`${FOLDER}/content`).length;

test(
  "FileStore.get() answers a value, whatever is committed and collected meanwhile",
  limit,
  async () => {
    const steps = await atEachStep(async (step) => {
      const { simulation, commit } = await beforeCommit();
      const reader = party(simulation, "reader");
      const intrusion = intrudeAt(simulation, reader.process, step, commit);
      const a = await valueOf(reader.store, "a");
      assert(a === 1 || a === 2);
      if (intrusion.happened) {
        assert.equal(await valueOf(reader.store, "b"), 2, "it has been committed");
      }
      return intrusion.happened;
    });
    console.log(`  cut open at ${steps} steps`);
    assert(steps >= 4);
  },
);

test("a reader that does not look again finds its content gone", limit, async () => {
  let gone = 0;
  await atEachStep(async (step) => {
    const { simulation, commit } = await beforeCommit();
    const process = simulation.process("reader");
    const manifest = new ManifestFile(process.files, MANIFEST);
    const values = new Contents(process.files, FOLDER, manifest);
    const intrusion = intrudeAt(simulation, process, step, commit);
    const { version, content } = manifest.read().version.find("a")!;
    if (values.read(content, version) === undefined) gone++;
    return intrusion.happened;
  });
  assert(gone > 0);
});

/** A snapshot that is taken, read and disposed of while the commit comes, and what is left then. */
async function snapshots(twin: Twin): Promise<number> {
  return await atEachStep(async (step) => {
    const { simulation, writer, commit } = await beforeCommit();
    const reader = party(simulation, "reader", twin);
    // The lease is taken before, for that is another story.
    (await reader.store.snapshot())[Symbol.dispose]();
    const intrusion = intrudeAt(simulation, reader.process, step, commit);
    const snapshot = await reader.store.snapshot();
    assert.equal(await valueOf(snapshot, "a"), snapshot.epoch);
    assert.equal(await valueOf(snapshot, "b"), snapshot.epoch);
    snapshot[Symbol.dispose]();
    if (!intrusion.happened) return false;
    writer.store.collect();
    assert.equal(contents(writer), 2, "what was kept is gone");
    return true;
  });
}

test(
  "FileStore.snapshot() has all it needs, whatever is committed while it is taken",
  limit,
  async () => {
    console.log(`  cut open at ${await snapshots(none)} steps`);
  },
);

test("the check finds a snapshot that pins nothing", limit, async () => {
  const pinsNothing: Twin = (files) => ({
    open: (path, options) => files.open(path.replace(/\.\d+$/, "-unpinned"), options),
  });
  await assert.rejects(snapshots(pinsNothing), /is missing/);
});

/** A commit and all that follows, cut open by another who takes a snapshot. */
async function commits(twin: Twin): Promise<number> {
  return await atEachStep(async (step) => {
    const simulation = new Simulation();
    const writer = party(simulation, "writer", twin);
    await simulation.finish(writer.store.load(both(1)));
    const reader = party(simulation, "reader");
    let snapshot: Promise<StoreSnapshot> | undefined;
    const intrusion = intrudeAt(simulation, writer.process, step, () => {
      snapshot = reader.store.snapshot();
    });
    await simulation.finish(writer.store.load(both(2)));
    writer.store.collect();
    if (!intrusion.happened) return false;
    {
      using kept = (await snapshot)!;
      assert.equal(await valueOf(kept, "a"), kept.epoch);
      assert.equal(await valueOf(kept, "b"), kept.epoch);
    }
    writer.store.collect();
    assert.equal(contents(writer), 2, "what was kept is gone");
    return true;
  });
}

test("a commit leaves what a snapshot needs that is taken at any of its steps", limit, async () => {
  console.log(`  cut open at ${await commits(none)} steps`);
});

test("the check finds a commit that looks for pins too early", limit, async () => {
  let names: string[] | undefined;
  const early: Twin = (files) => ({
    list(path) {
      const early = names;
      if (path.endsWith("/live")) names = undefined;
      return path.endsWith("/live") && early !== undefined ? early : files.list(path);
    },
    rename(from, to) {
      names = files.list(`${FOLDER}/live`);
      files.rename(from, to);
    },
  });
  await assert.rejects(commits(early), /is missing/);
});

/** The first write of a process, cut open by another who cleans up after the dead. */
async function firstWrites(twin: Twin): Promise<number> {
  return await atEachStep(async (step) => {
    const simulation = new Simulation();
    const cleaner = party(simulation, "cleaner");
    await simulation.finish(cleaner.store.set("before", 1));
    const newcomer = party(simulation, "newcomer", twin);
    const intrusion = intrudeAt(simulation, newcomer.process, step, () => {
      cleaner.store.collect();
    });
    const { promise: later, resolve: goOn } = Promise.withResolvers<void>();
    async function* items() {
      yield { key: "a", value: 1 };
      await later;
      yield { key: "b", value: 1 };
    }
    const loaded = newcomer.store.load(items());
    await simulation.settle();
    // What is staged and not committed is not to be taken for that of somebody dead.
    assert.equal(cleaner.store.collect(), 0);
    goOn();
    await simulation.finish(loaded);
    if (!intrusion.happened) return false;
    assert.equal(await valueOf(cleaner.store, "a"), 1);
    assert.equal(await valueOf(cleaner.store, "b"), 1);
    const snapshot = await newcomer.store.snapshot();
    await simulation.finish(cleaner.store.load(both(2)));
    cleaner.store.collect();
    assert.equal(await valueOf(snapshot, "a"), 1);
    // What it leaves when it dies is taken for what it is.
    newcomer.store.load(async function* () {
      yield { key: "a", value: 3 };
      await new Promise(() => {});
    }());
    await simulation.settle();
    newcomer.process.kill();
    assert.equal(cleaner.store.collect(), 3);
    assert.equal(contents(cleaner), 3);
    return true;
  });
}

test(
  "nobody cleans up after a process that is about to write for the first time",
  limit,
  async () => {
    console.log(`  cut open at ${await firstWrites(none)} steps`);
  },
);

test(
  "the check finds a lease that is taken without a look whether it is still there",
  limit,
  async () => {
    const blind: Twin = (files) => {
      const opened = new Map<string, ReturnType<Files["open"]>>();
      return {
        open(path, options) {
          const file = files.open(path, options);
          opened.set(path, file);
          return file;
        },
        identify: (path) => path.includes("/live/") ? opened.get(path)?.id : files.identify(path),
      };
    };
    await assert.rejects(firstWrites(blind));
  },
);
