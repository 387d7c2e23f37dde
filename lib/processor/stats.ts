/** What a processor tells of itself. */
import type { DurationStats } from "../lock.ts";
import type { BreakerState } from "./_breaker.ts";

/**
 * What became of jobs. Each accepted job is counted once, where it ends:
 * accepted = queued + active + done + failed + timedOut + aborted, at every moment.
 */
export interface JobStats {
  /** How many wait now. */
  readonly queued: number;
  /** How many run now. */
  readonly active: number;
  /** How many were done, and have an answer. */
  readonly done: number;
  /** How many failed: the handler threw, passed the job's `limit` or died with its Worker. */
  readonly failed: number;
  /** How many waited longer than their `timeout`. */
  readonly timedOut: number;
  /** How many ended by their signal or by a shutdown. */
  readonly aborted: number;
  /** How long those took that were done, from being accepted on. */
  readonly latency: DurationStats;
}

/** How many jobs were not accepted, and why. Of no worker, for none is chosen before. */
export interface Refusals {
  /** As many were pending as may be. */
  readonly full: number;
  /** The method's circuit was open. */
  readonly circuitOpen: number;
  /** There was no handler for the method. */
  readonly unknownMethod: number;
  /** The processor was shutting down. */
  readonly shutdown: number;
  /** The caller's signal had aborted before. */
  readonly aborted: number;
}

/** One worker. Of jobs that ended while they waited, the worker is the one in whose queue it was. */
export interface WorkerStats extends JobStats {
  /** Its number, from 0 on; the lowest that is free when a worker is added. */
  readonly worker: number;
  /** The method whose bulkhead it is in; `undefined` for a worker that all others share. */
  readonly bulkhead?: string;
  /** Whether it has a thread of its own now; it gets one with its first job that needs one. */
  readonly thread: boolean;
  /** How many of its Workers have died. */
  readonly crashes: number;
  /** How long jobs waited before they began on it. */
  readonly wait: DurationStats;
}

/** One method. */
export interface MethodStats extends JobStats {
  /** How many jobs for it were not accepted, and why; `unknownMethod` is always 0 here. */
  readonly refused: Refusals;
  /** The state of its circuit breaker, if it has one. */
  readonly breaker?: BreakerState;
}

/** A processor. */
export interface ProcessorStats extends JobStats {
  /** What the processor is called. */
  readonly label: string;
  /** How many jobs were accepted. */
  readonly accepted: number;
  /** How many were not, and why. */
  readonly refused: Refusals;
  /** How many jobs may be pending now, outside of bulkheads. */
  readonly limit: number;
  /**
   * How many runs in this isolate have not ended though nobody wants their result any more. They
   * hold no permit and no worker: nothing but their own end can stop them.
   */
  readonly abandoned: number;
  /** How long jobs waited before they began. */
  readonly wait: DurationStats;
  /** The workers there are now, those in bulkheads last. */
  readonly workers: readonly WorkerStats[];
  /** The methods that have a handler now, by name. */
  readonly methods: Readonly<Record<string, MethodStats>>;
}
