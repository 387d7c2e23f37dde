/**
 * A lock as one actor sees it.
 *
 * Acquiring is two operations, the request, which joins the lock's own queue, and the grant, which
 * can only be chosen once the lock has granted or refused. So a real lock is explored with its own
 * code and its own fairness.
 */
import type { AcquireOptions, LockMode, LockQuery, UpgradableGuard } from "../../lib/lock.ts";
import { LockTimeoutError } from "../../lib/errors.ts";
import type { Medium } from "./_medium.ts";
import type { Port } from "./_port.ts";
import { USES_TIME } from "./_time.ts";
import type { Held, Lock, LockWait, UpgradableHeld } from "./world.ts";

/** Being inside. */
export interface RawGuard {
  readonly mode: LockMode;
  readonly released: boolean;
  release(): void | Promise<void>;
}

/** A lock as a distance has it; one that lives elsewhere answers by promises. */
export interface RawLock {
  read(options: AcquireOptions): Promise<RawGuard>;
  write(options: AcquireOptions): Promise<RawGuard>;
  tryRead(): RawGuard | undefined | Promise<RawGuard | undefined>;
  tryWrite(): RawGuard | undefined | Promise<RawGuard | undefined>;
  upgradable?(options: AcquireOptions): Promise<UpgradableGuard>;
  /** Who is inside; left out where that has to be asked for. */
  query?(): LockQuery;
  /** Resolves when what was asked for has come to the lock; left out where it has at once. */
  asked?(): Promise<unknown>;
  /** For how long one who dies may keep it, in ms; left out where not at all, or where nobody dies. */
  readonly keptFor?: number;
}

/** What entering a lock answers when the wait has ended without the lock. */
export const REFUSED = "refused";

/** How an actor can ask for a lock. */
type Way = LockMode | "upgradable";

/** Owners of locks whose deadlocks are looked for, one for each actor. */
const owners = new WeakMap<Port, object>();

function ownerOf(port: Port): object {
  let owner = owners.get(port);
  if (owner === undefined) owners.set(port, owner = {});
  return owner;
}

/** How long somebody is ready to wait, as it is shown, and told to others. */
function shown(wait: LockWait | undefined): unknown {
  if (wait?.timeout === undefined && wait?.signal === undefined) return undefined;
  const { timeout, signal } = wait;
  return { ...timeout !== undefined && { timeout }, ...signal && { signal: signal.name } };
}

/** See the top of the file. */
export class LockView implements Lock {
  readonly #port: Port;
  readonly #name: string;
  readonly #watched: boolean;
  readonly #medium: Medium;

  /**
   * @param watched Whether its deadlocks are looked for: then who waits for one lock matters to those
   *   who wait for others, which no operation declares.
   */
  constructor(port: Port, name: string, watched: boolean, medium: Medium) {
    this.#port = port;
    this.#name = name;
    this.#watched = watched;
    this.#medium = medium;
  }

  read(wait?: LockWait): Promise<Held> {
    return this.#acquire("read", wait);
  }

  write(wait?: LockWait): Promise<Held> {
    return this.#acquire("write", wait);
  }

  tryRead(): Promise<Held | undefined> {
    return this.#try("read");
  }

  tryWrite(): Promise<Held | undefined> {
    return this.#try("write");
  }

  async upgradable(wait?: LockWait): Promise<UpgradableHeld> {
    if (this.#lock().upgradable === undefined) {
      throw new TypeError(`Cannot upgrade lock ${this.#name}: only locks between tasks can`);
    }
    return await this.#acquire("upgradable", wait) as UpgradableHeld;
  }

