/**
 * A way to the server that is renewed when it breaks.
 *
 * What always holds: there is one session at most, and everyone who depends on it is told when it is
 * lost, before the next one is opened, and when there is one again. Attempts are spaced, jittered,
 * and go on until `close()`; those who wait for one are told after `connectTimeout` milliseconds
 * what keeps them waiting.
 */
import type { RedisClientOptions } from "redis";
import { type Deadlines, deadlinesOf } from "../_deadlines.ts";
import { pause } from "../_retry.ts";
import type { Host, Timer } from "../_host.ts";
import { RedisUnavailableError } from "./_errors.ts";
import { explain, isFinal, Session, unanswered } from "./_session.ts";

/** The pauses between attempts, in milliseconds. */
const PAUSE = { min: 20, max: 1000 };

/** Whoever has a stake in the session. */
export interface Dependent {
  /** How many of it are inside. */
  readonly inside: number;
  /** The session is gone. */
  sessionLost(reason: string): void;
  /** There is a session again. */
  sessionOpened(): void;
  /** There has been none for so long that it is time to give up. */
  sessionMissed(error: RedisUnavailableError): void;
  /** There is to be none any more; what is said now is still heard. */
  closing(error: RedisUnavailableError): void;
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
  readonly deadlines: Deadlines;
  readonly server: string;
  readonly dependents: Set<Dependent> = new Set();
  /** Who is to be woken, by the name the server knows it by. */
  readonly sleepers: Map<string, Sleeper> = new Map();
  session: Session | undefined;
  closed = false;
  /** For how long an answer, or a connection, is waited for, in milliseconds. */
  readonly connectTimeout: number;
  readonly #options: ConnectionOptions;
  /** What the server is being told by those who leave. */
  readonly #farewells = new Set<Promise<void>>();
  /** Aborted when there are to be no more attempts. */
  readonly #end = new AbortController();
  #closing: Promise<void> | undefined;
  #parties = 0;
  #timer: Timer | undefined;
  #lostAt = 0;

  private constructor(options: ConnectionOptions) {
    this.#options = options;
    this.host = options.host;
    this.deadlines = deadlinesOf(options.host);
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
      throw connection.unavailable(`connect to ${options.server}`, error);
    }
    return connection;
  }

  /** A name for one more party. */
  nextParty(): string {
    return `${this.id}:${++this.#parties}`;
  }

  /** The session, to ask for something that nobody waits for. */
  sessionFor(action: string): Session {
    const { session, server, closed } = this;
    if (closed || session === undefined) {
      const state = closed ? "was closed" : "is lost at the moment";
      throw new RedisUnavailableError(action, server, `the connection to ${server} ${state}`);
    }
    return session;
  }

  /** What to throw when the server was asked in vain. */
  unavailable(action: string, error: unknown): RedisUnavailableError {
    return new RedisUnavailableError(action, this.server, explain(error), error);
  }

  /**
   * An answer that nobody waits for without end: a server may be there and say nothing. Where nothing at
   * all was heard meanwhile the connection may be dead, which can take the system a quarter of an hour to
   * notice, so another is tried. Not while somebody is inside: he would lose the lock by it, and his
   * renewals show it too.
   */
  async soon<T>(answer: Promise<T>): Promise<T> {
    const { connectTimeout, session } = this;
    const before = session?.answers;
    const { promise, reject } = Promise.withResolvers<never>();
    const expire = () => {
      reject(new Error(unanswered(connectTimeout)));
      const silent = session?.answers === before;
      const nobody = [...this.dependents].every(({ inside }) => inside === 0);
      if (silent && nobody) session?.close(unanswered(connectTimeout));
    };
    const deadline = this.deadlines.add(connectTimeout, { expire });
    try {
      return await Promise.race([answer, promise]);
    } finally {
      this.deadlines.remove(deadline);
    }
  }

  /** Waits for what one who leaves tells the server, as long as for any answer; so does closing. */
  async farewell(told: Promise<void>): Promise<void> {
    const farewell = this.soon(told).catch(() => {}); // his lease ends without us
    this.#farewells.add(farewell);
    await farewell;
    this.#farewells.delete(farewell);
  }

  /**
   * Ends it for good: no guard is trusted from now on, and who waits is refused. Resolves when the
   * connection is closed, which is when the server knows who has left.
   */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<void> {
    const { server } = this;
    this.closed = true;
    this.#end.abort();
    if (this.#timer !== undefined) this.host.clearTimer(this.#timer);
    const error = new RedisUnavailableError(`reach ${server}`, server, "the connection was closed");
    for (const dependent of [...this.dependents]) dependent.closing(error);
    await Promise.all(this.#farewells);
    this.session?.close("it was closed");
  }

  #dial(): Promise<Session> {
    const { host, client, connectTimeout } = this.#options;
    // Who gave up meanwhile is not found, and has left the lock already.
    const woken = (party: string, token: string) => this.sleepers.get(party)?.woken(token);
    const { signal } = this.#end;
    return Session.open(client, { host, id: this.id, connectTimeout, woken, signal });
  }

  #begin(session: Session): void {
    this.session = session;
    void session.lost.then((reason) => {
      this.session = undefined;
      this.#lostAt = this.host.now();
      for (const dependent of [...this.dependents]) dependent.sessionLost(reason);
      if (!this.closed) void this.#reopen(reason);
    });
    for (const dependent of [...this.dependents]) dependent.sessionOpened();
  }

  async #reopen(lost: string): Promise<void> {
    for (let attempt = 0; !this.closed; attempt++) {
      const wait = pause(this.host, PAUSE, attempt);
      await new Promise<void>((resolve) => this.#timer = this.host.setTimer(resolve, wait));
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
