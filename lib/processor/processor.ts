/**
 * A bounded processor of jobs: handlers by method, so many workers, so many jobs pending and no more.
 *
 * Here is only the door: arguments are checked, a job is accepted or refused, and if it is accepted
 * it is on its way before `request` returns. What holds for jobs stands in `_job.ts`, for their runs
 * in `_run.ts`, for the workers in `_pool.ts`.
 */
import { currentHost } from "../_host.ts";
import { checkDuration, checkFunction, checkLabel, checkOptions, show } from "../_options.ts";
import { QueueFullError } from "../errors.ts";
import { BackPressure } from "./_back_pressure.ts";
import {
  checkBackPressure,
  checkBoolean,
  checkBreaker,
  checkCount,
  checkJobOptions,
  checkMethod,
} from "./_checks.ts";
import { Job } from "./_job.ts";
import { Ledger } from "./_ledger.ts";
import { type BatchSize, Method } from "./_method.ts";
import { Pool, type PoolOptions } from "./_pool.ts";
import { shapeOf, targetOf } from "./_setup.ts";
import { Shutdown, type ShutdownOptions, type ShutdownReport } from "./_shutdown.ts";
import { Accepted, Refused } from "./_submission.ts";
import { beginSpan, currentTrace, parseTraceparent } from "./_trace.ts";
import { CircuitOpenError, ShutdownError, UnknownMethodError } from "./errors.ts";
import type { BatchHandler, Handler, JobKind, JobOptions, Receipt, Submission } from "./jobs.ts";
import type {
  AnswerOf,
  AnyMethods,
  BatchOptions,
  HandlerOptions,
  JobArguments,
  MethodMap,
  PayloadOf,
  PoolShape,
  ProcessorOptions,
} from "./options.ts";
import type { ProcessorStats, Refusals } from "./stats.ts";

/**
 * Does jobs with so many workers, and takes on no more than it has room for.
 *
 * - **Handlers** are registered by method, at any time. One is a function, which runs in this
 *   isolate, or the URL of a module that exports it, which runs in a real Worker: each worker has one
 *   of its own, started with its first such job.
 * - **Asking**: `request` answers two promises at once: whether the job was *accepted*, which is
 *   decided by then, and how it is *completed*. `notify` answers the first only.
 * - **Back-pressure** says no: when all places are taken, `accepted` rejects with a
 *   {@linkcode QueueFullError} at once. Nothing waits to be let in.
 * - **Dispatch**: a job begins at once if a worker has nothing to do, else it waits at the one with
 *   the least to do. A worker does one job at a time.
 *
 * Guarantees:
 *
 * - **Places come back**: an accepted job takes one place until it ends, however it ends: done, failed,
 *   timed out, aborted, its Worker dead, the processor shut down. It takes none afterwards.
 * - **Isolation**: what a handler throws fails its own job. A Worker that crashes fails the job it was
 *   doing, and is replaced.
 * - **Cancellation**: a job whose signal aborts before it begins never begins; one that has begun has
 *   its handler's signal aborted and ends at once. JavaScript cannot stop a function: in this isolate
 *   a handler that does not heed its signal goes on, without a place and without a worker, and
 *   `stats().abandoned` counts it. In a Worker it is ended with the Worker after `grace` milliseconds.
 * - **Context**: a handler in this isolate runs in the async context (`AsyncLocalStorage`) of whoever
 *   requested the job, and always after `request` has returned.
 * - **Shutdown** refuses first, finishes what was accepted, and aborts what is not done in time.
 *   `await using` leaves no timer, no listener and no Worker behind.
 *
 * A handler that waits for another job of the same pool holds its worker meanwhile: if all do, none
 * goes on. Give the other method a `bulkhead`, or a `limit` to one of them.
 *
 * After the AIRS design of a concurrent processor.
 *
 * @example
 * ```ts
 * import { Processor } from "@interlock/core/processor";
 * import { QueueFullError } from "@interlock/core";
 * import assert from "node:assert/strict";
 *
 * await using processor = new Processor({ workers: 2, queueLimit: 1 });
 * processor.handle("square", async (value: number) => value * value);
 * assert.equal(await processor.request("square", 7).completed, 49);
 *
 * // Two run, two wait, and there is no room for a fifth.
 * const jobs = [1, 2, 3, 4].map((value) => processor.request("square", value));
 * await assert.rejects(processor.request("square", 5).accepted, QueueFullError);
 * assert.deepEqual(await Promise.all(jobs.map(({ completed }) => completed)), [1, 4, 9, 16]);
 * ```
 *
 * @example Methods that are declared are checked when they are registered and requested
 * ```ts
 * import { Processor } from "@interlock/core/processor";
 * import assert from "node:assert/strict";
 *
 * interface Api {
 *   add(terms: { a: number; b: number }): number;
 *   time(): string;
 * }
 * await using processor = new Processor<Api>({ workers: 1 });
 * processor.handle("add", ({ a, b }) => a + b);
 * const sum: number = await processor.request("add", { a: 1, b: 2 }).completed;
 * assert.equal(sum, 3);
 * ```
 */
