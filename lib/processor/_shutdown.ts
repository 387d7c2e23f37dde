/**
 * The end of a processor: it has refused all that came since, finishes what it has accepted, aborts
 * what is not done in time, and leaves nothing running that can be ended.
 */
import type { Deadline, Expirable } from "../_deadlines.ts";
import type { Ledger } from "./_ledger.ts";
import type { Pool } from "./_pool.ts";

/** How a processor is shut down. */
export interface ShutdownOptions {
  /**
   * How long what was accepted may take to be done, in milliseconds; `0` aborts it at once.
   *
   * @default what the processor was created with
   */
  timeout?: number;
}

/** What became of the jobs that were pending when the shutdown began. */
export interface ShutdownReport {
  /** How many came to their end by themselves, well or not. */
  readonly finished: number;
  /** How many were aborted because the `timeout` had passed. */
  readonly aborted: number;
  /**
   * How many handlers in this isolate go on all the same, though their signals have aborted: those
   * of the aborted jobs, and those that were left behind by their jobs' limits before.
   */
  readonly abandoned: number;
}

/** What a shutdown has to do with. */
export interface Remains {
  readonly ledger: Ledger;
  readonly pools: Iterable<Pool>;
  /** How long handlers may take to end when their signals have aborted, in milliseconds. */
  readonly grace: number;
}

/** See the top of the file. */
export class Shutdown implements Expirable {
  readonly report: Promise<ShutdownReport>;
  readonly #remains: Remains;
  readonly #pending: number;
  #aborted = 0;
  /** When the time for what was accepted is up, by the host's clock. */
  #due = Infinity;
  #deadline: Deadline | undefined;

  constructor(remains: Remains) {
    this.#remains = remains;
    this.#pending = remains.ledger.pending.count;
    this.report = this.#run();
  }

  /** Brings the end of the waiting forward, if that is sooner. */
  hasten(timeout: number): void {
    const { deadlines, host, pending } = this.#remains.ledger;
    const due = host.now() + timeout;
    if (pending.count === 0 || due >= this.#due) return;
    this.#due = due;
    if (this.#deadline !== undefined) deadlines.remove(this.#deadline);
    this.#deadline = undefined;
    if (timeout === 0) this.#abortRest();
    else this.#deadline = deadlines.add(timeout, this);
  }

  expire(): void {
    this.#deadline = undefined;
    this.#abortRest();
  }

  async #run(): Promise<ShutdownReport> {
    const { ledger, pools } = this.#remains;
    await ledger.pending.none();
    if (this.#deadline !== undefined) ledger.deadlines.remove(this.#deadline);
    await this.#quiet();
    const abandoned = ledger.abandoned.count;
    await Promise.all([...pools].map((pool) => pool.close()));
    return { finished: this.#pending - this.#aborted, aborted: this.#aborted, abandoned };
  }

  #abortRest(): void {
    const { pools } = this.#remains;
    const jobs = [...pools].flatMap((pool) => {
      pool.stop();
      return pool.jobs();
    });
    for (const job of jobs) {
      // What is told of one job may have ended another.
      if (job.hasEnded) continue;
      this.#aborted++;
      job.stop();
    }
    for (const { run } of jobs) run.vacate();
  }

  /** Gives handlers whose signals have aborted time to end. */
  #quiet(): Promise<void> {
    const { ledger: { abandoned, deadlines }, grace } = this.#remains;
    if (abandoned.count === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const deadline = deadlines.add(grace, { expire: () => resolve() });
      abandoned.none().then(() => {
        deadlines.remove(deadline);
        resolve();
      });
    });
  }
}
