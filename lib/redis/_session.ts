/**
 * One connection to the server, from its first byte to its last. It is not mended: when it breaks,
 * `lost` resolves, all calls under way have failed, and another session is opened in its place. So
 * nothing is ever sent twice unseen, and whoever holds a lease by it learns at once that the
 * connection is gone.
 *
 * Grants come over the same connection as answers do (RESP3), in the order in which the server
 * decided them.
 */
import { createClient, ErrorReply } from "redis";
import type { RedisClientOptions } from "redis";
import type { Host } from "../_host.ts";
import type { Retry } from "../_retry.ts";
import { describeThrown } from "../_thrown.ts";
import { SCRIPT, WAKE } from "./_script.ts";

/** The reply of the script. */
export type Reply = readonly (string | number)[];

/** The pauses before asking a server again that refuses for the moment, in milliseconds. */
export const RETRY: Retry = { min: 10, max: 500 };

/** The first words of errors by which a server says that it will not do what locks need. */
const REFUSALS: readonly (readonly [RegExp, string])[] = [
  [
    /^(NOAUTH|WRONGPASS)|invalid (username-)?password|without any password/i,
    "it refused the password",
  ],
  [/^(NOPERM|ERR The user executing)/, "this user may not do what locks need"],
  [/^(MOVED|ASK|CLUSTERDOWN)/, "it is a node of a cluster, which has this lock elsewhere"],
  [/unknown command/i, "it has no scripting or no RESP3, which locks need (Redis 6 or later)"],
  [/^NOPROTO/, "it does not speak RESP3, which locks need (Redis 6 or later)"],
  [/^READONLY/, "it is a replica, which only the primary can stand in for"],
  [/^(DENIED|LOADING|MASTERDOWN)/, "it is not ready"],
  [/^OOM/, "its memory is full"],
  [/^MISCONF/, "it cannot save what it is told"],
  [/^NOREPLICAS/, "too few of its replicas keep up"],
  [/^WRONGTYPE/, "a key under a lock's name holds something else"],
];

/** What went wrong between us and a server, for people. */
export function explain(error: unknown): string {
  const message = describeThrown(error);
  const refusal = REFUSALS.find(([pattern]) => pattern.test(message))?.[1];
  if (refusal !== undefined) return `${refusal} (${message})`;
  if (message !== "") return message;
  // Several attempts that failed at once have a code in its place.
  const { code, name } = error as Error & { code?: unknown };
  return String(code ?? name);
}

/** Why a question was given up that nobody has answered, for people. */
export function unanswered(ms: number): string {
  return `the server did not answer within ${ms} ms`;
}

/** Whether the server itself has answered with an error, so that the connection is whole. */
export function isRefusal(error: unknown): error is Error {
  return error instanceof ErrorReply;
}

/** Whether it answered with an error that does not pass by itself: waiting would be in vain. */
export function isFinal(error: unknown): boolean {
  const passing = /^(LOADING|BUSY|MASTERDOWN|TRYAGAIN|ERR max number of clients)/;
  return isRefusal(error) && !passing.test(error.message);
}

/**
 * Whether the next moment may bring another answer, worth waiting for if there is nothing to lose. (Full
 * memory is no such case: what renews and what leaves takes none.)
 */
export function mayPass(error: unknown): boolean {
  return isRefusal(error) && (!isFinal(error) || /^(MISCONF|NOREPLICAS)/.test(error.message));
}

type Client = ReturnType<typeof makeClient>;

function makeClient(options: RedisClientOptions, connectTimeout: number) {
  return createClient({
    ...options,
    RESP: 3,
    disableOfflineQueue: true,
    socket: { ...options.socket, connectTimeout, reconnectStrategy: false } as never,
  });
}

/** See the top of the file. */
export class Session {
  /** Resolves with the reason when the connection is gone. */
  readonly lost: Promise<string>;
  /** Why the connection is gone, once it is. */
  reason: string | undefined;
  /** When the server may have been started at the latest, by the host's clock, in milliseconds. */
  readonly serverStarted: number;
  /** How many questions have been answered. */
  answers = 0;
  readonly #client: Client;
  readonly #sha: string;
  #lose!: (reason: string) => void;

