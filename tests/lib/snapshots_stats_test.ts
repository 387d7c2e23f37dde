/** `Snapshots.stats()`, and the lock by which writers take turns. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { validate, version } from "uuid";
import {
  ConflictError,
  DeadlockDetector,
  DeadlockError,
  LockTimeoutError,
  RwLock,
  Snapshots,
  type SnapshotsOptions,
  type SnapshotsStats,
} from "../../mod.ts";
import { FakeHost, outcome, settle } from "../_fake_host.ts";
import { leastGrowth } from "../_garbage.ts";

const timeout = 30_000;

function create(options?: SnapshotsOptions<string>) {
  const host = new FakeHost();
  return { host, snapshots: host.build(() => new Snapshots<string>("a", options)) };
}

/** The counts of those that are over. */
function ended(snapshots: { stats(): SnapshotsStats }) {
  const { committed, failed, timedOut, overran, aborted, conflicts } = snapshots.stats();
  return { committed, failed, timedOut, overran, aborted, conflicts };
}

const none = { committed: 0, failed: 0, timedOut: 0, overran: 0, aborted: 0, conflicts: 0 };
const never = () => new Promise<never>(() => {});

describe("Snapshots.stats(): readers", { timeout }, () => {
  test("Snapshots.stats() tells how many read, what they keep and who keeps the oldest", {
    timeout,
  }, () => {
    const { snapshots } = create();
    const kept = () => {
      const { epoch, readers, oldestPin, retained } = snapshots.stats();
      return { epoch, readers, oldestPin, retained };
    };
    assert.deepEqual(kept(), { epoch: 0, readers: 0, oldestPin: undefined, retained: 1 });
    const pins = ["report", undefined, "report", "export"].map((label) => snapshots.pin(label));
    const oldest = { epoch: 0, readers: 4, labels: ["report", "export"] };
    assert.deepEqual(kept(), { epoch: 0, readers: 4, oldestPin: oldest, retained: 1 });

    snapshots.commit(0, "b");
    const second = snapshots.pin("late");
    snapshots.commit(1, "c");
    snapshots.commit(2, "d");
    assert.deepEqual(kept(), { epoch: 3, readers: 5, oldestPin: oldest, retained: 3 });

    pins[0][Symbol.dispose]();
    pins[0][Symbol.dispose]();
    assert.deepEqual(kept().oldestPin, { epoch: 0, readers: 3, labels: ["report", "export"] });
    pins[2][Symbol.dispose]();
    pins[3][Symbol.dispose]();
    assert.deepEqual(kept().oldestPin, { epoch: 0, readers: 1, labels: [] });
    pins[1][Symbol.dispose]();
    const next = { epoch: 1, readers: 1, labels: ["late"] };
    assert.deepEqual(kept(), { epoch: 3, readers: 1, oldestPin: next, retained: 2 });

    using _third = snapshots.pin();
    second[Symbol.dispose]();
    const last = { epoch: 3, readers: 1, labels: [] };
    assert.deepEqual(kept(), { epoch: 3, readers: 1, oldestPin: last, retained: 1 });
  });

  test("versions that retire in the midst of others leave these in order", { timeout }, () => {
    const { snapshots } = create();
    const pins = Array.from({ length: 6 }, (_, epoch) => {
      const pin = snapshots.pin(`${epoch}`);
      snapshots.commit(epoch, `${epoch}`);
      return pin;
    });
    const seen: [number | undefined, number][] = [];
    for (const epoch of [2, 4, 3, 0, 5, 1]) {
      pins[epoch][Symbol.dispose]();
      seen.push([snapshots.stats().oldestPin?.epoch, snapshots.stats().retained]);
    }
    assert.deepEqual(seen, [[0, 6], [0, 5], [0, 4], [1, 3], [1, 2], [undefined, 1]]);
  });

  test("a view counts as a reader while it looks", { timeout }, async () => {
    const { snapshots } = create();
    snapshots.view(() => assert.equal(snapshots.stats().readers, 1));
    assert.equal(snapshots.stats().readers, 0);
    await snapshots.view(async () => {
      await settle();
      assert.equal(snapshots.stats().readers, 1);
    });
    assert.equal(snapshots.stats().readers, 0);
  });

  test("pins leave nothing behind, with labels or without, and nor do versions", {
    timeout,
  }, async () => {
    const { snapshots } = create();
    const round = () => {
      for (let i = 0; i < 20_000; i++) {
        const pins = [snapshots.pin(), snapshots.pin(`reader ${i}`)];
        snapshots.commit(snapshots.epoch, `${i}`);
        for (const pin of pins) pin[Symbol.dispose]();
      }
    };
    const grown = await leastGrowth(round);
    assert(grown < 0.5, `${grown} MB`);
    assert.deepEqual([snapshots.stats().retained, snapshots.stats().readers], [1, 0]);
  });

  test("20 readers and 3 writers: every value is whole, and everything is counted", {
    timeout,
  }, async () => {
    const index = new Snapshots({ left: 0, right: 0 });
    let over = false;
    let reads = 0;
    const reader = async () => {
      let last = 0;
      while (!over) {
        await index.view(async ({ left, right }, epoch) => {
          assert.equal(left, right);
          assert(epoch >= last);
          last = epoch;
          await null;
        });
        reads++;
        await settle();
      }
    };
    const writer = async () => {
      for (let i = 0; i < 50; i++) {
        await index.update(async ({ left }) => {
          await null;
          return { left: left + 1, right: left + 1 };
        });
        await settle();
      }
    };
    const readers = Array.from({ length: 20 }, reader);
    const writers = Promise.all(Array.from({ length: 3 }, writer)).then(() => over = true);
    await Promise.all([...readers, writers]);
    assert.deepEqual(index.current, { left: 150, right: 150 });
    assert.deepEqual(ended(index), { ...none, committed: 150 });
    assert(reads > 20 * 25, `${reads} reads`);
    assert.deepEqual([index.stats().retained, index.stats().readers], [1, 0]);
  });
});

