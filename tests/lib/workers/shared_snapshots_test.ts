/** `SharedSnapshots` in one isolate: several attached owners stand for several threads. */
import { describe, test } from "node:test";
import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import {
  ChangeTimeoutError,
  ConflictError,
  LockTimeoutError,
  type Pin,
  UpdateLimitError,
  type UpdateOptions,
} from "../../../mod.ts";
import {
  OwnerReapedError,
  SharedRwLock,
  SharedSnapshots,
  type SharedSnapshotsHandle,
  type SharedSnapshotsOptions,
  SlotTimeoutError,
} from "../../../lib/workers/mod.ts";
import { FakeHost, outcome } from "../../_fake_host.ts";
import { ForeignSignal } from "../../_foreign_signal.ts";
import { until } from "./_until.ts";

const timeout = 30_000;

/** One byte. */
const b = (value: number) => Uint8Array.of(value);

function pair(options: SharedSnapshotsOptions = {}): [SharedSnapshots, SharedSnapshots] {
  const mine = SharedSnapshots.create(b(0), { label: "prices", capacity: 4, ...options });
  return [mine, SharedSnapshots.attach(structuredClone(mine.handle))];
}

/** Commits 1, 2, 3 and so on, each by itself. */
function commitAll(snapshots: SharedSnapshots, ...values: number[]): void {
  // Whoever waits longer waits for ever.
  for (const value of values) snapshots.updateSync(() => b(value), { timeout: 5000 });
}

/** Where what is behind the seats begins. */
function behindSeats({ handle }: SharedSnapshots): number {
  const words = new Int32Array(handle.memory);
  return 48 + 16 * words[2];
}

/** The word of a slot that says how it is used. */
const useOf = (snapshots: SharedSnapshots, slot: number) =>
  behindSeats(snapshots) + 48 + 16 * slot + 3;

describe("SharedSnapshots", () => {
  test("a pin keeps its bytes while writers go on, and readers find what is current", {
    timeout,
  }, () => {
    const [mine, theirs] = pair();
    const before = theirs.pin("report");
    assert.deepEqual([before.epoch, before.label], [0, "report"]);
    for (let value = 1; value <= 100; value++) {
      assert.equal(mine.updateSync(([old]) => Uint8Array.of(old + 1, value)), value);
      assert.deepEqual(theirs.current, Uint8Array.of(value, value));
      assert.deepEqual([mine.epoch, theirs.epoch], [value, value]);
      assert.deepEqual([...before.value], [0]);
    }
    before[Symbol.dispose]();
    assert.throws(() => before.value, {
      name: "TypeError",
      message: "Cannot read version 0: its pin has been disposed of",
    });
  });

  test("current is a copy, and what a writer gave can be used again", { timeout }, () => {
    const [mine, theirs] = pair();
    const copy = mine.current;
    assert(copy.buffer instanceof ArrayBuffer);
    copy[0] = 9;
    const given = Uint8Array.of(1, 2);
    mine.updateSync(() => given);
    given[0] = 9;
    assert.deepEqual(theirs.current, Uint8Array.of(1, 2));
  });

  test("a version's bytes are the same object each time, and another's another", {
    timeout,
  }, () => {
    const [mine] = pair();
    using first = mine.pin();
    const { value } = first;
    using again = mine.pin();
    assert.equal(again.value, value);
    assert.equal(mine.view((bytes) => bytes), value);
    commitAll(mine, 1, 2, 3);
    first[Symbol.dispose]();
    again[Symbol.dispose]();
    // Its slot, and the others, have a version each since.
    commitAll(mine, 4, 5, 6, 7);
    for (let slot = 0; slot < 4; slot++) {
      assert.notEqual(mine.view((bytes) => bytes), value);
      commitAll(mine, 8 + slot);
    }
  });

  test("pins of one thread on one version are over with the last of them", { timeout }, () => {
    const [mine, theirs] = pair({ slots: 2 });
    const pins = [theirs.pin(), theirs.pin(), theirs.pin()];
    commitAll(mine, 1);
    for (const pin of pins) {
      assert.throws(() => mine.updateSync(() => b(2), { timeout: 0 }), SlotTimeoutError);
      pin[Symbol.dispose]();
      pin[Symbol.dispose]();
    }
    commitAll(mine, 2);
  });

  test(
    "takes values of every length up to its capacity, and none beyond",
    { timeout },
    async () => {
      const snapshots = SharedSnapshots.create(new Uint8Array(100).fill(7), { label: "prices" });
      assert.equal(snapshots.capacity, 100);
      for (const length of [0, 1, 63, 64, 65, 100]) {
        await snapshots.update(() => new Uint8Array(length).fill(length));
        assert.deepEqual(snapshots.current, new Uint8Array(length).fill(length));
      }
      const message = "the value has 101 bytes, and there is room for 100";
      const long = new Uint8Array(101);
      const tries: [string, () => unknown][] = [
        ["update", () => snapshots.update(() => long)],
        ["update", () => Promise.try(() => snapshots.updateSync(() => long))],
        ["commit to", () => snapshots.commit(6, long)],
        ["commit to", () => Promise.try(() => snapshots.commitSync(6, long))],
      ];
      for (const [action, attempt] of tries) {
        await assert.rejects(async () => await attempt(), {
          name: "RangeError",
          message: `Cannot ${action} prices: ${message}`,
        });
      }
      assert.equal(snapshots.epoch, 6);
      assert.equal(snapshots.stats().failed, 2);
      assert.deepEqual(snapshots.stats().turn, { holders: [], waiters: [] });
    },
  );

  test("counts commits beyond what one word can", { timeout }, () => {
    const [mine, theirs] = pair();
    const words = new Int32Array(mine.handle.memory);
    words[behindSeats(mine) + 48] = -1; // the epoch of slot 0, whose low word is full
    assert.equal(mine.epoch, 2 ** 32 - 1);
    assert.equal(mine.updateSync(() => b(1)), 2 ** 32);
    assert.deepEqual([theirs.epoch, theirs.pin().epoch], [2 ** 32, 2 ** 32]);
  });

  test("view() answers what its function does, and takes its pin away however it ends", {
    timeout,
  }, async () => {
    const [mine, theirs] = pair({ slots: 2 });
    const free = () => commitAll(mine, 1, 2);
    assert.equal(theirs.view((bytes, epoch) => bytes[0] + epoch), 0);
    free();
    assert.throws(() =>
      theirs.view(() => {
        throw new Error("inside");
      }), /inside/);
    free();
    const gate = Promise.withResolvers<void>();
    const viewed = theirs.view(async (bytes) => {
      await gate.promise;
      return bytes[0];
    });
    commitAll(mine, 3);
    assert.throws(() => mine.updateSync(() => b(4), { timeout: 0 }), SlotTimeoutError);
    gate.resolve();
    assert.equal(await viewed, 2);
    free();
    await assert.rejects(theirs.view(() => Promise.reject(new Error("later"))), /later/);
    free();
    const thrower = {
      get then() {
        throw new Error("not to be read");
      },
    };
    assert.throws(() => theirs.view(() => thrower), /not to be read/);
    free();
    assert.throws(() => theirs.view(undefined as never), TypeError);
  });

  test("needs no clock and sets no timer to read", { timeout }, () => {
    const host = new FakeHost();
    const [mine] = host.build(pair);
    mine.pin()[Symbol.dispose]();
    mine.view(() => {});
    assert.equal(mine.current.length + mine.epoch, 1);
    assert.deepEqual([host.reads, host.set], [0, 0]);
  });
});

