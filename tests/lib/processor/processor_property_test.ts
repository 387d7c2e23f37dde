/** `Processor` against a model that does the same with plain arrays, in random sequences. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { byPriority, type JobOptions, type ShutdownReport } from "../../../lib/processor/mod.ts";
import { settle } from "../../_fake_host.ts";
import { checkProperty } from "../../_property.ts";
import { runs } from "../../_runs.ts";
import { create } from "./_held.ts";

const timeout = runs(300_000, 3_600_000);

interface Setup {
  readonly workers: number;
  readonly queueLimit: number;
  readonly stealing: boolean;
  readonly prioritized: boolean;
}

type Step =
  | { do: "request"; timeout?: number; limit?: number; signal?: number; priority: number }
  | { do: "end"; which: number; well: boolean }
  | { do: "abort"; signal: number }
  | { do: "advance"; ticks: number }
  | { do: "shut down"; timeout: number };

/**
 * Time moves in ticks of 16 ms, and no two of these lengths are equal modulo 16, so that no two of
 * different lengths ever end at the same moment, when their order would be left open.
 */
const TICK = 16;
const timeouts = [0, 7, 57];
const limits = [5, 28];
const shutdowns = [0, 35, 150];

const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("request" as const),
      timeout: maybe(fc.constantFrom(...timeouts)),
      limit: maybe(fc.constantFrom(...limits)),
      signal: maybe(fc.nat(2)),
      priority: fc.nat(2),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("end" as const),
      which: fc.nat(6),
      well: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("abort" as const), signal: fc.nat(2) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("advance" as const), ticks: fc.nat(2) }) },
);
const last: fc.Arbitrary<Step> = fc.record({
  do: fc.constant("shut down" as const),
  timeout: fc.constantFrom(...shutdowns),
});
const setup: fc.Arbitrary<Setup> = fc.record({
  workers: fc.integer({ min: 1, max: 3 }),
  queueLimit: fc.nat(3),
  stealing: fc.boolean(),
  prioritized: fc.boolean(),
});

interface ModelJob {
  readonly id: number;
  readonly options: JobOptions;
  readonly priority: number;
  readonly signal: number | undefined;
  state: "queued" | "granted" | "running" | "ended";
  /** When its timeout, and later its limit, has passed. */
  due: number;
  worker: number;
}

/** What a processor does, said as simply as possible. */
class Model {
  readonly queues: ModelJob[][];
  readonly running: (ModelJob | undefined)[];
  /** In the order they began, each with its worker. */
  readonly begun: [id: number, worker: number][] = [];
  /** In the order in which their signals are heard: that in which they began, or came. */
  readonly heard: ModelJob[] = [];
  readonly ended = new Map<number, string>();
  readonly aborted = new Set<number>();
  /** Those whose handlers go on though they have ended. */
  readonly abandoned = new Set<number>();
  readonly report = { finished: 0, aborted: 0 };
  refused = { full: 0, shutdown: 0, aborted: 0 };
  ids = 0;
  now = 0;
  shutdownDue: number | undefined;
  closed = false;

  constructor(readonly setup: Setup) {
    this.queues = Array.from({ length: setup.workers }, () => []);
    this.running = Array.from({ length: setup.workers }, () => undefined);
  }

  get pending(): ModelJob[] {
    return [...this.running.filter((job) => job !== undefined), ...this.queues.flat()];
  }

  before(a: ModelJob, b: ModelJob): number {
    return this.setup.prioritized && a.priority !== b.priority
      ? b.priority - a.priority
      : a.id - b.id;
  }

  /** Answers the job's number, or why it is refused. */
  request(
    options: JobOptions,
    signal: number | undefined,
  ): number | "full" | "shutdown" | "aborted" {
    const { workers, queueLimit } = this.setup;
    const refused = this.shutdownDue !== undefined
      ? "shutdown"
      : signal !== undefined && this.aborted.has(signal)
      ? "aborted"
      : this.pending.length >= workers * (queueLimit + 1)
      ? "full"
      : undefined;
    if (refused !== undefined) {
      this.refused[refused]++;
      return refused;
    }
    const job: ModelJob = {
      id: ++this.ids,
      options,
      priority: options.priority ?? 0,
      signal,
      state: "queued",
      due: this.now + (options.timeout ?? Infinity),
      worker: -1,
    };
    if (signal !== undefined) this.heard.push(job);
    const idle = this.running.indexOf(undefined);
    if (idle >= 0) this.grant(job, idle);
    else {
      const loads = this.queues.map((queue, i) => queue.length + (this.running[i] ? 1 : 0));
      job.worker = loads.indexOf(Math.min(...loads));
      this.queues[job.worker].push(job);
    }
    return job.id;
  }

