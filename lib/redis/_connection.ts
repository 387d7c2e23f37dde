/**
 * A way to the server that is renewed when it breaks.
 *
 * What always holds: there is one session at most, and everyone who depends on it is told when it is
 * lost, before the next one is opened, and when there is one again. Attempts are spaced, jittered,
 * and go on until `close()`; those who wait for one are told after `connectTimeout` milliseconds
 * what keeps them waiting.
 */
import type { RedisClientOptions } from "redis";
import type { Host, Timer } from "../_host.ts";
import { RedisUnavailableError } from "./_errors.ts";
import { explain, isFinal, Session } from "./_session.ts";

/** The pauses between attempts, in milliseconds: from the first on, and at most. */
const PAUSE = { min: 20, max: 1000 };

/** Whoever has a stake in the session. */
export interface Dependent {
  /** The session is gone. */
  sessionLost(reason: string): void;
  /** There is a session again. */
  sessionOpened(session: Session): void;
  /** There has been none for so long that it is time to give up. */
  sessionMissed(error: RedisUnavailableError): void;
}

/** Whoever waits for a grant. */
export interface Sleeper {
  /** The server has granted the lock, with this token. */
  woken(token: string): void;
}

/** Where to, and how long to try. */
export interface ConnectionOptions {
  readonly host: Host;
  readonly client: RedisClientOptions;
  /** The server's name for people, without password. */
  readonly server: string;
  readonly connectTimeout: number;
}

/** See the top of the file. */
export class Connection {
  /** By what the server knows the parties of this connection. */
  readonly id: string;
  readonly host: Host;
  readonly server: string;
  readonly dependents: Set<Dependent> = new Set();
  /** Who is to be woken, by the name the server knows it by. */
  readonly sleepers: Map<string, Sleeper> = new Map();
  session: Session | undefined;
  closed = false;
  /** For how long an answer, or a connection, is waited for, in milliseconds. */
  readonly connectTimeout: number;
  readonly #options: ConnectionOptions;
  #parties = 0;
  #timer: Timer | undefined;
  #lostAt = 0;

  private constructor(options: ConnectionOptions) {
    this.#options = options;
    this.host = options.host;
    this.server = options.server;
    this.connectTimeout = options.connectTimeout;
    this.id = crypto.randomUUID();
  }

  /**
   * Connects for the first time.
   *
   * @throws {RedisUnavailableError} when that cannot be done within `connectTimeout`
   */
  static async open(options: ConnectionOptions): Promise<Connection> {
    const connection = new Connection(options);
    try {
      connection.#begin(await connection.#dial());
    } catch (error) {
      const reason = explain(error);
      throw new RedisUnavailableError(
        `connect to ${options.server}`,
        options.server,
        reason,
        error,
      );
    }
    return connection;
  }

  /** A name for one more party. */
  nextParty(): string {
    return `${this.id}:${++this.#parties}`;
  }

  /** Ends it for good. */
  close(): void {
    this.closed = true;
    if (this.#timer !== undefined) this.host.clearTimer(this.#timer);
    if (this.session === undefined) this.#tellClosed();
    else this.session.close("it was closed");
  }

  #dial(): Promise<Session> {
    const { host, client, connectTimeout } = this.#options;
    // Who gave up meanwhile is not found, and has left the lock already.
    const woken = (party: string, token: string) => this.sleepers.get(party)?.woken(token);
    return Session.open(client, { host, id: this.id, connectTimeout, woken });
  }

  #begin(session: Session): void {
    this.session = session;
    void session.lost.then((reason) => {
      this.session = undefined;
      this.#lostAt = this.host.now();
      for (const dependent of [...this.dependents]) dependent.sessionLost(reason);
      if (this.closed) this.#tellClosed();
      else void this.#reopen(reason);
    });
    for (const dependent of [...this.dependents]) dependent.sessionOpened(session);
  }

  async #reopen(lost: string): Promise<void> {
    for (let attempt = 0; !this.closed; attempt++) {
      const pause = Math.min(PAUSE.max, PAUSE.min * 2 ** attempt) * (0.5 + this.host.random() / 2);
      await new Promise<void>((resolve) => this.#timer = this.host.setTimer(resolve, pause));
      try {
        const session = await this.#dial();
        // Closed while it was being opened, there is nobody left to want it.
        if (this.closed) session.close(lost);
        else this.#begin(session);
        return;
      } catch (error) {
        this.#tellMissed(error, lost);
      }
    }
  }

  #tellClosed(): void {
    const { server } = this;
    const error = new RedisUnavailableError(`reach ${server}`, server, "the connection was closed");
    for (const dependent of [...this.dependents]) dependent.sessionMissed(error);
  }

  /** A refusal will not get better by waiting; that nobody answers may. */
  #tellMissed(error: unknown, lost: string): void {
    const { connectTimeout, server } = this;
    const missing = this.host.now() - this.#lostAt;
    if (missing < connectTimeout && !isFinal(error)) return;
    const reason = `${explain(error)}; the connection was lost ${
      Math.round(missing)
    } ms ago (${lost})`;
    for (const dependent of [...this.dependents]) {
      dependent.sessionMissed(
        new RedisUnavailableError(`reach ${server}`, server, reason, error),
      );
    }
  }
}
