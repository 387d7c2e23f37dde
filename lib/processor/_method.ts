/** A method: what is done for it, where, and what its handler was registered with. */
import { Breaker, type BreakerOptions } from "./_breaker.ts";
import type { Job } from "./_job.ts";
import type { Pool } from "./_pool.ts";
import { Run } from "./_run.ts";
import { noRefusals, type RefusalCounts, Tally } from "./_tally.ts";
import type { MethodStats } from "./stats.ts";

/** A handler in this isolate, of one job or of a batch. */
export type AnyHandler = (payload: unknown, context: unknown) => unknown;

/** A handler that runs in Workers. */
export interface ModuleTarget {
  /** The URL of its module. */
  readonly module: string;
  /** What it is exported as, the first that there is. */
  readonly names: readonly string[];
}

/** How many jobs make a batch, and how long the first one waits for more, in milliseconds. */
export interface BatchSize {
  readonly size: number;
  readonly wait: number;
}

/** How a method is registered; all of it has been checked. */
export interface MethodOptions {
  readonly timeout: number;
  readonly limit: number;
  readonly breaker: BreakerOptions | undefined;
  readonly batch: BatchSize | undefined;
}

/** See the top of the file. */
export class Method {
  readonly timeout: number;
  readonly limit: number;
  readonly breaker: Breaker | undefined;
  readonly batch: BatchSize | undefined;
  readonly tally = new Tally();
  readonly refused: RefusalCounts = noRefusals();
  /** The batches that take more jobs, by their priority: a run has one place in the order. */
  readonly #open = new Map<number, Run>();

  constructor(
    readonly name: string,
    readonly target: AnyHandler | ModuleTarget,
    readonly pool: Pool,
    options: MethodOptions,
  ) {
    this.timeout = options.timeout;
    this.limit = options.limit;
    this.batch = options.batch;
    this.breaker = options.breaker && new Breaker(pool.ledger.host, options.breaker);
  }

  /** Puts an accepted job on its way. */
  admit(job: Job): void {
    if (this.batch === undefined) return this.pool.place(new Run(job));
    const { size, wait } = this.batch;
    let run = this.#open.get(job.priority);
    if (run === undefined) {
      this.#open.set(job.priority, run = new Run(job));
      if (wait > 0) run.linger(wait);
      else run.depart();
    } else run.add(job);
    if (run.jobs.length < size) return;
    this.closes(run);
    run.depart();
  }

  /** A run takes no more jobs. */
  closes(run: Run): void {
    if (this.#open.get(run.key.priority) === run) this.#open.delete(run.key.priority);
  }

  /** Waits for more jobs no longer. */
  flush(): void {
    for (const run of [...this.#open.values()]) run.depart();
  }

  /** What is told of it. */
  stats(): MethodStats {
    const stats = { ...this.tally.read(), refused: { ...this.refused } };
    return this.breaker === undefined ? stats : { ...stats, breaker: this.breaker.state };
  }
}
