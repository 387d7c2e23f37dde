/**
 * Named locks with the interface of the [Web Locks API](https://w3c.github.io/web-locks/).
 *
 * A name has a queue only while somebody holds its lock: the line that makes it is in `request()`,
 * the one that drops it where the last holder leaves (`_lock_request.ts`, which also has the
 * invariants). So a name that is free costs nothing, and a request costs the same however many
 * names there are.
 *
 * Here arguments are converted and checked as Web IDL does for a method that answers a promise:
 * each in its order, and nothing is thrown synchronously.
 *
 * @module
 */
import { currentHost, type Host } from "./_host.ts";
import { LockRequest, Resource, type Resources } from "./_lock_request.ts";
import { checkAcquireOptions, checkFunction, checkOptions, show } from "./_options.ts";

/** How a named lock is held: alone, or shared with others who ask for `"shared"`. */
export type LockRequestMode = "exclusive" | "shared";

/** A lock that is held: what a request's callback is given. */
export interface Lock {
  /** The name that was asked for. */
  readonly name: string;
  /** How it is held. */
  readonly mode: LockRequestMode;
}

/** How to request a lock. */
export interface LockRequestOptions {
  /**
   * Whether to hold the lock alone or to share it.
   *
   * @default "exclusive"
   */
  mode?: LockRequestMode;
  /**
   * Not to wait: if the lock cannot be had at once, the callback is given `null`.
   *
   * @default false
   */
  ifAvailable?: boolean;
  /**
   * To take the lock from all who hold it, before all who wait. Their requests reject with
   * `AbortError` while their callbacks run on, which is for them to notice.
   *
   * @default false
   */
  steal?: boolean;
  /** Ends the wait: the request rejects with the signal's reason. After the grant it has no say. */
  signal?: AbortSignal;
}

/** One lock that is held, or asked for. */
export interface LockInfo {
  /** The name that was asked for. */
  readonly name: string;
  /** How it is held, or wanted. */
  readonly mode: LockRequestMode;
  /** Who asked: the same for all requests to one manager. */
  readonly clientId: string;
}

/** The locks of a manager at one moment. */
export interface LockManagerSnapshot {
  /** Those held, in the order they were granted. */
  readonly held: LockInfo[];
  /** Those asked for, name by name, each in the order they will be served. */
  readonly pending: LockInfo[];
}

/** Options of a request, as Web IDL converts them. */
interface Converted {
  readonly ifAvailable: boolean;
  readonly mode: LockRequestMode;
  readonly signal: AbortSignal | undefined;
  readonly steal: boolean;
}

const plain: Converted = { ifAvailable: false, mode: "exclusive", signal: undefined, steal: false };

/** What a request does, for the messages of errors. */
const ACTION = "request lock";

function convertOptions(options: unknown): Converted {
  if (options === undefined || options === null) return plain;
  // A function is an object too, to Web IDL.
  if (typeof options !== "function") checkOptions(options, ACTION);
  // In the order of the alphabet, as Web IDL reads them.
  const { ifAvailable, mode = "exclusive", signal, steal } = options as Record<string, unknown>;
  const text = `${mode}`;
  if (text !== "exclusive" && text !== "shared") {
    throw new TypeError(
      `Cannot ${ACTION}: mode must be "exclusive" or "shared", got ${show(mode)}`,
    );
  }
  if (signal !== undefined) checkAcquireOptions({ signal: signal as AbortSignal }, ACTION);
  return {
    ifAvailable: Boolean(ifAvailable),
    mode: text,
    signal: signal as AbortSignal | undefined,
    steal: Boolean(steal),
  };
}

/** Refuses what the specification does not support. */
function checkSupported(name: string, { ifAvailable, mode, signal, steal }: Converted): void {
  let why: string | undefined;
  if (name.startsWith("-")) why = "names that start with a hyphen are reserved";
  else if (steal && ifAvailable) why = "steal and ifAvailable exclude each other";
  else if (steal && mode !== "exclusive") why = "only an exclusive lock can be stolen";
  else if (signal !== undefined && steal) why = "a signal cannot end what steals and never waits";
  else if (signal !== undefined && ifAvailable) why = "a signal cannot end what never waits";
  if (why === undefined) return;
  throw new DOMException(`Cannot ${ACTION} ${show(name)}: ${why}`, "NotSupportedError");
}

/**
 * Locks by name, with the interface of `navigator.locks`, for the tasks of one isolate.
 *
 * For Bun, which has no `navigator.locks`, and for Deno, whose own strands readers behind a queued
 * writer that aborts, queues what `ifAvailable` promises not to, and keeps memory for each grant.
 *
 * Guarantees:
 *
 * - **Fairness**: the requests for one name are served first come, first served. One for
 *   `"shared"` waits behind a queued `"exclusive"` one; neighbouring shared ones enter together.
 *   `ifAvailable` never overtakes the queue; `steal` does.
 * - **Cancellation**: a request whose signal aborts leaves the queue in constant time and lets in
 *   those it was holding up. Unlike the other locks here, and as the specification has it, an
 *   abort counts until the callback is called: it is then never called, and the lock goes on.
 * - **Release**: when what the callback answered has settled, or at once if it throws. The request
 *   is answered after the release.
 * - **Cost**: a name is remembered only while its lock is held, and a request costs the same
 *   however many names are.
 *
 * Where it differs from `navigator.locks`: anyone may construct one, names are its own and not the
 * origin's, and other isolates and processes are not kept out (`FileLock` does that). Nothing is
 * ever a document, so that there is no `InvalidStateError` and no `SecurityError`. Callbacks are
 * called in a microtask and not in a task of their own.
 *
 * @example
 * ```ts
 * import { LockManager } from "@interlock/core/locks";
 * import assert from "node:assert/strict";
 *
 * const locks = new LockManager();
 * let balance = 0;
 * const deposit = (amount: number) =>
 *   locks.request("account", async () => {
 *     const before = balance;
 *     await Promise.resolve(); // others run here, and wait
 *     balance = before + amount;
 *   });
 * await Promise.all([deposit(10), deposit(20)]);
 * assert.equal(balance, 30);
 * ```
 */
