/**
 * Tables killed, and their power cut, at every I/O step of every operation, with every disk that may
 * be left: what was accepted is applied once and in its order, and what was set aside is there; also
 * when one process has died and power is lost to the next. The twins, each with one thing left out,
 * are caught by the same check.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type CrashOptions,
  type CrashProgram,
  type CrashVerdict,
  exploreCrashes,
  type Host,
  type SimulatedProcess,
} from "../../../lab/worlds/simulation/mod.ts";
import { withHost } from "../../../lib/_host.ts";
import {
  acquireTableLock,
  CsvRow,
  getNextPending,
  listSetAside,
  queueWrite,
  removeFromQueue,
  type SetAside,
  Table,
} from "../../../lib/queue/mod.ts";
import { altered, none, type Twin, twinOf } from "../_altered.ts";
import { forgetful } from "./_twins.ts";

const limit = { timeout: 300_000 };
const BASE = "/data";
const NAME = "people";
const FOLDER = `${BASE}/${NAME}`;
const TABLE = `${FOLDER}/table.csv`;
const NEXT = `${TABLE}.interlock-next`;
const QUEUE = `${FOLDER}/queue`;

/** What must be so for good. */
type Report =
  | { readonly accepted: string; readonly by: string }
  | { readonly removed: string }
  | { readonly setAside: string };

type Tell = (report: Report) => void;

/** What a process does. */
type Actor = (host: Host, tell: Tell) => Promise<unknown>;

const insert = (...keys: string[]) => ({
  operation: "insert" as const,
  rows: keys.map((key) => new CsvRow(key, ["1"])),
});

/** Queues its writes one after the other. */
const queues = (by: string, times: number): Actor => async (host, tell) => {
  for (let n = 0; n < times; n++) {
    await withHost(host, () => queueWrite(BASE, NAME, insert(`${by} ${n}`)));
    tell({ accepted: `${by} ${n}`, by });
  }
};

/** Writes directly, one after the other, or queues if it has to wait. */
const writes = (by: string, times: number): Actor => async (host, tell) => {
  using table = withHost(host, () => new Table(BASE, NAME));
  for (let n = 0; n < times; n++) {
    await table.write(insert(`${by} ${n}`), { timeout: 5 });
    tell({ accepted: `${by} ${n}`, by });
  }
};

/** Drains, so many times. */
const drains = (times: number): Actor => async (host, tell) => {
  using table = withHost(host, () => new Table(BASE, NAME));
  for (let n = 0; n < times; n++) {
    const { setAside } = await table.drain();
    for (const { id } of setAside) tell({ setAside: id });
  }
};

/** Has the table's lock for a moment. */
const locks: Actor = async (host) => {
  (await withHost(host, () => acquireTableLock(BASE, NAME))).release();
};

/** One after the other. */
const inTurn = (...actors: Actor[]): Actor => async (host, tell) => {
  for (const actor of actors) await actor(host, tell);
};

/** Queues a write and removes it. */
const removes = (by: string): Actor => async (host, tell) => {
  const id = await withHost(host, () => queueWrite(BASE, NAME, insert(`${by} gone`)));
  if (await withHost(host, () => removeFromQueue(BASE, NAME, id))) {
    tell({ removed: `${by} gone` });
  }
};

/** Queues a write that does not fit, for `a 0` is there by then. */
const queuesMisfit: Actor = async (host, tell) => {
  tell({ setAside: await withHost(host, () => queueWrite(BASE, NAME, insert("misfit", "a 0"))) });
};

/** Damages the file of the write that comes first. */
const damages: Actor = (host) => {
  const [name] = host.files.list(QUEUE).filter((name) => name.endsWith(".json"));
  const file = host.files.open(`${QUEUE}/${name}`, { create: false });
  file.truncate(20);
  file.sync();
  file.close();
  return Promise.resolve();
};

/** Looks at the write that comes first. */
const looks: Actor = async (host, tell) => {
  const events: SetAside[] = [];
  const onSetAside = (event: SetAside) => void events.push(event);
  await withHost(host, () => getNextPending(BASE, NAME, { onSetAside }));
  for (const { id } of events) tell({ setAside: id });
};

/**
 * What holds after a crash: everything accepted is there once, in the order of each producer, and what
 * was removed is not, when all that is pending has been applied; what was set aside is kept.
 */
