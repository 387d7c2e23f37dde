/** What a job is to those who ask for it and to those who do it. */
import type { TraceContext } from "./_trace.ts";

/** Whether somebody waits for the answer. */
export type JobKind = "request" | "notification";

/** By what a job is known. */
export interface JobInfo {
  /** Its number: 1 for the first that the processor accepted, and so on. */
  readonly id: number;
  /** What is to be done. */
  readonly method: string;
  /** Whether somebody waits for the answer. */
  readonly kind: JobKind;
  /** As it was requested; 0 unless told. */
  readonly priority: number;
  /** Its place in the trace it is part of, for a processor with `trace: true`. */
  readonly trace?: TraceContext;
}

/** A job that waits, as an order sees it. */
export interface QueuedJob extends JobInfo {
  /** What it is to be done with. */
  readonly payload: unknown;
  /** When it was accepted, in milliseconds on the clock of `performance.now()`. */
  readonly acceptedAt: number;
  /** When its `timeout` will have passed, on the same clock; `Infinity` without one. */
  readonly due: number;
}

/** What a run of a handler is told, besides what to do. */
export interface RunContext {
  /** The number of the worker it runs on. */
  readonly worker: number;
  /**
   * Aborts when the result is no longer wanted: the caller's signal has aborted, the `limit` has
   * passed, or the processor shuts down. A handler that goes on regardless is left alone in this
   * isolate, and ended with its Worker there.
   */
  readonly signal: AbortSignal;
  /**
   * In a Worker: moves these objects (`ArrayBuffer`s, ports) with the answer instead of copying
   * them. Elsewhere nothing is copied anyway, and this does nothing.
   */
  transfer(objects: readonly object[]): void;
}

/** What a handler is told besides the payload. */
export interface JobContext extends JobInfo, RunContext {}

/** What the handler of a batch is told besides the payloads. */
export interface BatchContext extends RunContext {
  /** The method that all of them ask for. */
  readonly method: string;
  /** The jobs, in the order of their payloads. */
  readonly jobs: readonly JobInfo[];
}

/** Does one job; what it throws or rejects with fails that job and no other. */
export type Handler<P, R> = (payload: P, context: JobContext) => R | Promise<R>;

/**
 * Does several jobs at once. Answers one result for each payload, in their order; a result that is
 * an `Error` fails its job alone, as with DataLoader. What it throws fails all of them.
 */
export type BatchHandler<P, R> = (
  payloads: P[],
  context: BatchContext,
) => readonly (R | Error)[] | Promise<readonly (R | Error)[]>;

/** How a job is to be done. */
export interface JobOptions {
  /**
   * The longest wait until the job begins, in milliseconds; then it fails with a `JobTimeoutError`.
   *
   * @default what the method says, else Infinity
   */
  timeout?: number;
  /**
   * The longest run, in milliseconds; then it fails with a `JobLimitError`, and the signal of its
   * handler aborts.
   *
   * @default what the method says, else Infinity
   */
  limit?: number;
  /** Ends the wait, and the run too. */
  signal?: AbortSignal;
  /**
   * The higher, the sooner; of use to a processor whose `order` looks at it.
   *
   * @default 0
   */
  priority?: number;
  /**
   * The trace that the job continues, as the W3C's `traceparent` header has it; for a processor
   * with `trace: true`.
   *
   * @default the trace of the handler that requests it, else a new one
   */
  traceparent?: string;
  /**
   * Moves these objects (`ArrayBuffer`s, ports) to the Worker when the job begins, instead of
   * copying them. For handlers in this isolate nothing is copied anyway.
   */
  transfer?: readonly object[];
}

/** What is known of a job when it has been accepted. */
export interface Receipt {
  /** Its number. */
  readonly id: number;
  /** How many jobs were pending then, itself included. */
  readonly pending: number;
}

/**
 * A request that has been made. Both promises are made when they are asked for, so that one that
 * nobody looks at cannot be an unhandled rejection. A refusal is told by both, and is no unhandled
 * rejection of one once the other has been asked for.
 */
export interface Submission<R> {
  /** Resolves at once if the job was accepted, and rejects at once with why if it was not. */
  readonly accepted: Promise<Receipt>;
  /** Resolves with the handler's answer; rejects with why there is none. */
  readonly completed: Promise<R>;
}

/** A job that failed when nobody was there to be told by a promise. */
export interface JobFailure {
  /** The job. */
  readonly job: JobInfo;
  /** What it failed with. */
  readonly error: unknown;
}
