/** Tables: on real files, and in the simulation where time or a failing disk is needed. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync, unlinkSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { type SimulatedProcess, Simulation } from "../../../lab/worlds/simulation/mod.ts";
import {
  acquireTableLock,
  type AppliedOutcome,
  countPending,
  CsvRow,
  type DrainOutcome,
  getNextPending,
  listSetAside,
  queueWrite,
  type SetAside,
  Table,
  type WriteOperation,
  type WriteOutcome,
  WriteRefusedError,
} from "../../../lib/queue/mod.ts";
import { withHost } from "../../../lib/_host.ts";
import { CorruptError, FileSnapshots, QueueFullError } from "../../../mod.ts";
import { twinOf } from "../_altered.ts";
import { failingAt } from "../_failing_disk.ts";
import { Folder } from "../_folder.ts";

const limit = { timeout: 60_000 };
const NAME = "people";

/** A write of rows given as `key=value`. */
function write(operation: WriteOperation, ...rows: string[]) {
  return {
    operation,
    rows: rows.map((row) => {
      const [key, ...values] = row.split("=");
      return new CsvRow(key, values);
    }),
  };
}

const insert = (...rows: string[]) => write("insert", ...rows);
const failed = (error: unknown): never => assert.fail(error as Error);
const contents = (table: Table): string[] =>
  [...table.read().rows.values()].map((row) => row.toCsv({ delimiter: "=" }));

test("Table.write() applies inserts, updates and deletes", limit, async () => {
  using base = new Folder();
  using table = new Table(base.path, NAME);
  assert.deepEqual(table.read(), { rows: new Map(), epoch: 0, applied: 0 });
  assert.deepEqual(readdirSync(base.path), [], "reading makes nothing");
  const done = { state: "applied", drained: 0, setAside: [] };
  assert.deepEqual(await table.write(insert("b=1", "a=2", "c=3")), { ...done, epoch: 1 });
  assert.deepEqual(contents(table), ["b=1", "a=2", "c=3"], "in the order they came");
  assert.deepEqual(await table.write(write("update", "a=4=5")), { ...done, epoch: 2 });
  assert.deepEqual(contents(table), ["b=1", "a=4=5", "c=3"], "in its place");
  assert.deepEqual(await table.write(write("delete", "b", "none")), { ...done, epoch: 3 });
  assert.deepEqual(contents(table), ["a=4=5", "c=3"]);
  await table.write(insert("b=6"));
  assert.deepEqual(contents(table), ["a=4=5", "c=3", "b=6"]);
  assert.equal(table.read().rows.get("b")?.values[0], "6");
});

test("Table.write() refuses as a whole what does not fit", limit, async () => {
  using base = new Folder();
  using table = new Table(base.path, NAME);
  await table.write(insert("a=1"));
  const refused = [insert("b=2", "a=3"), write("update", "a=2", "b=3")];
  const messages = [
    'Cannot insert rows in people: "a" is there already',
    'Cannot update rows in people: "b" is not there',
  ];
  for (const [i, misfit] of refused.entries()) {
    await assert.rejects(table.write(misfit), (error) => {
      assert(error instanceof WriteRefusedError);
      assert.equal(error.message, messages[i]);
      assert.deepEqual([error.table, error.operation, error.key], [
        NAME,
        misfit.operation,
        "ab"[i],
      ]);
      return true;
    });
    assert.deepEqual(contents(table), ["a=1"]);
    assert.equal(table.read().epoch, 1);
  }
});

test(
  "Table.write() queues what cannot have the table in time, and the next one applies it",
  limit,
  async () => {
    using base = new Folder();
    using table = new Table(base.path, NAME);
    const lock = await acquireTableLock(base.path, NAME);
    const queued = await table.write(insert("a=1"), { timeout: 0 });
    assert(queued.state === "queued");
    assert.equal((await table.write(write("update", "a=2"), { timeout: 5 })).state, "queued");
    assert.equal(table.countPending(), 2);
    assert.deepEqual(contents(table), [], "what is pending is not in the table");
    lock.release();
    assert.deepEqual(await table.write(insert("b=3")), {
      state: "applied",
      epoch: 1,
      drained: 2,
      setAside: [],
    });
    assert.deepEqual(contents(table), ["a=2", "b=3"]);
    assert.deepEqual(table.read().applied, 2);
    assert.equal(table.countPending(), 0);
    const files = readdirSync(base.at(NAME, "queue")).filter((name) => name.endsWith(".json"));
    assert.deepEqual(files, []);
  },
);

