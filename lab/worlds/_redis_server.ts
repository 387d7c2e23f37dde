/**
 * A Redis server of our own, on a free port of the loopback interface.
 *
 * What always holds: it keeps nothing on disk, and it ends with us, however we end. Its parent is a
 * shell that waits for it and, beside that, for the end of its own input, which comes when we are gone.
 */
import { type ChildProcessByStdio, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import process from "node:process";
import type { Readable, Writable } from "node:stream";
import { describeError } from "../engine/mod.ts";
import { WorldError } from "./distance.ts";
import { onLines } from "./_lines.ts";

/**
 * The program: what `INTERLOCK_REDIS_SERVER` names, else what is on PATH. Asked for when it is needed: who
 * explores between tasks loads this too, and has no permission to read the environment.
 */
const command = () => process.env.INTERLOCK_REDIS_SERVER || "redis-server";

// It hears no signal to its group: the server may not hear that either, stopped or busy as it may be.
const KEEPER = `
trap '' HUP INT TERM
exec 3<&0
"$@" </dev/null 3<&- & server=$!
echo "pid $server"
{ cat <&3 >/dev/null; kill -9 "$server"; } 2>/dev/null & keeper=$!
wait "$server"
kill -9 "$keeper"
`;

/** How much of what a server says is kept for the message about its death. */
const SAID_KEPT = 2_000;

/** How often another port is tried when somebody has come before us. */
const ATTEMPTS = 3;

let found: boolean | undefined;

/** Why there can be no server of our own; `undefined` where there can. */
export function whyNoRedisServer(): string | undefined {
  found ??= spawnSync(command(), ["--version"]).status === 0;
  return found
    ? undefined
    : `there is no ${command()} on this machine (Debian: apt-get install redis-server)`;
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

/** How to start a server. */
export interface RedisServerOptions {
  /** The port of the loopback interface. @default a free one */
  readonly port?: number;
  /** More of its own options, such as `--requirepass`. */
  readonly args?: readonly string[];
}

/** A server that runs. */
export class RedisServer implements AsyncDisposable {
  readonly #shell: ChildProcessByStdio<Writable, Readable, Readable>;

  private constructor(
    /** The port it listens on. */
    readonly port: number,
    /** The server's own process. */
    readonly pid: number,
    shell: ChildProcessByStdio<Writable, Readable, Readable>,
  ) {
    this.#shell = shell;
  }

  /**
   * Starts one, with nothing in its memory. Resolves when it takes connections.
   *
   * @throws {WorldError} when it does not come up, with what it said.
   */
  static async start({ port, args = [] }: RedisServerOptions = {}): Promise<RedisServer> {
    const why = whyNoRedisServer();
    if (why !== undefined) throw new WorldError(`Cannot start a Redis server: ${why}`);
    for (let attempt = 1;; attempt++) {
      const at = port ?? await freePort();
      try {
        return await RedisServer.#launch(at, args);
      } catch (error) {
        const taken = describeError(error).includes("Address already in use");
        if (!taken || port !== undefined || attempt === ATTEMPTS) throw error;
      }
    }
  }

  static #launch(port: number, args: readonly string[]): Promise<RedisServer> {
    const where = ["--port", String(port), "--bind", "127.0.0.1"];
    const forgetful = ["--save", "", "--appendonly", "no"];
    const shell = spawn("sh", ["-c", KEEPER, "sh", command(), ...where, ...forgetful, ...args], {
      stdio: ["pipe", "pipe", "pipe"],
    });
    shell.stdin.on("error", () => {});
    return new Promise((resolve, reject) => {
      let pid = 0;
      let said = "";
      const hear = (line: string) => {
        said = `${said}\n${line}`.slice(-SAID_KEPT);
        pid ||= Number(/^pid (\d+)$/.exec(line)?.[1] ?? 0);
        if (line.includes("Ready to accept connections")) {
          resolve(new RedisServer(port, pid, shell));
        }
      };
      onLines(shell.stdout, hear);
      onLines(shell.stderr, hear);
      const died = (why: string) => {
        shell.stdin.destroy();
        reject(new WorldError(`Cannot start a Redis server: ${why}; it said: ${said.trim()}`));
      };
      shell.on("error", (error) => died(error.message));
      shell.on("close", () => died(`${command()} has ended`));
    });
  }

  /** What clients connect to. */
  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Stops it, lets it go on, or ends it. Deno's `ChildProcess.kill` sends one signal and no second. */
  signal(name: "SIGSTOP" | "SIGCONT" | "SIGKILL"): void {
    process.kill(this.pid, name);
  }

  /** Ends it as nothing can be done against. Resolves when it has ended. */
  async kill(): Promise<void> {
    const { exitCode, signalCode, stdin } = this.#shell;
    if (exitCode !== null || signalCode !== null) return;
    const exit = once(this.#shell, "exit");
    this.signal("SIGKILL");
    await exit;
    stdin.destroy();
  }

  /** Ends it. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }
}