async function check(
  process: SimulatedProcess,
  reported: readonly Report[],
  misfits: number,
): Promise<void> {
  const table = process.build(() => new Table(BASE, NAME));
  const { rows: before } = table.read();
  await table.drain();
  const keys = [...table.read().rows.keys()];
  assert.deepEqual(keys.slice(0, before.size), [...before.keys()], "rows are only added");
  for (const report of reported) {
    if ("accepted" in report) assert(keys.includes(report.accepted), `lost: ${report.accepted}`);
    if ("removed" in report) assert(!keys.includes(report.removed), `back: ${report.removed}`);
  }
  for (const by of ["a", "b"]) {
    const own = keys.filter((key) => key.startsWith(by));
    assert.deepEqual(own, own.toSorted(), `the order of ${by}`);
  }
  assert(!keys.includes("misfit"), "a write that does not fit is not applied in part");
  // A write that is applied twice does not fit the second time.
  const setAside = process.build(() => listSetAside(BASE, NAME));
  assert(setAside.length <= misfits, `set aside, and it was right: ${setAside[0]?.file}`);
  for (const report of reported) {
    if (!("setAside" in report)) continue;
    assert(setAside.some(({ id }) => id === report.setAside), `${report.setAside} was set aside`);
  }
  assert.equal(table.countPending(), 0);
  const { epoch } = table.read();
  const outcome = await table.write(insert("after"));
  assert(outcome.state === "applied" && outcome.epoch === epoch + 1);
  const id = await process.build(() => queueWrite(BASE, NAME, insert("after that")));
  assert.equal((await process.build(() => getNextPending(BASE, NAME)))?.id, id);
  assert.equal((await table.drain()).drained, 1, "a new write is not taken for an old one");
  table.close();
  // Nothing is left behind.
  const { files } = process;
  const others = (name: string) => !/^(lock.*|queue|table\.csv)$/.test(name);
  assert.deepEqual(files.list(FOLDER).filter(others), []);
  const kept = /^(lock.*|.*\.(unreadable|refused))$/;
  assert.deepEqual(files.list(QUEUE).filter((name) => !kept.test(name)), []);
}

interface Setting {
  readonly twin?: Twin;
  /** How many writes may be set aside. */
  readonly misfits?: number;
  /** What has happened before. */
  readonly before?: Actor;
}

function program(actors: readonly Actor[], setting: Setting = {}): CrashProgram<Report> {
  const { twin = none, misfits = 0, before } = setting;
  return {
    setUp: (process) => before?.(process, () => {}),
    run(machine) {
      actors.forEach((actor, i) =>
        void machine.start(`process ${i}`, async (process, report) => {
          await actor(twinOf(process, twin), report);
        })
      );
    },
    check: ({ process, reported }) => check(process, reported, misfits),
  };
}

const explore = (
  program: CrashProgram<Report>,
  options: CrashOptions = {},
): Promise<CrashVerdict> => exploreCrashes(program, { blockSize: 64, disks: 4096, ...options });

const safe: Record<string, [actors: readonly Actor[], setting?: Setting]> = {
  "queueWrite(): what was accepted survives": [[queues("a", 3)]],
  "queueWrite() into a folder that a lock has made: what was accepted survives": [
    [inTurn(locks, queues("a", 1))],
  ],
  "queueWrite() of two processes: what was accepted survives": [[queues("a", 2), queues("b", 2)]],
  "removeFromQueue(): what was removed does not come back": [
    [inTurn(removes("a"), queues("a", 1), removes("b"), queues("b", 1))],
  ],
  "Table.write(): what was accepted survives": [[writes("a", 3)]],
  "Table.drain(): each write is applied once": [[inTurn(queues("a", 2), drains(1))]],
  "Table.write() after what is pending": [[inTurn(queues("a", 2), writes("b", 2))]],
  "Table.drain(): a refused write is set aside, and no other": [
    [inTurn(queues("a", 1), queuesMisfit, queues("b", 1), drains(2))],
    { misfits: 1 },
  ],
  "Table.drain(): an unreadable file is set aside, and no other": [
    [drains(2)],
    { misfits: 1, before: inTurn(queues("c", 1), queues("a", 1), damages) },
  ],
  "getNextPending(): an unreadable file is set aside, and no other": [
    [looks],
    { misfits: 1, before: inTurn(queues("c", 1), queues("a", 1), damages) },
  ],
};

for (const [claim, [actors, setting]] of Object.entries(safe)) {
  test(`${claim}, whatever crash comes`, limit, async () => {
    const { verdict, evidence, complete, failure } = await explore(program(actors, setting));
    console.log(`  ${evidence}`);
    assert.equal(verdict, "safe", failure?.report ?? evidence);
    assert(complete, evidence);
  });
}

test("tables: two producers and two who drain, any of them killed at any step", limit, async () => {
  const actors = [queues("a", 2), writes("b", 2), drains(2), drains(2)];
  const { verdict, evidence, complete, failure } = await explore(program(actors));
  console.log(`  ${evidence}`);
  assert.equal(verdict, "safe", failure?.report ?? evidence);
  assert(complete, evidence);
});