describe("SharedSnapshots.update()", () => {
  test("serves threads in the order in which they came, each with the last version", {
    timeout,
  }, async () => {
    const mine = SharedSnapshots.create(new Uint8Array(), { capacity: 10 });
    const threads = [1, 2, 3].map((owner) => SharedSnapshots.attach(mine.handle, { owner }));
    const all = [2, 0, 1].map((index) =>
      threads[index].update(async (value, { epoch }) => {
        await setImmediate();
        assert.equal(value.length, epoch);
        return Uint8Array.of(...value, index);
      })
    );
    assert.deepEqual(await Promise.all(all), [1, 2, 3]);
    assert.deepEqual(mine.current, Uint8Array.of(2, 0, 1));
  });

  test("leaves value and epoch as they were when it does not succeed", { timeout }, async () => {
    const host = new FakeHost();
    const [mine] = host.build(pair);
    const controller = new AbortController();
    const hang = () => new Promise<Uint8Array>(() => {});
    await assert.rejects(mine.update(() => Promise.reject(new Error("no"))), /no/);
    await assert.rejects(mine.update(() => "text" as never), {
      name: "TypeError",
      message: `Cannot update prices: the value must be a Uint8Array, got "text"`,
    });
    assert.throws(() => mine.updateSync((() => Promise.resolve(b(1))) as never), TypeError);
    const limited = mine.update(hang, { limit: 20, label: "import" }).catch((error) => error);
    await setImmediate();
    host.advance(20);
    assert((await limited) instanceof UpdateLimitError);
    const aborted = mine.update(hang, { signal: controller.signal });
    await setImmediate();
    controller.abort(new Error("enough"));
    await assert.rejects(aborted, /enough/);
    await assert.rejects(mine.update(hang, { signal: controller.signal }), /enough/);
    assert.deepEqual([mine.current, mine.epoch], [b(0), 0]);
    assert.equal(host.timers, 0);
    assert.equal(await mine.update(() => b(1)), 1);
    const { failed, overran, aborted: ended, committed } = mine.stats();
    assert.deepEqual([failed, overran, ended, committed], [3, 1, 2, 1]);
  });

  test("keeps the version that an abandoned function was given until that ends", {
    timeout,
  }, async () => {
    const [mine, theirs] = pair({ slots: 2 });
    const controller = new AbortController();
    const gate = Promise.withResolvers<void>();
    let seen: number[] | undefined;
    const late = mine.update(async (value) => {
      await gate.promise;
      seen = [...value];
      return b(9);
    }, { signal: controller.signal });
    await setImmediate();
    controller.abort(new Error("enough"));
    await assert.rejects(late, /enough/);
    commitAll(theirs, 1);
    assert.throws(() => theirs.updateSync(() => b(2), { timeout: 0 }), SlotTimeoutError);
    gate.resolve();
    await setImmediate();
    assert.deepEqual(seen, [0]);
    commitAll(theirs, 2);
    assert.deepEqual(mine.current, b(2));
  });

  test("waits for its turn no longer than it is told", { timeout }, async () => {
    const host = new FakeHost();
    const [mine, theirs] = host.build(pair);
    const gate = Promise.withResolvers<Uint8Array>();
    const first = theirs.update(() => gate.promise);
    await setImmediate();
    const late = mine.update(() => b(1), { timeout: 50 }).catch((error) => error);
    assert.throws(() => mine.updateSync(() => b(1), { timeout: 0 }), LockTimeoutError);
    const controller = new AbortController();
    const aborted = mine.update(() => b(1), { signal: controller.signal });
    controller.abort(new Error("enough"));
    await assert.rejects(aborted, /enough/);
    host.advance(50);
    const error = await late;
    assert(error instanceof LockTimeoutError);
    assert.equal(
      error.message,
      "Cannot write-lock prices within 50 ms: it is held by a writer (owner 1)",
    );
    gate.resolve(b(7));
    assert.equal(await first, 1);
    assert.deepEqual(mine.current, b(7));
    assert.deepEqual([mine.stats().timedOut, mine.stats().aborted], [2, 1]);
    assert.equal(host.timers, 0);
  });

  test("is not re-entrant: inside its function it would wait for itself", { timeout }, async () => {
    const [mine] = pair();
    await mine.update(async (value) => {
      await assert.rejects(mine.update(() => b(1), { timeout: 5 }), LockTimeoutError);
      assert.throws(() => mine.updateSync(() => b(1)), /tasks of this thread hold it or are ahead/);
      return value;
    });
    mine.updateSync((value) => {
      assert.throws(() => mine.updateSync(() => b(1)), /tasks of this thread hold it or are ahead/);
      return value;
    });
    assert.equal(mine.epoch, 2);
  });

  test("goes by what its options were when it was called", { timeout }, async () => {
    const [mine] = pair();
    const gate = Promise.withResolvers<Uint8Array>();
    const running = mine.update(() => gate.promise);
    const options: UpdateOptions = { limit: 60_000, timeout: 60_000 };
    const update = mine.update(() => setImmediate(b(2)), options);
    const commit = assert.rejects(mine.commit(0, b(3), options), ConflictError);
    Object.assign(options, { limit: 0, timeout: 0, signal: AbortSignal.abort(new Error("no")) });
    gate.resolve(b(1));
    assert.deepEqual(await Promise.all([running, update]), [1, 2]);
    await commit;
    // One whose base is current when its turn comes, as the write before it fails.
    const fails = mine.update(() => setImmediate().then(() => assert.fail("of itself")));
    const again: UpdateOptions = {};
    const late = mine.commit(2, b(3), again);
    Object.assign(again, options);
    await assert.rejects(fails, /of itself/);
    assert.equal(await late, 3);
  });

  test("ends by a signal of another realm, wherever it waits", { timeout }, async () => {
    const [mine, theirs] = pair({ slots: 2 });
    using pin = mine.pin();
    commitAll(mine, 1);
    const foreign = new ForeignSignal();
    const signal = foreign.asSignal;
    // For a slot, for the turn, and behind others of its thread; and for a change.
    const waits = [
      mine.update(() => b(9), { signal }),
      theirs.update(() => b(9), { signal }),
      theirs.update(() => b(9), { signal }),
      theirs.commit(1, b(9), { signal }),
      theirs.changed(1, { signal }),
    ];
    for (const wait of waits) assert.equal(await outcome(wait), "pending");
    foreign.abort(new Error("elsewhere"));
    for (const wait of waits) await assert.rejects(wait, /elsewhere/);
    assert.deepEqual([pin.epoch, mine.epoch], [0, 1]);
    assert.deepEqual(mine.stats().turn, { holders: [], waiters: [] });
  });

  test("is not asked behind others of its thread whether it is worthwhile, as commits are", {
    timeout,
  }, async () => {
    // Who may be turned away has a controller, and is asked whenever the first of the thread tries:
    // were all asked, many would cost the square of their number.
    const made: Record<string, number> = { update: 0, commit: 0 };
    const { AbortController } = globalThis;
    for (const how of ["update", "commit"] as const) {
      const [mine] = pair();
      const gate = Promise.withResolvers<Uint8Array>();
      const writes = [mine.update(() => gate.promise), mine.update(() => b(2))];
      globalThis.AbortController = class extends AbortController {
        constructor() {
          super();
          made[how]++;
        }
      };
      try {
        const late = how === "update" ? mine.update(() => b(3)) : mine.commit(0, b(3));
        writes.push(late.catch(() => 0));
      } finally {
        globalThis.AbortController = AbortController;
      }
      gate.resolve(b(1));
      await Promise.all(writes);
    }
    assert.deepEqual(made, { update: 0, commit: 1 });
  });

  test("does not hold readers up, whatever it waits for", { timeout }, async () => {
    const [mine, theirs] = pair({ slots: 2 });
    const gate = Promise.withResolvers<Uint8Array>();
    const running = mine.update(() => gate.promise);
    await setImmediate();
    assert.deepEqual(theirs.current, b(0));
    const pin = theirs.pin();
    gate.resolve(b(1));
    await running;
    const stuck = mine.update(() => b(2));
    await setImmediate();
    assert.deepEqual([theirs.current, theirs.pin().epoch], [b(1), 1]);
    pin[Symbol.dispose]();
    assert.equal(await stuck, 2);
  });
});

