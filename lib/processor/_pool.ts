/**
 * Workers, and which of them does what.
 *
 * What always holds between two calls: a worker that runs nothing has nothing waiting for it, and
 * where workers help each other, no worker runs nothing while anything waits. A run that comes goes
 * to a worker that runs nothing, else to a new one if there may be more, else it waits at the one
 * with the least to do; and whatever makes a worker run nothing ends in `release`, which gives it the
 * next run. So nothing waits for an event that has passed.
 *
 * With `stealing`, the next run is the first in the order over all queues and not only over the
 * worker's own, so that jobs begin in one order whatever the lengths of their queues.
 */
import type { BackPressure } from "./_back_pressure.ts";
import type { Job } from "./_job.ts";
import type { Ledger } from "./_ledger.ts";
import { Permits } from "./_permits.ts";
import { PoolWorker } from "./_pool_worker.ts";
import type { Run } from "./_run.ts";
import { type Before, beforeIn, Fifo, Heap } from "./_schedule.ts";
import type { JobOrder } from "./order.ts";

/** What a pool is built with; all of it has been checked. */
export interface PoolOptions {
  readonly min: number;
  readonly max: number;
  /** How long a worker beyond `min` stays with nothing to do, in milliseconds. */
  readonly idle: number;
  /** How many jobs may wait for each worker besides the one it runs. */
  readonly queueLimit: number;
  readonly order: JobOrder | undefined;
  readonly stealing: boolean;
  /** How long a run in a Worker may go on when nobody wants it any more, in milliseconds. */
  readonly grace: number;
}

/** See the top of the file. */
export class Pool {
  readonly permits: Permits;
  /** In the order of their numbers. */
  readonly workers: PoolWorker[] = [];
  backPressure: BackPressure | undefined = undefined;
  readonly #before: Before;
  #isOpen = true;
  /** Told when its last job has ended and its workers are gone, once nobody asks for anything. */
  #onUnused: (() => void) | undefined;
  /** Threads that have been told to end. */
  readonly #ending = new Set<Promise<void>>();

  constructor(
    readonly ledger: Ledger,
    readonly options: PoolOptions,
    /** The method it serves alone; `undefined` for the pool of all others. */
    readonly bulkhead: string | undefined,
  ) {
    const { min, max, queueLimit } = options;
    this.permits = new Permits(max * (queueLimit + 1));
    this.#before = beforeIn(options.order);
    while (this.workers.length < min) this.#grow();
  }

  /** What it is called in errors. */
  get name(): string {
    const { label } = this.ledger;
    return this.bulkhead === undefined ? label : `${label}, bulkhead ${this.bulkhead}`;
  }

  /** Whether runs are still begun. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Finds a worker for a run. */
  place(run: Run): void {
    const { workers, options: { max } } = this;
    let least = workers[0];
    for (const worker of workers) {
      if (worker.run === undefined) return this.#give(run, worker);
      if (worker.load < least.load) least = worker;
    }
    if (workers.length < max) this.#give(run, this.#grow());
    else run.queueAt(least);
  }

  /** A worker has nothing to run any more. */
  release(worker: PoolWorker): void {
    worker.run = undefined;
    if (!this.#isOpen) return;
    const next = this.#next(worker);
    if (next !== undefined) this.#give(next, worker);
    else if (this.workers.length > this.options.min) worker.rest(this.options.idle);
  }

  /** A worker has had nothing to do for long. */
  retire(worker: PoolWorker): void {
    const { workers } = this;
    if (workers.length <= this.options.min) return;
    workers.splice(workers.indexOf(worker), 1);
    this.#end(worker);
  }

  /** The jobs that wait for a worker or have one. */
  jobs(): Job[] {
    return this.workers.flatMap(({ run, queue }) =>
      [run, ...queue].flatMap((each) => each?.jobs ?? [])
    );
  }

  /** A job of it has ended. */
  jobEnded(): void {
    this.permits.release();
    if (this.#onUnused !== undefined) this.disuse(this.#onUnused);
  }

  /** Nobody asks for anything any more; what was accepted is still done, and then `gone` called. */
  disuse(gone: () => void): void {
    this.#onUnused = gone;
    if (this.permits.held === 0) this.close().then(gone);
  }

  /** Begins no run any more. */
  stop(): void {
    this.#isOpen = false;
  }

  /** Ends the workers, of which none runs anything that somebody wants; resolves when they are gone. */
  async close(): Promise<void> {
    this.stop();
    for (const worker of this.workers) this.#end(worker);
    await Promise.all(this.#ending);
  }

  /** A thread has been told to end. */
  ends(ending: Promise<void>): void {
    this.#ending.add(ending);
    ending.then(() => this.#ending.delete(ending));
  }

  #grow(): PoolWorker {
    const { workers } = this;
    let id = 0;
    while (id < workers.length && workers[id].id === id) id++;
    const queue = this.options.order === undefined ? new Fifo<Run>() : new Heap<Run>(this.#before);
    const worker = new PoolWorker(id, this, queue);
    workers.splice(id, 0, worker);
    return worker;
  }

  #give(run: Run, worker: PoolWorker): void {
    worker.wake();
    run.grant(worker);
  }

  #next(worker: PoolWorker): Run | undefined {
    let first = worker.queue.first;
    if (!this.options.stealing) return first;
    for (const { queue } of this.workers) {
      const other = queue.first;
      if (other !== undefined && (first === undefined || this.#before(other, first))) first = other;
    }
    return first;
  }

  #end(worker: PoolWorker): void {
    worker.wake();
    worker.thread?.end();
  }
}
