/**
 * What a processor has accepted and not yet ended, over all its pools: every job is entered once,
 * in `accept`, and struck out once, at the end of `Job.end`.
 */
import { type Deadlines, deadlinesOf } from "../_deadlines.ts";
import type { Host } from "../_host.ts";
import { tell } from "../_observers.ts";
import type { Job } from "./_job.ts";
import { type Ending, noRefusals, type RefusalCounts, Tally } from "./_tally.ts";
import type { JobFailure } from "./jobs.ts";

/** A number of things that come to an end, which can be waited for. */
export class Outstanding {
  count = 0;
  #waiting: (() => void)[] = [];

  add(): void {
    this.count++;
  }

  remove(): void {
    if (--this.count > 0) return;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** Resolves when there are none. */
  none(): Promise<void> {
    if (this.count === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}

/** See the top of the file. */
export class Ledger {
  readonly host: Host;
  readonly deadlines: Deadlines;
  readonly label: string;
  readonly total = new Tally();
  readonly refused: RefusalCounts = noRefusals();
  /** How many jobs were accepted, which is the number of the last one. */
  accepted = 0;
  /** Jobs that have not ended. */
  readonly pending = new Outstanding();
  /** Runs in this isolate that nobody wants any more. */
  readonly abandoned = new Outstanding();
  readonly #onFailure: ((failure: JobFailure) => void) | undefined;

  constructor(host: Host, label: string, onFailure: ((failure: JobFailure) => void) | undefined) {
    this.host = host;
    this.deadlines = deadlinesOf(host);
    this.label = label;
    this.#onFailure = onFailure;
  }

  /** A job is accepted; answers its number. */
  accept(): number {
    this.pending.add();
    return ++this.accepted;
  }

  /** A job has ended, and has let go of everything. */
  ended(job: Job, how: Ending, value: unknown): void {
    if (how !== "done" && !job.isWatched && this.#onFailure !== undefined) {
      tell(this.#onFailure, { job: job.info, error: value });
    }
    this.pending.remove();
  }
}