export class LockManager {
  readonly #host: Host = currentHost();
  readonly #resources: Resources = new Map();
  #clientId: string | undefined;

  /**
   * Requests a lock and calls `callback` once it is held; it is held until what `callback` answers
   * has settled.
   *
   * @param name Any string that does not start with a hyphen, the empty one too.
   * @param callback What to do while the lock is held.
   * @returns What `callback` answered.
   * @throws {TypeError} when an argument cannot be converted to what it must be
   * @throws {DOMException} `NotSupportedError` when the name is reserved, or options exclude each
   * other; `AbortError` when the lock was stolen
   * @throws the signal's reason when it aborts before `callback` is called
   * @throws whatever `callback` throws
   *
   * @example Only if nobody has it
   * ```ts
   * import { LockManager } from "@interlock/core/locks";
   * import assert from "node:assert/strict";
   *
   * const locks = new LockManager();
   * const done = await locks.request("backup", async (lock) => {
   *   assert.equal(lock.mode, "exclusive");
   *   return await locks.request("backup", { ifAvailable: true }, (again) => again === null);
   * });
   * assert.equal(done, true);
   * ```
   */
  request<T>(name: string, callback: (lock: Lock) => T): Promise<Awaited<T>>;
  /** The same, with options. */
  request<T>(
    name: string,
    options: LockRequestOptions & { ifAvailable?: false },
    callback: (lock: Lock) => T,
  ): Promise<Awaited<T>>;
  /** The same, with options that may make it answer at once: then `callback` is given `null`. */
  request<T>(
    name: string,
    options: LockRequestOptions,
    callback: (lock: Lock | null) => T,
  ): Promise<Awaited<T>>;
  request(name: string, second: unknown, ...rest: unknown[]): Promise<unknown> {
    try {
      // An undefined third argument is one too: the second is options then.
      const [options, callback] = rest.length === 0 ? [undefined, second] : [second, rest[0]];
      const text = `${name}`;
      const converted = convertOptions(options);
      checkFunction("callback", callback, ACTION);
      return this.#request(text, converted, callback as (lock: Lock | null) => unknown);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Which locks are held and which are asked for, at the moment of the call.
   *
   * @example
   * ```ts
   * import { LockManager } from "@interlock/core/locks";
   * import assert from "node:assert/strict";
   *
   * const locks = new LockManager();
   * await locks.request("report", { mode: "shared" }, async () => {
   *   const { held, pending } = await locks.query();
   *   assert.deepEqual(held.map(({ name, mode }) => [name, mode]), [["report", "shared"]]);
   *   assert.deepEqual(pending, []);
   * });
   * ```
   */
  // Async, so that even a call on something else is answered by a promise.
  // deno-lint-ignore require-await
  async query(): Promise<LockManagerSnapshot> {
    const clientId = this.#clientId ??= this.#makeClientId();
    const holders: [LockRequest, string][] = [];
    const pending: LockInfo[] = [];
    for (const { name, holders: inside, queue } of this.#resources.values()) {
      for (const holder of inside) holders.push([holder, name]);
      for (const { writes } of queue.waiters) {
        pending.push({ name, mode: writes ? "exclusive" : "shared", clientId });
      }
    }
    const held = holders.sort(([a], [b]) => a.order - b.order)
      .map(([{ mode }, name]): LockInfo => ({ name, mode, clientId }));
    return { held, pending };
  }

  /** As the platform's own. */
  get [Symbol.toStringTag](): string {
    return "LockManager";
  }

  #request(
    name: string,
    options: Converted,
    callback: (lock: Lock | null) => unknown,
  ): Promise<unknown> {
    checkSupported(name, options);
    const { ifAvailable, mode, signal, steal } = options;
    if (signal?.aborted) return Promise.reject(signal.reason);
    const resource = this.#resources.get(name) ?? new Resource(this.#host, name, this.#resources);
    return new Promise((resolve, reject) => {
      const request = new LockRequest(resource, { mode, callback, signal, resolve, reject });
      if (steal) request.steal();
      else if (request.tryEnter()) return;
      else if (ifAvailable) resolve(Promise.resolve(null).then(callback));
      else request.wait();
    });
  }

  /** Tells managers apart; need not be secret. */
  #makeClientId(): string {
    const part = () => Math.floor(this.#host.random() * 2 ** 32).toString(16).padStart(8, "0");
    return part() + part();
  }
}
