/**
 * `deno task bench:queue [TEXT…]`: tables and their queues, on Deno and then on Bun: the budgets of the
 * seed, how the times grow with the queue and with the table, and ratios to the floors.
 *
 * What is accepted is on the disk when it is accepted, so most of these times are the disk's: beside
 * each stands that of the bare calls that it cannot do without, measured in turn with it.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { replaceFile } from "../lib/_file_replace.ts";
import { Histogram } from "../lib/_histogram.ts";
import { systemHost } from "../lib/_host.ts";
import {
  acquireTableLock,
  countPending,
  CsvRow,
  getNextPending,
  isTableLocked,
  type NewWrite,
  queueWrite,
  removeFromQueue,
  Table,
} from "../lib/queue/mod.ts";
import { FileLock } from "../mod.ts";
import { folder as base } from "./_folder.ts";
import { main, type Section } from "./_main.ts";
import { type BenchmarkSuite, type Contestant, defineBenchmark } from "../lab/runners/suite.ts";

const { files } = systemHost;
const insert = (...keys: string[]): NewWrite => ({
  operation: "insert",
  rows: keys.map((key) => new CsvRow(key, ["some", "values, one of them quoted", "1843"])),
});

/** What a queued write cannot do without: a file written aside, synced, renamed, its folder synced. */
const bytes = new TextEncoder().encode(JSON.stringify(insert("key")));
let written = 0;
const bareFile = () => replaceFile(files, join(base(), `bare-${written++}`), bytes, 0o600);

/** What takes how long. */
interface Timed {
  readonly name: string;
  /** In milliseconds, where the seed has one. */
  readonly budget?: number;
  /** Prepares one call, which is not timed. */
  readonly before?: () => unknown;
  /** One call. */
  readonly call: () => unknown;
  /** Checks one call, which is not timed. */
  readonly after?: (answer: never) => unknown;
}

async function time({ before, call, after }: Timed, histogram: Histogram): Promise<void> {
  await before?.();
  const since = performance.now();
  const answer = await call();
  histogram.record(performance.now() - since);
  await after?.(answer as never);
}

const milliseconds = (ms: number): string => `${ms < 10 ? ms.toFixed(3) : ms.toFixed(1)} ms`;

/** Calls all in turn, again and again, and tells a line of each. */
async function inTurn(rounds: number, all: readonly Timed[]): Promise<string> {
  const histograms = all.map(() => new Histogram());
  for (let round = 0; round < rounds; round++) {
    // The first round counts for nothing: it makes folders, and code is compiled in it.
    if (round === 1) all.forEach((_, i) => histograms[i] = new Histogram());
    for (const [i, timed] of all.entries()) await time(timed, histograms[i]);
  }
  return all.map(({ name, budget }, i) => {
    const { p50, p99 } = histograms[i].summary();
    const verdict = budget === undefined
      ? ""
      : `  budget ${budget} ms  ${p99 <= budget ? "ok" : p50 <= budget ? "p99 OVER" : "OVER"}`;
    return name.padEnd(44) + milliseconds(p50).padStart(12) + milliseconds(p99).padStart(12) +
      verdict;
  }).join("\n");
}

const header = "".padEnd(44) + "p50".padStart(12) + "p99".padStart(12);

/** The four times that the seed asks for, of an uncontended table with a few writes pending. */
async function budgets(): Promise<string> {
  const name = "budgets";
  for (let i = 0; i < 10; i++) await queueWrite(base(), name, insert(`${i}`));
  let id = "";
  const lines = await inTurn(201, [
    {
      name: "acquireTableLock()",
      budget: 10,
      call: () => acquireTableLock(base(), name),
      after: (lock: Disposable) => {
        assert(isTableLocked(base(), name));
        lock[Symbol.dispose]();
      },
    },
    {
      name: "isTableLocked()",
      budget: 1,
      call: () => isTableLocked(base(), name),
      after: (locked: boolean) => assert.equal(locked, false),
    },
    {
      name: "queueWrite()",
      budget: 5,
      call: () => queueWrite(base(), name, insert("new")),
      after: (answer: string) => id = answer,
    },
    { name: "  floor: the bare file calls", call: bareFile },
    {
      name: "getNextPending()",
      budget: 5,
      call: () => getNextPending(base(), name),
      after: (next: { write: NewWrite }) => assert.equal(next.write.rows[0].key, "0"),
    },
    {
      name: "countPending()",
      call: () => countPending(base(), name),
      after: (pending: number) => assert.equal(pending, 11),
    },
    {
      name: "removeFromQueue()",
      call: () => removeFromQueue(base(), name, id),
      after: (removed: boolean) => assert(removed),
    },
  ]);
  return `${header}\n${lines}`;
}

