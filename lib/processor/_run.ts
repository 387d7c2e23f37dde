/**
 * One call of a handler: what waits for a worker, and then has one to itself. It serves one job, or
 * a batch of them.
 *
 * What always holds: `jobs` are those of its jobs that have not ended, and a run without any is over.
 * A run that is over is in no queue, and if it had a worker, whoever ended its last job gives the
 * worker back by `vacate`, after everything that ends with it has ended: else one of several jobs
 * with the same signal would be begun because another ended by it.
 *
 * The handler is called in the async context of whoever requested the job, and not of the job that
 * ended before it: the promise of its turn is made, and its `then` called, at the request. It is
 * always called in a microtask of its own, so `request` returns before the handler begins.
 */
import { LazySignal } from "../_lazy_signal.ts";
import type { Deadline, Expirable } from "../_deadlines.ts";
import type { Chunk } from "../_line.ts";
import { isThenable } from "../_thenable.ts";
import type { Job } from "./_job.ts";
import type { AnyHandler, Method } from "./_method.ts";
import type { PoolWorker } from "./_pool_worker.ts";
import type { Entry } from "./_schedule.ts";
import type { BatchContext, JobContext, JobInfo, QueuedJob } from "./jobs.ts";
import { runInTrace, type TraceContext } from "./_trace.ts";

/** Where a run is on its way. */
type State = "lingering" | "queued" | "granted" | "running" | "over";

/** How a handler's call ended. */
export type Outcome = { readonly value: unknown } | { readonly error: unknown };

/** See the top of the file. */
export class Run implements Entry, Expirable {
  chunk: Chunk<Entry> | undefined = undefined;
  place = 0;
  readonly key: QueuedJob;
  readonly of: Method;
  /** Those that have not ended. */
  readonly jobs: Job[] = [];
  /** Its worker, from when it is queued until it is over. */
  worker: PoolWorker | undefined = undefined;
  readonly #signal = new LazySignal();
  #state: State = "lingering";
  #linger: Deadline | undefined;
  /** Those it was begun with, in the order of their payloads. */
  #served: readonly Job[] = [];
  /** Whether its worker is still to be given back. */
  #leavesWorker = false;
  #begin!: () => void;

