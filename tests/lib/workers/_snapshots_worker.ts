/** A Worker that does with snapshots what it is told, for the tests with real threads. */
import { parentPort, workerData } from "node:worker_threads";
import { ConflictError } from "../../../mod.ts";
import { SharedSnapshots } from "../../../lib/workers/mod.ts";
import {
  CAPACITY,
  END,
  FAULTS,
  following,
  FOUND,
  isWhole,
  type SnapshotsOrder,
  type SnapshotsSetup,
} from "./_snapshots_crew.ts";

const { tables: handles, owner, words }: SnapshotsSetup = workerData;
const tables = handles.map((handle) => SharedSnapshots.attach(handle, { owner }));
const [table] = tables;

/** The bytes of those who have no snapshots: behind the words that are spoken of. */
const bare = new Uint8Array(words.buffer, 1024, CAPACITY);

/** One more than the number in the first bytes. */
function plusOne(bytes: Uint8Array): Uint8Array {
  const next = bytes.slice();
  const view = new DataView(next.buffer);
  view.setUint32(0, view.getUint32(0) + 1);
  return next;
}

/** What became of something that may be refused. */
async function nameOf(attempt: () => unknown): Promise<string> {
  try {
    return `${await attempt()}`;
  } catch (error) {
    return (error as Error).name;
  }
}

const orders: Record<SnapshotsOrder["do"], (order: SnapshotsOrder) => unknown> = {
  /** Adds one to the number in the first bytes, again and again. */
  async add({ how, times = 0 }) {
    for (let done = 0; done < times;) {
      if (how === "sync") table.updateSync(plusOne);
      else if (how === "async") await table.update(plusOne);
      else if (how === "unguarded") {
        // As many do it: what is added to was read before it was this thread's turn.
        const before = table.current;
        table.updateSync(() => plusOne(before));
      } else {
        try {
          using base = table.pin();
          table.commitSync(base, plusOne(base.value));
        } catch (error) {
          if (!(error instanceof ConflictError)) throw error;
          continue;
        }
      }
      done++;
    }
  },

  /** Looks again and again whether what is current is whole, until it is told to end. */
  read({ how }) {
    let last = 0;
    while (Atomics.load(words, END) === 0) {
      const whole = how === "unguarded"
        ? isWhole(bare.subarray(0, CAPACITY - words[0] % 7), words[0])
        : table.view((bytes, epoch) => {
          if (epoch < last) return false;
          last = epoch;
          return isWhole(bytes, epoch);
        });
      Atomics.add(words, whole ? FOUND : FAULTS, 1);
    }
  },

  /** Writes version after version where the last one lies, for ever. */
  scribble() {
    for (let epoch = 1;; epoch++) {
      words[0] = epoch;
      const length = CAPACITY - epoch % 7;
      for (let index = 0; index < length; index++) bare[index] = epoch % 251;
    }
  },

  /**
   * Has pinned a version of the first table, is amid an update of the second, has an update wait for
   * a slot of the third and another for a change of the first, and waits asleep for its turn in the
   * last, if the test sees to it that each of these has to wait. Answers how each has ended.
   */
  async stand() {
    const [pinned, written, full, taken] = tables;
    const pin = pinned.pin();
    const forSlot = nameOf(() => full.update(following));
    const forChange = nameOf(() => pinned.changed(pinned.epoch));
    const ends: Promise<string>[] = [];
    const writing = await nameOf(() =>
      written.updateSync((value, context) => {
        ends.push(nameOf(() => taken.updateSync(following)));
        return following(value, context);
      })
    );
    const reading = nameOf(() => pin.value[0]);
    pin[Symbol.dispose]();
    return await Promise.all([...ends, writing, reading, forSlot, forChange]);
  },

  /** Reads and writes for ever. */
  churn() {
    for (let turn = 0;; turn++) {
      const pin = table.pin();
      table.updateSync(following);
      // A view, for it throws when this thread has been reaped meanwhile.
      if (!table.view(isWhole)) Atomics.add(words, FAULTS, 1);
      if (turn % 2 === 0) table.updateSync(following);
      pin[Symbol.dispose]();
    }
  },

  /** Two take turns: one commits whenever the other has, each knowing it by the change alone. */
  async trade({ how, times = 0 }) {
    for (let epoch = owner - 1; epoch < 2 * times; epoch += 2) {
      if (epoch > 0) {
        const seen = how === "sync" ? table.changedSync(epoch - 1) : await table.changed(epoch - 1);
        if (seen !== epoch) Atomics.add(words, FAULTS, 1);
      }
      if (how === "sync") table.updateSync(following);
      else await table.update(following);
    }
  },
};

parentPort!.on("message", async (order: SnapshotsOrder) => {
  parentPort!.postMessage(await orders[order.do](order));
});
parentPort!.postMessage("ready");
