/**
 * Deadlocks, found when they arise: a wait-for graph over locks that are watched.
 *
 * A cycle comes into being only when an owner begins to wait, and then goes through that owner: so
 * one search at that moment, beginning there, finds every deadlock. What is searched is in
 * `_wait_graph.ts`, and what passes acquires on to here in `_watched_lock.ts`. A lock that is not
 * watched knows nothing of this, and pays nothing.
 */
import { type Context, createContext } from "./_context.ts";
import { currentHost, type Host } from "./_host.ts";
import { tell } from "./_observers.ts";
import { checkAcquireOptions, checkFunction, checkLabel, checkOptions, show } from "./_options.ts";
import { relayAbort } from "./_signals.ts";
import { InferredOwner, type Wait, WaitGraph } from "./_wait_graph.ts";
import { WatchedLock, type Watcher } from "./_watched_lock.ts";
import { DeadlockError, type DeadlockStep } from "./errors.ts";
import type { AcquireOptions, Guard, LockMode, ReadWriteLock } from "./lock.ts";

/** What a detector is created with. */
export interface DeadlockOptions {
  /**
   * Told of a cycle in which an owner was inferred. It may be none: children that run in parallel
   * share the context of their parent, and one of them may well wait for another.
   */
  onSuspicion?: (cycle: readonly DeadlockStep[]) => void;
}

/**
 * Finds deadlocks among the locks it watches.
 *
 * `watch` answers a lock to use in the place of the one it is given. An acquire with an explicit
 * `owner` that would close a cycle of waiting owners is rejected at once with a
 * {@linkcode DeadlockError} that names the cycle, and leaves the queue; the others in the cycle go
 * on once its owner releases what it holds. An owner stands for one sequence of actions: a request
 * or a job, not a pool of them.
 *
 * Without an `owner`, the owner is inferred: it is the `scope` or, failing that, the outermost
 * `withRead` or `withWrite` that the acquire happens in. Cycles in which one was inferred are only
 * reported, to `onSuspicion`. An acquire outside of all these has no owner and is not seen.
 *
 * ### Limits
 *
 * - Cycles within this isolate only, and through locks that are watched by this detector.
 * - `tryRead` and `tryWrite` have no owner, so a cycle through what they hold is not seen.
 * - Upgrades are not watched.
 *
 * A lock that is not watched costs what it costs without all this. To be watched costs an acquire that
 * need not wait some 20 times as much on Deno and 70 times on Bun (`deno task bench:core`); a wait
 * asks each lock it looks at who is there, so what it costs grows with their queues.
 *
 * @example Two locks in opposite orders
 * ```ts
 * import { DeadlockDetector, DeadlockError, RwLock } from "@interlock/core";
 * import assert from "node:assert/strict";
 *
 * const detector = new DeadlockDetector();
 * const a = detector.watch(new RwLock(), "a");
 * const b = detector.watch(new RwLock(), "b");
 * const one = { job: 1 };
 * const two = { job: 2 };
 *
 * using _a = await a.write({ owner: one });
 * const guard = await b.write({ owner: two });
 * const waiting = b.write({ owner: one });
 * await assert.rejects(a.write({ owner: two }), DeadlockError);
 * guard.release();
 * (await waiting).release();
 * ```
 */
export class DeadlockDetector {
  readonly #host: Host = currentHost();
  readonly #context: Context<InferredOwner> | undefined = createContext();
  readonly #graph = new WaitGraph();
  readonly #onSuspicion: DeadlockOptions["onSuspicion"];
  #watched = 0;

  /**
   * Creates a detector that watches nothing yet.
   *
   * @param options Whom to tell of cycles that are only suspected.
   * @throws {TypeError} when an option has the wrong type
   */
  constructor(options: DeadlockOptions = {}) {
    checkOptions(options, "create deadlock detector");
    if (options.onSuspicion !== undefined) {
      checkFunction("onSuspicion", options.onSuspicion, "create deadlock detector");
    }
    this.#onSuspicion = options.onSuspicion;
  }

  /**
   * Answers a lock that does what `lock` does, and whose waits are looked at.
   *
   * @param lock Any lock.
   * @param label What to call it in errors; `lock 1`, `lock 2` and so on if it is not given.
   * @throws {TypeError} when `lock` is no lock or `label` no string
   */
  watch(lock: ReadWriteLock, label?: string): ReadWriteLock {
    if (typeof lock?.query !== "function" || typeof lock.write !== "function") {
      throw new TypeError(`Cannot watch a lock: a lock was expected, got ${show(lock)}`);
    }
    checkLabel(label, "watch a lock");
    const watcher: Watcher = {
      acquire: (watched, mode, options) => this.#acquire(watched, mode, options),
      inside: (fn) => this.#context?.getStore() === undefined ? this.scope(undefined, fn) : fn(),
    };
    return new WatchedLock(watcher, lock, label ?? `lock ${++this.#watched}`);
  }

  /**
   * Runs `fn`; acquires in it that name no owner, also after an `await`, have one in common.
   *
   * @param label What to call the owner in reports.
   * @param fn What to run.
   * @returns What `fn` answered.
   */
  scope<R>(label: string | undefined, fn: () => R): R {
    checkLabel(label, "run in a scope");
    checkFunction("fn", fn, "run in a scope");
    if (this.#context === undefined) return fn();
    return this.#context.run(new InferredOwner(label), fn);
  }

  async #acquire(lock: WatchedLock, mode: LockMode, options: AcquireOptions): Promise<Guard> {
    checkAcquireOptions(options, `${mode}-lock ${lock.label}`);
    const inner = lock.lock;
    const owner = options.owner ?? this.#context?.getStore();
    if (owner === undefined) return await inner[mode](options);
    const { timeout, signal, label } = options;
    const refusal = new AbortController();
    const relay = signal && relayAbort(signal, refusal);
    const acquired = inner[mode]({ timeout, label, owner, signal: refusal.signal });
    const wait: Wait = { lock, mode, owner, label, since: this.#host.now() };
    try {
      this.#begin(wait, refusal);
    } catch (error) {
      // The lock cannot be asked who is there; what was begun must not be left behind.
      refusal.abort(error);
    }
    try {
      const guard = await acquired;
      return lock.hold(guard, { owner, since: this.#host.now() });
    } finally {
      relay?.remove();
      this.#graph.end(wait);
    }
  }

  #begin(wait: Wait, refusal: AbortController): void {
    const search = this.#graph.begin(wait);
    if (search === undefined) return;
    const certain = search.find((owner) => !(owner instanceof InferredOwner));
    if (certain !== undefined) {
      return refusal.abort(new DeadlockError(wait.lock.label, wait.mode, certain));
    }
    if (this.#onSuspicion === undefined) return;
    const suspected = search.find(() => true);
    if (suspected !== undefined) tell(this.#onSuspicion, suspected);
  }
}