  grant(job: ModelJob, worker: number): void {
    job.state = "granted";
    job.due = Infinity;
    job.worker = worker;
    this.running[worker] = job;
    this.silence(job);
    this.begun.push([job.id, worker]);
  }

  silence(job: ModelJob): void {
    const at = this.heard.indexOf(job);
    if (at >= 0) this.heard.splice(at, 1);
  }

  /** What has been granted begins once the event loop has turned. */
  turn(): void {
    const granted = this.running.filter((job) => job?.state === "granted") as ModelJob[];
    for (const job of granted.sort((a, b) => this.orderBegun(a) - this.orderBegun(b))) {
      job.state = "running";
      job.due = this.now + (job.options.limit ?? Infinity);
      if (job.signal !== undefined) this.heard.push(job);
    }
  }

  orderBegun(job: ModelJob): number {
    return this.begun.findIndex(([id]) => id === job.id);
  }

  release(worker: number): void {
    this.running[worker] = undefined;
    if (this.closed) return;
    const queues = this.setup.stealing ? this.queues : [this.queues[worker]];
    const [next] = queues.flat().sort((a, b) => this.before(a, b));
    if (next === undefined) return;
    this.unqueue(next);
    this.grant(next, worker);
  }

  unqueue(job: ModelJob): void {
    const queue = this.queues[job.worker];
    queue.splice(queue.indexOf(job), 1);
  }

  /** Ends a job; answers its worker if that is to be given back. */
  end(job: ModelJob, how: string): number | undefined {
    const { state } = job;
    job.state = "ended";
    this.silence(job);
    this.ended.set(job.id, how);
    if (state === "queued") return void this.unqueue(job);
    if (state === "running" && how !== "done" && how !== "failed") this.abandoned.add(job.id);
    if (state === "granted") this.begun.splice(this.orderBegun(job), 1);
    return job.worker;
  }

  abort(signal: number): void {
    this.aborted.add(signal);
    const freed = this.heard.filter((job) => job.signal === signal)
      .map((job) => this.end(job, "aborted"));
    for (const worker of freed) if (worker !== undefined) this.release(worker);
  }

  advance(ms: number): void {
    this.now += ms;
    for (;;) {
      const { pending } = this;
      const due = Math.min(...pending.map((job) => job.due), this.shutdownDue ?? Infinity);
      if (due > this.now || due === Infinity) return;
      if (due === this.shutdownDue && pending.length > 0) {
        this.abortRest();
        continue;
      }
      if (pending.length === 0) return;
      const same = pending.filter((job) => job.due === due);
      const [job] = same.sort((a, b) =>
        a.state === "running" ? this.orderBegun(a) - this.orderBegun(b) : a.id - b.id
      );
      const worker = this.end(job, job.state === "running" ? "JobLimitError" : "JobTimeoutError");
      if (worker !== undefined) this.release(worker);
    }
  }

  shutDown(timeout: number): void {
    const due = this.now + timeout;
    if (this.shutdownDue === undefined) this.report.finished = this.pending.length;
    else if (due >= this.shutdownDue || this.pending.length === 0) return;
    this.shutdownDue = due;
    if (timeout === 0) this.abortRest();
  }

  abortRest(): void {
    this.closed = true;
    this.shutdownDue = Infinity;
    const { pending } = this;
    this.report.aborted = pending.length;
    this.report.finished -= pending.length;
    for (const job of pending) this.end(job, "ShutdownError");
    this.running.fill(undefined);
  }
}

