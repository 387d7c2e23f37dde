/**
 * A bounded processor of jobs: handlers by method, so many workers, so many jobs pending and no more.
 *
 * Here is only the front. Who is let in is decided in `_admission.ts`; what holds for jobs stands in
 * `_job.ts`, for their runs in `_run.ts`, for the workers in `_pool.ts`, for the end in `_shutdown.ts`.
 */
import { currentHost } from "../_host.ts";
import { checkDuration, checkFunction, checkLabel, checkOptions, show } from "../_options.ts";
import { Admission } from "./_admission.ts";
import { BackPressure } from "./_back_pressure.ts";
import { checkBackPressure, checkBoolean, checkCount } from "./_checks.ts";
import { Ledger } from "./_ledger.ts";
import { shapeOf } from "./_setup.ts";
import { Shutdown, type ShutdownOptions, type ShutdownReport } from "./_shutdown.ts";
import type { BatchHandler, Handler, Receipt, Submission } from "./jobs.ts";
import type {
  AnswerOf,
  AnyMethods,
  BatchOptions,
  HandlerOptions,
  JobArguments,
  MethodMap,
  PayloadOf,
  ProcessorOptions,
} from "./options.ts";
import type { ProcessorStats } from "./stats.ts";

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
  readonly #admission: Admission;
  readonly #grace: number;
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
    const ledger = new Ledger(currentHost(), label, onFailure);
    this.#admission = new Admission(ledger, { order, stealing, grace }, shape, trace);
    if (backPressure !== undefined) {
      const { shared } = this.#admission;
      checkBackPressure(backPressure, action, shared.permits.limit);
      shared.backPressure = new BackPressure(
        ledger.host,
        shared.permits,
        backPressure,
        shape.max,
      );
    }
    this.#grace = grace;
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
    return this.#admission.register(method, handler, options, undefined);
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
    return this.#admission.register(method, handler, options, { size, wait });
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
    return this.#admission.submit(method, "request", payload, options) as Submission<
      AnswerOf<M[K]>
    >;
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
      return this.#admission.submit(method, "notification", payload, options).accepted;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Resolves when no job is pending, which it may be at once; new ones are accepted all the while. */
  idle(): Promise<void> {
    return this.#admission.ledger.pending.none();
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
    const { ledger, pools, shared, methods } = this.#admission;
    const { label, total, accepted, refused, abandoned } = ledger;
    const workers = [...pools].flatMap((pool) => pool.workers);
    return {
      label,
      accepted,
      ...total.read(),
      wait: total.wait.summary(),
      refused: { ...refused },
      limit: shared.permits.limit,
      abandoned: abandoned.count,
      workers: workers.map((worker) => worker.stats()),
      methods: Object.fromEntries(
        [...methods].map((method) => [method.name, method.stats()]),
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
      const { ledger, pools } = this.#admission;
      this.#shutdown = new Shutdown({ ledger, pools, grace: this.#grace });
      this.#admission.close();
    }
    this.#shutdown.hasten(options.timeout ?? this.#shutdownTimeout);
    return this.#shutdown.report;
  }

  /** Shuts down, with the `shutdownTimeout` the processor was created with. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }
}
