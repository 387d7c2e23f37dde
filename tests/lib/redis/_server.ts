/**
 * A Redis server of the tests' own, on a free port of the loopback interface, and tests that need one.
 *
 * Where there is no `redis-server` (Debian's package has that name) they are skipped, and one line says
 * so; in CI they fail, for there nobody would read the line.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import process from "node:process";
import { test } from "node:test";
import { freePort, RedisServer, whyNoRedisServer } from "../../../lab/worlds/_redis_server.ts";
import { type RedisConnectOptions, RedisLocks } from "../../../lib/redis/mod.ts";

export { freePort };

const missing = whyNoRedisServer();
const inCi = process.env.CI !== undefined && process.env.CI !== "";
const skip = missing !== undefined && !inCi;
let said = false;

/**
 * Says in one line that tests are skipped. What is true without a server is tested then: a file of which
 * nothing ran at all would be taken for one that was not found.
 */
function saySkipped(): void {
  if (said) return;
  said = true;
  console.log(`  ${missing}: the tests that need it are skipped`);
  test("who starts a Redis server where there is none is told why", { timeout: 5000 }, async () => {
    await assert.rejects(Server.start(), (error) => {
      assert(error instanceof Error);
      assert.equal(error.message, `Cannot start a Redis server: ${missing}`);
      return true;
    });
  });
}

/** A server that can be killed and restarted where it was. */
export class Server implements AsyncDisposable {
  #server!: RedisServer;

  private constructor(readonly port: number, readonly args: readonly string[]) {}

  /** Starts one; fails where there is none. */
  static async start(...args: string[]): Promise<Server> {
    const server = new Server(await freePort(), args);
    await server.restart();
    return server;
  }

  get url(): string {
    return this.#server.url;
  }

  /** Starts it on the same port, with nothing in its memory. */
  async restart(): Promise<void> {
    this.#server = await RedisServer.start({ port: this.port, args: this.args });
  }

  /** Ends it as nothing can be done against. */
  kill(): Promise<void> {
    return this.#server.kill();
  }

  /** Stops it or lets it go on. */
  signal(name: "SIGSTOP" | "SIGCONT"): void {
    this.#server.signal(name);
  }

  /** Runs commands of `redis-cli`. */
  cli(...args: string[]): string {
    const { stdout, status } = spawnSync("redis-cli", ["-p", String(this.port), ...args], {
      encoding: "utf8",
    });
    assert.equal(status, 0);
    return stdout.trim();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }
}

/** What a test is handed. */
export interface Bench {
  readonly server: Server;
  /** One more client, closed when the test ends. */
  client(options?: RedisConnectOptions, url?: string): Promise<RedisLocks>;
}

/** A test with a server of its own. */
export function redisTest(
  name: string,
  fn: (bench: Bench) => Promise<void>,
  { timeout = 20_000, args = [] }: { timeout?: number; args?: string[] } = {},
): void {
  if (skip) saySkipped();
  test(name, { timeout, skip }, async () => {
    await using server = await Server.start(...args);
    await using clients = new AsyncDisposableStack();
    await fn({
      server,
      client: async (options, url = server.url) =>
        clients.use(await RedisLocks.connect(url, options)),
    });
  });
}

/** The options of most tests: a server that was surely not used before, and short leases. */
export const fresh = { restartGrace: 0, lease: 1000 } as const;

/** Waits until `holds` does, which it soon must. */
export async function until(holds: () => boolean | Promise<boolean>, within = 5000): Promise<void> {
  const end = performance.now() + within;
  while (!await holds()) {
    assert(performance.now() < end, `not within ${within} ms: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
