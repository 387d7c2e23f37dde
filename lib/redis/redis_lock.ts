/**
 * The lock contract over a server: the door, where arguments are checked. Who is inside is decided by
 * the script (`_script.ts`), who may still be trusted by `_side.ts`.
 */
import { checkAcquireOptions, checkFunction } from "../_options.ts";
import type { AcquireOptions, LockMode, LockParty, LockStats } from "../lock.ts";
import type { Party } from "./_party.ts";
import { readParty, type RemoteParty } from "./_script.ts";
import type { Side } from "./_side.ts";

/** The right to be inside, for as long as it can be trusted. */
export interface RedisGuard extends AsyncDisposable {
  /** How the lock is held. */
  readonly mode: LockMode;
  /** The label it was acquired with. */
  readonly label?: string;
  /**
   * The fencing token: greater than that of every guard of this lock that was granted before, in
   * whatever process. What is written under the lock should carry it, and whoever stores it refuses
   * what carries a lesser one than it has seen: that holds where no lease can. Over a loss of the
   * server's data tokens go on by its clock, so they grow unless that has gone back as well.
   */
  readonly token: bigint;
  /**
   * Aborts, with a {@linkcode LeaseLostError}, the moment the lease can no longer be trusted: it was
   * not renewed in time, the server no longer knows it, or the connection broke. That is before
   * another can enter, as long as this process is running at all; one that was stopped learns of it
   * when it goes on.
   */
  readonly signal: AbortSignal;
  /** For how many milliseconds from now the lease can be trusted; 0 once it is lost or released. */
  readonly remaining: number;
  /** Whether this guard has been released. */
  readonly released: boolean;
  /**
   * Gives the lock back. Resolves when the server has it back. One that refuses for the moment is told
   * again until it has, or the lease has passed; that is not waited for longer than `connectTimeout`, and
   * not at all while the server cannot be reached, for the lease ends by itself. Never rejects. Does
   * nothing the second time.
   */
  release(): Promise<void>;
}

/** One holder or waiter as the server knows it. */
export interface RedisParty extends LockParty {
  /** A holder's fencing token. */
  readonly token?: bigint;
  /** When it came to hold or began to wait, in milliseconds since 1970 by the server's clock. */
  readonly since: number;
}

/** Who holds a lock, and who waits for it, in all processes. */
export interface RedisQuery {
  /** Those inside. */
  readonly holders: readonly RedisParty[];
  /** Those waiting, in the order they will be served. */
  readonly waiters: readonly RedisParty[];
}

class Guard implements RedisGuard {
  readonly #side: Side;
  readonly #party: Party;
  readonly label?: string;
  #release: Promise<void> | undefined;

  constructor(side: Side, party: Party) {
    this.#side = side;
    this.#party = party;
    const { label } = party.party;
    if (label !== undefined) this.label = label;
  }

  get mode(): LockMode {
    return this.#party.mode;
  }

  get token(): bigint {
    return this.#party.token;
  }

  get signal(): AbortSignal {
    const party = this.#party;
    if (party.controller === undefined) {
      party.controller = new AbortController();
      if (party.lost !== undefined) party.controller.abort(party.lost);
    }
    return party.controller.signal;
  }

  get remaining(): number {
    return this.#side.trusted(this.#party);
  }

  get released(): boolean {
    return this.#release !== undefined;
  }

