/**
 * One accepted job, from its acceptance to its end.
 *
 * What always holds: a job that has not ended holds one permit of its pool and is counted as queued
 * or active, and its method's circuit, if there is one, waits for its outcome; a job that has ended
 * holds nothing, no timer and no listener. It ends in `end` alone, which passes its first line once,
 * whichever comes first: an answer, an error, its timeout or limit, its signal, the death of its
 * Worker, a shutdown. And `end` calls nobody who could call back before it has let go of everything.
 */
import type { Expirable } from "../_deadlines.ts";
import { Limit } from "../_limit.ts";
import type { Abortable } from "../_signals.ts";
import type { Pass } from "./_breaker.ts";
import type { Method } from "./_method.ts";
import type { Run } from "./_run.ts";
import type { Ending, Tally } from "./_tally.ts";
import { JobLimitError, JobTimeoutError, ShutdownError } from "./errors.ts";
import type { JobInfo, JobKind, JobOptions, QueuedJob } from "./jobs.ts";
import type { TraceContext } from "./_trace.ts";

/** See above. */
export class Job implements QueuedJob, Expirable, Abortable {
  readonly id: number;
  readonly acceptedAt: number;
  readonly priority: number;
  readonly due: number;
  hasEnded = false;
  /** The run it is part of; set as soon as it is accepted. */
  run!: Run;
  /** What is counted at the worker it is at; `undefined` while it has none. */
  at: Tally | undefined = undefined;
  #hasBegun = false;
  /** What may end it before its time. */
  #limit: Limit | undefined;
  #ending: Ending | undefined;
  #value: unknown;
  #promise: Promise<unknown> | undefined;
  #resolve!: (value: unknown) => void;
  #reject!: (reason: unknown) => void;

  constructor(
    readonly of: Method,
    readonly kind: JobKind,
    readonly payload: unknown,
    readonly options: JobOptions,
    readonly trace: TraceContext | undefined,
    readonly pass: Pass | undefined,
  ) {
    const { ledger } = of.pool;
    const { timeout = of.timeout, priority = 0 } = options;
    this.id = ledger.accept();
    this.acceptedAt = ledger.host.now();
    this.priority = priority;
    this.due = this.acceptedAt + timeout;
    of.tally.queued++;
    ledger.total.queued++;
    this.#watch(timeout);
  }

  get method(): string {
    return this.of.name;
  }

  /** How it is known to others. */
  get info(): JobInfo {
    const { id, method, kind, priority, trace } = this;
    return trace === undefined
      ? { id, method, kind, priority }
      : { id, method, kind, priority, trace };
  }

  /** Whether somebody has asked to be told how it ends. */
  get isWatched(): boolean {
    return this.#promise !== undefined;
  }

  /** How it ends. */
  get completed(): Promise<unknown> {
    if (this.#promise !== undefined) return this.#promise;
    if (this.#ending === undefined) {
      this.#promise = new Promise((resolve, reject) => {
        this.#resolve = resolve;
        this.#reject = reject;
      });
    } else {
      this.#promise = this.#ending === "done"
        ? Promise.resolve(this.#value)
        : Promise.reject(this.#value);
    }
    return this.#promise;
  }

  /** It may run: its wait is over, and nothing ends it before it has begun. */
  grant(): void {
    this.#limit?.end();
  }

  /** It runs from now on. */
  begin(now: number): void {
    this.#hasBegun = true;
    const waited = now - this.acceptedAt;
    this.of.tally.begins(waited);
    this.of.pool.ledger.total.begins(waited);
    this.at!.begins(waited);
    this.of.pool.backPressure?.begins(waited);
  }

  /** Its signal may end it from now on, and its limit too, unless it has not really begun. */
  arm(withLimit: boolean): void {
    this.#limit?.end();
    this.#watch(withLimit ? this.#longest : Infinity);
  }

  /** Its handler has answered. */
  succeed(value: unknown): void {
    const longest = this.#longest;
    // A handler that kept the thread to itself is past its limit before any timer could fire.
    if (longest !== Infinity && this.#limit !== undefined && this.#limit.elapsed > longest) {
      this.end("failed", new JobLimitError(this.method, longest));
    } else this.end("done", value);
  }

  expire(waited: number): void {
    if (this.#hasBegun) this.#leave("failed", new JobLimitError(this.method, this.#longest));
    else this.#leave("timedOut", new JobTimeoutError(this.method, waited));
    this.run.vacate();
  }

  abort(reason: unknown): void {
    this.#leave("aborted", reason);
  }

  afterAbort(): void {
    this.run.vacate();
  }

  /** The processor shuts down, and waits for it no longer. */
  stop(): void {
    const { label } = this.of.pool.ledger;
    this.#leave("aborted", new ShutdownError(this.method, label, true));
  }

  /** Ends it. Does nothing the second time. */
  end(how: Ending, value: unknown): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    this.#limit?.end();
    const { tally, breaker, pool } = this.of;
    const { ledger } = pool;
    pool.jobEnded();
    const waiting = !this.#hasBegun;
    const took = how === "done" ? ledger.host.now() - this.acceptedAt : 0;
    tally.ends(how, waiting, took);
    ledger.total.ends(how, waiting, took);
    this.at?.ends(how, waiting, took);
    this.#ending = how;
    this.#value = value;
    if (this.#promise !== undefined) {
      if (how === "done") this.#resolve(value);
      else this.#reject(value);
    }
    if (this.pass !== undefined) breaker!.leave(this.pass, this.#judge(how, value));
    ledger.ended(this, how, value);
  }

  get #longest(): number {
    return this.options.limit ?? this.of.limit;
  }

  #watch(ms: number): void {
    const { signal } = this.options;
    if (ms === Infinity && signal === undefined) return;
    this.#limit = new Limit(this.of.pool.ledger.deadlines, this, ms, signal);
  }

  #judge(how: Ending, value: unknown): "good" | "bad" | "none" {
    if (how === "done") return "good";
    return how === "failed" ? this.of.breaker!.judge(value) : "none";
  }

  /** Ends it from outside, while its run goes on or has not begun; whoever calls this vacates. */
  #leave(how: Ending, reason: unknown): void {
    if (this.hasEnded) return;
    this.end(how, reason);
    this.run.drop(this, reason);
  }
}
