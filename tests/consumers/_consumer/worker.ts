/** A thread of the consumer's, which shares what the package has for threads with its parent. */
import { parentPort } from "node:worker_threads";
import {
  SharedBarrier,
  type SharedBarrierHandle,
  SharedRwLock,
  type SharedRwLockHandle,
  SharedSnapshots,
  type SharedSnapshotsHandle,
} from "@interlock/core/workers";

interface Shared {
  readonly lock: SharedRwLockHandle;
  readonly barrier: SharedBarrierHandle;
  readonly values: SharedSnapshotsHandle;
  readonly counter: Int32Array;
}

parentPort!.once("message", async ({ lock, barrier, values, counter }: Shared) => {
  const shared = SharedRwLock.attach(lock);
  const snapshots = SharedSnapshots.attach(values);
  SharedBarrier.attach(barrier).waitSync();
  for (let i = 0; i < 1_000; i++) {
    using _guard = shared.writeSync();
    counter[0] += 1;
  }
  for (let i = 0; i < 100; i++) snapshots.updateSync(([value]) => Uint8Array.of(value + 1));
  await shared.withRead(() => parentPort!.postMessage("done"));
});