  release(): Promise<void> {
    return this.#release ??= this.#side.release(this.#party);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }
}

/** Makes a lock; users get theirs from `RedisLocks`. */
export let makeRedisLock: (side: Side) => RedisLock;

/**
 * A lock that many readers share or one writer has alone, among all clients of one Redis server:
 * processes, machines. Made by {@linkcode RedisLocks.lock}.
 *
 * Guarantees:
 *
 * - **Exclusion**: never a writer beside any other holder, *by the server's word*. A holder has a
 *   lease, renewed while it lives; when the lease passes the server lets in the next. So a process
 *   that was stopped for longer than its lease may wake inside its section while another is in
 *   there too. Its `guard.signal` aborts as soon as it runs, but what it had begun it may finish:
 *   only a store that checks `guard.token` keeps it from overwriting what the next has written.
 * - **Fairness**: first come, first served, in the order in which the server was asked; neighbouring
 *   readers enter together, and nothing overtakes the queue.
 * - **Waking**: who waits is woken by the server. It asks by itself three times a lease, to show that it
 *   is alive, and once when the first lease would pass: so a message that was lost costs at most a third
 *   of a lease, and a holder that died is noticed when its lease has passed.
 * - **Cancellation**: a wait that times out or aborts leaves nothing behind; if the server granted it in
 *   that moment, it is given back.
 * - **Death**: a holder that dies frees the lock when its lease passes, a waiter leaves the queue so;
 *   nothing of either stays on the server but the last token, for a week.
 * - **Restart**: for a lease after the server's start (`restartGrace`) nobody is let in: it may have
 *   lost its memory, and those it forgot must have noticed. Tokens grow over that too. A test that starts
 *   a server of its own waives that by `restartGrace: 0`.
 * - **Refusals**: what the server refuses for the moment (it is busy with somebody's script, too few
 *   replicas keep up, it cannot save) is said again after pauses from 10 ms to half a second: a renewal
 *   while the lease can be trusted, that somebody leaves until his lease has passed. So a lock is free
 *   as soon as the server takes it back. Who comes meanwhile waits for a busy server and is refused by
 *   one that writes nothing; one whose memory is full refuses who comes, and nobody else.
 * - **Bounds**: a server that is there and says nothing is given up after `connectTimeout`, by whoever
 *   tries, asks or releases; who waits is bounded by its own `timeout` and `signal`.
 *
 * What one server gives and what not: as long as the same primary runs, all this holds. If a replica
 * takes its place it may not know of the latest grants, and two may be inside, each with a token of
 * its own: the store that checks tokens still refuses the older. Where not even that may happen (the lock
 * itself decides, and nothing can check a token), use a store with consensus: etcd, ZooKeeper, Consul.
 *
 * What it takes for granted:
 *
 * - **The server's clock does not jump forward.** By so much every lease ends early: the next is let in,
 *   and the last learns of it when it is renewed, up to a third of a lease later. A clock that jumps
 *   back only keeps the dead for longer; tokens grow all the same, unless the data is lost as well.
 * - **The server forgets nothing while it runs.** After a `FLUSHALL`, or where `maxmemory-policy` is not
 *   `noeviction` and memory is full, it is as with the clock: two may be inside for a third of a lease.
 * - **This machine's clock runs while it sleeps.** On Linux it stands still while the whole machine is
 *   suspended; then `guard.signal` aborts not when it wakes but when the next renewal is answered.
 *
 * In each of these cases there are two holders for a moment, the newer with the greater token. That is
 * why whatever is written under the lock should be fenced: on every access, from the first read on, for
 * a store that has not seen the newer token yet refuses nobody. The lab tells it: scenario `stale-lease`.
 *
 * @example
 * ```ts ignore
 * import { RedisLocks } from "@interlock/core/redis";
 *
 * await using locks = await RedisLocks.connect("redis://127.0.0.1:6379");
 * const lock = locks.lock("accounts");
 * const saved: bigint[] = [];
 * await lock.withWrite((guard) => {
 *   if (!guard.signal.aborted) saved.push(guard.token);
 * });
 * ```
 */
export class RedisLock {
  readonly #side: Side;

  private constructor(side: Side) {
    this.#side = side;
  }

  static {
    makeRedisLock = (side) => new RedisLock(side);
  }

  /** The lock's name on the server. */
  get name(): string {
    return this.#side.name;
  }

  /**
   * Acquires the lock shared with other readers.
   *
   * @param options How long to wait in milliseconds, what ends the wait, and a name for the holder, of
   *   which others are told the first 1,024 characters.
   * @returns The guard to release or dispose of (`await using`).
   * @throws {LockTimeoutError} when `timeout` milliseconds have passed
   * @throws {RedisUnavailableError} when there was no connection for `connectTimeout`, or the server
   *   refuses
   * @throws {TypeError | RangeError} when an option cannot be meant
   * @throws the signal's reason when it has aborted
   */
  read(options: AcquireOptions = {}): Promise<RedisGuard> {
    return this.#acquire("read", options);
  }

