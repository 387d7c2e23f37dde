/** Signals of other realms and libraries, wherever a signal can be given. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  acquireAll,
  ConflictError,
  DeadlockDetector,
  FileLock,
  FileSnapshots,
  RwLock,
  Snapshots,
} from "../../mod.ts";
import { LockManager } from "../../lib/lock_manager.ts";
import { acquireTableLock, CsvRow, queueWrite, Table } from "../../lib/queue/mod.ts";
import { LockedStore, MemoryStore } from "../../lib/store/mod.ts";
import { SharedBarrier, SharedRwLock, SharedSnapshots } from "../../lib/workers/mod.ts";
import { outcome, settle } from "../_fake_host.ts";
import { ForeignSignal } from "../_foreign_signal.ts";
import { Folder } from "./_folder.ts";

const limit = { timeout: 20_000 };

/** Answers what begins all that nothing but a signal ends, each by its name. */
async function prepare(
  folder: Folder,
  uses: DisposableStack,
): Promise<(signal: AbortSignal) => Record<string, Promise<unknown>>> {
  const forever = () => new Promise<never>(() => {});
  const held = async <L extends RwLock | FileLock | SharedRwLock>(lock: L): Promise<L> => {
    uses.use(await lock.read());
    return lock;
  };
  const lock = await held(new RwLock());
  const watched = new DeadlockDetector().watch(lock);
  const upgradable = await lock.upgradable();
  const sharedLock = await held(SharedRwLock.create());
  const fileLock = await held(uses.use(new FileLock(folder.at("lock"))));
  const names = new LockManager();
  names.request("name", forever);
  // Of two of a kind, one lets its writers in, and the other one does not.
  const snapshots = [new Snapshots(0), new Snapshots(0)];
  snapshots[1].update(forever);
  const files = ["one", "other"].map((name) => uses.use(new FileSnapshots(folder.at(name), 0)));
  files[1].update(forever);
  const bytes = new Uint8Array(1);
  const shared = [bytes, bytes].map((value) => SharedSnapshots.create(value));
  shared[1].update(forever);
  const stores = [new MemoryStore(), new MemoryStore()];
  stores[1].transaction(forever);
  const write = { operation: "insert", rows: [new CsvRow("key", [])] } as const;
  await queueWrite(folder.path, "table", write);
  const table = uses.use(new Table(folder.path, "table"));
  uses.use(await acquireTableLock(folder.path, "table"));
  return (signal) => {
    const options = { signal };
    const items = async function* () {
      yield { key: "first", value: 1 };
      while (!signal.aborted) await settle();
      yield { key: "second", value: 2 };
    };
    return {
      "RwLock.write()": lock.write(options),
      "upgrade()": upgradable.upgrade(options),
      "acquireAll()": acquireAll([[lock, "write"]], options),
      "a watched write()": watched.write({ ...options, owner: {} }),
      "LockManager.request()": names.request("name", options, () => {}),
      "FileLock.write()": fileLock.write(options),
      "FileLock.waitForUnlock()": fileLock.waitForUnlock(options),
      "SharedRwLock.write()": sharedLock.write(options),
      "SharedBarrier.wait()": SharedBarrier.create(2).wait(options),
      "Snapshots.update(), which runs": snapshots[0].update(forever, options),
      "Snapshots.update()": snapshots[1].update(() => 1, options),
      "Snapshots.changed()": snapshots[0].changed(0, options),
      "FileSnapshots.update(), which runs": files[0].update(forever, options),
      "FileSnapshots.update()": files[1].update(() => 1, options),
      "FileSnapshots.commit()": files[1].commit(0, 1, options),
      "FileSnapshots.changed()": files[0].changed(0, options),
      "SharedSnapshots.update(), which runs": shared[0].update(forever, options),
      "SharedSnapshots.update()": shared[1].update(() => bytes, options),
      "SharedSnapshots.commit()": shared[1].commit(0, bytes, options),
      "SharedSnapshots.changed()": shared[0].changed(0, options),
      "Store.set()": stores[1].set("key", 1, options),
      "Store.load()": stores[0].load(items(), options),
      "LockedStore.set()": new LockedStore(stores[0], lock).set("key", 1, options),
      "Table.write()": table.write(write, options),
      "Table.drain()": table.drain(options),
    };
  };
}

for (const when of ["that aborts", "that has aborted"]) {
  test(`a signal of another realm ${when} ends whatever was waited for`, limit, async () => {
    using folder = new Folder();
    using uses = new DisposableStack();
    const foreign = new ForeignSignal();
    const reason = new Error("elsewhere");
    const begin = await prepare(folder, uses);
    if (when === "that has aborted") foreign.abort(reason);
    const begun = begin(foreign.asSignal);
    if (when === "that aborts") {
      for (const [name, wait] of Object.entries(begun)) {
        assert.equal(await outcome(wait), "pending", name);
      }
      foreign.abort(reason);
    }
    for (const [name, wait] of Object.entries(begun)) {
      await assert.rejects(wait, (error) => error === reason, name);
    }
    assert.equal(foreign.listeners, 0);
  });
}

test("a wait that ends otherwise leaves no listener on its signal", limit, async () => {
  const foreign = new ForeignSignal();
  const signal = foreign.asSignal;
  const watched = new DeadlockDetector().watch(new RwLock());
  const shared = SharedSnapshots.create(new Uint8Array(1));
  const guard = await watched.write();
  const waits = [watched.write({ signal, owner: {} }), watched.write({ signal, owner: {} })];
  const { promise, resolve } = Promise.withResolvers<Uint8Array>();
  shared.update(() => promise);
  const commits = [
    shared.commit(0, new Uint8Array(1), { signal }),
    shared.commit(0, new Uint8Array(1), { signal }),
  ];
  assert(foreign.listeners > 0);
  guard.release();
  for (const wait of waits) (await wait).release();
  resolve(new Uint8Array(1));
  for (const commit of commits) await assert.rejects(commit, ConflictError);
  assert.equal(foreign.listeners, 0);
});