describe("SharedSnapshots, when all slots are pinned,", () => {
  /** All versions but the current one are pinned, by owner 1. */
  function full(slots = 3): [SharedSnapshots, SharedSnapshots, Pin<Uint8Array>[]] {
    const [mine, theirs] = pair({ slots });
    const pins: Pin<Uint8Array>[] = [];
    for (let value = 1; value < slots; value++) {
      pins.push(theirs.pin());
      commitAll(mine, value);
    }
    return [mine, theirs, pins];
  }

  test("makes an update wait until one is released", { timeout }, async () => {
    const [mine, theirs, pins] = full();
    let ran = false;
    const late = mine.update(() => {
      ran = true;
      return b(9);
    });
    assert.equal(await outcome(late), "pending");
    assert.equal(ran, false, "its function does not run in vain");
    using _current = theirs.pin();
    assert.equal(await outcome(late), "pending", "what is current is of no use");
    pins[0][Symbol.dispose]();
    assert.equal(await late, 3);
    assert.deepEqual([...pins[1].value], [1]);
  });

  test("makes a commit wait likewise, and others behind it in order", { timeout }, async () => {
    const [mine, theirs, pins] = full();
    const late = mine.commit(2, b(9));
    const behind = theirs.update(([value]) => b(value + 1));
    assert.equal(await outcome(behind), "pending");
    pins[1][Symbol.dispose]();
    assert.deepEqual(await Promise.all([late, behind]), [3, 4]);
    assert.deepEqual(mine.current, b(10));
  });

  test("an update times out with who is in the way, and leaves nothing behind", {
    timeout,
  }, async () => {
    const host = new FakeHost();
    const [mine, , pins] = host.build(full);
    const late = mine.update(() => b(9), { timeout: 50 }).catch((error) => error);
    host.advance(49);
    assert.equal(await outcome(late), "pending");
    host.advance(1);
    const error = await late;
    assert(error instanceof SlotTimeoutError);
    assert.equal(
      error.message,
      "Cannot commit to prices within 50 ms: all 3 slots are current or pinned (by owner 1)",
    );
    assert.deepEqual([error.waited, error.slots, error.owners], [50, 3, [1]]);
    assert.equal(mine.stats().timedOut, 1);
    assert.equal(host.timers, 0);
    const bell = behindSeats(mine) + 16;
    assert.equal(Atomics.notify(new Int32Array(mine.handle.memory), bell + 1), 0);
    pins[0][Symbol.dispose]();
    assert.equal(await mine.update(() => b(9)), 3);
  });

  test("the time counts that it waited for its turn", { timeout }, async () => {
    const host = new FakeHost();
    const [mine, theirs] = host.build(full);
    const first = theirs.update(() => b(8), { timeout: 30 }).catch((error) => error);
    const late = mine.update(() => b(9), { timeout: 50 }).catch((error) => error);
    await setImmediate();
    host.advance(30);
    assert((await first) instanceof SlotTimeoutError);
    await until(() => mine.stats().turn.waiters.length === 0, "its turn");
    assert.equal(await outcome(late), "pending");
    host.advance(20);
    const error = await late;
    assert(error instanceof SlotTimeoutError);
    assert.equal(error.waited, 50);
  });

  test("an update aborts, and does not wait at all with a timeout of 0", { timeout }, async () => {
    const [mine, , pins] = full();
    const controller = new AbortController();
    const aborted = mine.update(() => b(9), { signal: controller.signal });
    await setImmediate();
    controller.abort(new Error("enough"));
    await assert.rejects(aborted, /enough/);
    await assert.rejects(mine.update(() => b(9), { timeout: 0 }), SlotTimeoutError);
    await assert.rejects(mine.commit(2, b(9), { timeout: 0 }), SlotTimeoutError);
    assert.deepEqual(mine.stats().turn, { holders: [], waiters: [] });
    pins[1][Symbol.dispose]();
    assert.equal(mine.commitSync(2, b(9)), 3);
  });

  test("a synchronous update blocks for its timeout", { timeout }, () => {
    const [mine] = full();
    const begun = performance.now();
    assert.throws(() => mine.updateSync(() => b(9), { timeout: 30 }), (error) => {
      assert(error instanceof SlotTimeoutError);
      assert(error.waited >= 30 && performance.now() - begun >= 30);
      return true;
    });
    assert.deepEqual(mine.stats().turn, { holders: [], waiters: [] });
  });

  test("a synchronous update refuses to wait for its own thread", { timeout }, async () => {
    const [mine, theirs] = pair({ slots: 3, label: "prices" });
    const pins = [mine.pin()];
    commitAll(theirs, 1);
    pins.push(mine.pin());
    commitAll(theirs, 2);
    const message = "Cannot commit to prices synchronously: this thread itself has pinned all " +
      "other versions, and could never release one while it waits";
    assert.throws(() => mine.updateSync(() => b(3)), { message });
    assert.throws(() => mine.commitSync(2, b(3)), { message });
    assert.throws(() => mine.updateSync(() => b(3), { timeout: 0 }), SlotTimeoutError);
    // A task can wait, for it lets others run.
    const late = mine.update(() => b(3));
    assert.equal(await outcome(late), "pending");
    pins[0][Symbol.dispose]();
    assert.equal(await late, 3);
    commitAll(theirs, 4);
    pins.push(mine.pin());
    commitAll(theirs, 5);
    // Whoever has the turn waits for this thread too, so that it waits for itself by way of him.
    const theirLate = theirs.update(() => b(6));
    assert.equal(await outcome(theirLate), "pending");
    assert.throws(() => mine.updateSync(() => b(7), { timeout: 5000 }), { message });
    assert.throws(() => mine.commitSync(5, b(7), { timeout: 5000 }), { message });
    pins[1][Symbol.dispose]();
    assert.equal(await theirLate, 6);
    assert.deepEqual(mine.stats().turn, { holders: [], waiters: [] });
  });
});

