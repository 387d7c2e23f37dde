/**
 * The thread of one worker: started with its first run that needs one, started anew when it has
 * died, and otherwise kept. It has one run at a time.
 *
 * What always holds: a run that was handed to it gives the worker back once, in `#free`, when the
 * thread has ended it, has died, or has been ended because the run went on too long after nobody
 * wanted it. A thread is known by an object of its own, so that nothing that is still to come from
 * a former thread is taken for something of this one.
 *
 * An idle thread does not keep the process alive.
 */
import type { Deadline, Expirable } from "../_deadlines.ts";
import { startThread, type Thread, type ThreadListener } from "../_host_threads.ts";
import { moduleBeside } from "../_module_urls.ts";
import type { ModuleTarget } from "./_method.ts";
import type { PoolWorker } from "./_pool_worker.ts";
import type { FromWorker, SentResult, ToWorker } from "./_protocol.ts";
import type { Run } from "./_run.ts";
import { receive, send } from "./_sent_errors.ts";
import type {} from "./_thread_main.ts";
import { WorkerCrashError } from "./errors.ts";

/** One thread, for as long as it lives. */
class Life implements ThreadListener {
  readonly #thread: Thread;
  readonly #owner: WorkerThread;
  /** Whether it has begun to listen. */
  isUp = false;

  constructor(owner: WorkerThread) {
    this.#owner = owner;
    this.#thread = startThread(moduleBeside("_thread_main", import.meta.url), this);
    this.keepAlive(false);
  }

  post(message: ToWorker, transfer?: readonly object[]): void {
    this.#thread.post(message, transfer);
  }

  keepAlive(yes: boolean): void {
    this.#thread.keepAlive(yes);
  }

  end(): Promise<void> {
    return this.#thread.end();
  }

  received(message: unknown): void {
    // Modules of handlers may send what they like.
    const { type } = Object(message) as Partial<FromWorker>;
    if (type !== "up" && type !== "done" && type !== "failed") return;
    if (type === "up") this.isUp = true;
    this.#owner.received(this, message as FromWorker);
  }

  ended(code: number, error: unknown): void {
    this.#owner.died(this, code, error);
  }
}

/** See the top of the file. */
export class WorkerThread implements Expirable {
  /** How many threads have died. */
  crashes = 0;
  readonly #worker: PoolWorker;
  #life: Life | undefined;
  #run: Run | undefined;
  #grace: Deadline | undefined;

  constructor(worker: PoolWorker) {
    this.#worker = worker;
  }

  /** Whether there is a thread now. */
  get isAlive(): boolean {
    return this.#life !== undefined;
  }

  /** Runs what the worker has been given; `run` has a module as its target. */
  run(run: Run): void {
    const { module, names } = run.of.target as ModuleTarget;
    this.#run = run;
    for (const job of run.jobs) job.arm(false);
    try {
      const life = this.#life ??= new Life(this);
      life.keepAlive(true);
      life.post({
        type: "run",
        run: run.key.id,
        module,
        names,
        payload: run.payload,
        isBatch: run.of.batch !== undefined,
        worker: this.#worker.id,
        method: run.of.name,
        jobs: run.infos,
        trace: run.trace,
      }, run.transfer);
      // The time that a thread takes to start is none of the job's.
      if (life.isUp) run.hasStarted();
    } catch (error) {
      // It cannot be sent, or no thread can be started.
      this.#settle({ error });
    }
  }

  /** Nobody wants the run's result any more. */
  abandon(reason: unknown): void {
    const { pool } = this.#worker;
    this.#grace = pool.ledger.deadlines.add(pool.options.grace, this);
    this.#life!.post({ type: "abort", run: this.#run!.key.id, reason: send(reason) });
  }

  /** It was told to stop, and has gone on for too long. */
  expire(): void {
    this.#grace = undefined;
    this.#kill();
    this.#free();
  }

  received(life: Life, message: FromWorker): void {
    if (life !== this.#life) return;
    const run = this.#run;
    if (message.type === "up") run?.hasStarted();
    else if (run === undefined || message.run !== run.key.id) return;
    else if (message.type === "failed") this.#settle({ error: receive(message.error) });
    else if (run.of.batch === undefined) this.#settle({ value: message.value });
    else this.#settle({ value: (message.value as SentResult[] | undefined)?.map(resultOf) });
  }

  died(life: Life, code: number, error: unknown): void {
    if (life !== this.#life) return;
    this.#life = undefined;
    this.crashes++;
    const run = this.#run;
    // What is to come is most likely for a thread too. One that could not even start is not tried
    // again before it is needed.
    if (life.isUp && this.#worker.pool.isOpen) this.#life = new Life(this);
    if (run !== undefined) this.#settle({ error: new WorkerCrashError(run.of.name, code, error) });
  }

  /** Ends the thread, whatever it does. */
  end(): void {
    this.#clearGrace();
    this.#kill();
    if (this.#run !== undefined) this.#free();
  }

  #settle(outcome: Parameters<Run["settle"]>[0]): void {
    const run = this.#run!;
    this.#run = undefined;
    this.#clearGrace();
    this.#life?.keepAlive(false);
    if (run.isOver) this.#worker.pool.ledger.abandoned.remove();
    else run.settle(outcome);
    this.#worker.pool.release(this.#worker);
  }

  #free(): void {
    this.#run = undefined;
    this.#worker.pool.ledger.abandoned.remove();
    this.#worker.pool.release(this.#worker);
  }

  #kill(): void {
    const life = this.#life;
    // First, for Deno tells of the end of a thread within the call that ends it.
    this.#life = undefined;
    if (life !== undefined) this.#worker.pool.ends(life.end());
  }

  #clearGrace(): void {
    if (this.#grace !== undefined) this.#worker.pool.ledger.deadlines.remove(this.#grace);
    this.#grace = undefined;
  }
}

function resultOf(sent: SentResult): unknown {
  return "error" in sent ? receive(sent.error) : sent.value;
}