async function follow(setup: Setup, steps: readonly Step[]): Promise<void> {
  const { workers, queueLimit, stealing, prioritized } = setup;
  const order = prioritized ? byPriority : undefined;
  const { host, processor, held } = create({ workers, queueLimit, stealing, order, grace: 0 });
  const model = new Model(setup);
  const controllers = [0, 1, 2].map(() => new AbortController());
  const ended = new Map<number, string>();
  /** Those of `ended` that have not been compared yet, and how many runs have been. */
  let news: number[] = [];
  let known = 0;
  const stopped = new Set<number>();
  let report: ShutdownReport | undefined;

  const request = async (step: Step & { do: "request" }) => {
    const { signal, priority, timeout, limit } = step;
    const options: JobOptions = { timeout, limit };
    if (prioritized) options.priority = priority;
    if (signal !== undefined) options.signal = controllers[signal].signal;
    const expected = model.request(options, signal);
    const { accepted, completed } = processor.request("hold", undefined, options);
    completed.catch(() => {});
    const id = await accepted.then(
      ({ id }) => id,
      (error) =>
        error === "aborted" ? "aborted" : { QueueFullError: "full", ShutdownError: "shutdown" }[
          error.name as string
        ],
    );
    assert.equal(id, expected);
    if (typeof id !== "number") return;
    const ends = (how: string) => {
      ended.set(id, how);
      news.push(id);
    };
    completed.then(
      (how) => ends(how as string),
      (error) => ends(typeof error === "string" ? error : error.name),
    );
  };

  for (const step of steps) {
    if (step.do === "request") await request(step);
    else if (step.do === "end") {
      // Any that has begun, so that some end late, when they have been abandoned.
      const open = held.runs.filter(({ context }) => !stopped.has(context.id));
      const run = open.at(-1 - step.which);
      if (run === undefined) continue;
      const { id } = run.context;
      stopped.add(id);
      if (step.well) run.end("done");
      else run.fail("failed");
      const job = model.running.find((job) => job?.id === id);
      if (job !== undefined) {
        model.end(job, step.well ? "done" : "failed");
        model.release(job.worker);
      } else assert(model.abandoned.delete(id));
    } else if (step.do === "abort") {
      controllers[step.signal].abort("aborted");
      if (!model.aborted.has(step.signal)) model.abort(step.signal);
    } else if (step.do === "advance") {
      host.advance(step.ticks * TICK);
      model.advance(step.ticks * TICK);
    } else {
      processor.shutdown({ timeout: step.timeout }).then((ended) => report = ended);
      model.shutDown(step.timeout);
    }
    await settle();
    model.turn();
    compare();
  }
  for (let ended = 0; ended < held.runs.length; ended++) {
    held.runs[ended].end("done");
    await settle();
  }
  host.advance(0);
  await settle();
  if (model.shutdownDue !== undefined) {
    assert.equal(report?.aborted, model.report.aborted);
    assert.equal(report?.finished, model.report.finished);
    assert.equal(host.timers, 0, "no timer is left");
  }

  function compare(): void {
    const stats = processor.stats();
    const of = (state: ModelJob["state"]) => model.pending.filter((job) => job.state === state);
    const count = (how: string[]) =>
      [...model.ended.values()].filter((end) => how.includes(end)).length;
    // What was equal before is still, so that the cost of a step does not grow with those before it.
    const begun = held.runs.slice(known).map(({ context }) => [context.id, context.worker]);
    assert.deepEqual(begun, model.begun.slice(known));
    known = held.runs.length;
    assert.deepEqual(
      [stats.queued, stats.active, stats.accepted, stats.abandoned],
      [of("queued").length, of("running").length, model.ids, model.abandoned.size],
    );
    assert.deepEqual(
      [stats.done, stats.failed, stats.timedOut, stats.aborted],
      [
        count(["done"]),
        count(["failed", "JobLimitError"]),
        count(["JobTimeoutError"]),
        count(["aborted", "ShutdownError"]),
      ],
    );
    assert.equal(stats.accepted, stats.queued + stats.active + ended.size, "each has one end");
    assert.equal(ended.size, model.ended.size);
    for (const id of news) assert.equal(ended.get(id), model.ended.get(id), `job ${id}`);
    news = [];
    const { full, shutdown, aborted } = stats.refused;
    assert.deepEqual({ full, shutdown, aborted }, model.refused);
    assert.deepEqual(
      stats.workers.map(({ queued, active }) => [queued, active]),
      model.queues.map((queue, i) => [queue.length, model.running[i] === undefined ? 0 : 1]),
    );
    const timed = model.pending.some(({ due }) => due !== Infinity);
    if (timed) assert(host.timers > 0, "somebody's time will be up");
    else if (model.shutdownDue === undefined) assert.equal(host.timers, 0, "no timer for nobody");
  }
}

test("Processor does what a sequential model does, step by step", { timeout }, async () => {
  const steps = fc.tuple(
    fc.array(step, { size: "max", maxLength: 60 }),
    fc.array(last, { maxLength: 2 }),
    fc.array(step, { maxLength: 10 }),
  ).map((parts) => parts.flat());
  const property = fc.asyncProperty(setup, steps, follow);
  await checkProperty(property, "tests/lib/processor/processor_property_test.ts");
});
