/** One operating-system process as the place of an actor: orders go to its stdin, answers come as lines. */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { deadline } from "@std/async/deadline";
import { WorldError } from "./distance.ts";
import { MARK, onLines } from "./_lines.ts";
import type { FromActor, ToActor } from "./_protocol.ts";
import type { Remote } from "./_remote.ts";
import { runCommand, type Runtime } from "./_runtimes.ts";

/** How long a process may take to start, in ms. */
const START_LIMIT = 60_000;

/** How much of what a process says on stderr is kept for the message about its death. */
const STDERR_KEPT = 2_000;

/** A process that is killed when its place is closed. */
export class ProcessRemote implements Remote {
  readonly about: string;
  dead = false;
  onMessage: (message: FromActor) => void = () => {};
  onDeath: (error: WorldError) => void = () => {};
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #up: Promise<void>;
  readonly #ended: Promise<void>;
  #stderr = "";

  /**
   * @param runtime What runs it.
   * @param module Where it begins.
   */
  constructor(runtime: Runtime, module: URL) {
    const { command, args } = runCommand(runtime, module.href);
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
