/** Blocks: fresh processes, each of which measures the suite of one folder. */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import process from "node:process";
import type { Readable, Writable } from "node:stream";
import { MARK, onLines } from "../worlds/_lines.ts";
import { commandInFolder, moduleBeside, runtimes } from "../worlds/_runtimes.ts";
import { UsageError } from "../worlds/mod.ts";
import type { FromBlock, ToBlock } from "./_bench_child.ts";

/** A suite somewhere. */
export interface Side {
  /** What it is called in errors. */
  readonly label: string;
  /** Where its processes run. */
  readonly folder: string;
  /** The URL of the suite's module. */
  readonly suite: string;
}

/** The last of what a process printed, for an error. */
class Tail {
  #text = "";

  add(text: string): void {
    this.#text = (this.#text + text).slice(-2_000);
  }

  toString(): string {
    // deno-lint-ignore no-control-regex -- what is printed may have colours
    return this.#text.replace(/\x1b\[[0-9;]*m/g, "").trim();
  }
}

/** Starts a process that goes when this one does. */
export function startChild(command: string, args: readonly string[], folder: string) {
  const child = spawn(command, args, { cwd: folder, stdio: ["pipe", "pipe", "pipe"] });
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  child.once("close", () => process.off("exit", kill));
  child.stdin.on("error", () => {});
  return child;
}

/** How a process ended, and the last of what it printed. */
export function ended(
  child: ChildProcessByStdio<Writable, Readable, Readable>,
): Promise<{ good: boolean; how: string }> {
  const tail = new Tail();
  child.stdout.on("data", (text) => tail.add(String(text)));
  child.stderr.on("data", (text) => tail.add(String(text)));
  return new Promise((resolve) => {
    child.on("error", ({ message }) => resolve({ good: false, how: `does not start: ${message}` }));
    child.on("close", (code, signal) => {
      const how = signal === null ? `status ${code}` : signal;
      resolve({ good: code === 0, how: `ended with ${how}: ${tail}` });
    });
  });
}

/** A fresh process that measures a suite, order by order. */
export class BlockProcess implements AsyncDisposable {
  readonly side: Side;
  readonly #child: ReturnType<typeof startChild>;
  readonly #end: ReturnType<typeof ended>;
  #answer: (message: FromBlock) => void = () => {};

  constructor(side: Side) {
    this.side = side;
    const module = moduleBeside("_bench_child", import.meta.url).href;
    const { command, args } = commandInFolder(runtimes()[0], module);
    this.#child = startChild(command, args, side.folder);
    onLines(this.#child.stdout, (line) => {
      const start = line.indexOf(MARK);
      if (start >= 0) this.#answer(JSON.parse(line.slice(start + MARK.length)));
    });
    this.#end = ended(this.#child);
  }

  /**
   * Gives an order, and answers what comes of it.
   *
   * @throws {Error} when it fails
   * @throws {UsageError} when the process is no more
   */
  async ask(order: ToBlock): Promise<unknown> {
    const answer = new Promise<FromBlock>((resolve) => this.#answer = resolve);
    this.#child.stdin.write(`${JSON.stringify(order)}\n`);
    const message = await Promise.race([answer, this.#end]);
    if ("how" in message) {
      throw new UsageError(`Cannot measure ${this.side.label}: its process ${message.how}`);
    }
    if (message.type === "failed") throw new Error(message.message);
    return message.answer;
  }

  /** Loads the suite, and answers the names of its benchmarks. */
  async load(): Promise<readonly string[]> {
    try {
      return await this.ask({ type: "load", suite: this.side.suite }) as readonly string[];
    } catch (error) {
      if (error instanceof UsageError) throw error;
      throw new UsageError(`Cannot measure ${this.side.label}: ${(error as Error).message}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.stdin.end();
    await this.#end;
  }
}