describe("Snapshots.stats(): writers", { timeout }, () => {
  test("Snapshots.stats() shows who writes and who waits, with numbers that are UUIDv7", {
    timeout,
  }, async () => {
    const { snapshots, host } = create();
    const start = host.now();
    const { promise, resolve } = Promise.withResolvers<string>();
    const first = snapshots.update(() => promise, { label: "import" });
    assert.equal(snapshots.stats().active, undefined, "it has not begun");
    assert.deepEqual(snapshots.stats().pending.map(({ label }) => label), ["import"]);
    host.advance(5);
    await settle();
    host.advance(2);
    const others = ["export", undefined].map((label) =>
      snapshots.update((value) => value, { label })
    );
    const { active, pending } = snapshots.stats();
    assert.deepEqual([active!.label, active!.requestedAt, active!.startedAt], [
      "import",
      start,
      start + 5,
    ]);
    assert.deepEqual(
      pending.map(({ label, requestedAt, startedAt }) => [label, requestedAt, startedAt]),
      [
        ["export", start + 7, undefined],
        [undefined, start + 7, undefined],
      ],
    );
    const ids = [active!, ...pending].map(({ id }) => id);
    for (const id of ids) assert(validate(id) && version(id) === 7, id);
    assert.deepEqual(ids.toSorted(), ids, "in their order");

    resolve("b");
    await first;
    host.advance(1);
    await Promise.all(others);
    const last = snapshots.update((value) => value);
    assert(snapshots.stats().pending[0].id > ids[2]);
    await last;
    assert.deepEqual(ended(snapshots), { ...none, committed: 4 });
    assert.deepEqual([snapshots.stats().active, snapshots.stats().pending], [undefined, []]);
  });

  test("a number stays, and what was told does not change", { timeout }, async () => {
    const { snapshots } = create();
    const { promise, resolve } = Promise.withResolvers<string>();
    const update = snapshots.update(() => promise);
    const before = snapshots.stats();
    const [{ id }] = before.pending;
    await settle();
    assert.equal(snapshots.stats().active!.id, id);
    resolve("b");
    await update;
    assert.deepEqual([before.epoch, before.active, before.pending[0].startedAt], [
      0,
      undefined,
      undefined,
    ]);
  });

  test("each write is counted once, by how it ended", { timeout }, async () => {
    const { snapshots, host } = create();
    await outcome(snapshots.update(() => Promise.reject("failed")));
    assert.deepEqual(ended(snapshots), { ...none, failed: 1 });

    const long = snapshots.update(never, { limit: 50 });
    const late = snapshots.update(() => "late", { timeout: 20 });
    await settle();
    host.advance(20);
    await outcome(late);
    assert.deepEqual(ended(snapshots), { ...none, failed: 1, timedOut: 1 });
    host.advance(30);
    await outcome(long);
    assert.deepEqual(ended(snapshots), { ...none, failed: 1, timedOut: 1, overran: 1 });

    const controller = new AbortController();
    const { signal } = controller;
    const runs = snapshots.update(never, { signal });
    const waits = snapshots.update(never, { signal });
    await settle();
    controller.abort("enough");
    await outcome(Promise.all([runs, waits]));
    await outcome(snapshots.update(never, { signal }));
    const granted = new AbortController();
    const begins = snapshots.update(never, { signal: granted.signal });
    granted.abort("enough");
    await outcome(begins);
    assert.equal(ended(snapshots).aborted, 4);

    snapshots.commit(0, "b");
    assert.throws(() => snapshots.commit(0, "c"), ConflictError);
    const counts = { committed: 1, failed: 1, timedOut: 1, overran: 1, aborted: 4, conflicts: 1 };
    assert.deepEqual(ended(snapshots), counts);
    assert.equal(snapshots.stats().committed, snapshots.epoch);
  });

  test("a commit during an update makes it a conflict", { timeout }, async () => {
    const { snapshots } = create();
    const update = snapshots.update((_, { epoch }) => {
      snapshots.commit(epoch, "inside");
      return "outside";
    });
    assert((await outcome(update)) instanceof ConflictError);
    assert.deepEqual(ended(snapshots), { ...none, committed: 1, conflicts: 1 });
  });

  test("errors of another lock or other snapshots inside a function are failures of it", {
    timeout,
  }, async () => {
    const { snapshots } = create();
    for (
      const error of [
        new ConflictError(1, 2),
        new LockTimeoutError({ lock: "another", mode: "write", waited: 1 }),
      ]
    ) {
      assert.equal(await outcome(snapshots.update(() => Promise.reject(error))), error);
    }
    assert.deepEqual(ended(snapshots), { ...none, failed: 2 });
  });

  test("what cannot be meant is no write", { timeout }, async () => {
    const { snapshots } = create();
    await outcome(snapshots.update(1 as never));
    await outcome(snapshots.update(never, { limit: -1 }));
    await outcome(snapshots.update(never, { owner: 1 as never }));
    assert.throws(() => snapshots.commit(-1, "b"));
    assert.deepEqual([ended(snapshots), snapshots.stats().pending], [none, []]);
  });

  test("onRetire sees the commit that retires counted already", { timeout }, async () => {
    const seen: number[][] = [];
    const snapshots: Snapshots<number> = new Snapshots(0, {
      onRetire() {
        const { epoch, committed, retained, active } = snapshots.stats();
        seen.push([epoch, committed, retained, active === undefined ? 0 : 1]);
      },
    });
    snapshots.commit(0, 1);
    await snapshots.update((value) => value + 1);
    assert.deepEqual(seen, [[1, 1, 1, 0], [2, 2, 1, 0]]);
  });

  test("with stats: true it tells how long updates waited and ran", { timeout }, async () => {
    const { snapshots, host } = create({ stats: true });
    const { promise, resolve } = Promise.withResolvers<string>();
    const first = snapshots.update(() => promise);
    const second = snapshots.update((value) => value);
    await settle();
    host.advance(40);
    resolve("b");
    await Promise.all([first, second]);
    const { wait, run } = snapshots.stats();
    assert.deepEqual([wait!.count, wait!.max, run!.count, run!.max], [2, 40, 2, 40]);
    const plain = create().snapshots;
    assert.deepEqual([plain.stats().wait, plain.stats().run], [undefined, undefined]);
    assert.throws(() => create({ stats: 1 as never }), {
      name: "TypeError",
      message: "Cannot create snapshots: stats must be true or false, got 1",
    });
  });
});