test(
  "Table.write() waits for the lock as long as it is told, 100 ms unless it is",
  limit,
  async () => {
    const simulation = new Simulation();
    const process = simulation.process();
    const other = await simulation.process().build(() => acquireTableLock("/data", NAME));
    const table = process.build(() => new Table("/data", NAME));
    for (
      const [options, wait] of [[{}, 100], [{ timeout: 30 }, 30], [{ timeout: 0 }, 0]] as const
    ) {
      const since = simulation.clock.now();
      const outcome = await simulation.finish(table.write(insert(`${wait}`), options));
      assert.equal(outcome.state, "queued");
      assert.equal(simulation.clock.now() - since, wait);
    }
    const patient = table.write(insert("patient"), { timeout: Infinity });
    await simulation.run(simulation.clock.now() + 60_000);
    other.release();
    const outcome = await simulation.finish(patient);
    assert(outcome.state === "applied" && outcome.drained === 3);
    table.close();
    assert.deepEqual([process.descriptors, process.timers], [0, 0]);
  },
);

test("Table.write() that aborts has neither applied nor queued anything", limit, async () => {
  using base = new Folder();
  using table = new Table(base.path, NAME);
  using _lock = await acquireTableLock(base.path, NAME);
  const controller = new AbortController();
  const reason = new Error("no longer wanted");
  const wait = table.write(insert("a=1"), { signal: controller.signal, timeout: 10_000 });
  controller.abort(reason);
  await assert.rejects(wait, reason);
  const { signal } = controller;
  await assert.rejects(table.write(insert("a=1"), { signal, timeout: 0 }), reason);
  assert.equal(table.countPending(), 0);
});

test(
  "Table.write() says so when the queue is full, and goes on when it is drained",
  limit,
  async () => {
    using base = new Folder();
    using table = new Table(base.path, NAME, { queueLimit: 3 });
    const lock = await acquireTableLock(base.path, NAME);
    for (const key of ["a", "b", "c"]) await table.write(insert(key), { timeout: 0 });
    await assert.rejects(table.write(insert("d"), { timeout: 0 }), QueueFullError);
    lock.release();
    assert.deepEqual(await table.drain(), { drained: 3, setAside: [] });
    using _again = await acquireTableLock(base.path, NAME);
    await table.write(insert("d"), { timeout: 0 });
    assert.equal(table.countPending(), 1);
  },
);

test(
  "a queued write that does not fit by then is set aside, and the rest is applied",
  limit,
  async () => {
    using base = new Folder();
    const events: SetAside[] = [];
    using table = new Table(base.path, NAME, { onSetAside: (event) => events.push(event) });
    await table.write(insert("a=1"));
    await queueWrite(base.path, NAME, insert("b=2"));
    const id = await queueWrite(base.path, NAME, insert("c=3", "a=3"));
    await queueWrite(base.path, NAME, write("update", "b=4"));
    const { drained, setAside } = await table.drain();
    assert.equal(drained, 2);
    assert.deepEqual(contents(table), ["a=1", "b=4"]);
    const [{ error, ...event }] = setAside;
    assert.deepEqual(setAside, events);
    assert(error instanceof WriteRefusedError && error.key === "a");
    assert.deepEqual(listSetAside(base.path, NAME), [event]);
    assert.deepEqual([event.id, event.sequence, event.reason], [id, 2, "refused"]);
    const kept = JSON.parse(readFileSync(event.file, "utf8"));
    assert.deepEqual(kept.write.rows, [["c", "3"], ["a", "3"]], "all of it is kept");
    assert.deepEqual(await table.drain(), { drained: 0, setAside: [] });
  },
);