describe("SharedSnapshots.commit()", () => {
  test("succeeds only if nothing was committed since its base", { timeout }, async () => {
    const [mine, theirs] = pair();
    using base = mine.pin();
    assert.equal(await mine.commit(base, b(1)), 1);
    await assert.rejects(mine.commit(base, b(2)), (error) => {
      assert(error instanceof ConflictError);
      assert.deepEqual([error.base, error.current], [0, 1]);
      return true;
    });
    assert.throws(() => mine.commitSync(0, b(2)), ConflictError);
    assert.equal(theirs.commitSync(1, b(2)), 2);
    assert.deepEqual(mine.current, b(2));
    // A pin that was disposed of still names its epoch.
    const past = theirs.pin();
    past[Symbol.dispose]();
    assert.equal(await theirs.commit(past, b(3)), 3);
    assert.deepEqual([mine.stats().conflicts, mine.stats().committed], [2, 1]);
  });

  test("finds a conflict also when that came while it waited", { timeout }, async () => {
    const [mine, theirs] = pair();
    const gate = Promise.withResolvers<Uint8Array>();
    const running = theirs.update(() => gate.promise);
    await setImmediate();
    const late = mine.commit(0, b(9));
    gate.resolve(b(1));
    await running;
    await assert.rejects(late, ConflictError);
    assert.deepEqual(mine.current, b(1));
    assert.equal(mine.stats().conflicts, 1);
  });

  for (const where of ["in the queue", "behind others of its thread"]) {
    test(`gives up ${where} when a writer waits for the slot of its base`, {
      timeout,
    }, async () => {
      const mine = SharedSnapshots.create(b(0), { slots: 2 });
      const [theirs, others] = [1, 2].map((owner) =>
        SharedSnapshots.attach(mine.handle, { owner })
      );
      const base = theirs.pin();
      const gate = Promise.withResolvers<Uint8Array>();
      const running = mine.update(() => gate.promise);
      const next = others.update(([value]) => b(value + 1));
      const front = where === "in the queue" ? [] : [theirs.update(([value]) => b(value + 1))];
      const { signal } = new AbortController();
      const late = [theirs.commit(base, b(9)), theirs.commit(base, b(9), { signal })];
      const alike = theirs.commit(0, b(9));
      await setImmediate();
      gate.resolve(b(1));
      assert.equal(await running, 1);
      for (const commit of [...late, alike]) await assert.rejects(commit, ConflictError);
      assert.equal(await outcome(next), "pending");
      base[Symbol.dispose]();
      assert.deepEqual(await Promise.all([next, ...front]), [2, 3].slice(0, 1 + front.length));
      assert.deepEqual(theirs.stats().turn, { holders: [], waiters: [] });
      assert.equal(theirs.stats().conflicts, 3);
    });
  }

  test("still times out and aborts behind others of its thread", { timeout }, async () => {
    const [mine, theirs] = pair();
    const gate = Promise.withResolvers<Uint8Array>();
    const running = mine.update(() => gate.promise);
    const front = theirs.update(([value]) => b(value + 1));
    const controller = new AbortController();
    const aborted = theirs.commit(0, b(9), { signal: controller.signal });
    const late = theirs.commit(0, b(9), { timeout: 1 });
    await assert.rejects(late, LockTimeoutError);
    controller.abort(new Error("enough"));
    await assert.rejects(aborted, /enough/);
    gate.resolve(b(1));
    assert.deepEqual(await Promise.all([running, front]), [1, 2]);
    const { aborted: ended, timedOut } = theirs.stats();
    assert.deepEqual([ended, timedOut], [1, 1]);
  });

  test("commits nothing once its signal has aborted, though it needs not wait", {
    timeout,
  }, async () => {
    const [mine] = pair();
    const controller = new AbortController();
    const late = mine.commit(0, b(1), { signal: controller.signal });
    controller.abort(new Error("enough"));
    await assert.rejects(late, /enough/);
    await assert.rejects(mine.commit(0, b(1), { signal: controller.signal }), /enough/);
    assert.deepEqual([mine.epoch, mine.stats().aborted], [0, 2]);
    assert.deepEqual(mine.stats().turn, { holders: [], waiters: [] });
  });

  test("refuses a base that is none", { timeout }, async () => {
    const [mine, theirs] = pair();
    using foreign = theirs.pin();
    await assert.rejects(mine.commit(foreign, b(1)), {
      name: "TypeError",
      message: "Cannot commit: base must be a pin of these snapshots or an epoch, got an object",
    });
    await assert.rejects(mine.commit(-1, b(1)), RangeError);
    await assert.rejects(mine.commit(0.5, b(1)), RangeError);
    assert.throws(() => mine.commitSync("0" as never, b(1)), TypeError);
    assert.throws(() => mine.commitSync(0, [1] as never), TypeError);
    assert.equal(mine.epoch, 0);
  });
});

