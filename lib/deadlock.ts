/**
 * Deadlocks, found when they arise: a wait-for graph over locks that are watched.
 *
 * Its nodes are owners. An owner that waits for a lock has an edge to each owner whose place there
 * must be given up first: holders that exclude it, and those ahead in the queue that would. The
 * edges are not kept but asked of the locks' `query()` when needed, so they are those of now,
 * whatever policy a lock follows. Only `#waits`, who waits for what, is kept.
 *
 * A cycle comes into being only when an owner begins to wait, and then goes through that owner: so
 * one search at that moment, beginning there, finds every deadlock. A lock that is not watched
 * knows nothing of this, and pays nothing.
 */
import { type Context, createContext } from "./_context.ts";
import { currentHost, type Host } from "./_host.ts";
import { tell } from "./_observers.ts";
import { checkAcquireOptions, checkFunction, checkLabel, checkOptions, show } from "./_options.ts";
import { DeadlockError, type DeadlockStep } from "./errors.ts";
import {
  type AcquireOptions,
  type Guard,
  type LockMode,
  type LockOrder,
  lockOrder,
  type LockParty,
  type LockQuery,
  type ReadWriteLock,
} from "./lock.ts";

/** What a detector is created with. */
export interface DeadlockOptions {
  /**
   * Told of a cycle in which an owner was inferred. It may be none: children that run in parallel
   * share the context of their parent, and one of them may well wait for another.
   */
  onSuspicion?: (cycle: readonly DeadlockStep[]) => void;
}

/** An owner that was inferred from the context a task runs in; shown by `query()`. */
class InferredOwner {
  constructor(readonly label: string | undefined) {}
}

/** One who waits. */
interface Wait {
  readonly lock: Watched;
  readonly mode: LockMode;
  readonly owner: object;
  readonly label: string | undefined;
  readonly since: number;
}

/** What a watched lock asks of its detector. */
interface Graph {
  acquire(lock: Watched, mode: LockMode, options: AcquireOptions): Promise<Guard>;
  inside<R>(fn: () => R): R;
}

/** A guard whose release is noted. */
class WatchedGuard implements Guard {
  readonly #guard: Guard;
  readonly #released: () => void;

  constructor(guard: Guard, released: () => void) {
    this.#guard = guard;
    this.#released = released;
  }

  get mode(): LockMode {
    return this.#guard.mode;
  }

  get label(): string | undefined {
    return this.#guard.label;
  }

  get released(): boolean {
    return this.#guard.released;
  }

  release(): void {
    if (this.#guard.released) return;
    this.#released();
    this.#guard.release();
  }

  [Symbol.dispose](): void {
    this.release();
  }
}

/** A lock whose waits are looked at. */
class Watched implements ReadWriteLock {
  /** Which owners hold it since when, in the order they came. */
  readonly holds = new Set<{ readonly owner: object; readonly since: number }>();
  [lockOrder]?: () => LockOrder;

  constructor(readonly graph: Graph, readonly lock: ReadWriteLock, readonly label: string) {
    const order = lock[lockOrder];
    if (order !== undefined) this[lockOrder] = () => order.call(lock);
  }

  read(options: AcquireOptions = {}): Promise<Guard> {
    return this.graph.acquire(this, "read", options);
  }

  write(options: AcquireOptions = {}): Promise<Guard> {
    return this.graph.acquire(this, "write", options);
  }

  async withRead<R>(fn: () => R | Promise<R>, options?: AcquireOptions): Promise<R> {
    checkFunction("fn", fn, "read-lock");
    return await this.graph.inside(async () => {
      using _guard = await this.read(options);
      return await fn();
    });
  }

  async withWrite<R>(fn: () => R | Promise<R>, options?: AcquireOptions): Promise<R> {
    checkFunction("fn", fn, "write-lock");
    return await this.graph.inside(async () => {
      using _guard = await this.write(options);
      return await fn();
    });
  }

  tryRead(): Guard | undefined {
    return this.lock.tryRead();
  }

  tryWrite(): Guard | undefined {
    return this.lock.tryWrite();
  }