test("Table.write() that is refused has drained what was pending", limit, async () => {
  using base = new Folder();
  using table = new Table(base.path, NAME);
  await queueWrite(base.path, NAME, insert("a=1"));
  await assert.rejects(table.write(insert("a=2")), WriteRefusedError);
  assert.deepEqual(contents(table), ["a=1"]);
  assert.equal(table.countPending(), 0);
});

test("Table.drain() does not wait for the lock when nothing is pending", limit, async () => {
  using base = new Folder();
  using table = new Table(base.path, NAME);
  using lock = await acquireTableLock(base.path, NAME);
  assert.deepEqual(await table.drain({ timeout: 0 }), { drained: 0, setAside: [] });
  await queueWrite(base.path, NAME, insert("a=1"));
  await assert.rejects(table.drain({ timeout: 5 }), /^LockTimeoutError: .*table people/);
  const signal = AbortSignal.abort(new Error("no longer wanted"));
  await assert.rejects(table.drain({ signal }), /no longer wanted/);
  lock.release();
  assert.equal((await table.drain({ timeout: 0 })).drained, 1);
  assert.equal(table.read().epoch, 1);
});

test(
  "Table objects and processes' writes are applied in the order they were queued",
  limit,
  async () => {
    const simulation = new Simulation();
    const processes = Array.from({ length: 3 }, () => simulation.process());
    const tables = processes.map((process) => process.build(() => new Table("/data", NAME)));
    const holder = await simulation.process().build(() => acquireTableLock("/data", NAME));
    const keys = Array.from({ length: 12 }, (_, i) => `${i}`);
    for (const [i, key] of keys.entries()) {
      // One after the other, each in another process, all within one millisecond.
      const write = tables[i % 3].write(insert(key), { timeout: 0 });
      assert.equal((await simulation.finish(write)).state, "queued");
    }
    assert(simulation.clock.now() < 1);
    holder.release();
    await simulation.finish(tables[2].write(insert("last")));
    assert.deepEqual(contents(tables[0]), [...keys, "last"]);
  },
);

test("Table.startDraining() applies what comes until it is stopped", limit, async () => {
  const simulation = new Simulation();
  const process = simulation.process();
  const table = process.build(() => new Table("/data", NAME));
  const outcomes: DrainOutcome[] = [];
  const drainer = table.startDraining({
    every: 50,
    onError: failed,
    onDrained: (outcome) => outcomes.push(outcome),
  });
  await simulation.run(1000);
  assert.deepEqual(outcomes, []);
  assert.equal(process.timers, 1);
  const queue = (key: string) =>
    simulation.finish(process.build(() => queueWrite("/data", NAME, insert(key))));
  await queue("a");
  await queue("b");
  await simulation.run(1100);
  await queue("c");
  await simulation.run(1200);
  assert.deepEqual(outcomes.map(({ drained }) => drained), [2, 1]);
  assert.equal(drainer.stopped, false);
  await drainer.stop();
  await drainer.stop();
  assert.equal(drainer.stopped, true);
  await queue("d");
  await simulation.run(2000);
  assert.deepEqual(contents(table), ["a", "b", "c"]);
  assert.equal(process.timers, 0);
});

test("Table.startDraining() reports what goes wrong, and goes on", limit, async () => {
  const simulation = new Simulation();
  const process = simulation.process();
  const table = process.build(() => new Table("/data", NAME));
  await process.build(() => queueWrite("/data", NAME, insert("a")));
  const errors: string[] = [];
  let drained = 0;
  simulation.beforeStep = ({ path, action }) => {
    if (path.endsWith("next") && action === "sync" && errors.length < 3) {
      throw Object.assign(new Error("no space left"), { code: "ENOSPC" });
    }
  };
  const drainer = table.startDraining({
    onError: (error) => errors.push((error as Error).message),
    onDrained: (outcome) => drained += outcome.drained,
  });
  await simulation.run(1000);
  assert.deepEqual(errors, Array(3).fill("Cannot write to table people: no space left"));
  assert.equal(drained, 1);
  assert.deepEqual(contents(table), ["a"]);
  await drainer.stop();
});