describe("Snapshots: the lock of the writers", { timeout }, () => {
  test("an update waits for the lock it is given, and readers do not", { timeout }, async () => {
    const lock = new RwLock({ label: "maintenance" });
    const snapshots = new Snapshots("a", { lock });
    const guard = await lock.write({ label: "vacuum" });
    assert.equal(snapshots.current, "a");
    const error = await outcome(snapshots.update(() => "b", { timeout: 0 }));
    assert.match(String(error), /^LockTimeoutError: Cannot write-lock maintenance .*\(vacuum\)$/);
    const update = snapshots.update(() => "b");
    assert.equal(await outcome(update), "pending");
    guard.release();
    assert.equal(await update, 1);
    assert.throws(() => new Snapshots("a", { lock: {} as never }), {
      name: "TypeError",
      message: "Cannot create snapshots: lock must be a lock, got an object",
    });
  });

  test("a deadlock between an update and another lock is found by a detector", {
    timeout,
  }, async () => {
    const detector = new DeadlockDetector();
    const file = detector.watch(new RwLock(), "file");
    const snapshots = new Snapshots("a", { lock: detector.watch(new RwLock(), "index") });
    const [one, two] = [{ job: 1 }, { job: 2 }];
    // One holds the file and then updates; the other takes the file in the midst of an update.
    const guard = await file.write({ owner: one });
    const inside = snapshots.update(async (value) => {
      using _file = await file.write({ owner: two });
      return value + "b";
    }, { owner: two });
    await settle();
    const error = await outcome(snapshots.update((value) => value + "c", { owner: one }));
    assert(error instanceof DeadlockError);
    assert.deepEqual(error.cycle.map(({ lock }) => lock), ["index", "file"]);
    guard.release();
    await inside;
    assert.equal(snapshots.current, "ab");
    assert.deepEqual(ended(snapshots), { ...none, committed: 1, failed: 1 });
  });

  test("an update inside itself waits for itself, which a detector refuses too", {
    timeout,
  }, async () => {
    const lock = new DeadlockDetector().watch(new RwLock(), "index");
    const snapshots = new Snapshots(1, { lock });
    const owner = {};
    let inner: unknown;
    await snapshots.update(async (value) => {
      inner = await outcome(snapshots.update(() => 7, { owner }));
      return value + 1;
    }, { owner });
    assert(inner instanceof DeadlockError);
    assert.deepEqual([snapshots.current, snapshots.epoch], [2, 1]);
  });
});
