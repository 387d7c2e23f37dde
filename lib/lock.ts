/**
 * The contract every lock keeps, at whatever distance its holders are.
 *
 * 1. Never a writer beside any other holder. A guard releases once; releasing it again does
 *    nothing. A lock has no bare `release()`, so a stranger cannot let a second holder in.
 * 2. A waiter that times out or aborts leaves nothing behind: no timer, no listener, no place in
 *    the queue, no door left shut for those behind it.
 * 3. Granted wins over aborted: a lock is never lost between the grant and the continuation.
 * 4. A critical section that throws or rejects releases.
 * 5. No lock is re-entrant.
 * 6. `onContention` fires once for a wait that passes `contentionAfter`.
 *
 * @module
 */

/** How a lock is held: shared with other readers, or alone. */
export type LockMode = "read" | "write";

/** How to acquire a lock. */
export interface AcquireOptions {
  /**
   * The longest wait in milliseconds; `0` takes the lock only if it is free now. When it has
   * passed, the acquire rejects with a `LockTimeoutError`.
   *
   * @default Infinity
   */
  timeout?: number;
  /** Ends the wait: the acquire rejects with the signal's reason. After the grant it has no say. */
  signal?: AbortSignal;
  /** A name for the holder, shown by `query()` and in errors. */
  label?: string;
  /** Who acquires; shown by `query()`. Any object serves: a request, a session, a job. */
  owner?: object;
}

/** The right to be inside. Dispose of it (`using`) or release it; both may be done twice. */
export interface Guard extends Disposable {
  /** How the lock is held. */
  readonly mode: LockMode;
  /** The label it was acquired with. */
  readonly label?: string;
  /** Whether this guard has been released. */
  readonly released: boolean;
  /** Gives the lock back. Does nothing the second time. */
  release(): void;
}

/** How long an upgrade may wait, and what ends the wait. */
export type UpgradeOptions = Pick<AcquireOptions, "timeout" | "signal">;

/** The right to be inside as a reader, and to become the writer without leaving. */
export interface UpgradableGuard extends Guard {
  /**
   * Becomes the writer: at once if no other reader is inside, else when those have left, before
   * all who wait and with new readers kept out meanwhile. If it cannot, it stays a reader.
   */
  upgrade(options?: UpgradeOptions): Promise<void>;
  /**
   * Becomes a reader again with no writer in between. Readers next in the queue enter with it.
   * Does nothing for a reader.
   */
  downgrade(): void;
}

/** One holder or waiter, as far as the lock can tell. */
export interface LockParty {
  /** How the lock is held or wanted. */
  readonly mode: LockMode;
  /** The label it acquired with. */
  readonly label?: string;
  /** The owner it acquired with. */
  readonly owner?: object;
  /**
   * When it came to hold, or began to wait, in milliseconds on the clock of `performance.now()`.
   * Only where a lock was built with `stats: true`.
   */
  readonly since?: number;
}

/** What is known of many durations, in milliseconds. */
export interface DurationStats {
  /** How many there were. */
  readonly count: number;
  /** Their mean, exactly; 0 if there were none. */
  readonly mean: number;
  /** The longest, exactly. */
  readonly max: number;
  /** Half of them were no longer than this, which is right to within 9 % as are all percentiles. */
  readonly p50: number;
  /** 90 % of them were no longer. */
  readonly p90: number;
  /** 99 % of them were no longer. */
  readonly p99: number;
  /** 99.9 % of them were no longer. */
  readonly p999: number;
  /** How many were no longer than `upTo`, and longer than the bound before; empty ones left out. */
  readonly buckets: readonly { readonly upTo: number; readonly count: number }[];
}

/**
 * What a lock has counted since it was created. Each acquire is counted once, where its fate is
 * decided: as `acquired`, `timedOut` or `aborted`. Of a lock that others have objects of too, on
 * other threads or in other processes, each object counts its own acquires.
 */
export interface LockStats {
  /** How often it was acquired in each mode; an upgrade or a downgrade counts as one more. */
  readonly acquired: Readonly<Record<LockMode, number>>;
  /** How many acquires had to wait, however their wait ended. */
  readonly contended: number;
  /** How many acquires ended by their timeout. */
  readonly timedOut: number;
  /** How many acquires ended by their signal. */
  readonly aborted: number;
  /** How many are inside now. */
  readonly holders: number;
  /** How many wait now. */
  readonly waiters: number;
  /** The longest wait, among them those not ended yet, in milliseconds. */
  readonly longestWait: number;
  /** The waits that have ended, with the lock or without it. */
  readonly wait: DurationStats;
  /** How long those were inside who have left. */
  readonly hold: DurationStats;
}