export class Processor<M extends MethodMap<M> = AnyMethods> implements AsyncDisposable {
  readonly #ledger: Ledger;
  readonly #common: Omit<PoolOptions, keyof PoolShape | "min" | "max" | "idle">;
  readonly #shared: Pool;
  /** All pools that have workers. */
  readonly #pools = new Set<Pool>();
  readonly #methods = new Map<string, Method>();
  readonly #traces: boolean;
  readonly #shutdownTimeout: number;
  #shutdown: Shutdown | undefined;

  /**
   * Creates a processor without handlers.
   *
   * @param options How many workers there are, how many jobs may wait, and what else is wanted.
   * @throws {TypeError | RangeError} when an option cannot be meant
   */
  constructor(options: ProcessorOptions = {}) {
    const action = "create processor";
    checkOptions(options, action);
    const { label = "the processor", order, stealing = true, trace = false, onFailure } = options;
    const { shutdownTimeout = 5_000, grace = 1_000, backPressure } = options;
    checkLabel(label, action);
    if (order !== undefined) checkFunction("order", order, action);
    checkBoolean("stealing", stealing, action);
    checkBoolean("trace", trace, action);
    if (onFailure !== undefined) checkFunction("onFailure", onFailure, action);
    checkDuration("shutdownTimeout", shutdownTimeout, action);
    checkDuration("grace", grace, action);
    const shape = shapeOf(options, action);
    this.#common = { order, stealing, grace };
    this.#ledger = new Ledger(currentHost(), label, onFailure);
    this.#shared = this.#open({ ...this.#common, ...shape }, undefined);
    if (backPressure !== undefined) {
      const { permits } = this.#shared;
      checkBackPressure(backPressure, action, permits.limit);
      const { host } = this.#ledger;
      this.#shared.backPressure = new BackPressure(host, permits, backPressure, shape.max);
    }
    this.#traces = trace;
    this.#shutdownTimeout = shutdownTimeout;
  }

  /**
   * Registers the handler of a method, which has none yet.
   *
   * @param method By what it is requested.
   * @param handler Does one job: a function, or the URL of a module that exports one, to run in
   *   Workers. There payloads and answers are copied (structured clone); an error arrives with the
   *   class it has if that is built in, else with its name, and with its message, stack, cause and
   *   properties.
   * @param options Its limits, its circuit breaker, its bulkhead.
   * @returns To be disposed of when the method is not to be requested any more; jobs that were
   *   accepted before are still done.
   * @throws {TypeError} when the method has a handler, or the processor is shut down
   * @throws {TypeError | RangeError} when an argument cannot be meant
   *
   * @example A bulkhead and a circuit breaker
   * ```ts
   * import { CircuitOpenError, Processor } from "@interlock/core/processor";
   * import assert from "node:assert/strict";
   *
   * await using processor = new Processor({ workers: 4 });
   * processor.handle("charge", () => Promise.reject(new Error("the bank is down")), {
   *   bulkhead: { workers: 1, queueLimit: 10 },
   *   breaker: { window: 2, rate: 1 },
   * });
   * await assert.rejects(processor.request("charge").completed, /the bank is down/);
   * await assert.rejects(processor.request("charge").completed, CircuitOpenError);
   * ```
   */
  handle<K extends keyof M & string>(
    method: K,
    handler: Handler<PayloadOf<M[K]>, AnswerOf<M[K]>> | URL,
    options: HandlerOptions = {},
  ): Disposable {
    return this.#register(method, handler, options, undefined);
  }

