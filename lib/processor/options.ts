/** What a processor and its methods are set up with. */
import type { BackPressureOptions } from "./_back_pressure.ts";
import type { BreakerOptions } from "./_breaker.ts";
import type { JobFailure, JobOptions } from "./jobs.ts";
import type { JobOrder } from "./order.ts";

/** How many workers there are, when that follows the load. */
export interface WorkersRange {
  /** How many there always are. */
  min: number;
  /** How many there are at most; one is added when a job comes and all have something to do. */
  max: number;
  /**
   * How long one beyond `min` stays with nothing to do, in milliseconds.
   *
   * @default 10_000
   */
  idle?: number;
}

/** Workers and a queue, for one method or for all that have none of their own. */
export interface PoolShape {
  /**
   * How many jobs run at once, each on a worker.
   *
   * @default the number of processors that the runtime tells of
   */
  workers?: number | WorkersRange;
  /**
   * How many jobs may wait for each worker besides the one it runs. In all, one more than that for
   * each worker may be pending; whatever comes then is refused.
   *
   * @default 100
   */
  queueLimit?: number;
}

/** What a `Processor` may be created with. */
export interface ProcessorOptions extends PoolShape {
  /**
   * A name, for errors and metrics.
   *
   * @default "the processor"
   */
  label?: string;
  /** In which order waiting jobs begin. Left out, it is the order in which they were accepted. */
  order?: JobOrder;
  /**
   * Whether a worker that has nothing to do takes what waits for another: then no job waits while a
   * worker does nothing, and jobs begin in one order. Without it, a job stays with the worker that
   * had the least to do when it came.
   *
   * @default true
   */
  stealing?: boolean;
  /** Lets fewer jobs be pending when they wait too long. Left out, the limit stays the same. */
  backPressure?: BackPressureOptions;
  /**
   * Whether each job has a place in a trace; see `currentTrace`.
   *
   * @default false
   */
  trace?: boolean;
  /**
   * Told of each job that was not done when no promise tells of it: a notification, or a request
   * whose `completed` was not asked for. What it throws surfaces as an unhandled rejection.
   */
  onFailure?: (failure: JobFailure) => void;
  /**
   * How long a `shutdown()` waits for what was accepted unless told otherwise, and a disposal too,
   * in milliseconds.
   *
   * @default 5_000
   */
  shutdownTimeout?: number;
  /**
   * How long a handler may take to end when its signal has aborted, in milliseconds: then its Worker
   * is ended, and a shutdown waits no longer for one in this isolate.
   *
   * @default 1_000
   */
  grace?: number;
}

/** How a method is handled. */
export interface HandlerOptions {
  /**
   * The longest wait of a job until it begins, in milliseconds, unless the job says otherwise.
   *
   * @default Infinity
   */
  timeout?: number;
  /**
   * The longest run of a job, in milliseconds, unless the job says otherwise.
   *
   * @default Infinity
   */
  limit?: number;
  /** Refuses jobs for a while once too many have failed; `{}` is one with all defaults. */
  breaker?: BreakerOptions;
  /** Workers and a queue of the method's own, so that it and the others cannot crowd each other out. */
  bulkhead?: PoolShape;
  /**
   * What the handler is exported as, for one that is given as a module.
   *
   * @default the method's name, else `default`
   */
  export?: string;
}

/** How a method is handled in batches. */
export interface BatchOptions extends HandlerOptions {
  /** How many jobs make a batch at most. */
  size: number;
  /**
   * How long the first job of a batch waits for others, in milliseconds, before it looks for a
   * worker. Others join it until it begins, also when this is 0.
   *
   * @default 0
   */
  wait?: number;
}

/** Methods by name, as functions of their payloads; see `Processor`. */
export type MethodMap<M> = { readonly [K in keyof M]: (payload: never) => unknown };

/** Any methods with any payloads. */
// deno-lint-ignore no-explicit-any -- of methods that are not declared nothing is known
export type AnyMethods = Record<string, (payload: any) => any>;

/** What a method is handed. */
export type PayloadOf<F> = F extends (payload: infer P) => unknown ? P : never;

/** What a method answers. */
export type AnswerOf<F> = F extends (payload: never) => infer R ? Awaited<R> : never;

/** What follows the method in a request: the payload may be left out if the method takes none. */
export type JobArguments<F> = undefined extends PayloadOf<F>
  ? [payload?: PayloadOf<F>, options?: JobOptions]
  : [payload: PayloadOf<F>, options?: JobOptions];
