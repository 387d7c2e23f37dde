/**
 * The distance of processes: each actor is an operating-system process, Deno and Bun in turn, the
 * cells are files, the lock is `FileLock`.
 */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { deadline } from "@std/async/deadline";
import { makeTempDir } from "@std/fs/unstable-make-temp-dir";
import { remove, removeSync } from "@std/fs/unstable-remove";
import process from "node:process";
import { systemHost } from "../../lib/_host.ts";
import { moduleBeside } from "../../lib/_module_urls.ts";
import { WorldError } from "./distance.ts";
import { MARK, onLines } from "./_lines.ts";
import { lookAtDisk, prepareDisk } from "./_process_medium.ts";
import { RemoteDistance } from "./_remote_distance.ts";
import type { Remote, Storage } from "./_remote.ts";
import type { FromActor, ToActor } from "./_protocol.ts";
import type {} from "./_process_main.ts";
import { runCommand, type Runtime, runtimes } from "./_runtimes.ts";
import type { Subject } from "./scenario.ts";

/** How long a process may take to start, in ms. */
const START_LIMIT = 60_000;

/** By how much the clocks of two processes may differ, in ms: they begin at different times. */
const SKEW = 1;

/** How much of what a process says on stderr is kept for the message about its death. */
const STDERR_KEPT = 2_000;

class ProcessRemote implements Remote {
  readonly about: string;
  dead = false;
  onMessage: (message: FromActor) => void = () => {};
  onDeath: (error: WorldError) => void = () => {};
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #up: Promise<void>;
  readonly #ended: Promise<void>;
  #stderr = "";

  constructor(runtime: Runtime) {
    const { command, args } = runCommand(
      runtime,
      moduleBeside("_process_main", import.meta.url).href,
      [],
    );
    const child = this.#child = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"] });
    this.about = `${runtime.name} process ${child.pid ?? "that did not start"}`;
    child.stderr.setEncoding("utf8");
    child.stderr.on("data", (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_KEPT);
    });
    // A child that is gone is told by its exit; what was still being written to it is lost with it.
    child.stdin.on("error", () => {});
    let ended!: () => void;
    this.#ended = new Promise((resolve) => {
      ended = resolve;
    });
    this.#up = new Promise((resolve, reject) => {
      const died = (why: string) => {
        this.dead = true;
        ended();
        const said = this.#stderr.trim();
        const error = new WorldError(
          `Cannot go on with ${this.about}: ${why}${said === "" ? "" : `; it said: ${said}`}`,
        );
        reject(error);
        this.onDeath(error);
      };
      child.on("error", (error) => died(`${command} cannot be run (${error.message})`));
      child.on("close", (code, signal) => died(`it ended with ${signal ?? `code ${code}`}`));
      onLines(child.stdout, (line) => {
        const start = line.indexOf(MARK);
        if (start < 0) return;
        const message = JSON.parse(line.slice(start + MARK.length)) as FromActor | { type: "up" };
        if (message.type === "up") resolve();
        else this.onMessage(message);
      });
    });
    this.#up.catch(() => {});
  }

  async ready(): Promise<this> {
    await deadline(this.#up, START_LIMIT);
    return this;
  }

  send(message: ToActor): void {
    if (!this.dead) this.#child.stdin.write(JSON.stringify(message) + "\n");
  }

  async close(): Promise<void> {
    this.onDeath = () => {};
    if (!this.dead) this.#child.kill("SIGKILL");
    this.dead = true;
    await this.#ended;
  }
}

/** Processes of every runtime this machine has. */
export class ProcessesDistance extends RemoteDistance {
  readonly name = "processes";
  readonly #runtimes: readonly Runtime[];
  #folder: string | undefined;
  #runs = 0;

  /** @param among The runtimes that actors are given in turn. */
  constructor(among: readonly Runtime[] = runtimes()) {
    super();
    this.#runtimes = among;
  }

  get about(): string {
    return `${
      this.#runtimes.map((runtime) => runtime.name).join(" and ")
    } processes that share files`;
  }

  protected override async open(place: number): Promise<Remote> {
    if (this.#folder === undefined) {
      this.#folder = await makeTempDir({ prefix: "interlock-" });
      process.once("exit", this.#leave);
    }
    return await new ProcessRemote(this.#runtimes[place % this.#runtimes.length]).ready();
  }

  protected override async makeStorage(subject: Subject): Promise<Storage> {
    const folder = join(this.#folder!, String(++this.#runs));
    const forActors = await prepareDisk(systemHost, folder, subject);
    const left = lookAtDisk(systemHost, forActors, subject);
    return {
      forActors,
      end: () => left.end(),
      shared: () => left.shared(),
      skew: SKEW,
      freesLocks: true,
      dispose: () => void left.close(),
    };
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]();
    process.off("exit", this.#leave);
    if (this.#folder !== undefined) await remove(this.#folder, { recursive: true });
    this.#folder = undefined;
  }

  /** The program ends without having closed the distance, by ^C say: its folder goes all the same. */
  readonly #leave = (): void => {
    if (this.#folder !== undefined) removeSync(this.#folder, { recursive: true });
  };
}