describe("SharedSnapshots.changed()", () => {
  test("resolves when another thread commits, or at once if one has", { timeout }, async () => {
    const [mine, theirs] = pair();
    const both = [theirs.changed(0), theirs.changed(0), mine.changed(0)];
    const later = theirs.changed(1);
    assert.equal(await outcome(both[0]), "pending");
    assert.equal(theirs.stats().watchers, 3);
    commitAll(mine, 1);
    assert.deepEqual(await Promise.all(both), [1, 1, 1]);
    assert.equal(await outcome(later), "pending");
    commitAll(mine, 2, 3);
    assert.equal(await later, 3);
    assert.equal(await mine.changed(1), 3);
    assert.equal(mine.changedSync(1), 3);
    assert.equal(theirs.stats().watchers, 0);
  });

  test("times out and aborts, and leaves nothing behind", { timeout }, async () => {
    const host = new FakeHost();
    const [mine] = host.build(pair);
    const controller = new AbortController();
    const late = mine.changed(0, { timeout: 50 }).catch((error) => error);
    const aborted = mine.changed(0, { signal: controller.signal });
    const patient = mine.changed(0);
    controller.abort(new Error("enough"));
    await assert.rejects(aborted, /enough/);
    await assert.rejects(mine.changed(0, { signal: controller.signal }), /enough/);
    host.advance(50);
    const error = await late;
    assert(error instanceof ChangeTimeoutError);
    assert.equal(
      error.message,
      "Cannot see a change of prices within 50 ms: nothing came after epoch 0",
    );
    await assert.rejects(mine.changed(0, { timeout: 0 }), ChangeTimeoutError);
    assert.equal(mine.stats().watchers, 1);
    commitAll(mine, 1);
    assert.equal(await patient, 1);
    assert.equal(host.timers, 0);
    const bell = behindSeats(mine) + 32;
    assert.equal(Atomics.notify(new Int32Array(mine.handle.memory), bell + 1), 0);
  });

  test("blocks the thread for its timeout where it is synchronous", { timeout }, () => {
    const [mine] = pair();
    const begun = performance.now();
    assert.throws(() => mine.changedSync(0, { timeout: 30 }), (error) => {
      assert(error instanceof ChangeTimeoutError);
      assert(error.waited >= 30 && performance.now() - begun >= 30);
      return true;
    });
  });

  test("a commit makes no system call where nobody waits for one", { timeout }, () => {
    const [mine] = pair();
    const { notify } = Atomics;
    let calls = 0;
    Atomics.notify = ((...args: Parameters<typeof notify>) => {
      calls++;
      return notify(...args);
    }) as typeof notify;
    try {
      commitAll(mine, 1, 2, 3);
      mine.pin()[Symbol.dispose]();
    } finally {
      Atomics.notify = notify;
    }
    assert.equal(calls, 0);
  });
});

