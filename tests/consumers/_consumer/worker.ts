/** A thread of the consumer's, which shares a lock of the package's with its parent. */
import { parentPort } from "node:worker_threads";
import { SharedRwLock, type SharedRwLockHandle } from "@interlock/core/workers";

interface Shared {
  readonly lock: SharedRwLockHandle;
  readonly counter: Int32Array;
}

parentPort!.once("message", async ({ lock, counter }: Shared) => {
  const shared = SharedRwLock.attach(lock);
  for (let i = 0; i < 1_000; i++) {
    using _guard = shared.writeSync();
    counter[0] += 1;
  }
  await shared.withRead(() => parentPort!.postMessage("done"));
});
