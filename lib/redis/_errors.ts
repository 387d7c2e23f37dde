/** The errors that only users of locks on a server have to catch. */

/**
 * The reason a guard's `signal` aborts: the lock may be another's from now on, or is already.
 * Whoever still writes must be stopped by the fencing token.
 */
export class LeaseLostError extends Error {
  /** What tells it from other errors. */
  override readonly name = "LeaseLostError";
  /** The lock's name. */
  readonly lock: string;
  /** The token the guard had. */
  readonly token: bigint;

  /** Builds the message from the lock, the token and what happened. */
  constructor(lock: string, token: bigint, reason: string) {
    super(`Cannot hold ${lock} any longer: ${reason}`);
    this.lock = lock;
    this.token = token;
  }
}

/** There is no connection to the server, or it refused what locks need of it. */
export class RedisUnavailableError extends Error {
  /** What tells it from other errors. */
  override readonly name = "RedisUnavailableError";
  /** The server, without the password. */
  readonly server: string;

  /** Builds the message from what was tried and why it failed. */
  constructor(action: string, server: string, reason: string, cause?: unknown) {
    super(`Cannot ${action}: ${reason}`, { cause });
    this.server = server;
  }
}
