/**
 * `deno task bench:processor [TEXT…]`: the processor beside `p-queue`, `fastq` and floors, on Deno and
 * then on Bun: how many jobs go through it, what each thing that is asked for costs, how long jobs
 * wait under a load, and how long a shutdown takes under one.
 *
 * `p-queue` and `fastq` queue functions and never refuse; they have no handlers by method, no place in
 * a bounded queue, no statistics. So a ratio tells what all of that costs beside a bare queue.
 */
import fastq from "fastq";
import assert from "node:assert/strict";
import { Worker } from "node:worker_threads";
import PQueue from "p-queue";
import {
  byPriority,
  currentTrace,
  Processor,
  type ProcessorOptions,
  ShutdownError,
} from "../lib/processor/mod.ts";
import {
  type Benchmark,
  type BenchmarkSuite,
  type Contestant,
  defineBenchmark,
  type Rival,
} from "../lab/runners/suite.ts";
import { main, type Section } from "./_main.ts";
import { compute } from "./_processor_handlers.ts";

const WORKERS = 4;
const ONE_BY_ONE = 2_000;
const AT_ONCE = 1_000;
const handlers = new URL("./_processor_handlers.ts", import.meta.url);

const add = (value: number) => value + 1;
const addLater = (value: number) => Promise.resolve(value + 1);

/** What adds one to a number, somehow. */
type Adds = (value: number) => Promise<number>;

/** A processor with a handler for `add`, and what asks it. */
function processor(
  handler: (value: number) => number | Promise<number>,
  options: ProcessorOptions = {},
): { it: Processor; adds: Adds } {
  const it = new Processor({ workers: WORKERS, queueLimit: AT_ONCE, ...options });
  it.handle("add", handler);
  return { it, adds: (value) => it.request("add", value).completed };
}

function pQueue(handler: Adds | typeof add): Adds {
  const queue = new PQueue({ concurrency: WORKERS });
  return (value) => queue.add(() => handler(value)) as Promise<number>;
}

function fastQ(handler: Adds): Adds {
  const queue = fastq.promise((value: number) => handler(value), WORKERS);
  return (value) => queue.push(value) as Promise<number>;
}

/** One after the other, each from the answer of the last. */
const oneByOne = (name: string, adds: Adds): Contestant => ({
  name,
  async run() {
    let sum = 0;
    for (let i = 0; i < ONE_BY_ONE; i++) sum = await adds(sum);
    return sum;
  },
});

/** All at once; answers the sum of the answers. */
const atOnce = (name: string, adds: Adds): Contestant => ({
  name,
  async run() {
    const all = Array.from({ length: AT_ONCE }, (_, i) => adds(i));
    return (await Promise.all(all)).reduce((sum, value) => sum + value, 0);
  },
});

const SUM = AT_ONCE * (AT_ONCE + 1) / 2;

/** How ours do beside theirs, for one way of asking. */
function besidePeers(
  name: string,
  operations: number,
  expected: unknown,
  asks: (name: string, adds: Adds) => Contestant,
  handler: Adds | typeof add,
): Benchmark {
  return defineBenchmark(name, () => {
    const { it, adds } = processor(handler);
    const later: Adds = (value) => Promise.resolve(handler(value));
    return {
      operations,
      expected,
      ours: asks("Processor.request()", adds),
      rivals: [
        asks("p-queue", pQueue(handler)),
        asks("fastq", fastQ(later)),
        asks("floor: the handler called and awaited", later),
      ],
      close: () => it[Symbol.asyncDispose](),
    };
  });
}

/** What something that is asked for costs, beside not asking for it. */
function besidePlain(
  name: string,
  handler: typeof add | Adds,
  options: ProcessorOptions,
  asks: (it: Processor) => Adds,
  rivals: readonly Rival[] = [],
): Benchmark {
  return defineBenchmark(name, () => {
    const plain = processor(handler);
    const { it } = processor(handler, options);
    return {
      operations: AT_ONCE,
      expected: SUM,
      ours: atOnce("with", asks(it)),
      rivals: [atOnce("without", plain.adds), ...rivals],
      close: async () => {
        await it[Symbol.asyncDispose]();
        await plain.it[Symbol.asyncDispose]();
      },
    };
  });
}

const isOdd = (value: number) => value % 2;

