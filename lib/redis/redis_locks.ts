/** The locks of one Redis server: the connection they share, and the names they go by. */
import { currentHost } from "../_host.ts";
import { checkDuration, checkLockOptions, checkOptions, show } from "../_options.ts";
import type { LockOptions } from "../lock.ts";
import { Connection } from "./_connection.ts";
import { Side } from "./_side.ts";
import { makeRedisLock, type RedisLock } from "./redis_lock.ts";

/** How to reach a server. */
export interface RedisConnectOptions {
  /**
   * The longest to try to connect, in milliseconds: at first, and later for those who wait while the
   * connection is lost.
   *
   * @default 5000
   */
  connectTimeout?: number;
  /** Who connects, if that is not in the URL. */
  username?: string;
  /** The password, if that is not in the URL. */
  password?: string;
  /** How to trust a `rediss:` server, beyond what the system trusts. */
  tls?: RedisTlsOptions;
}

/** Certificates and keys, in PEM. */
export interface RedisTlsOptions {
  /** The authority that signed the server's certificate. */
  ca?: string;
  /** Our own certificate, for a server that asks for one. */
  cert?: string;
  /** The key of our own certificate. */
  key?: string;
  /** The name on the server's certificate. @default the URL's host */
  servername?: string;
}

/** What a lock on a server may be made with. */
export interface RedisLockOptions extends Omit<LockOptions, "label"> {
  /**
   * For how long the server keeps a holder that it does not hear from, in milliseconds, from 50 to
   * 86,400,000 (a day). Renewed three times in it. Short ones free sooner what a dead process held,
   * long ones survive longer stops. All who share a lock should give the same.
   *
   * @default 10_000
   */
  lease?: number;
  /**
   * For how long after the server's start nobody is let in, in milliseconds, for it may have been
   * restarted and have forgotten who was inside. 0 where the server keeps everything it was told
   * (`appendfsync always`), or was surely not used before.
   *
   * @default lease
   */
  restartGrace?: number;
  /**
   * Whether the lock counts what `stats()` tells.
   *
   * @default false
   */
  stats?: boolean;
}

const LEASE = { min: 50, max: 86_400_000, usual: 10_000 };

/** The longest name, in UTF-16 code units. */
const LONGEST_NAME = 1024;

function checkName(name: unknown): asserts name is string {
  if (typeof name !== "string") {
    throw new TypeError(`Cannot make lock: name must be a string, got ${show(name)}`);
  }
  if (name.length === 0 || name.length > LONGEST_NAME) {
    throw new RangeError(
      `Cannot make lock: name must have from 1 to ${LONGEST_NAME} characters, got ${name.length}`,
    );
  }
  if (!name.isWellFormed()) {
    throw new TypeError(
      `Cannot make lock: name must be well-formed Unicode, got a lone surrogate in ${show(name)}`,
    );
  }
}

function checkLease(lease: unknown): asserts lease is number {
  checkDuration("lease", lease, "make lock");
  const { min, max } = LEASE;
  if (!Number.isInteger(lease) || lease as number < min || lease as number > max) {
    throw new RangeError(
      `Cannot make lock: lease must be a whole number of milliseconds from ${min} to ${max}, got ${lease}`,
    );
  }
}

function checkTls(tls: unknown, url: string): void {
  if (tls === undefined) return;
  if (typeof tls !== "object" || tls === null) {
    throw new TypeError(`Cannot connect: tls must be an object, got ${show(tls)}`);
  }
  for (const [name, value] of Object.entries(tls)) {
    if (value !== undefined && typeof value !== "string") {
      throw new TypeError(`Cannot connect: tls.${name} must be a string, got ${show(value)}`);
    }
  }
  if (new URL(url).protocol !== "rediss:") {
    throw new TypeError("Cannot connect: tls is given, and url does not begin with rediss:");
  }
}

