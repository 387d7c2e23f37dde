/**
 * Who is let in: methods are registered with their pools, and a job is accepted or refused within the
 * call that asks for it. If it is accepted, it is on its way when that call returns.
 *
 * What always holds: a job that is accepted has a permit of its pool, and a pass of its method's
 * circuit if there is one; one that is refused has neither, and is counted by the reason.
 */
import { checkDuration, checkOptions } from "../_options.ts";
import { QueueFullError } from "../errors.ts";
import { checkBreaker, checkJobOptions, checkMethod } from "./_checks.ts";
import { Job } from "./_job.ts";
import type { Ledger } from "./_ledger.ts";
import { type BatchSize, Method } from "./_method.ts";
import { Pool, type PoolOptions } from "./_pool.ts";
import { shapeOf, targetOf } from "./_setup.ts";
import { Accepted, Refused } from "./_submission.ts";
import { beginSpan, currentTrace, parseTraceparent } from "./_trace.ts";
import { CircuitOpenError, ShutdownError, UnknownMethodError } from "./errors.ts";
import type { JobKind, JobOptions, Submission } from "./jobs.ts";
import type { HandlerOptions, PoolShape } from "./options.ts";
import type { Refusals } from "./stats.ts";

/** What all pools of a processor have in common. */
export type CommonOptions = Omit<PoolOptions, keyof PoolShape | "min" | "max" | "idle">;

/** See the top of the file. */
export class Admission {
  readonly ledger: Ledger;
  /** The pool of all methods that have none of their own. */
  readonly shared: Pool;
  /** All pools that have workers. */
  readonly pools = new Set<Pool>();
  readonly #methods = new Map<string, Method>();
  readonly #common: CommonOptions;
  readonly #traces: boolean;
  #isOpen = true;

  constructor(
    ledger: Ledger,
    common: CommonOptions,
    shape: ReturnType<typeof shapeOf>,
    traces: boolean,
  ) {
    this.ledger = ledger;
    this.#common = common;
    this.#traces = traces;
    this.shared = this.#openPool(shape, undefined);
  }

  /** The methods that have a handler now. */
  get methods(): Iterable<Method> {
    return this.#methods.values();
  }

  /** Lets nobody in any more. */
  close(): void {
    this.#isOpen = false;
    for (const method of this.methods) method.flush();
  }

  /** Gives a method a handler; answers what takes it away. */
  register(
    name: unknown,
    handler: unknown,
    options: HandlerOptions,
    batch: BatchSize | undefined,
  ): Disposable {
    checkMethod(name);
    const action = `handle ${name}`;
    checkOptions(options, action);
    const { timeout = Infinity, limit = Infinity, breaker, bulkhead } = options;
    if (!this.#isOpen) {
      throw new TypeError(`Cannot ${action}: ${this.ledger.label} is shut down`);
    }
    if (this.#methods.has(name)) {
      throw new TypeError(`Cannot ${action}: it has a handler; dispose of its registration first`);
    }
    checkDuration("timeout", timeout, action);
    checkDuration("limit", limit, action);
    if (breaker !== undefined) checkBreaker(breaker, action);
    const target = targetOf(name, handler, options.export, action);
    const pool = bulkhead === undefined
      ? this.shared
      : this.#openPool(shapeOf(bulkhead, action), name);
    const method = new Method(name, target, pool, { timeout, limit, breaker, batch });
    this.#methods.set(name, method);
    return { [Symbol.dispose]: () => this.#unregister(method) };
  }

  /** Accepts a job or refuses it. */
  submit(name: string, kind: JobKind, payload: unknown, asked: JobOptions): Submission<unknown> {
    checkMethod(name);
    const allowed = { order: this.#common.order !== undefined, trace: this.#traces };
    const options = checkJobOptions(asked, `request ${name}`, allowed);
    const parent = options.traceparent === undefined
      ? undefined
      : parseTraceparent(options.traceparent, `request ${name}`);
    const { label, host, pending } = this.ledger;
    const method = this.#methods.get(name);
    if (!this.#isOpen) {
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
    this.ledger.refused[why]++;
    if (method !== undefined) method.refused[why]++;
    return new Refused(error);
  }

  #openPool(shape: ReturnType<typeof shapeOf>, bulkhead: string | undefined): Pool {
    const pool = new Pool(this.ledger, { ...this.#common, ...shape }, bulkhead);
    this.pools.add(pool);
    return pool;
  }

  #unregister(method: Method): void {
    const { name, pool } = method;
    if (this.#methods.get(name) !== method) return;
    this.#methods.delete(name);
    method.flush();
    if (pool !== this.shared) pool.disuse(() => this.pools.delete(pool));
  }
}