/** One process dies before some step of its own; then another begins, and power is lost to that. */
function afterOneThatDies(one: Actor, before: number, another: Actor) {
  let died = false;
  const crashes: CrashProgram<Report> = {
    ...program([]),
    async run(machine) {
      let steps = 0;
      machine.simulation.beforeStep = ({ process }) => {
        if (process.name === "first" && ++steps === before) process.kill();
      };
      died = await machine.start("first", (process) => one(process, () => {})) === "killed";
      void machine.start("second", async (process, report) => void await another(process, report));
    },
  };
  return { crashes, died: () => died };
}

const begin = { "queueWrite()": queues, "Table.write()": writes };

for (const [what, actor] of Object.entries(begin)) {
  test(`${what} after one that died in it: what was accepted survives`, limit, async () => {
    let before = 0;
    for (let went = true; went;) {
      const { crashes, died } = afterOneThatDies(actor("c", 1), ++before, actor("a", 1));
      const { verdict, evidence, complete, failure } = await explore(crashes, {
        crashes: ["power loss"],
      });
      assert.equal(verdict, "safe", failure?.report ?? evidence);
      assert(complete, evidence);
      went = died();
    }
    console.log(`  died before each of ${before - 1} steps`);
    assert(before > 20, "it dies on the way");
  });
}

test("Table.drain() after one that died in it: what was set aside is kept", limit, async () => {
  const drainsAndLists: Actor = async (host, tell) => {
    await drains(1)(host, tell);
    for (const { id } of withHost(host, () => listSetAside(BASE, NAME))) tell({ setAside: id });
  };
  const setUp = inTurn(queues("a", 1), queuesMisfit, queues("b", 1));
  let before = 0;
  for (let went = true; went;) {
    const { crashes, died } = afterOneThatDies(drains(1), ++before, drainsAndLists);
    const { verdict, evidence, failure } = await explore(
      {
        ...crashes,
        setUp: (process) => setUp(process, () => {}),
        check: ({ process, reported }) => check(process, reported, 1),
      },
      { crashes: ["power loss"] },
    );
    assert.equal(verdict, "safe", failure?.report ?? evidence);
    went = died();
  }
  console.log(`  died before each of ${before - 1} steps`);
  assert(before > 20, "it dies on the way");
});

const twins: Record<string, Twin> = {
  "does not count what it applied": forgetful,
  "writes the table in place": (files) => ({
    open(path, options) {
      if (path !== NEXT) return files.open(path, options);
      const file = files.open(TABLE, { ...options, exclusive: false });
      file.truncate(0);
      return file;
    },
    rename: (from, to) => from === NEXT || files.rename(from, to),
  }),
  "removes what is pending before it is applied": (files) => ({
    readFile(path) {
      const bytes = files.readFile(path);
      if (path.endsWith(".json")) files.remove(path);
      return bytes;
    },
  }),
  "does not sync what it queues": (files) => ({
    open: (path, options) =>
      path === `${QUEUE}/next`
        ? altered(files.open(path, options), { sync() {} })
        : files.open(path, options),
  }),
  "does not sync the queue's folder": (files) => ({
    syncFolder: (path) => path === QUEUE || files.syncFolder(path),
  }),
  "does not sync the folders above": (files) => ({
    syncFolder: (path) => [QUEUE, FOLDER].includes(path) && files.syncFolder(path),
  }),
  "does not sync the table": (files) => ({
    open: (path, options) =>
      path === NEXT ? altered(files.open(path, options), { sync() {} }) : files.open(path, options),
  }),
  "does not sync the table's folder": (files) => ({
    syncFolder: (path) => path === FOLDER || files.syncFolder(path),
  }),
};

for (const [defect, twin] of Object.entries(twins)) {
  test(`the check finds a process that ${defect}`, limit, async () => {
    const actors = [inTurn(queues("a", 2), drains(1), writes("b", 2))];
    const { verdict, evidence, failure } = await explore(program(actors, { twin }));
    assert.equal(verdict, "broken", evidence);
    const [message] = (failure!.error as Error).message.split("\n");
    console.log(`  ${failure!.crash ?? "no crash"}, ${message}`);
  });
}

test(
  "the check finds a process that counts beyond a write which it has not set aside for good",
  limit,
  async () => {
    let unsynced = false;
    const twin: Twin = (files) => ({
      rename(from, to) {
        files.rename(from, to);
        unsynced = to.endsWith(".refused");
      },
      syncFolder: (path) => path === QUEUE && unsynced || files.syncFolder(path),
    });
    const actors = [inTurn(queues("a", 1), queuesMisfit, queues("b", 1), drains(2))];
    const { verdict, evidence, failure } = await explore(program(actors, { twin, misfits: 1 }));
    assert.equal(verdict, "broken", evidence);
    assert.match(String(failure!.error), /was set aside/);
  },
);