  /**
   * Registers a handler that does several jobs at once: those that come while a batch waits for a
   * worker join it, up to its `size`. The order sees a batch as its first job; only jobs of one
   * priority are in one batch.
   *
   * Each job of a batch has its own `timeout`, `limit` and signal. The signal of the handler aborts
   * when no job of the batch wants its result any more.
   *
   * @param method By what it is requested.
   * @param handler Does a batch of jobs, as `handle` has it for one.
   * @param options The size of a batch, and as for `handle`.
   * @returns As `handle` does.
   * @throws as `handle` does
   *
   * @example
   * ```ts
   * import { Processor } from "@interlock/core/processor";
   * import assert from "node:assert/strict";
   *
   * await using processor = new Processor({ workers: 1 });
   * const sizes: number[] = [];
   * processor.handleBatch("insert", (rows: string[]) => {
   *   sizes.push(rows.length);
   *   return rows.map((row) => row === "" ? new Error("empty") : row.length);
   * }, { size: 100 });
   * const jobs = ["apple", "", "fig"].map((row) => processor.request("insert", row).completed);
   * assert.deepEqual((await Promise.allSettled(jobs)).map(({ status }) => status), [
   *   "fulfilled",
   *   "rejected",
   *   "fulfilled",
   * ]);
   * assert.deepEqual(sizes, [3]);
   * ```
   */
  handleBatch<K extends keyof M & string>(
    method: K,
    handler: BatchHandler<PayloadOf<M[K]>, AnswerOf<M[K]>> | URL,
    options: BatchOptions,
  ): Disposable {
    const action = `handle ${show(method)}`;
    checkOptions(options ?? null, action);
    const { size, wait = 0 } = options;
    checkCount("size", size, action);
    checkDuration("wait", wait, action);
    return this.#register(method, handler, options, { size, wait });
  }

  /**
   * Asks for a job to be done, and for its answer.
   *
   * @param method What is to be done.
   * @param args What it is to be done with, and how. The payload is handed over when the job begins,
   *   and in this isolate it is not copied: leave it unchanged.
   * @returns Whether it was accepted, and how it was completed. `accepted` rejects with a
   *   `QueueFullError`, `CircuitOpenError`, `UnknownMethodError`, `ShutdownError` or the signal's
   *   reason, and so does `completed` then; else that rejects with what the handler threw, a
   *   `JobTimeoutError`, `JobLimitError`, `WorkerCrashError`, `ShutdownError` or the signal's reason.
   * @throws {TypeError | RangeError} when an argument cannot be meant
   *
   * @example A job that may wait for 50 ms and run for a second
   * ```ts
   * import { Processor } from "@interlock/core/processor";
   * import assert from "node:assert/strict";
   *
   * await using processor = new Processor({ workers: 1 });
   * processor.handle("greet", (name: string) => `hello, ${name}`);
   * const { accepted, completed } = processor.request("greet", "Ada", { timeout: 50, limit: 1000 });
   * assert.deepEqual(await accepted, { id: 1, pending: 1 });
   * assert.equal(await completed, "hello, Ada");
   * ```
   */
  request<K extends keyof M & string>(
    method: K,
    ...args: JobArguments<M[K]>
  ): Submission<AnswerOf<M[K]>> {
    const [payload, options = {}] = args;
    return this.#submit(method, "request", payload, options) as Submission<AnswerOf<M[K]>>;
  }