describe("SharedSnapshots.stats()", () => {
  test("tells who reads what, in this thread and in others", { timeout }, async () => {
    const [mine, theirs] = pair();
    using _report = mine.pin("report");
    using _again = mine.pin("report");
    using _plain = mine.pin();
    using _theirs = theirs.pin("not known to others");
    commitAll(mine, 1);
    using _current = theirs.pin();
    const { epoch, slots, readers, oldestPin, retained } = mine.stats();
    assert.deepEqual([epoch, slots, readers, retained], [1, 4, 5, 2]);
    assert.deepEqual(oldestPin, { epoch: 0, readers: 4, labels: ["report", "owner 1"] });
    assert.deepEqual(theirs.stats().oldestPin, {
      epoch: 0,
      readers: 2,
      labels: ["not known to others", "owner 0"],
    });
    const [idle] = pair();
    assert.equal(idle.stats().oldestPin, undefined);
    assert.equal(idle.stats().retained, 1);
    await idle.update((value) => value);
    assert.equal(idle.stats().retained, 1);
  });

  test("tells who writes and who waits, and takes times when asked to", { timeout }, async () => {
    const host = new FakeHost();
    const [, theirs] = host.build(pair);
    const mine = host.build(() => SharedSnapshots.attach(theirs.handle, { stats: true }));
    const gate = Promise.withResolvers<Uint8Array>();
    const running = mine.update(() => gate.promise, { label: "import" });
    await setImmediate();
    const begun = host.now();
    host.advance(10);
    const waiting = mine.update(() => b(2), { label: "export" });
    const { active, pending, turn } = mine.stats();
    assert.equal(active?.label, "import");
    assert.equal(active.startedAt, begun);
    assert.match(active.id, /^[0-9a-f]{8}-[0-9a-f]{4}-7/);
    assert.deepEqual(pending.map(({ label, startedAt }) => [label, startedAt]), [
      ["export", undefined],
    ]);
    assert.deepEqual(turn, {
      holders: [{ mode: "write", label: "import" }],
      waiters: [{ mode: "write", label: "export" }],
    });
    assert.deepEqual(theirs.stats().turn.holders, [{ mode: "write", label: "owner 2" }]);
    gate.resolve(b(1));
    await Promise.all([running, waiting]);
    const { run, wait, committed } = mine.stats();
    assert.deepEqual([committed, run?.count, run?.max, wait?.max], [2, 2, 10, 0]);
    assert.equal(theirs.stats().wait, undefined);
  });
});