test(
  "Drainer.stop() ends a wait for the lock, and waits for a drain under way",
  limit,
  async () => {
    const simulation = new Simulation();
    const process = simulation.process();
    const holder = await simulation.process().build(() => acquireTableLock("/data", NAME));
    const table = process.build(() => new Table("/data", NAME));
    await process.build(() => queueWrite("/data", NAME, insert("a")));
    {
      await using drainer = table.startDraining({ onError: failed });
      await simulation.run(1000);
      assert.equal(drainer.stopped, false);
    }
    assert.equal(process.timers, 0);
    holder.release();
    assert.deepEqual(contents(table), []);
  },
);

test("Table.startDraining() refuses options that cannot be meant", limit, () => {
  using base = new Folder();
  using table = new Table(base.path, NAME);
  const onError = () => {};
  const start = (options: unknown) => () => table.startDraining(options as never);
  assert.throws(start(undefined), /onError must be a function, got undefined$/);
  assert.throws(start({ every: 5 }), /onError must be a function, got undefined$/);
  assert.throws(start({ onError, every: -1 }), RangeError);
  assert.throws(start({ onError, every: Infinity }), /every must be at most 2147483647/);
  assert.throws(start({ onError, every: "5" }), TypeError);
  assert.throws(start({ onError, onDrained: 5 }), TypeError);
});

test("Table refuses options that cannot be meant", limit, async () => {
  using base = new Folder();
  const open = (options: unknown) => () => new Table(base.path, NAME, options as never);
  assert.throws(open(5), /^TypeError: Cannot open a table: options must be an object, got 5$/);
  assert.throws(
    open({ queueLimit: 0 }),
    /^RangeError: .* queueLimit must be a whole number from 1/,
  );
  assert.throws(open({ queueLimit: "5" }), /^TypeError: .* queueLimit must be a number, got "5"$/);
  assert.throws(open({ onSetAside: 5 }), TypeError);
  assert.throws(open({ retry: { max: -1 } }), RangeError);
  using table = new Table(base.path, NAME);
  await assert.rejects(table.write(insert("a"), { timeout: -1 }), RangeError);
  await assert.rejects(table.write(insert("a"), 5 as never), TypeError);
  await assert.rejects(table.write({ operation: "insert", rows: [] }), /rows must not be empty$/);
  await assert.rejects(table.drain({ timeout: "1" as never }), TypeError);
});

test("Table.close() lets no more writes in, and reading goes on", limit, async () => {
  using base = new Folder();
  const table = new Table(base.path, NAME);
  await table.write(insert("a=1"));
  table.close();
  table.close();
  await assert.rejects(table.write(insert("b=1")), /^TypeError: .*this FileLock is closed$/);
  assert.deepEqual(contents(table), ["a=1"]);
});

test(
  "Table.close() lets what is under way be queued or drain first, and nothing stays open",
  limit,
  async () => {
    const simulation = new Simulation();
    const process = simulation.process();
    const open = () => process.build(() => new Table("/data", NAME));
    const [queues, writes, drains] = [open(), open(), open()];
    const busy = await process.build(() => acquireTableLock("/data", NAME));
    await process.build(() => queueWrite("/data", NAME, insert("first")));
    const underWay = [
      queues.write(insert("queued"), { timeout: 10 }),
      writes.write(insert("own"), { timeout: 1000 }),
      drains.drain(),
    ];
    for (const table of [queues, writes, drains]) table.close();
    await simulation.run(simulation.clock.now() + 100);
    busy.release();
    const [queued, applied] = await simulation.finish(Promise.all(underWay));
    assert.deepEqual([(queued as WriteOutcome).state, (applied as WriteOutcome).state], [
      "queued",
      "applied",
    ]);
    assert.deepEqual(contents(open()), ["first", "queued", "own"]);
    assert.deepEqual([process.descriptors, process.timers], [0, 0]);
  },
);