function inIsolate(): Benchmark[] {
  const { signal } = new AbortController();
  const queueByPriority = new PQueue({ concurrency: WORKERS });
  return [
    besidePeers(
      "throughput: one request after the other",
      ONE_BY_ONE,
      ONE_BY_ONE,
      oneByOne,
      add,
    ),
    besidePeers(`throughput: ${AT_ONCE} requests at once`, AT_ONCE, SUM, atOnce, add),
    besidePeers(
      `throughput: ${AT_ONCE} requests at once, asynchronous handler`,
      AT_ONCE,
      SUM,
      atOnce,
      addLater,
    ),
    defineBenchmark("a refusal", () => {
      const it = new Processor({ workers: 1, queueLimit: 0, shutdownTimeout: 0 });
      it.handle(
        "hold",
        (_: void, { signal }) =>
          new Promise((resolve) => signal.addEventListener("abort", resolve)),
      );
      const held = it.request("hold").completed.catch(() => {});
      const refused = async (asks: () => Promise<unknown>) => {
        let refused = 0;
        for (let i = 0; i < AT_ONCE; i++) await asks().catch(() => refused++);
        return refused;
      };
      return {
        operations: AT_ONCE,
        expected: AT_ONCE,
        ours: { name: "QueueFullError", run: () => refused(() => it.request("hold").accepted) },
        rivals: [{
          name: "floor: a promise rejected with a new Error",
          run: () => refused(() => Promise.reject(new Error("full"))),
        }],
        close: async () => {
          await it[Symbol.asyncDispose]();
          await held;
        },
      };
    }),
    besidePlain(
      "the cost of a timeout, a limit and a signal",
      add,
      {},
      (it) => (value) =>
        it.request("add", value, { timeout: 60_000, limit: 60_000, signal }).completed,
    ),
    besidePlain(
      "the cost of an order by priority",
      add,
      { order: byPriority },
      (it) => (value) => it.request("add", value, { priority: isOdd(value) }).completed,
      [
        atOnce(
          "p-queue, with priorities",
          (value) =>
            queueByPriority.add(() => add(value), { priority: isOdd(value) }) as Promise<number>,
        ),
      ],
    ),
    besidePlain("the cost of back-pressure that adapts", add, {
      backPressure: { target: 60_000 },
    }, (it) => (value) => it.request("add", value).completed),
    besidePlain(
      "the cost of a trace",
      (value) => {
        // Where there is one, it is that of this job.
        assert.notEqual(currentTrace()?.traceId, "");
        return value + 1;
      },
      { trace: true },
      (it) => (value) => it.request("add", value).completed,
    ),
    besidePlain("the cost of a breaker and a bulkhead", add, {}, (it) => {
      it.handle("guarded", add, {
        breaker: {},
        bulkhead: { workers: WORKERS, queueLimit: AT_ONCE },
      });
      return (value) => it.request("guarded", value).completed;
    }),
    besidePlain("the gain of batches of 100", add, {}, (it) => {
      it.handleBatch("batch", (values: number[]) => values.map(add), { size: 100 });
      return (value) => it.request("batch", value).completed;
    }),
  ];
}

/** A Worker that answers what it is sent. */
class Floor {
  readonly #worker = new Worker(handlers, { workerData: "floor" });
  readonly #waiting: ((value: number) => void)[] = [];

  constructor() {
    this.#worker.on("message", (value) => this.#waiting.shift()!(value));
  }

  readonly ask = (value: number): Promise<number> =>
    new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#worker.postMessage(value);
    });

  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}

function inWorkers(): Benchmark[] {
  const ROUND_TRIPS = 200;
  const JOBS = 8;
  const WORK = 2_000_000;
  return [
    defineBenchmark("Workers: one request after the other", async () => {
      const it = new Processor({ workers: 1 });
      it.handle("echo", handlers);
      const floor = new Floor();
      await Promise.all([it.request("echo", 0).completed, floor.ask(0)]);
      const inTurn = (name: string, ask: Adds): Contestant => ({
        name,
        async run() {
          let sum = 0;
          for (let i = 0; i < ROUND_TRIPS; i++) sum += await ask(1);
          return sum;
        },
      });
      return {
        operations: ROUND_TRIPS,
        expected: ROUND_TRIPS,
        ours: inTurn("Processor.request()", (value) => it.request("echo", value).completed),
        rivals: [inTurn("floor: a message to a Worker and back", floor.ask)],
        close: async () => {
          await it[Symbol.asyncDispose]();
          await floor.close();
        },
      };
    }),
    defineBenchmark(`Workers: ${JOBS} jobs of some milliseconds on two of them`, async () => {
      const it = new Processor({ workers: 2 });
      it.handle("compute", handlers);
      const { it: here } = processor(add);
      here.handle("compute", compute);
      const expected = compute(WORK) * JOBS;
      const all = (name: string, of: Processor): Contestant => ({
        name,
        async run() {
          const jobs = Array.from({ length: JOBS }, () => of.request("compute", WORK).completed);
          return (await Promise.all(jobs)).reduce((sum: number, value: number) => sum + value, 0);
        },
      });
      await all("", it).run();
      return {
        operations: JOBS,
        expected,
        ours: all("in two Workers", it),
        rivals: [all("in this isolate", here)],
        close: async () => {
          await it[Symbol.asyncDispose]();
          await here[Symbol.asyncDispose]();
        },
      };
    }),
  ];
}

const ms = (time: number): string => `${time < 10 ? time.toFixed(3) : time.toFixed(1)} ms`;

/** So many milliseconds from now. */
const later = (time: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, time));

/**
 * Jobs that come at a steady rate, whether those before are done or not, and take 2 ms each. What
 * is told is the time from being accepted on, of which 2 ms are the handler's.
 */