describe("SharedSnapshots.reap()", () => {
  test("frees what the owner had pinned", { timeout }, () => {
    const [mine, theirs] = pair({ slots: 3 });
    theirs.pin();
    theirs.pin();
    commitAll(mine, 1);
    const kept = theirs.pin();
    commitAll(mine, 2);
    assert.throws(() => mine.updateSync(() => b(3), { timeout: 0 }), SlotTimeoutError);
    assert.deepEqual(mine.reap(1), { writing: false, pinned: 2 });
    assert.deepEqual(mine.reap(1), { writing: false, pinned: 0 });
    commitAll(mine, 3, 4, 5);
    // What it gives back is not its own any more.
    const heir = SharedSnapshots.attach(mine.handle, { owner: 1 });
    const pins = [heir.pin()];
    commitAll(mine, 6);
    pins.push(heir.pin());
    commitAll(mine, 7);
    kept[Symbol.dispose]();
    assert.throws(() => mine.updateSync(() => b(8), { timeout: 0 }), SlotTimeoutError);
    assert.deepEqual(pins.map((pin) => pin.value[0]), [5, 6]);
  });

  test("wakes a writer that waits for what the dead had pinned", { timeout }, async () => {
    const [mine, theirs] = pair({ slots: 2 });
    theirs.pin();
    commitAll(mine, 1);
    const late = mine.update(() => b(2));
    assert.equal(await outcome(late), "pending");
    mine.reap(1);
    assert.equal(await late, 2);
  });

  test("of a writer leaves the last committed version, and gives the turn to the next", {
    timeout,
  }, async () => {
    const [mine, theirs] = pair();
    const gate = Promise.withResolvers<Uint8Array>();
    const lost = theirs.update(() => gate.promise);
    await setImmediate();
    const waits = mine.update(([value]) => b(value + 1));
    assert.equal(await outcome(waits), "pending");
    assert.deepEqual(mine.reap(1), { writing: true, pinned: 1 });
    assert.equal(await waits, 1);
    gate.resolve(b(9));
    await assert.rejects(lost, {
      name: "OwnerReapedError",
      message: "Cannot commit to prices: owner 1, which this thread was, has been reaped",
    });
    assert.deepEqual([mine.current, mine.epoch], [b(1), 1]);
    assert.equal(theirs.stats().failed, 1);
  });

  test("keeps a writer that lives on from publishing, before another can have the turn", {
    timeout,
  }, () => {
    const [mine, theirs] = pair();
    const third = SharedSnapshots.attach(mine.handle, { owner: 2 });
    const { compareExchange } = Atomics;
    const [lock, current] = [16, behindSeats(mine)];
    let reaping = false;
    let late: (() => number) | undefined;
    let found: number | undefined;
    Atomics.compareExchange = ((...args: [Int32Array, number, number, number]) => {
      if (args[1] === current && late === undefined) {
        // Owner 1 is about to publish. Before it does it is reaped.
        late = () => compareExchange(...args);
        reaping = true;
        mine.reap(1);
        return found!;
      }
      const before = compareExchange(...args);
      if (reaping && args[1] === lock && before === args[2]) {
        // The turn has just been taken from it, and another has it at once; then it goes on.
        reaping = false;
        third.updateSync(() => {
          found = late!();
          return b(3);
        });
      }
      return before;
    }) as typeof compareExchange;
    try {
      assert.throws(() => theirs.updateSync(() => b(9)), OwnerReapedError);
    } finally {
      Atomics.compareExchange = compareExchange;
    }
    assert.deepEqual([mine.current, mine.epoch, third.stats().committed], [b(3), 1, 1]);
  });

  test("takes one that waits out of the queue, for its turn or for a slot", {
    timeout,
  }, async () => {
    const [mine, theirs] = pair({ slots: 2 });
    const third = SharedSnapshots.attach(mine.handle, { owner: 2 });
    using _pin = mine.pin();
    commitAll(mine, 1);
    const forSlot = theirs.update(() => b(2));
    await setImmediate();
    const forTurn = third.update(() => b(3));
    await setImmediate();
    assert.deepEqual(mine.reap(2), { writing: false, pinned: 0 });
    assert.deepEqual(mine.reap(1), { writing: true, pinned: 0 });
    await assert.rejects(forSlot, OwnerReapedError);
    await assert.rejects(forTurn, OwnerReapedError);
    assert.deepEqual(mine.stats().turn, { holders: [], waiters: [] });
  });

  test("shuts the owner out for good", { timeout }, async () => {
    const [mine, theirs] = pair();
    const pin = theirs.pin();
    const changed = theirs.changed(0);
    mine.reap(1);
    SharedSnapshots.attach(mine.handle, { owner: 1 });
    assert.throws(() => pin.value, {
      name: "OwnerReapedError",
      message: "Cannot read a version of prices: owner 1, which this thread was, has been reaped",
      owner: 1,
    });
    assert.throws(() => theirs.pin(), OwnerReapedError);
    assert.throws(() => theirs.view(() => {}), OwnerReapedError);
    assert.throws(() => theirs.current, OwnerReapedError);
    assert.throws(() => theirs.updateSync(() => b(1)), OwnerReapedError);
    assert.throws(() => theirs.commitSync(0, b(1)), OwnerReapedError);
    assert.throws(() => theirs.changedSync(0, { timeout: 5000 }), OwnerReapedError);
    await assert.rejects(theirs.update(() => b(1)), OwnerReapedError);
    await assert.rejects(theirs.commit(0, b(1)), OwnerReapedError);
    await assert.rejects(changed, OwnerReapedError);
    assert.deepEqual([mine.epoch, mine.stats().readers], [0, 0]);
  });

  test("makes a view throw that ran meanwhile, for it may have read anything", {
    timeout,
  }, async () => {
    const [mine, theirs] = pair();
    assert.throws(() => theirs.view(() => mine.reap(1)), OwnerReapedError);
    const other = SharedSnapshots.attach(mine.handle, { owner: 2 });
    const nested = other.pin();
    const viewed = other.view(async () => {
      await setImmediate();
      mine.reap(2);
      return "anything";
    });
    await assert.rejects(viewed, OwnerReapedError);
    nested[Symbol.dispose]();
  });

  test("leaves a slot that the dead was writing to be the last that is taken", {
    timeout,
  }, () => {
    const [mine, theirs] = pair();
    const words = new Int32Array(mine.handle.memory);
    // As if owner 1 had died while it wrote slot 1.
    words[useOf(mine, 1)] |= 1;
    mine.reap(1);
    const slots = new Set<number>();
    for (let value = 1; value < 20; value++) {
      commitAll(mine, value);
      slots.add(words[behindSeats(mine)] & 31);
    }
    assert.deepEqual([...slots].sort(), [0, 2, 3]);
    // When there is no other it is taken, for a dead thread must not keep the living from writing.
    const reader = SharedSnapshots.attach(mine.handle, { owner: 1 });
    for (let value = 20; value < 22; value++) {
      reader.pin();
      commitAll(mine, value);
    }
    reader.pin();
    commitAll(mine, 22);
    assert.equal(words[behindSeats(mine)] & 31, 1);
    assert.equal(words[useOf(mine, 1)] & 1, 0);
    assert.deepEqual(mine.current, b(22));
    assert.equal(theirs.epoch, 22);
  });

  test("refuses what is not another owner", { timeout }, () => {
    const [mine] = pair({ owners: 3 });
    assert.throws(() => mine.reap(0), {
      name: "TypeError",
      message: "Cannot reap owner 0 of prices: it is this thread itself",
    });
    for (const owner of [-1, 3, 1.5, NaN]) assert.throws(() => mine.reap(owner), RangeError);
    assert.throws(() => mine.reap("1" as never), TypeError);
  });
});

describe("SharedSnapshots.detach()", () => {
  test("waits until nothing is pinned, written or waited for", { timeout }, async () => {
    const [mine, theirs] = pair();
    const pin = theirs.pin();
    const message = "Cannot detach owner 1 from prices: " +
      "a task of this thread has pinned a version or waits for one";
    assert.throws(() => theirs.detach(), { message });
    pin[Symbol.dispose]();
    const change = theirs.changed(0);
    assert.throws(() => theirs.detach(), { message });
    commitAll(mine, 1);
    await change;
    const update = theirs.update(() => b(2));
    assert.throws(() => theirs.detach(), /^Error: Cannot detach owner 1 from prices/);
    await update;
    theirs.detach();
    theirs.detach();
    const heir = SharedSnapshots.attach(mine.handle, { owner: 1 });
    using _pin = heir.pin();
    const gone = "Cannot pin a version of prices: this thread has detached from it";
    assert.throws(() => theirs.pin(), { message: gone });
    await assert.rejects(theirs.update(() => b(3)), /this thread has detached from it/);
    assert.equal(mine.stats().readers, 1);
  });

  test("keeps marks of many owners of one seat apart", { timeout }, () => {
    const [mine, theirs] = pair({ slots: 2 });
    theirs.detach();
    const past = Array.from({ length: 300 }, () => {
      const side = SharedSnapshots.attach(mine.handle, { owner: 1 });
      side.detach();
      return side;
    });
    const heir = SharedSnapshots.attach(mine.handle, { owner: 1 });
    for (const side of past) assert.throws(() => side.pin(), /has detached/);
    commitAll(mine, 1, 2, 3);
    using _pin = heir.pin();
    commitAll(mine, 4);
    assert.throws(() => mine.updateSync(() => b(5), { timeout: 0 }), SlotTimeoutError);
  });
});

