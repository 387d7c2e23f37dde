/** Uses every export of the package as a program that has installed it would. */
import assert from "node:assert/strict";
import { once } from "node:events";
import process from "node:process";
import { Worker } from "node:worker_threads";
import { FileLock, RwLock, Snapshots } from "@interlock/core";
import { tour, WORLD_NAMES } from "@interlock/core/lab";
import { LockManager } from "@interlock/core/locks";
import { Processor, WorkerCrashError } from "@interlock/core/processor";
import { CsvRow, getNextPending, queueWrite, Table } from "@interlock/core/queue";
import { RedisLocks, RedisUnavailableError } from "@interlock/core/redis";
import { SharedBarrier, SharedRwLock, SharedSnapshots } from "@interlock/core/workers";
import { exportStore, FileStore, importStore, MemoryStore } from "@interlock/core/store";
import race from "./race.ts";

async function useCore(): Promise<void> {
  const lock = new RwLock();
  assert.equal(await lock.withWrite(() => "alone"), "alone");
  const values = new Snapshots(1);
  assert.equal(await values.update((value) => value + 1), 1);
  const file = new FileLock("consumer.lock");
  using guard = await file.write();
  assert.equal(guard.released, false);
}

async function useLocks(): Promise<void> {
  const locks = new LockManager();
  assert.equal(await locks.request("name", (lock) => lock.mode), "exclusive");
}

async function useQueue(): Promise<void> {
  const id = await queueWrite(".", "people", { operation: "insert", rows: [new CsvRow("a", [])] });
  assert.equal((await getNextPending(".", "people"))?.id, id);
  using table = new Table(".", "people");
  assert.equal((await table.drain()).drained, 1);
  assert.deepEqual([...table.read().rows.keys()], ["a"]);
}

async function useStore(): Promise<void> {
  await using store = new FileStore("people.store");
  await store.transaction((tx) => {
    tx.set("ada", { born: 1815 });
    tx.set("raw", Uint8Array.of(1, 2));
  });
  const password = "correct horse";
  const copy = new MemoryStore();
  const sealed = await exportStore(store, { password, cost: { N: 2 } });
  assert.equal(await importStore(copy, sealed, { password }), 2);
  assert.deepEqual((await copy.get("ada"))?.value, { born: 1815 });
  assert.deepEqual((await copy.get("raw"))?.value, Uint8Array.of(1, 2));
}

async function useWorkers(): Promise<void> {
  const lock = SharedRwLock.create();
  const barrier = SharedBarrier.create(2);
  const values = SharedSnapshots.create(Uint8Array.of(0));
  const counter = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(new URL("./worker.ts", import.meta.url));
  const done = once(worker, "message");
  const { handle } = barrier;
  worker.postMessage({ lock: lock.handle, barrier: handle, values: values.handle, counter });
  await barrier.wait();
  for (let i = 0; i < 1_000; i++) {
    await lock.withWrite(() => {
      counter[0] += 1;
    });
  }
  for (let i = 0; i < 100; i++) await values.update(([value]) => Uint8Array.of(value + 1));
  await done;
  assert.equal(counter[0], 2_000);
  assert.deepEqual([values.epoch, values.current], [200, Uint8Array.of(200)]);
  await worker.terminate();
}

async function useRedis(): Promise<void> {
  // Nobody listens there: what is shown is that the package finds its client.
  await assert.rejects(RedisLocks.connect("redis://127.0.0.1:1"), RedisUnavailableError);
}

async function useProcessor(): Promise<void> {
  await using processor = new Processor({ workers: 2 });
  processor.handle("here", (value: number) => value + 1);
  processor.handle("elsewhere", new URL("./handlers.ts", import.meta.url));
  processor.handle("crash", new URL("./handlers.ts", import.meta.url));
  assert.equal(await processor.request("here", 1).completed, 2);
  const wrong = processor.request("elsewhere", "text").completed;
  await assert.rejects(wrong, { name: "TypeError", message: "no number: text", code: "ENUMBER" });
  await assert.rejects(processor.request("crash").completed, WorkerCrashError);
  const { value, trace, aborted } = await processor.request("elsewhere", 41).completed;
  assert.deepEqual([value, trace, aborted], [42, undefined, false]);
  assert.deepEqual(await processor.shutdown(), { finished: 0, aborted: 0, abandoned: 0 });
}

async function useLab(): Promise<void> {
  for (const { world, variant, verdict, met } of await tour([race], { worlds: WORLD_NAMES })) {
    process.stdout.write(`${world} ${variant} ${verdict} ${met ? "as expected" : "unexpected"}\n`);
  }
}

await useCore();
await useLocks();
await useQueue();
await useStore();
await useWorkers();
await useRedis();
await useProcessor();
await useLab();