  private constructor(client: Client, sha: string, serverStarted: number) {
    this.#client = client;
    this.#sha = sha;
    this.serverStarted = serverStarted;
    this.lost = new Promise((resolve) =>
      this.#lose = (reason) => {
        this.reason ??= reason;
        resolve(this.reason);
      }
    );
    client.on("error", (error) => this.#lose(explain(error)));
    client.on("end", () => this.#lose("the connection was closed"));
  }

  /**
   * Connects, and makes sure that the server can do what locks need.
   *
   * @param woken Told of each grant that was published for `id`.
   * @param signal Ends the attempt.
   * @throws whatever keeps it from it; then nothing is left open
   */
  static async open(
    options: RedisClientOptions,
    { host, id, connectTimeout, woken, signal }: {
      host: Host;
      id: string;
      connectTimeout: number;
      woken: (party: string, token: string) => void;
      signal: AbortSignal;
    },
  ): Promise<Session> {
    const client = makeClient(options, connectTimeout);
    // Each failure also rejects a promise that somebody awaits.
    client.on("error", () => {});
    let late = false;
    const giveUp = () => {
      if (client.isOpen) client.destroy();
    };
    // A server that accepts and says nothing would be waited for without end.
    const patience = host.setTimer(() => {
      late = true;
      giveUp();
    }, connectTimeout);
    signal.addEventListener("abort", giveUp);
    try {
      await client.connect();
      const sha = String(await client.sendCommand(["SCRIPT", "LOAD", SCRIPT]));
      const uptime = await uptimeOf(client);
      // Asked here, for the script would fail in its midst of it, when somebody is let in.
      await client.sendCommand(["PUBLISH", WAKE + id, ""]);
      const session = new Session(client, sha, host.now() - uptime);
      await client.subscribe(WAKE + id, (message) => {
        const [party, token] = message.split(" ");
        woken(party, token);
      });
      if (!client.isReady) throw new Error("the connection was closed");
      return session;
    } catch (error) {
      giveUp();
      throw late ? new Error(unanswered(connectTimeout), { cause: error }) : error;
    } finally {
      host.clearTimer(patience);
      signal.removeEventListener("abort", giveUp);
    }
  }

  /**
   * Runs an operation of the script.
   *
   * @param wanted Whether it still is, should it have to be sent a second time: it may have been
   *   overtaken meanwhile by what was sent to undo it.
   */
  async call(
    keys: readonly string[],
    operation: string,
    args: readonly (string | number)[] = [],
    wanted: () => boolean = () => true,
  ): Promise<Reply> {
    const rest = [String(keys.length), ...keys, operation, ...args.map(String)];
    try {
      return await this.#ask(["EVALSHA", this.#sha, ...rest]);
    } catch (error) {
      // Whoever empties the server's cache of scripts is no reason to fail.
      if (!isRefusal(error) || !error.message.startsWith("NOSCRIPT") || !wanted()) throw error;
      return await this.#ask(["EVAL", SCRIPT, ...rest]);
    }
  }

  async #ask(command: string[]): Promise<Reply> {
    try {
      return await this.#client.sendCommand<Reply>(command);
    } catch (error) {
      // Why the connection was ended says more than that it was.
      if (isRefusal(error) || this.reason === undefined) throw error;
      throw new Error(this.reason, { cause: error });
    } finally {
      this.answers++;
    }
  }

  /** Ends the connection; calls under way fail. */
  close(reason: string): void {
    this.#lose(reason);
    if (this.#client.isOpen) this.#client.destroy();
  }
}

/**
 * For how long the server has run at least, in milliseconds. It counts whole seconds, which may be
 * one too many.
 */
async function uptimeOf(client: Client): Promise<number> {
  const info = String(await client.sendCommand(["INFO", "server"]));
  const seconds = Number(/^uptime_in_seconds:(\d+)/m.exec(info)?.[1] ?? 0);
  return Math.max(0, seconds - 1) * 1000;
}