describe("SharedSnapshots.create() and attach()", () => {
  test("refuse what is no handle of their kind, and say why", { timeout }, () => {
    const { handle } = SharedSnapshots.create(b(0), { owners: 4 });
    const altered = (index: number, value: number): SharedSnapshotsHandle => {
      const { handle } = SharedSnapshots.create(b(0), { owners: 4 });
      new Int32Array(handle.memory)[index] = value;
      return handle;
    };
    const bytes = handle.memory.byteLength;
    const cases: [unknown, RegExp][] = [
      [undefined, /expected a handle, got undefined$/],
      [SharedRwLock.create().handle, /the handle's kind is "SharedRwLock"$/],
      [{ ...handle, version: 2 }, /the handle has version 2, this release has 1$/],
      [{ ...handle, memory: SharedRwLock.create().handle.memory }, /is not that of a Shared/],
      [altered(2, 5), new RegExp(`its memory has ${bytes} bytes where ${bytes + 64} are needed`)],
      [altered(2, 21), /its memory is damaged$/],
      [altered(8, 1), /its memory is damaged$/],
      [altered(8, 25), /its memory is damaged$/],
      [altered(9, 0), /its memory is damaged$/],
      [altered(9, 65), /bytes where .* are needed for 4$/],
      [{ ...handle, label: 5 }, /label must be a string, got 5$/],
    ];
    for (const [value, message] of cases) {
      assert.throws(() => SharedSnapshots.attach(value as SharedSnapshotsHandle), {
        name: "TypeError",
        message,
      });
    }
  });

  test("say how much memory there is not", { timeout }, () => {
    const { SharedArrayBuffer } = globalThis;
    // Stands in for a machine that has less than is asked for.
    globalThis.SharedArrayBuffer = class {
      constructor() {
        throw new RangeError("out of memory");
      }
    } as unknown as typeof SharedArrayBuffer;
    try {
      assert.throws(() => SharedSnapshots.create(b(0), { capacity: 2 ** 30, slots: 24 }), {
        name: "RangeError",
        message: /^Cannot create a SharedSnapshots: there is no memory for 257698\d+ bytes$/,
      });
    } finally {
      globalThis.SharedArrayBuffer = SharedArrayBuffer;
    }
  });

  test("refuse options that cannot be meant", { timeout }, async () => {
    const create = (options: unknown, initial: unknown = b(0)) => () =>
      SharedSnapshots.create(initial as Uint8Array, options as SharedSnapshotsOptions);
    const refused: [() => unknown, string, RegExp][] = [
      [create({}, "text"), "TypeError", /the initial value must be a Uint8Array, got "text"$/],
      [create({}, new Uint8Array()), "RangeError", /capacity must be .* from 1 to 1073741824/],
      [create({ capacity: 2 ** 30 + 1 }), "RangeError", /capacity must be a whole number/],
      [create({ capacity: 1 }, new Uint8Array(2)), "RangeError", /has 2 bytes, and .* room for 1$/],
      [create({ slots: 1 }), "RangeError", /slots must be a whole number from 2 to 24, got 1$/],
      [create({ slots: 25 }), "RangeError", /from 2 to 24, got 25$/],
      [create({ slots: "3" }), "TypeError", /slots must be a number, got "3"$/],
      [create({ owners: 21 }), "RangeError", /owners must be a whole number from 1 to 20, got 21$/],
      [create({ label: 1 }), "TypeError", /label must be a string, got 1$/],
      [create({ stats: 1 }), "TypeError", /stats must be true or false, got 1$/],
      [create(null), "TypeError", /options must be an object, got null$/],
    ];
    for (const [attempt, name, message] of refused) {
      assert.throws(attempt, { name, message: new RegExp(`^Cannot create .*${message.source}`) });
    }
    const [mine] = pair({ owners: 2 });
    assert.throws(() => SharedSnapshots.attach(mine.handle), /all 2 owners are taken/);
    assert.throws(() => SharedSnapshots.attach(mine.handle, { owner: 2 }), RangeError);
    assert.throws(() => mine.pin(5 as never), TypeError);
    await assert.rejects(mine.update(5 as never), TypeError);
    await assert.rejects(mine.update(() => b(1), { timeout: -1 }), RangeError);
    await assert.rejects(mine.update(() => b(1), { limit: NaN }), RangeError);
    await assert.rejects(mine.changed(-1), RangeError);
    await assert.rejects(mine.changed(0, { signal: {} as never }), TypeError);
    assert.throws(() => mine.updateSync(5 as never), TypeError);
    for (
      const attempt of [
        () => mine.updateSync(() => b(1), { signal: AbortSignal.abort() } as never),
        () => mine.commitSync(0, b(1), { signal: AbortSignal.abort() } as never),
        () => mine.changedSync(0, { signal: AbortSignal.abort() } as never),
      ]
    ) assert.throws(attempt, /synchronously: no signal could reach a blocked thread$/);
    assert.equal(mine.epoch, 0);
  });
});