/** How the times grow while the queue fills up to its bound. */
async function queueCurve(): Promise<string> {
  const lines: string[] = [];
  for (const depth of [0, 25, 50, 75, 99]) {
    const name = `queue-${depth}`;
    const ids: string[] = [];
    for (let i = 0; i < depth; i++) ids.push(await queueWrite(base(), name, insert(`${i}`)));
    let id = "";
    lines.push(
      `${depth} pending`,
      await inTurn(41, [
        {
          name: "  queueWrite()",
          call: () => queueWrite(base(), name, insert("new")),
          after: (answer: string) => id = answer,
        },
        {
          name: "  getNextPending()",
          call: () => getNextPending(base(), name),
          after: (next: { id: string }) => assert.equal(next.id, ids[0] ?? id),
        },
        {
          name: "  removeFromQueue()",
          call: () => removeFromQueue(base(), name, id),
          after: () => assert.equal(countPending(base(), name), depth),
        },
      ]),
    );
  }
  return `${header}\n${lines.join("\n")}`;
}

/** How the times grow with the table, which is read and written as a whole. */
async function tableCurve(): Promise<string> {
  const lines: string[] = [];
  for (const size of [10, 100, 1_000, 10_000, 100_000]) {
    using table = new Table(base(), `table-${size}`);
    await table.write(insert(...Array.from({ length: size }, (_, i) => `key-${i}`)));
    const image = files.readFile(table.path)!;
    let next = size;
    const rows = () => table.read().rows.size;
    lines.push(
      `${size} rows, ${(image.length / 1000).toPrecision(3)} kB`,
      await inTurn(size < 100_000 ? 21 : 6, [
        {
          name: "  Table.write()",
          before: rows,
          call: () => table.write(insert(`key-${next++}`), { timeout: 60_000 }),
          after: ({ state }: { state: string }) => assert.equal(state, "applied"),
        },
        {
          name: "  Table.write() by one who has not seen it yet",
          call: async () => {
            using fresh = new Table(base(), table.name);
            return await fresh.write(insert(`key-${next++}`), { timeout: 60_000 });
          },
          after: ({ state }: { state: string }) => assert.equal(state, "applied"),
        },
        {
          name: "  floor: the file replaced, with no lock or rows",
          call: () => replaceFile(files, join(base(), "bare-table"), image, 0o600),
        },
        {
          name: "  Table.read()",
          before: rows,
          call: rows,
          after: (found: number) => assert.equal(found, next),
        },
        {
          name: "  Table.drain() of ten",
          before: async () => {
            for (let i = 0; i < 10; i++) {
              await queueWrite(base(), table.name, insert(`key-${next++}`));
            }
          },
          call: () => table.drain(),
          after: ({ drained }: { drained: number }) => assert.equal(drained, 10),
        },
      ]),
    );
  }
  return `${header}\n${lines.join("\n")}`;
}

const sections: readonly Section[] = [
  { name: "budgets", measure: budgets },
  { name: "curve: the queue from empty to its bound", measure: queueCurve },
  { name: "curve: the table from 10 to 100,000 rows", measure: tableCurve },
];

const TASKS = 50;

/** Tasks that each read a counter, let others run, and write it back. */
async function increments(within: (fn: () => Promise<void>) => Promise<void>): Promise<number> {
  let counter = 0;
  await Promise.all(Array.from({ length: TASKS }, () =>
    within(async () => {
      const seen = counter;
      await undefined;
      counter = seen + 1;
    })));
  return counter;
}

const concurrentLocks = defineBenchmark(
  `concurrent-locks: ${TASKS} tasks at one table's lock`,
  () => {
    const lock = new FileLock(join(base(), "lock"));
    return {
      operations: TASKS,
      expected: TASKS,
      ours: {
        name: "acquireTableLock()",
        run: () =>
          increments(async (fn) => {
            using _lock = await acquireTableLock(base(), "concurrent");
            await fn();
          }),
      },
      rivals: [
        { name: "FileLock.withWrite()", run: () => increments((fn) => lock.withWrite(fn)) },
        {
          name: "unguarded, which loses all but one",
          // What is expected of the others must not come true here.
          run: async () => await increments((fn) => fn()) === 1 ? TASKS : "it lost nothing",
        },
      ],
    };
  },
);

const WRITES = 20;

/** Queues some writes and takes them out again. */
function throughQueue(name: string, table: string): Contestant {
  return {
    name,
    async run() {
      let right = 0;
      for (let i = 0; i < WRITES; i++) await queueWrite(base(), table, insert(`${i}`));
      for (let i = 0; i < WRITES; i++) {
        const { id, write } = (await getNextPending(base(), table))!;
        if (write.rows[0].key === `${i}` && await removeFromQueue(base(), table, id)) right++;
      }
      return right;
    },
  };
}

const writeQueue = defineBenchmark(`write-queue: ${WRITES} writes in and out`, () => ({
  operations: WRITES,
  expected: WRITES,
  ours: throughQueue("queueWrite() … removeFromQueue()", "through"),
  rivals: [{
    name: "floor: the bare file calls",
    run() {
      for (let i = 0; i < WRITES; i++) bareFile();
      for (let i = written - WRITES; i < written; i++) {
        files.remove(join(base(), `bare-${i}`));
        files.syncFolder(base());
      }
      return WRITES;
    },
  }],
}));

const suite: BenchmarkSuite = [concurrentLocks, writeQueue];
export default suite;

if (import.meta.main) await main(suite, import.meta.url, sections);