test("the table's file is two lines and CSV, for its owner alone", limit, async () => {
  using base = new Folder();
  using table = new Table(base.path, NAME);
  await queueWrite(base.path, NAME, insert('a=say "hi"', "b=x,y", "c=\n"));
  await table.drain();
  assert.equal(table.path, base.at(NAME, "table.csv"));
  assert.equal(table.name, NAME);
  const [line, ...rest] = readFileSync(table.path, "utf8").split("\n");
  assert.match(line, /^interlock-snapshot 1 bytes 1 \d+ [0-9a-f]{8}$/);
  assert.equal(rest.join("\n"), 'applied 1 81415aba\na,"say ""hi"""\nb,"x,y"\nc,"\n"\n');
  assert.equal(statSync(table.path).mode & 0o777, 0o600);
  for (const folder of [NAME, `${NAME}/queue`]) {
    assert.equal(statSync(base.at(folder)).mode & 0o777, 0o700);
  }
});

test("who may not write may look at a table and at what is pending", limit, async () => {
  const simulation = new Simulation();
  const writer = simulation.process();
  const table = writer.build(() => new Table("/data", NAME));
  await simulation.finish(table.write(insert("first")));
  await simulation.finish(writer.build(() => queueWrite("/data", NAME, insert("next"))));
  const refuse = () => {
    throw Object.assign(new Error("permission denied"), { code: "EACCES" });
  };
  const reader = twinOf(simulation.process(), (files) => ({
    open: (path, options) => options.readOnly ? files.open(path, options) : refuse(),
    makeFolder: refuse,
    rename: refuse,
    remove: refuse,
  }));
  const as = <R>(look: () => R): R => withHost(reader, look);
  const seen = as(() => new Table("/data", NAME));
  assert.deepEqual([contents(seen), seen.countPending()], [["first"], 1]);
  assert.equal(as(() => countPending("/data", NAME)), 1);
  assert.deepEqual(as(() => listSetAside("/data", NAME)), []);
  const next = await as(() => getNextPending("/data", NAME));
  assert.equal(next?.write.rows[0].key, "next");
});

test("a damaged table is told of and left as it is, and so is what is pending", limit, async () => {
  using base = new Folder();
  using table = new Table(base.path, NAME);
  await table.write(insert("a=1", "b=2"));
  const good = readFileSync(table.path);
  await queueWrite(base.path, NAME, insert("c=3"));
  for (let i = 0; i < good.length; i++) {
    const bad = Uint8Array.from(good);
    bad[i] ^= 1;
    writeFileSync(table.path, bad);
    assert.throws(() => table.read(), CorruptError, `byte ${i}`);
    await assert.rejects(table.write(insert("d=4")), CorruptError);
    await assert.rejects(table.drain(), CorruptError);
    assert.deepEqual(readFileSync(table.path), Buffer.from(bad));
    try {
      assert.equal(table.countPending(), 1, "and it is still pending");
    } catch (error) {
      assert(error instanceof CorruptError);
    }
  }
  await queueWrite(base.path, NAME, insert("d=4"));
  writeFileSync(table.path, good);
  assert.equal((await table.drain()).drained, 2);
  assert.deepEqual(contents(table), ["a=1", "b=2", "c=3", "d=4"]);
});

test(
  "Table reads and changes what is in its file, whoever put it there and whatever it knew before",
  limit,
  async () => {
    using base = new Folder();
    using table = new Table(base.path, NAME);
    using other = new Table(base.path, NAME);
    await table.write(insert("a=1"));
    const old = readFileSync(table.path);
    await other.write(write("update", "a=2"));
    assert.deepEqual(contents(table), ["a=2"], "what another wrote, as long as what was known");
    await table.write(insert("b=1"));
    assert.deepEqual(contents(other), ["a=2", "b=1"]);

    // An old version that somebody puts back, in the place of the file and in the file.
    unlinkSync(table.path);
    writeFileSync(table.path, old);
    assert.deepEqual(contents(table), ["a=1"]);
    await table.write(insert("c=1"));
    writeFileSync(table.path, old);
    await other.write(insert("d=1"));
    assert.deepEqual(contents(table), ["a=1", "d=1"]);
    unlinkSync(table.path);
    assert.deepEqual(contents(table), []);
    assert.equal((await table.write(insert("e=1")) as AppliedOutcome).epoch, 1);
  },
);