/** A guard that was collected without having been released: what it held is held for ever. */
export interface LockLeak extends LockParty {
  /** The lock's label. */
  readonly lock: string;
}

/** Who holds a lock, and who waits for it, at one moment. */
export interface LockQuery {
  /** Those inside: those with a label or an owner in the order they came, then the others. */
  readonly holders: readonly LockParty[];
  /** Those waiting, in the order they will be served. */
  readonly waiters: readonly LockParty[];
}

/** A wait that has passed `contentionAfter`. */
export interface Contention {
  /** How long the waiter has waited so far, in milliseconds. */
  readonly waited: number;
  /** What the waiter wants. */
  readonly mode: LockMode;
  /** Who holds the lock now, as far as known. */
  readonly holders: readonly LockParty[];
}

/** What every lock may be built with. */
export interface LockOptions {
  /** A name for the lock, shown in errors. */
  label?: string;
  /** Told once about each wait that passes `contentionAfter`. */
  onContention?: (event: Contention) => void;
  /**
   * How long a wait lasts before it counts as contention, in milliseconds.
   *
   * @default 100
   */
  contentionAfter?: number;
  /**
   * Whether the lock counts what `stats()` tells, and `query()` shows since when. Each acquire and
   * each release then reads the clock. Takes constant memory, however much there is to count.
   *
   * @default false
   */
  stats?: boolean;
}

/** Who of those that wait enters first; see `RwLockOptions.policy`. */
export type LockPolicy = "fair" | "read-preferring" | "write-preferring";

/** What an `RwLock` may be built with. */
export interface RwLockOptions extends LockOptions {
  /**
   * Who enters first.
   *
   * - `"fair"`: whoever came first. Nobody starves.
   * - `"read-preferring"`: readers enter whenever no writer is inside, past writers who wait. More
   *   readers are inside at once, and **writers starve**: while readers overlap without end none
   *   ever enters. For data that is seldom written, when a write may come late.
   * - `"write-preferring"`: no reader enters while a writer waits, though it came before it. What
   *   readers see is as new as can be, and **readers starve** while writers follow one another
   *   without end. For data whose writers are few and short.
   *
   * Those of one kind are served in the order they came under every policy, and an upgrade before
   * all others. The starving side can give up by `timeout` or `signal`.
   *
   * @default "fair"
   */
  policy?: LockPolicy;
  /**
   * Told of each guard that was collected without having been released, some time afterwards and
   * perhaps never: that is for the garbage collector to say. Nothing is released, and nothing is
   * told of a lock that is collected itself. For tests and for hunting bugs; each acquire then
   * registers its guard, which costs far more than the acquire.
   */
  onLeak?: (leak: LockLeak) => void;
}

/** Where a lock stands among those that `acquireAll()` acquires. */
export interface LockOrder {
  /** Who shares the lock: the tasks of an isolate, threads, or processes. */
  readonly reach: "tasks" | "threads" | "processes";
  /** By what the lock is known to all who share it, the same in each of them. */
  readonly key: string;
}

/**
 * The name of the method by which a lock that others than the tasks of this isolate share says
 * where it stands. Without it a lock is taken to belong to this isolate alone.
 */
export const lockOrder: unique symbol = Symbol.for("interlock.lockOrder") as never;

/** A lock that many readers share or one writer has alone. */
export interface ReadWriteLock {
  /** Acquires the lock shared with other readers. */
  read(options?: AcquireOptions): Promise<Guard>;
  /** Acquires the lock alone. */
  write(options?: AcquireOptions): Promise<Guard>;
  /** Runs `fn` with the lock shared, releases however `fn` ends, and answers what `fn` answered. */
  withRead<R>(fn: () => R | Promise<R>, options?: AcquireOptions): Promise<R>;
  /** Runs `fn` with the lock held alone, releases however `fn` ends, and answers as `fn` did. */
  withWrite<R>(fn: () => R | Promise<R>, options?: AcquireOptions): Promise<R>;
  /** Acquires shared if that needs no waiting, else answers `undefined`. */
  tryRead(): Guard | undefined;
  /** Acquires alone if that needs no waiting, else answers `undefined`. */
  tryWrite(): Guard | undefined;
  /** Who holds the lock and who waits for it now. */
  query(): LockQuery;
  /** What the lock has counted. Throws a `TypeError` unless it was built with `stats: true`. */
  stats(): LockStats;
  /** Where the lock stands among others, if it reaches beyond this isolate. */
  [lockOrder]?(): LockOrder;
}