/** The URL, and what to call it where others read it. */
function checkUrl(url: unknown): { url: string; server: string } {
  if (typeof url !== "string" && !(url instanceof URL)) {
    throw new TypeError(`Cannot connect: url must be a string or a URL, got ${show(url)}`);
  }
  const parsed = URL.canParse(String(url)) ? new URL(String(url)) : undefined;
  if (parsed === undefined || !/^rediss?:$/.test(parsed.protocol)) {
    // Not repeated here, for it may hold a password.
    throw new TypeError(
      "Cannot connect: url must be like redis://[user:password@]host[:port][/database], or rediss: for TLS",
    );
  }
  const { protocol, hostname, port, pathname, username, password } = parsed;
  try {
    decodeURIComponent(username + password);
  } catch {
    throw new TypeError("Cannot connect: user and password in url must be percent-encoded");
  }
  if (!/^\/?\d*$/.test(pathname)) {
    throw new TypeError(
      `Cannot connect: the database in url must be a number, got ${show(pathname)}`,
    );
  }
  return { url: String(url), server: `${protocol}//${hostname}:${port || "6379"}` };
}

/**
 * The locks of one Redis server. One connection serves them all; it is renewed when it breaks. While
 * it is open it keeps the process alive.
 *
 * @example
 * ```ts ignore
 * import { RedisLocks } from "@interlock/core/redis";
 *
 * await using locks = await RedisLocks.connect("redis://127.0.0.1:6379");
 * await using guard = await locks.lock("report").write({ timeout: 30_000 });
 * console.log(guard.token);
 * ```
 */
export class RedisLocks implements AsyncDisposable {
  readonly #connection: Connection;

  private constructor(connection: Connection) {
    this.#connection = connection;
  }

  /**
   * Connects to a server, Redis 6 or later.
   *
   * @param url Where it is: `redis://[user:password@]host[:port][/database]`, or `rediss:` for TLS.
   * @param options How long to try, and what else the connection needs.
   * @throws {RedisUnavailableError} when it cannot be reached within `connectTimeout`, refuses the
   *   password, or has no scripting
   * @throws {TypeError | RangeError} when an argument cannot be meant
   */
  static async connect(url: string | URL, options: RedisConnectOptions = {}): Promise<RedisLocks> {
    checkOptions(options, "connect");
    const { connectTimeout = 5000, username, password, tls } = options;
    for (const [name, value] of Object.entries({ username, password })) {
      if (value !== undefined && typeof value !== "string") {
        throw new TypeError(`Cannot connect: ${name} must be a string, got ${show(value)}`);
      }
    }
    const where = checkUrl(url);
    checkTls(tls, where.url);
    checkDuration("connectTimeout", connectTimeout, "connect");
    return new RedisLocks(
      await Connection.open({
        host: currentHost(),
        client: {
          url: where.url,
          ...(username === undefined ? {} : { username }),
          ...(password === undefined ? {} : { password }),
          ...(tls === undefined ? {} : { socket: { ...tls, tls: true } }),
        },
        server: where.server,
        // No timer can be set for longer.
        connectTimeout: Math.min(connectTimeout, 2 ** 31 - 1),
      }),
    );
  }

  /**
   * The lock of that name. All who give the name, in whatever process, share the lock.
   *
   * @param name Any text, from 1 to 1,024 characters.
   * @param options The lease, whom to tell of long waits, and whether to count.
   * @throws {TypeError | RangeError} when an argument cannot be meant
   */
  lock(name: string, options: RedisLockOptions = {}): RedisLock {
    checkName(name);
    checkLockOptions(options, "make lock");
    const { lease = LEASE.usual, stats = false, contentionAfter = 100, onContention } = options;
    checkLease(lease);
    const { restartGrace = lease } = options;
    checkDuration("restartGrace", restartGrace, "make lock");
    if (typeof stats !== "boolean") {
      throw new TypeError(`Cannot make lock: stats must be true or false, got ${show(stats)}`);
    }
    return makeRedisLock(
      new Side(this.#connection, name, {
        lease,
        restartGrace,
        contentionAfter,
        onContention,
        stats,
      }),
    );
  }

  /**
   * Closes the connection. Who waits is refused with a `RedisUnavailableError`, and guards not released
   * lose their trust, both at once; the leases of these guards end by themselves. The connection itself
   * ends when the server knows who has left, after `connectTimeout` at the latest.
   */
  close(): void {
    void this.#connection.close();
  }

  /** Closes the connection, and resolves when it has ended. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#connection.close();
  }
}