test("what Table.read() answered is the reader's own", limit, async () => {
  using base = new Folder();
  using table = new Table(base.path, NAME);
  await table.write(insert("a=1"));
  const before = table.read();
  (before.rows as Map<string, CsvRow>).delete("a");
  assert.deepEqual(contents(table), ["a=1"]);
  const seen = table.read();
  const refused = table.write(insert("b=1", "a=1"));
  await assert.rejects(refused, WriteRefusedError);
  await table.write(insert("b=1"));
  assert.deepEqual([...seen.rows.keys()], ["a"]);
  assert.deepEqual([seen.epoch, table.read().epoch], [1, 2]);
});

test("a file that is whole and no table's is refused", limit, async () => {
  using base = new Folder();
  using table = new Table(base.path, NAME);
  for (
    const value of [
      "text",
      new TextEncoder().encode("a,b"),
      new TextEncoder().encode('applied 1\n"'),
    ]
  ) {
    using snapshots = new FileSnapshots<unknown>(table.path, value);
    await snapshots.update(() => value);
    await assert.rejects(table.write(insert("a")), CorruptError);
    writeFileSync(table.path, "");
    await assert.rejects(table.write(insert("a")), CorruptError);
    unlinkSync(table.path);
  }
});

/** What is on a table's disk before each step of it fails. */
async function prepare(): Promise<
  { simulation: Simulation; process: SimulatedProcess; table: Table }
> {
  const simulation = new Simulation();
  const process = simulation.process();
  const table = process.build(() => new Table("/data", NAME));
  await simulation.finish(table.write(insert("first")));
  for (const key of ["a", "first", "b"]) {
    await simulation.finish(process.build(() => queueWrite("/data", NAME, insert(key))));
  }
  return { simulation, process, table };
}

const operations = {
  write: (table: Table) => table.write(insert("own")),
  drain: (table: Table) => table.drain(),
  queue: (_: Table, process: SimulatedProcess) =>
    process.build(() => queueWrite("/data", NAME, insert("own"))),
};

for (const [name, operation] of Object.entries(operations)) {
  test(
    `a disk that fails at any step of ${name} loses nothing and doubles nothing`,
    limit,
    async () => {
      let failures = 0, taken = 0;
      for (let failing = 1, done = false; !done; failing++) {
        const { simulation, process, table } = await prepare();
        const { outcome, failed, beyond } = await failingAt<unknown>(
          simulation,
          failing,
          () => operation(table, process),
        );
        done = beyond;
        const rejected = outcome instanceof Error;
        if (failed && rejected) failures++;
        if (rejected) assert.match(outcome.message, /^Cannot |^no space left/);
        const maybe = rejected && /a power loss may take it back/.test(outcome.message);
        if (maybe) taken++;
        // Whatever happened, the next one makes it good.
        await simulation.finish(table.drain());
        // What another finds on the disk, not what this one may remember.
        const other = process.build(() => new Table("/data", NAME));
        const own = name !== "drain" && (!rejected || maybe) ? ["own"] : [];
        assert.deepEqual(contents(other), ["first", "a", "b", ...own], `step ${failing}`);
        const aside = process.build(() => listSetAside("/data", NAME));
        assert.deepEqual(aside.map(({ sequence }) => sequence), [2]);
        await simulation.finish(table.write(insert("last")));
        assert.equal(process.build(() => countPending("/data", NAME)), 0);
        const files = process.files.list("/data/people/queue");
        assert.deepEqual(files.filter((file) => file.endsWith(".json")), []);
      }
      console.log(`  ${failures} steps failed, ${taken} of them too late`);
      assert(failures >= 8 && taken >= 1);
    },
  );
}
