import assert from "node:assert/strict";
import { test } from "node:test";
import { SharedBarrier, SharedRwLock } from "../../../lib/workers/mod.ts";
import { WorkerMedium } from "../../../lab/worlds/_worker_medium.ts";

test("an actor among workers has its seats before it starts, so that reaping it shuts it out", {
  timeout: 10_000,
}, async () => {
  const lock = SharedRwLock.create({ label: "lock" });
  const medium = new WorkerMedium(
    {
      cells: new Int32Array(new SharedArrayBuffer(4)),
      indices: {},
      atomic: [],
      locks: { lock: lock.handle },
      objects: {},
      barrier: SharedBarrier.create(1).handle,
      sequence: new SharedArrayBuffer(4),
    },
    1,
    ["terminator", "holder"],
  );
  medium.awaitStart();
  lock.reap(1);
  await assert.rejects(async () => await medium.lock("lock").write(), {
    name: "OwnerReapedError",
  });
  await medium.close();
});
