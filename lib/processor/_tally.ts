/** What is counted of jobs, at a worker, of a method and in all. */
import { Histogram } from "../_histogram.ts";
import type { JobStats, Refusals } from "./stats.ts";

/** How a job can end. */
export type Ending = "done" | "failed" | "timedOut" | "aborted";

/** How many jobs were not accepted, and why. */
export type RefusalCounts = { -readonly [Why in keyof Refusals]: number };

/** None yet. */
export function noRefusals(): RefusalCounts {
  return { full: 0, circuitOpen: 0, unknownMethod: 0, shutdown: 0, aborted: 0 };
}

/** What became of jobs. */
export class Tally {
  queued = 0;
  active = 0;
  done = 0;
  failed = 0;
  timedOut = 0;
  aborted = 0;
  readonly latency = new Histogram();
  readonly wait = new Histogram();

  /** A job that waited, or ran, has ended. */
  ends(how: Ending, waiting: boolean, took: number): void {
    if (waiting) this.queued--;
    else this.active--;
    this[how]++;
    if (how === "done") this.latency.record(took);
  }

  /** A job that waited begins. */
  begins(waited: number): void {
    this.queued--;
    this.active++;
    this.wait.record(waited);
  }

  /** All that is told everywhere. */
  read(): JobStats {
    const { queued, active, done, failed, timedOut, aborted, latency } = this;
    return { queued, active, done, failed, timedOut, aborted, latency: latency.summary() };
  }
}