  /**
   * Asks for a job to be done, whatever comes of it. A failure is told to `onFailure`, and counted.
   *
   * @param method What is to be done.
   * @param args As for `request`.
   * @returns What is known of the job when it has been accepted; it resolves at once.
   * @throws {QueueFullError} when as many jobs are pending as may be
   * @throws {CircuitOpenError} when too many of the method's last jobs have failed
   * @throws {UnknownMethodError} when the method has no handler
   * @throws {ShutdownError} when the processor is shut down
   * @throws {TypeError | RangeError} when an argument cannot be meant
   * @throws the signal's reason when it has aborted
   */
  notify<K extends keyof M & string>(
    method: K,
    ...args: JobArguments<M[K]>
  ): Promise<Receipt> {
    const [payload, options = {}] = args;
    try {
      return this.#submit(method, "notification", payload, options).accepted;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Resolves when no job is pending, which it may be at once; new ones are accepted all the while. */
  idle(): Promise<void> {
    return this.#ledger.pending.none();
  }

  /**
   * What became of all jobs, and what the workers and the methods have to do now.
   *
   * @returns A copy, which does not change any more.
   *
   * @example
   * ```ts
   * import { Processor } from "@interlock/core/processor";
   * import assert from "node:assert/strict";
   *
   * await using processor = new Processor({ workers: 2 });
   * processor.handle("echo", (text: string) => text);
   * const job = processor.request("echo", "hello");
   * assert.equal(processor.stats().workers[0].queued, 1); // it begins in a moment
   * await job.completed;
   * await assert.rejects(processor.request("no such method").accepted);
   * const { accepted, done, refused, latency } = processor.stats();
   * assert.deepEqual([accepted, done, refused.unknownMethod, latency.count], [1, 1, 1, 1]);
   * ```
   */
  stats(): ProcessorStats {
    const { label, total, accepted, refused, abandoned } = this.#ledger;
    const workers = [...this.#pools].flatMap((pool) => pool.workers);
    return {
      label,
      accepted,
      ...total.read(),
      wait: total.wait.summary(),
      refused: { ...refused },
      limit: this.#shared.permits.limit,
      abandoned: abandoned.count,
      workers: workers.map((worker) => worker.stats()),
      methods: Object.fromEntries(
        [...this.#methods.values()].map((method) => [method.name, method.stats()]),
      ),
    };
  }

  /**
   * Refuses what comes from now on, finishes what was accepted, aborts what is not done within
   * `timeout`, gives handlers whose signals have aborted `grace` milliseconds to end, and ends all
   * Workers. Called again, it answers the same; the shortest `timeout` counts.
   *
   * A handler that waits for it waits for itself, until the timeout.
   *
   * @param options How long to wait for what was accepted, in milliseconds.
   * @returns What became of it.
   * @throws {TypeError | RangeError} when an option cannot be meant
   *
   * @example
   * ```ts
   * import { Processor, ShutdownError } from "@interlock/core/processor";
   * import assert from "node:assert/strict";
   *
   * const processor = new Processor({ workers: 1 });
   * processor.handle("quick", () => "done");
   * processor.handle("endless", (_: void, { signal }) =>
   *   new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))));
   * const quick = processor.request("quick").completed;
   * const endless = processor.request("endless").completed;
   * const ended = assert.rejects(endless, ShutdownError);
   * assert.deepEqual(await processor.shutdown({ timeout: 20 }), {
   *   finished: 1,
   *   aborted: 1,
   *   abandoned: 0,
   * });
   * assert.equal(await quick, "done");
   * await ended;
   * ```
   */
  shutdown(options: ShutdownOptions = {}): Promise<ShutdownReport> {
    const action = "shut down";
    try {
      checkOptions(options, action);
      if (options.timeout !== undefined) checkDuration("timeout", options.timeout, action);
    } catch (error) {
      return Promise.reject(error);
    }
    if (this.#shutdown === undefined) {
      const { grace } = this.#common;
      this.#shutdown = new Shutdown({ ledger: this.#ledger, pools: this.#pools, grace });
      for (const method of this.#methods.values()) method.flush();
    }
    this.#shutdown.hasten(options.timeout ?? this.#shutdownTimeout);
    return this.#shutdown.report;
  }

  /** Shuts down, with the `shutdownTimeout` the processor was created with. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }

  #open(options: PoolOptions, bulkhead: string | undefined): Pool {
    const pool = new Pool(this.#ledger, options, bulkhead);
    this.#pools.add(pool);
    return pool;
  }

  #register(
    name: unknown,
    handler: unknown,
    options: HandlerOptions,
    batch: BatchSize | undefined,
  ): Disposable {
    checkMethod(name);
    const action = `handle ${name}`;
    checkOptions(options, action);
    const { timeout = Infinity, limit = Infinity, breaker, bulkhead } = options;
    if (this.#shutdown !== undefined) {
      throw new TypeError(`Cannot ${action}: ${this.#ledger.label} is shut down`);
    }
    if (this.#methods.has(name)) {
      throw new TypeError(`Cannot ${action}: it has a handler; dispose of its registration first`);
    }
    checkDuration("timeout", timeout, action);
    checkDuration("limit", limit, action);
    if (breaker !== undefined) checkBreaker(breaker, action);
    const target = targetOf(name, handler, options.export, action);
    const pool = bulkhead === undefined
      ? this.#shared
      : this.#open({ ...this.#common, ...shapeOf(bulkhead, action) }, name);
    const method = new Method(name, target, pool, { timeout, limit, breaker, batch });
    this.#methods.set(name, method);
    return { [Symbol.dispose]: () => this.#unregister(method) };
  }

  #unregister(method: Method): void {
    const { name, pool } = method;
    if (this.#methods.get(name) !== method) return;
    this.#methods.delete(name);
    method.flush();
    if (pool !== this.#shared) pool.disuse(() => this.#pools.delete(pool));
  }

  #submit(name: string, kind: JobKind, payload: unknown, options: JobOptions): Submission<unknown> {
    checkMethod(name);
    const order = this.#common.order !== undefined;
    checkJobOptions(options, `request ${name}`, { order, trace: this.#traces });
    const parent = options.traceparent === undefined
      ? undefined
      : parseTraceparent(options.traceparent, `request ${name}`);
    const { label, host, pending } = this.#ledger;
    const method = this.#methods.get(name);
    if (this.#shutdown !== undefined) {
      return this.#refuse("shutdown", method, new ShutdownError(name, label, false));
    }
    if (method === undefined) {
      return this.#refuse("unknownMethod", method, new UnknownMethodError(name, label));
    }
    if (options.signal?.aborted) return this.#refuse("aborted", method, options.signal.reason);
    const { permits, backPressure } = method.pool;
    backPressure?.comes();
    if (!permits.tryAcquire()) {
      const error = new QueueFullError(method.pool.name, permits.held, permits.limit);
      return this.#refuse("full", method, error);
    }
    const pass = method.breaker?.enter();
    if (method.breaker !== undefined && pass === undefined) {
      permits.release();
      const error = new CircuitOpenError(name, method.breaker.retryAfter);
      return this.#refuse("circuitOpen", method, error);
    }
    const trace = this.#traces ? beginSpan(host, parent ?? currentTrace()) : undefined;
    const job = new Job(method, kind, payload, options, trace, pass);
    method.admit(job);
    return new Accepted(job, { id: job.id, pending: pending.count });
  }

  #refuse(why: keyof Refusals, method: Method | undefined, error: unknown): Refused {
    this.#ledger.refused[why]++;
    if (method !== undefined) method.refused[why]++;
    return new Refused(error);
  }
}
