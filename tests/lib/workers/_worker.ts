/** A Worker that carries out what it is told, for the tests with real threads. */
import { parentPort, workerData } from "node:worker_threads";
import { SharedBarrier, SharedRwLock } from "../../../lib/workers/mod.ts";
import type { Order, Setup } from "./_crew.ts";

const { owner, words, ...handles }: Setup = workerData;
const lock = SharedRwLock.attach(handles.lock, { owner });
const more = handles.more.map((handle) => SharedRwLock.attach(handle, { owner }));
const barrier = SharedBarrier.attach(handles.barrier);

/** What an order does; the words are plain memory unless it says otherwise. */
const orders: Record<Order["do"], (order: Order) => unknown> = {
  async increment({ times = 0, how }) {
    barrier.waitSync();
    for (let round = 0; round < times; round++) {
      const guard = how === "sync"
        ? lock.writeSync()
        : how === "async"
        ? await lock.write()
        : undefined;
      const before = words[0];
      // Long enough that who is interrupted is interrupted here, on however few processors.
      for (let spin = 0; spin < 50; spin++) Atomics.load(words, 8);
      words[0] = before + 1;
      guard?.release();
    }
  },
  /** Appends its number to the list that begins at word 1, when it gets in. */
  async append({ mode, how }) {
    const guard = how === "sync"
      ? mode === "read" ? lock.readSync() : lock.writeSync()
      : await (mode === "read" ? lock.read() : lock.write());
    words[Atomics.add(words, 0, 1) + 1] = owner;
    guard.release();
  },
  /** Reads again and again until word 0 is set; word 1 counts the entries, 2 who is inside. */
  read() {
    barrier.waitSync();
    while (Atomics.load(words, 0) === 0) {
      const guard = lock.readSync();
      Atomics.add(words, 1, 1);
      const inside = Atomics.add(words, 2, 1) + 1;
      if (inside > Atomics.load(words, 3)) Atomics.store(words, 3, inside);
      for (let spin = 0; spin < 2000; spin++) Atomics.load(words, 0);
      Atomics.sub(words, 2, 1);
      guard.release();
    }
  },
  /** Passes the barrier again and again; word `owner` is its round, and no other may be behind. */
  async pass({ times = 0, how }) {
    let faults = 0;
    let last = 0;
    for (let round = 1; round <= times; round++) {
      Atomics.store(words, owner, round);
      const index = how === "sync" ? barrier.waitSync() : await barrier.wait();
      if (index === barrier.parties - 1) last++;
      for (let other = 1; other <= barrier.parties; other++) {
        const at = Atomics.load(words, other);
        if (at !== round && at !== round + 1) faults++;
      }
    }
    return { faults, last };
  },
  /** Takes the lock and tells so; holds it asleep until it is terminated. */
  hold({ mode }) {
    const guard = mode === "read" ? lock.readSync() : lock.writeSync();
    Atomics.store(words, owner, 1);
    Atomics.notify(words, owner);
    Atomics.wait(words, owner, 1);
    guard.release();
  },
  /**
   * Has one lock alone, shares another, and waits asleep for a third; counts in word 0 if it ever
   * gets in there, and gives all of them back.
   */
  stand({ mode }) {
    const [shared, wanted] = more;
    using _alone = lock.writeSync();
    using _shared = shared.readSync();
    using _wanted = mode === "read" ? wanted.readSync() : wanted.writeSync();
    Atomics.add(words, 0, 1);
  },
  /** Takes and gives back the lock for ever; word `owner` is 1 while it is inside. */
  churn({ mode }) {
    for (;;) {
      const guard = mode === "read" ? lock.readSync() : lock.writeSync();
      Atomics.store(words, owner, 1);
      Atomics.store(words, owner, 0);
      guard.release();
    }
  },
};

parentPort!.on("message", async (order: Order) => {
  parentPort!.postMessage(await orders[order.do](order));
});
parentPort!.postMessage("ready");