async function latency(): Promise<string> {
  const TAKES = 2;
  const FOR = 2_000;
  const lines = [
    `${"jobs a second".padEnd(44)}${"p50".padStart(12)}${"p99".padStart(12)}  refused`,
  ];
  for (const rate of [500, 1_000, 1_500, 4_000]) {
    await using it = new Processor({ workers: WORKERS, queueLimit: 10 });
    it.handle("wait", () => later(TAKES));
    const since = performance.now();
    let asked = 0, refused = 0;
    const all: Promise<unknown>[] = [];
    for (let now = since; now - since < FOR; now = performance.now()) {
      for (; asked < (now - since) * rate / 1_000; asked++) {
        const { accepted, completed } = it.request("wait");
        all.push(completed.catch(() => {}));
        accepted.catch(() => refused++);
      }
      await later(1);
    }
    await Promise.all(all);
    const { latency, accepted, done, refused: { full } } = it.stats();
    assert.equal(accepted, done);
    assert.equal(full, refused);
    assert.equal(accepted + full, asked);
    lines.push(
      `${rate}, each of ${TAKES} ms, on ${WORKERS} workers`.padEnd(44) +
        ms(latency.p50).padStart(12) + ms(latency.p99).padStart(12) +
        `  ${(100 * refused / asked).toFixed(0)} %`,
    );
  }
  return lines.join("\n");
}

/** What a shutdown may take under load, in milliseconds: the seed's budget. */
const SHUTDOWN_BUDGET = 2_000;

/** A processor that is asked for more than it can do while it is shut down. */
interface Load {
  readonly name: string;
  readonly options: ProcessorOptions;
  readonly handle: (it: Processor) => unknown;
  /** How long the shutdown waits for what was accepted. */
  readonly timeout: number;
}

/** A handler that heeds its signal. */
const heeding = (time: number) => (_: void, { signal }: { signal: AbortSignal }) =>
  new Promise<void>((resolve, reject) => {
    const timer = setTimeout(resolve, time);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });

const loads: readonly Load[] = [{
  name: "400 pending jobs of 2 ms, all finished",
  options: { queueLimit: 100 },
  handle: (it) => it.handle("job", heeding(2)),
  timeout: 1_500,
}, {
  name: "400 pending jobs of 1 s, aborted after 500 ms",
  options: { queueLimit: 100 },
  handle: (it) => it.handle("job", heeding(1_000)),
  timeout: 500,
}, {
  name: "the same, and no handler heeds its signal",
  options: { queueLimit: 100, grace: 200 },
  handle: (it) => it.handle("job", () => later(1_000)),
  timeout: 500,
}, {
  name: "400 pending jobs in Workers that spin for ever",
  options: { queueLimit: 100, grace: 200 },
  handle: (it) => it.handle("job", handlers, { export: "spin" }),
  timeout: 500,
}];

async function shutDown({ name, options, handle, timeout }: Load): Promise<string> {
  const it = new Processor({ workers: WORKERS, ...options });
  handle(it);
  let accepted = 0, done = 0, aborted = 0, refusedAfter = 0;
  let closing = false;
  const ask = () => {
    const job = it.request("job");
    job.accepted.then(() => accepted++, (error) => {
      if (closing && error instanceof ShutdownError) refusedAfter++;
    });
    job.completed.then(() => done++, (error) => {
      if (error instanceof ShutdownError && error.accepted) aborted++;
    });
  };
  for (let i = 0; i < 2 * WORKERS * 100; i++) ask();
  await later(50);
  const before = it.stats();
  const pending = before.queued + before.active;
  const since = performance.now();
  const ended = it.shutdown({ timeout });
  closing = true;
  // Nobody stops asking because it shuts down.
  const timer = setInterval(() => ask(), 1);
  const report = await ended;
  const took = performance.now() - since;
  clearInterval(timer);
  await later(0);
  assert.equal(report.finished + report.aborted, pending, "every accepted job has come to an end");
  assert.deepEqual([done - before.done, aborted], [report.finished, report.aborted]);
  assert(refusedAfter > 0 && accepted === it.stats().accepted);
  return name.padEnd(52) + `${took.toFixed(0)} ms`.padStart(9) +
    `  budget ${SHUTDOWN_BUDGET} ms  ${took < SHUTDOWN_BUDGET ? "ok" : "OVER"}` +
    `  (${report.finished} finished, ${report.aborted} aborted, ${report.abandoned} abandoned,` +
    ` ${refusedAfter} refused meanwhile)`;
}

async function shutdownUnderLoad(): Promise<string> {
  const lines: string[] = [];
  for (const load of loads) lines.push(await shutDown(load));
  return lines.join("\n");
}

const sections: readonly Section[] = [
  { name: "latency: jobs that come at a steady rate", measure: latency },
  { name: "shutdown under load", measure: shutdownUnderLoad },
];

const suite: BenchmarkSuite = [...inIsolate(), ...inWorkers()];
export default suite;

if (import.meta.main) await main(suite, import.meta.url, sections);
