/** One worker of a pool: what waits for it, and what it runs, which is one thing at a time. */
import type { Deadline, Expirable } from "../_deadlines.ts";
import type { Pool } from "./_pool.ts";
import type { Run } from "./_run.ts";
import type { Schedule } from "./_schedule.ts";
import { Tally } from "./_tally.ts";
import { WorkerThread } from "./_worker_thread.ts";
import type { WorkerStats } from "./stats.ts";

/** See above. */
export class PoolWorker implements Expirable {
  readonly tally = new Tally();
  /** What it runs, from when that was granted; also when nobody wants its result any more. */
  run: Run | undefined = undefined;
  /** Its thread, once it has had a job that needs one. */
  thread: WorkerThread | undefined = undefined;
  #idle: Deadline | undefined;

  constructor(readonly id: number, readonly pool: Pool, readonly queue: Schedule<Run>) {}

  /** How many jobs it has to do. */
  get load(): number {
    const { queued, active } = this.tally;
    return queued + active + (this.run?.isOver ? 1 : 0);
  }

  /** Its thread. */
  startThread(): WorkerThread {
    return this.thread ??= new WorkerThread(this);
  }

  /** Leaves the pool if it has nothing to do for so long. */
  rest(ms: number): void {
    this.#idle ??= this.pool.ledger.deadlines.add(ms, this);
  }

  /** Has something to do, or leaves. */
  wake(): void {
    if (this.#idle !== undefined) this.pool.ledger.deadlines.remove(this.#idle);
    this.#idle = undefined;
  }

  expire(): void {
    this.#idle = undefined;
    this.pool.retire(this);
  }

  /** What is told of it. */
  stats(): WorkerStats {
    return {
      worker: this.id,
      bulkhead: this.pool.bulkhead,
      ...this.tally.read(),
      wait: this.tally.wait.summary(),
      thread: this.thread?.isAlive ?? false,
      crashes: this.thread?.crashes ?? 0,
    };
  }
}