  constructor(first: Job) {
    this.key = first;
    this.of = first.of;
    this.add(first);
    new Promise<void>((resolve) => this.#begin = resolve).then(() => this.#run());
  }

  /** Whether nobody wants its result any more. */
  get isOver(): boolean {
    return this.#state === "over";
  }

  /** Adds a job, before the run begins. */
  add(job: Job): void {
    this.jobs.push(job);
    job.run = this;
    if (this.worker !== undefined) this.#enter(job);
    if (this.#state === "granted") job.grant();
  }

  /** Waits for more jobs, `ms` milliseconds at most. */
  linger(ms: number): void {
    this.#linger = this.of.pool.ledger.deadlines.add(ms, this);
  }

  expire(): void {
    this.depart();
  }

  /** Waits for more jobs no longer than for a worker. */
  depart(): void {
    if (this.#state !== "lingering") return;
    this.#endLinger();
    this.of.pool.place(this);
  }

  /** It waits at a worker. */
  queueAt(worker: PoolWorker): void {
    this.#state = "queued";
    this.#moveTo(worker);
    worker.queue.add(this);
  }

  /** It has a worker, and begins in a microtask. */
  grant(worker: PoolWorker): void {
    if (this.#state === "queued") this.worker!.queue.remove(this);
    this.#state = "granted";
    if (this.worker !== worker) this.#moveTo(worker);
    worker.run = this;
    for (const job of this.jobs) job.grant();
    this.#begin();
  }

  /** A job has ended before the run has. */
  drop(job: Job, reason: unknown): void {
    const { jobs } = this;
    jobs.splice(jobs.indexOf(job), 1);
    if (jobs.length > 0) return;
    const state = this.#state;
    this.#state = "over";
    this.of.closes(this);
    if (state === "lingering") return this.#endLinger();
    if (state === "queued") return this.worker!.queue.remove(this);
    if (state === "running") this.#abandon(reason);
    else this.#leavesWorker = true;
  }

  /** Gives the worker back, if the run has ended early and has not given it back. */
  vacate(): void {
    if (!this.#leavesWorker) return;
    this.#leavesWorker = false;
    this.of.pool.release(this.worker!);
  }

  /** Its limits count from now on: its Worker has really begun. */
  hasStarted(): void {
    for (const job of this.jobs) job.arm(true);
  }

  /** Ends its jobs; whoever calls this gives the worker back. */
  settle(outcome: Outcome): void {
    this.#state = "over";
    const jobs = this.#served;
    if ("error" in outcome) { for (const job of jobs) job.end("failed", outcome.error); }
    else if (this.of.batch === undefined) jobs[0].succeed(outcome.value);
    else this.#distribute(outcome.value);
  }

  /** What it is to be done with. */
  get payload(): unknown {
    const payloads = this.#served.map((job) => job.payload);
    return this.of.batch === undefined ? payloads[0] : payloads;
  }

  /** What is to be moved to a Worker and not copied. */
  get transfer(): readonly object[] {
    return this.#served.flatMap((job) => job.options.transfer ?? []);
  }

  /** Its jobs as handlers see them. */
  get infos(): readonly JobInfo[] {
    return this.#served.map((job) => job.info);
  }

  /** The trace that it is part of. */
  get trace(): TraceContext | undefined {
    return this.#served[0].trace;
  }

  #moveTo(worker: PoolWorker): void {
    if (this.worker !== undefined) this.worker.tally.queued -= this.jobs.length;
    this.worker = worker;
    for (const job of this.jobs) this.#enter(job);
  }

  #enter(job: Job): void {
    job.at = this.worker!.tally;
    job.at.queued++;
  }

  #endLinger(): void {
    if (this.#linger !== undefined) this.of.pool.ledger.deadlines.remove(this.#linger);
    this.#linger = undefined;
  }

  #abandon(reason: unknown): void {
    const { abandoned } = this.of.pool.ledger;
    abandoned.add();
    if (typeof this.of.target === "function") this.#leavesWorker = true;
    else this.worker!.thread!.abandon(reason);
    // Last, for it may call listeners.
    this.#signal.abort(reason);
  }

  /** Called in a microtask after `grant`. */
  #run(): void {
    // A signal may have aborted since; to end a job may make another one abort.
    const late = () => this.jobs.find((job) => job.options.signal?.aborted);
    for (let job = late(); job !== undefined; job = late()) job.abort(job.options.signal!.reason);
    if (this.isOver) return this.vacate();
    this.#state = "running";
    this.of.closes(this);
    this.#served = [...this.jobs];
    const now = this.of.pool.ledger.host.now();
    for (const job of this.jobs) job.begin(now);
    const { target } = this.of;
    if (typeof target !== "function") return this.worker!.startThread().run(this);
    for (const job of this.jobs) job.arm(true);
    this.#call(target);
  }

  #call(handler: AnyHandler): void {
    const context = new Context(this, this.worker!.id, this.#signal);
    let outcome: Outcome;
    try {
      const value = runInTrace(this.trace, () => handler(this.payload, context));
      if (isThenable(value)) {
        Promise.resolve(value).then(
          (value) => this.#endHere({ value }),
          (error) => this.#endHere({ error }),
        );
        return;
      }
      outcome = { value };
    } catch (error) {
      outcome = { error };
    }
    this.#endHere(outcome);
  }

  #endHere(outcome: Outcome): void {
    const { pool } = this.of;
    if (this.isOver) return pool.ledger.abandoned.remove();
    this.settle(outcome);
    pool.release(this.worker!);
  }

  #distribute(results: unknown): void {
    const jobs = this.#served;
    let outcomes: readonly Outcome[];
    try {
      outcomes = this.#outcomesOf(results);
    } catch (error) {
      for (const job of jobs) job.end("failed", error);
      return;
    }
    jobs.forEach((job, i) => {
      const outcome = outcomes[i];
      if ("error" in outcome) job.end("failed", outcome.error);
      else job.succeed(outcome.value);
    });
  }

  /** Throws what is wrong with all of them; they are the handler's code until they have been read. */
  #outcomesOf(results: unknown): Outcome[] {
    const { length } = this.#served;
    const refuse = (found: string): never => {
      throw new TypeError(`Cannot finish ${this.of.name}: its handler answered ${found}`);
    };
    if (!Array.isArray(results)) return refuse(`no array for ${length} payloads`);
    if (results.length !== length) refuse(`${results.length} results for ${length} payloads`);
    return this.#served.map((_, i): Outcome => {
      const result: unknown = results[i];
      if (isThenable(result)) refuse("a promise among its results, which it must await first");
      return result instanceof Error ? { error: result } : { value: result };
    });
  }
}

/** What a handler in this isolate is told. */
class Context implements JobContext, BatchContext {
  readonly #run: Run;
  readonly #signal: LazySignal;
  readonly worker: number;

  constructor(run: Run, worker: number, signal: LazySignal) {
    this.#run = run;
    this.worker = worker;
    this.#signal = signal;
  }

  get id(): number {
    return this.#run.key.id;
  }

  get method(): string {
    return this.#run.of.name;
  }

  get kind(): JobContext["kind"] {
    return this.#run.key.kind;
  }

  get priority(): number {
    return this.#run.key.priority;
  }

  get trace(): TraceContext | undefined {
    return this.#run.trace;
  }

  get jobs(): readonly JobInfo[] {
    return this.#run.infos;
  }

  get signal(): AbortSignal {
    return this.#signal.signal;
  }

  transfer(): void {}
}
