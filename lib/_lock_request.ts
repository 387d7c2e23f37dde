/**
 * Requests for named locks, and what is known of a name while its lock is held.
 *
 * The queue of a name is a `Queue`, the one behind `RwLock`, and a request stands in it itself:
 * `drain` makes it a holder, so that a grant is known in the moment it is decided and can be
 * listed and stolen before its callback has begun. What always holds between two calls: `holders`
 * are those the queue counts as inside, in the order they came; and a name has a `Resource` only
 * while it has a holder, for nobody waits unless somebody is inside. `#leave` keeps both, being the
 * only way out but for a theft, which puts a holder in the place of those it turns out.
 */
import type { Host } from "./_host.ts";
import { show } from "./_options.ts";
import { Queue } from "./_queue.ts";
import { LimitedWaiter } from "./_waiters.ts";
import type { Guard } from "./lock.ts";
import type { Lock, LockRequestMode } from "./lock_manager.ts";

/** The names that are held, each in the order it was first asked for since it was free. */
export type Resources = Map<string, Resource>;

/** One name while its lock is held. */
export class Resource {
  readonly queue: Queue;
  /** Who holds the lock, in the order they came. */
  readonly holders: Set<LockRequest> = new Set();

  constructor(host: Host, readonly name: string, readonly resources: Resources) {
    this.queue = new Queue(host);
    resources.set(name, this);
  }
}

/** What a request asks for and how it is answered. */
export interface LockRequestDetails {
  readonly mode: LockRequestMode;
  readonly callback: (lock: Lock) => unknown;
  readonly signal: AbortSignal | undefined;
  /** Answers what the callback answered. */
  readonly resolve: (value: unknown) => void;
  /** Answers that the request failed, or the callback did. Later answers count for nothing. */
  readonly reject: (reason: unknown) => void;
}

/** What the callback is given. It keeps its values to itself, so that nobody can alter them. */
class GrantedLock implements Lock {
  readonly #name: string;
  readonly #mode: LockRequestMode;

  constructor(name: string, mode: LockRequestMode) {
    this.#name = name;
    this.#mode = mode;
  }

  get name(): string {
    return this.#name;
  }

  get mode(): LockRequestMode {
    return this.#mode;
  }

  get [Symbol.toStringTag](): string {
    return "Lock";
  }
}

/** How many grants there were, over all names: `query()` lists holders in that order. */
let grants = 0;

/** One request, from its place in the queue to the end of its callback. */
export class LockRequest extends LimitedWaiter {
  /** Which grant it was. */
  order = 0;
  readonly #resource: Resource;
  readonly #details: LockRequestDetails;
  readonly #begin: () => void;
  /** Not there before the grant, nor after a theft. */
  #guard: Guard | undefined;

  constructor(resource: Resource, details: LockRequestDetails) {
    const { mode, reject } = details;
    super(resource.queue, mode === "exclusive", (guard) => this.#hold(guard), reject, undefined);
    this.#resource = resource;
    this.#details = details;
    let begin!: () => void;
    // Made here and not at the grant: the callback runs in the async context of its request, and
    // not in that of whoever released.
    new Promise<void>((resolve) => begin = resolve).then(() => this.#run());
    this.#begin = begin;
  }

  get mode(): LockRequestMode {
    return this.#details.mode;
  }

  /** Takes the lock if that needs no waiting; answers whether it did. */
  tryEnter(): boolean {
    const may = this.queue.mayEnter(this.writes);
    if (may) this.enter(this.queue);
    return may;
  }

  /** Waits for its turn, or until its signal aborts. */
  wait(): void {
    this.chunk = this.queue.waiters.append(this);
    this.queue.limit(this, Infinity, this.#details.signal);
  }

  /** Takes the lock from all who hold it, before all who wait. Their callbacks run on. */
  steal(): void {
    const { holders, name } = this.#resource;
    for (const holder of holders) {
      // Its guard is forgotten and not released, which would let in those who wait.
      holder.#guard = undefined;
      holder.reject(
        new DOMException(`Cannot keep lock ${show(name)}: it was stolen`, "AbortError"),
      );
    }
    holders.clear();
    this.enter(this.queue);
  }

  #hold(guard: Guard): void {
    this.#guard = guard;
    this.order = ++grants;
    this.#resource.holders.add(this);
    this.#begin();
  }

  #run(): void {
    const { callback, mode, signal, resolve, reject } = this.#details;
    if (signal?.aborted) {
      this.#leave();
      return reject(signal.reason);
    }
    new Promise((end) => end(callback(new GrantedLock(this.#resource.name, mode)))).then(
      (value) => {
        this.#leave();
        resolve(value);
      },
      (reason) => {
        this.#leave();
        reject(reason);
      },
    );
  }

  /** Releases the lock, unless it was stolen. Called once, at the end. */
  #leave(): void {
    const guard = this.#guard;
    if (guard === undefined) return;
    const { holders, name, resources } = this.#resource;
    holders.delete(this);
    guard.release();
    if (holders.size === 0) resources.delete(name);
  }
}