  async waiting(): Promise<readonly string[]> {
    const medium = this.#medium;
    if (medium.waiting === undefined) {
      throw new TypeError(
        `Cannot tell who waits for lock ${this.#name}: no process knows that of the others`,
      );
    }
    return await this.#port.operate({
      object: this.#name,
      kind: "who waits for",
      effect: "read",
      undeclared: this.#watched,
      takes: Infinity,
      perform: () => medium.waiting!(this.#name),
    }, undefined) as readonly string[];
  }

  async reap(actor: string): Promise<void> {
    const medium = this.#medium;
    await this.#port.operate({
      object: this.#name,
      kind: "reap",
      effect: "release",
      undeclared: this.#watched,
      perform: () => medium.reap?.(this.#name, actor),
    }, actor);
  }

  withRead<R>(fn: () => Promise<R>, wait?: LockWait): Promise<R> {
    return this.#around("read", fn, wait);
  }

  withWrite<R>(fn: () => Promise<R>, wait?: LockWait): Promise<R> {
    return this.#around("write", fn, wait);
  }

  #lock(): RawLock {
    return this.#medium.lock(this.#name);
  }

  async #around<R>(mode: LockMode, fn: () => Promise<R>, wait?: LockWait): Promise<R> {
    const held = await this.#acquire(mode, wait);
    try {
      return await fn();
    } finally {
      await held.release();
    }
  }

  async #try(mode: LockMode): Promise<Held | undefined> {
    let guard: RawGuard | undefined;
    const got = (inside: RawGuard | undefined) => {
      guard = inside;
      return guard !== undefined;
    };
    await this.#port.operate({
      object: this.#name,
      kind: `try ${mode}`,
      effect: "acquire",
      undeclared: this.#watched,
      takes: Infinity,
      perform: () => {
        const lock = this.#lock();
        const inside = mode === "read" ? lock.tryRead() : lock.tryWrite();
        return inside instanceof Promise ? inside.then(got) : got(inside);
      },
    }, undefined);
    return guard && this.#held(guard);
  }

  async #acquire(way: Way, wait?: LockWait): Promise<Held> {
    const port = this.#port;
    const lock = this.#lock();
    const owner = this.#watched ? ownerOf(port) : {};
    const mode = way === "upgradable" ? "read" : way;
    const options = { ...this.#options(wait, mode), owner, label: port.actor };
    const ask = () =>
      way === "read"
        ? lock.read(options)
        : way === "write"
        ? lock.write(options)
        : lock.upgradable!(options);
    // The lock itself says whether it has granted, at once and not a few microtasks later.
    const inside = () =>
      lock.query?.().holders.some((holder) => holder.owner === owner && holder.mode === mode) ??
        false;
    const guard = await this.#wait(way, wait, ask, inside);
    return way === "upgradable"
      ? this.#upgradable(guard as UpgradableGuard, owner)
      : this.#held(guard);
  }

  /** Two operations: what `ask` asks for is requested, and then come to or given up. */
  async #wait<R>(
    what: string,
    wait: LockWait | undefined,
    ask: () => Promise<R>,
    inside: () => boolean,
  ): Promise<R> {
    const port = this.#port;
    if (wait?.timeout !== undefined && wait.timeout < Infinity) port.waits(wait.timeout);
    const { keptFor } = this.#lock();
    if (keptFor !== undefined) port.waits(keptFor);
    if (!port.stepped) return await ask();
    let granted: Promise<R> | undefined;
    let told: "granted" | "refused" | undefined;
    await port.operate({
      object: this.#name,
      kind: `request ${what}`,
      effect: "acquire",
      undeclared: this.#watched,
      also: wait?.timeout === undefined ? undefined : [USES_TIME],
      takes: Infinity,
      perform: () => {
        granted = ask();
        const tell = (how: "granted" | "refused") => () => {
          told = how;
          port.readied();
        };
        granted.then(tell("granted"), tell("refused"));
        return this.#lock().asked?.().then(() => {});
      },
    }, shown(wait));
    await port.operate({
      object: this.#name,
      kind: `enter ${what}`,
      effect: "enter",
      undeclared: this.#watched,
      ready: () => told !== undefined || inside(),
      perform: () => told === "refused" ? REFUSED : undefined,
    }, undefined);
    return await granted!;
  }

  #options(wait: LockWait | undefined, mode: LockMode): AcquireOptions {
    const port = this.#port;
    const signals = [wait?.signal?.signal, port.signal, this.#expiry(wait, mode)].filter((each) =>
      each !== undefined
    );
    const signal = signals.length > 1 ? AbortSignal.any(signals) : signals[0];
    const { timeout } = wait ?? {};
    const steered = port.onExpiry !== undefined && timeout !== 0;
    return timeout === undefined || steered ? { signal } : { signal, timeout };
  }

  /** Ends a wait whose time is up, where that is told. */
  #expiry(wait: LockWait | undefined, mode: LockMode): AbortSignal | undefined {
    const timeout = wait?.timeout;
    if (this.#port.onExpiry === undefined || !timeout || timeout === Infinity) return undefined;
    const expiry = new AbortController();
    this.#port.onExpiry = () =>
      expiry.abort(
        new LockTimeoutError({ lock: this.#name, mode, waited: timeout, holders: undefined }),
      );
    return expiry.signal;
  }

  #held(guard: RawGuard): Held {
    const signal = this.#port.signal;
    const giveUp = () => void guard.release();
    signal?.addEventListener("abort", giveUp, { once: true });
    return {
      release: async () => {
        if (guard.released) return;
        await this.#port.operate({
          object: this.#name,
          kind: `leave ${guard.mode}`,
          effect: "release",
          undeclared: this.#watched,
          takes: Infinity,
          perform: () => {
            signal?.removeEventListener("abort", giveUp);
            return guard.release();
          },
        }, undefined);
      },
    };
  }

  #upgradable(guard: UpgradableGuard, owner: object): UpgradableHeld {
    const lock = this.#lock();
    const inside = () =>
      lock.query?.().holders.some((holder) => holder.owner === owner && holder.mode === "write") ??
        false;
    return {
      ...this.#held(guard),
      upgrade: (wait) =>
        this.#wait("upgrade", wait, () => guard.upgrade(this.#options(wait, "write")), inside),
      downgrade: async () => {
        await this.#port.operate({
          object: this.#name,
          kind: "downgrade",
          effect: "release",
          undeclared: this.#watched,
          perform: () => guard.downgrade(),
        }, undefined);
      },
    };
  }
}
