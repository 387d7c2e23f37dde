/**
 * A Redis server of the tests' own, on a free port of the loopback interface, and tests that need one.
 *
 * Where there is no `redis-server` (Debian's package has that name) they are skipped, and one line says
 * so; in CI they fail, for there nobody would read the line.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import process from "node:process";
import { test } from "node:test";
import { type RedisConnectOptions, RedisLocks } from "../../../lib/redis/mod.ts";

const COMMAND = process.env.INTERLOCK_REDIS_SERVER ?? "redis-server";
const found = spawnSync(COMMAND, ["--version"]).status === 0;
const inCi = process.env.CI !== undefined && process.env.CI !== "";
if (!found && !inCi) {
  console.log(`  no ${COMMAND} on this machine: the tests that need it are skipped`);
}

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, "close");
  return port;
}

/** A running server, which keeps nothing on disk. */
export class Server implements AsyncDisposable {
  #process!: ChildProcess;

  private constructor(readonly port: number, readonly args: readonly string[]) {}

  /** Starts one. */
  static async start(...args: string[]): Promise<Server> {
    assert(found, `${COMMAND} is not on this machine, and in CI it must be`);
    const server = new Server(await freePort(), args);
    await server.restart();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Starts it on the same port, with nothing in its memory. */
  async restart(): Promise<void> {
    const where = ["--port", String(this.port), "--bind", "127.0.0.1"];
    const forgetful = ["--save", "", "--appendonly", "no"];
    this.#process = spawn(COMMAND, [...where, ...forgetful, ...this.args], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    for await (const chunk of this.#process.stdout!) {
      if (String(chunk).includes("Ready to accept connections")) break;
    }
    assert.equal(this.#process.exitCode, null, "redis-server did not start");
  }

  /** Ends it as nothing can be done against. */
  async kill(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exit = once(this.#process, "exit");
    this.signal("SIGKILL");
    await exit;
  }

  /** Stops it or lets it go on. Deno's `ChildProcess.kill` sends one signal and no second. */
  signal(name: "SIGSTOP" | "SIGCONT" | "SIGKILL"): void {
    process.kill(this.#process.pid!, name);
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
  test(name, { timeout, skip: !found && !inCi }, async () => {
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
