/** A lock that is lent for a while, and a store that can tell who had it last. */
import process from "node:process";
import { delay } from "@std/async/delay";
import type { RedisGuard } from "../../lib/redis/mod.ts";
import type { ObjectKind, RedisPlace } from "./object_kind.ts";

/** A lock that its holder loses when it is not heard of for as long as the lease lasts. */
export interface LeasedLock {
  /** Waits for the lock; answers the fencing token, which is greater than all before it. */
  acquire(): number | Promise<number>;
  /** Gives it back, if it is still the holder's. */
  release(token: number): void | Promise<void>;
  /** Whether the holder may still believe that it has the lock. */
  isHeld(token: number): boolean;
  /**
   * Stops the process of whoever has the lock, until the lease has passed and the next is inside; then
   * lets it go on, wherever it was. Answers whether anybody had it.
   */
  stall(): boolean | Promise<boolean>;
}

/**
 * A lock with a lease: between machines a `RedisLock`, whose holder renews the lease for as long as it
 * runs, and is stopped by SIGSTOP. Between tasks nobody can be stopped, and nothing hangs on how long:
 * there a model of it, in which the lease passes and its holder has not moved meanwhile.
 *
 * @param lease How long it is lent for, in milliseconds.
 */
export function leasedLock(
  lease: number,
): ObjectKind<LeasedLock, "acquire" | "release" | "isHeld" | "stall"> {
  return {
    operations: { acquire: "write", release: "write", isHeld: "read", stall: "write" },
    takes: { stall: 3 * lease },
    tasks: () => new LeaseModel(),
    machines: (place) => new LeaseOnServer(place, lease),
  };
}

class LeaseModel implements LeasedLock {
  #last = 0;
  #holder: number | undefined;
  readonly #waiting: ((token: number) => void)[] = [];

  acquire(): number | Promise<number> {
    if (this.#holder === undefined) return this.#grant();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  release(token: number): void {
    if (this.isHeld(token)) this.#next();
  }

  isHeld(token: number): boolean {
    return this.#holder === token;
  }

  stall(): boolean {
    if (this.#holder === undefined) return false;
    this.#next();
    return true;
  }

  #grant(): number {
    return this.#holder = ++this.#last;
  }

  #next(): void {
    this.#holder = undefined;
    this.#waiting.shift()?.(this.#grant());
  }
}

/** How often it is looked whether a lease has passed, in ms. */
const LOOK = 5;

/** For how long a process stays stopped after its lease, in ms: so the next one is at work. */
const AFTER = 20;

class LeaseOnServer implements LeasedLock {
  readonly #lock: ReturnType<RedisPlace["lock"]>;
  readonly #guards = new Map<number, RedisGuard>();

  constructor(place: RedisPlace, lease: number) {
    this.#lock = place.lock({ lease });
  }

  async acquire(): Promise<number> {
    // Microseconds since 1970 are exact in a number until the year 2255.
    const guard = await this.#lock.write({ label: String(process.pid) });
    const token = Number(guard.token);
    this.#guards.set(token, guard);
    return token;
  }

  async release(token: number): Promise<void> {
    await this.#guards.get(token)?.release();
  }

  isHeld(token: number): boolean {
    return (this.#guards.get(token)?.remaining ?? 0) > 0;
  }

  async stall(): Promise<boolean> {
    const { holders: [holder] } = await this.#lock.query();
    if (holder === undefined) return false;
    const pid = Number(holder.label);
    process.kill(pid, "SIGSTOP");
    try {
      const isInside = async () =>
        (await this.#lock.query()).holders.some(({ token }) => token === holder.token);
      while (await isInside()) await delay(LOOK);
      await delay(AFTER);
    } finally {
      process.kill(pid, "SIGCONT");
    }
    return true;
  }
}

/** A number that remembers the greatest token it was shown, and refuses whoever comes with a lesser one. */
export interface FencedNumber {
  /** What it is; `undefined` when the token was refused. Without a token nothing is refused. */
  get(token?: number): number | undefined | Promise<number | undefined>;
  /** Puts `value` in its place; answers whether it did. Without a token nothing is refused. */
  set(value: number, token?: number): boolean | Promise<boolean>;
}

/**
 * A store of one number that checks fencing tokens, in the same step as it reads or writes.
 *
 * @param initial What it is at first.
 */
export function fencedNumber(initial: number): ObjectKind<FencedNumber, "get" | "set"> {
  return {
    // Whoever reads with a token shuts out those before it.
    operations: { get: "write", set: "write" },
    tasks: () => new FencedVariable(initial),
    machines: (place) => new FencedKey(place, initial),
  };
}

class FencedVariable implements FencedNumber {
  #value: number;
  #newest = 0;

  constructor(initial: number) {
    this.#value = initial;
  }

  get(token?: number): number | undefined {
    return this.#admits(token) ? this.#value : undefined;
  }

  set(value: number, token?: number): boolean {
    if (!this.#admits(token)) return false;
    this.#value = value;
    return true;
  }

  #admits(token = this.#newest): boolean {
    if (token < this.#newest) return false;
    this.#newest = token;
    return true;
  }
}

const FENCED = `
local token, value = tonumber(ARGV[1]), ARGV[2]
if token then
  if token < tonumber(redis.call('HGET', KEYS[1], 'newest') or 0) then return false end
  redis.call('HSET', KEYS[1], 'newest', ARGV[1])
end
if value ~= '' then redis.call('HSET', KEYS[1], 'value', value) end
redis.call('EXPIRE', KEYS[1], ARGV[3])
return redis.call('HGET', KEYS[1], 'value') or ARGV[4]
`;

class FencedKey implements FencedNumber {
  readonly #place: RedisPlace;
  readonly #initial: number;

  constructor(place: RedisPlace, initial: number) {
    this.#place = place;
    this.#initial = initial;
  }

  async get(token?: number): Promise<number | undefined> {
    const answer = await this.#do(token, "");
    return answer === null ? undefined : Number(answer);
  }

  async set(value: number, token?: number): Promise<boolean> {
    return await this.#do(token, String(value)) !== null;
  }

  #do(token: number | undefined, value: string): Promise<unknown> {
    const { key, expiry, command } = this.#place;
    const own = [String(token ?? ""), value, String(expiry), String(this.#initial)];
    return command("EVAL", FENCED, "1", key, ...own);
  }
}