  /**
   * Acquires the lock alone.
   *
   * @param options As for `read()`.
   * @returns The guard to release or dispose of (`await using`).
   * @throws as `read()`
   */
  write(options: AcquireOptions = {}): Promise<RedisGuard> {
    return this.#acquire("write", options);
  }

  /**
   * Runs `fn` with the lock shared and releases however `fn` ends.
   *
   * @param fn What to do inside; told the guard.
   * @param options As for `read()`.
   * @returns What `fn` answered.
   * @throws {LeaseLostError} when `fn` ended well but the lease was lost meanwhile
   * @throws whatever `fn` or `read()` throws
   */
  withRead<R>(fn: (guard: RedisGuard) => R | Promise<R>, options: AcquireOptions = {}): Promise<R> {
    return this.#around("read", fn, options);
  }

  /**
   * Runs `fn` with the lock held alone and releases however `fn` ends.
   *
   * @param fn What to do inside; told the guard.
   * @param options As for `read()`.
   * @returns What `fn` answered.
   * @throws {LeaseLostError} when `fn` ended well but the lease was lost meanwhile
   * @throws whatever `fn` or `write()` throws
   */
  withWrite<R>(
    fn: (guard: RedisGuard) => R | Promise<R>,
    options: AcquireOptions = {},
  ): Promise<R> {
    return this.#around("write", fn, options);
  }

  /**
   * Acquires the lock shared if that needs no waiting; never overtakes the queue. One round trip.
   *
   * @returns The guard, or `undefined`.
   * @throws {RedisUnavailableError} when the server cannot be asked
   */
  tryRead(): Promise<RedisGuard | undefined> {
    return this.#attempt("read", {});
  }

  /**
   * Acquires the lock alone if that needs no waiting; never overtakes the queue. One round trip.
   *
   * @returns The guard, or `undefined`.
   * @throws {RedisUnavailableError} when the server cannot be asked
   */
  tryWrite(): Promise<RedisGuard | undefined> {
    return this.#attempt("write", {});
  }

  /**
   * Who holds the lock and who waits for it, in all processes, at one moment of the server's.
   *
   * @throws {RedisUnavailableError} when the server cannot be asked
   */
  async query(): Promise<RedisQuery> {
    const [, holders, ...stored] = await this.#side.query();
    const parties = stored.map((party) => show(readParty(String(party))));
    return {
      holders: parties.slice(0, Number(holders)),
      waiters: parties.slice(Number(holders)),
    };
  }

  /**
   * What this process has counted of the lock, for a lock with `stats: true`. Takes constant memory.
   *
   * @throws {TypeError} when the lock was made without `stats: true`
   */
  stats(): LockStats {
    const { meter, inside, pending } = this.#side;
    if (meter === undefined) {
      throw new TypeError(
        `Cannot tell the statistics of ${this.name}: it was made without stats: true`,
      );
    }
    return meter.read(inside, pending);
  }

  async #acquire(mode: LockMode, options: AcquireOptions): Promise<RedisGuard> {
    checkAcquireOptions(options, `${mode}-lock`);
    // Read once, for a getter that throws after the grant would keep the lock for ever.
    const { signal, timeout, label, owner } = options;
    if (signal?.aborted) {
      this.#side.countAborted();
      throw signal.reason;
    }
    if (timeout === 0) {
      const guard = await this.#attempt(mode, { signal, label, owner });
      if (guard !== undefined) return guard;
      throw this.#side.timedOut(mode, 0);
    }
    const party = await this.#side.acquire(mode, { signal, timeout, label, owner });
    return new Guard(this.#side, party);
  }

  async #attempt(mode: LockMode, options: AcquireOptions): Promise<RedisGuard | undefined> {
    const party = await this.#side.attempt(mode, options);
    return party && new Guard(this.#side, party);
  }

  async #around<R>(
    mode: LockMode,
    fn: (guard: RedisGuard) => R | Promise<R>,
    options: AcquireOptions,
  ): Promise<R> {
    checkFunction("fn", fn, `${mode}-lock`);
    await using guard = await this.#acquire(mode, options);
    const result = await fn(guard);
    guard.signal.throwIfAborted();
    return result;
  }
}

function show({ mode, label, since, token }: RemoteParty): RedisParty {
  return {
    mode,
    ...(label === undefined ? {} : { label }),
    ...(token === undefined ? {} : { token }),
    since,
  };
}