  query(): LockQuery {
    return this.lock.query();
  }
}

/** Whether two cannot be inside together. */
function exclude(a: LockMode, b: LockMode): boolean {
  return a === "write" || b === "write";
}

/** Who keeps one from entering: those inside, and those ahead in the queue. */
function* blockersOf({ lock, mode, owner }: Wait): Generator<[party: LockParty, waits: boolean]> {
  const { holders, waiters } = lock.query();
  const place = waiters.findIndex((party) => party.owner === owner && party.mode === mode);
  // It has been granted, though it has not run on yet.
  if (place === -1) return;
  for (const party of holders) if (exclude(mode, party.mode)) yield [party, false];
  for (const party of waiters.slice(0, place)) {
    // Another wait of its own is no hindrance: that it has one shows that it can do two things.
    if (party.owner !== owner && exclude(mode, party.mode)) yield [party, true];
  }
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
 * A lock that is not watched costs what it costs without all this.
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
  readonly #waits = new Map<object, Set<Wait>>();
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
    const graph: Graph = {
      acquire: (watched, mode, options) => this.#acquire(watched, mode, options),
      inside: (fn) => this.#context?.getStore() === undefined ? this.scope(undefined, fn) : fn(),
    };
    return new Watched(graph, lock, label ?? `lock ${++this.#watched}`);
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

  async #acquire(lock: Watched, mode: LockMode, options: AcquireOptions): Promise<Guard> {
    checkAcquireOptions(options, `${mode}-lock ${lock.label}`);
    const inner = lock.lock;
    const owner = options.owner ?? this.#context?.getStore();
    if (owner === undefined) return await inner[mode](options);
    const refusal = new AbortController();
    const signal = options.signal === undefined
      ? refusal.signal
      : AbortSignal.any([options.signal, refusal.signal]);
    const label = options.label;
    const acquired = inner[mode]({ ...options, owner, signal });
    const wait: Wait = { lock, mode, owner, label, since: this.#host.now() };
    try {
      this.#begin(wait, refusal);
    } catch (error) {
      // The lock cannot be asked who is there; what was begun must not be left behind.
      refusal.abort(error);
    }
    try {
      const guard = await acquired;
      const hold = { owner, since: this.#host.now() };
      lock.holds.add(hold);
      return new WatchedGuard(guard, () => lock.holds.delete(hold));
    } finally {
      this.#end(wait);
    }
  }

  #begin(wait: Wait, refusal: AbortController): void {
    const { owner, mode, lock } = wait;
    const waiters = lock.query().waiters;
    if (!waiters.some((party) => party.owner === owner && party.mode === mode)) return;
    const waits = this.#waits.get(owner);
    if (waits === undefined) this.#waits.set(owner, new Set([wait]));
    else waits.add(wait);
    const certain = this.#find(wait, (owner) => !(owner instanceof InferredOwner));
    if (certain !== undefined) return refusal.abort(new DeadlockError(lock.label, mode, certain));
    if (this.#onSuspicion === undefined) return;
    const suspected = this.#find(wait, () => true);
    if (suspected !== undefined) tell(this.#onSuspicion, suspected);
  }

  #end(wait: Wait): void {
    const waits = this.#waits.get(wait.owner);
    if (waits?.delete(wait) && waits.size === 0) this.#waits.delete(wait.owner);
  }

  /** A cycle that begins with `first`, of owners that count. */
  #find(first: Wait, counts: (owner: object) => boolean): DeadlockStep[] | undefined {
    const seen = new Set<object>();
    const follow = (wait: Wait): DeadlockStep[] | undefined => {
      for (const [party, waits] of blockersOf(wait)) {
        const { owner } = party;
        if (owner === undefined || !counts(owner)) continue;
        const step = this.#step(wait, party, waits);
        if (owner === first.owner) return [step];
        if (seen.has(owner)) continue;
        seen.add(owner);
        for (const next of this.#waits.get(owner) ?? []) {
          const rest = follow(next);
          if (rest !== undefined) return [step, ...rest];
        }
      }
      return undefined;
    };
    return counts(first.owner) ? follow(first) : undefined;
  }

  #step(wait: Wait, party: LockParty, waits: boolean): DeadlockStep {
    const { lock, mode, owner, label, since } = wait;
    const theirs = party.owner as object;
    const began = waits
      ? [...this.#waits.get(theirs) ?? []].find((other) => other.lock.lock === lock.lock)?.since
      : [...lock.holds].find((hold) => hold.owner === theirs)?.since;
    const name = (owner: object, label: string | undefined) =>
      label ?? (owner instanceof InferredOwner ? owner.label : undefined);
    return {
      lock: lock.label,
      waiter: { mode, owner, label: name(owner, label), since },
      blocker: {
        mode: party.mode,
        owner: theirs,
        label: name(theirs, party.label),
        since: began ?? party.since,
      },
      blockedBy: waits ? "waiter" : "holder",
    };
  }
}
