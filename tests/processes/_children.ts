/**
 * Child processes of both runtimes that tests talk to, a line at a time.
 *
 * A child runs one role of `_roles.ts`. It does nothing before it is told to, prints what happens
 * as lines of JSON, and ends when its parent does, for then its stdin ends.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { runCommand, type Runtime, runtimes } from "../../lab/worlds/_runtimes.ts";
import type { Roles } from "./_roles.ts";

/** What a child says; `say` tells what about. */
export interface Line {
  readonly say: string;
  readonly [detail: string]: unknown;
}

/** How long a child may take to say what it is waited for to say. */
const PATIENCE_MS = 30_000;

/** A running child. */
export class Child implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #lines: Line[] = [];
  readonly #ended: Promise<unknown>;
  #wake: () => void = () => {};
  #errors = "";

  constructor(readonly runtime: Runtime, readonly role: keyof Roles, params: object) {
    const url = new URL("./_roles.ts", import.meta.url).href;
    const { command, args } = runCommand(runtime, url, [role, JSON.stringify(params)]);
    const process = this.#process = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"] });
    this.#ended = once(process, "close").then(() => this.#wake());
    // A child that has died cannot be told anything; that it has is seen elsewhere.
    process.stdin!.on("error", () => {});
    process.stderr!.on("data", (chunk) => this.#errors += chunk);
    createInterface({ input: process.stdout! }).on("line", (line) => {
      this.#lines.push(JSON.parse(line));
      this.#wake();
    });
  }

  get pid(): number {
    return this.#process.pid!;
  }

  /** The next line, which must say `say`. */
  async next(say: string): Promise<Line> {
    await this.speaks(PATIENCE_MS);
    const line = this.#lines.shift();
    if (line === undefined) {
      const ended = this.#process.signalCode ?? this.#process.exitCode;
      const state = ended === null ? "says nothing" : `ended (${ended})`;
      throw new Error(
        `${this.runtime.name} ${this.role}: ${state} before ${say}\n${this.#errors}`,
      );
    }
    assert.equal(line.say, say, `${this.runtime.name} ${this.role}: ${JSON.stringify(line)}`);
    return line;
  }

  /** Waits until it has said something that nobody has asked for, or has ended, or `ms` passed. */
  async speaks(ms: number): Promise<void> {
    const until = performance.now() + ms;
    for (;;) {
      const { exitCode, signalCode } = this.#process;
      const left = until - performance.now();
      if (this.#lines.length > 0 || exitCode !== null || signalCode !== null || left <= 0) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** What it said when it ended by itself, though it should not have. */
  get failure(): string | undefined {
    const { exitCode } = this.#process;
    if (exitCode === null) return undefined;
    return `${this.runtime.name} ${this.role} ended (${exitCode}): ${this.#errors}`;
  }

  /** What it has said and nobody has asked for yet. */
  rest(): Line[] {
    return this.#lines.splice(0);
  }

  /** Tells the child to go on. */
  tell(word = "go"): void {
    this.#process.stdin!.write(`${word}\n`);
  }

  /** Ends it as nothing can be done against, and waits until it is gone. */
  async kill(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#ended;
  }

  /** Waits until it ends by itself; answers its exit code. */
  async end(): Promise<number | null> {
    this.#process.stdin!.end();
    await this.#ended;
    return this.#process.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}

/** Starts a child with the `i`th runtime, in turn, and waits until it is up. */
export async function start<R extends keyof Roles>(
  i: number,
  role: R,
  params: Roles[R],
): Promise<Child> {
  const all = runtimes();
  const child = new Child(all[i % all.length], role, params);
  await child.next("up");
  return child;
}

/** Starts several children at once. */
export async function startAll<R extends keyof Roles>(
  count: number,
  role: R,
  params: (i: number) => Roles[R],
): Promise<Child[]> {
  return await Promise.all(
    Array.from({ length: count }, (_, i) => start(i, role, params(i))),
  );
}

/** Which runtimes take part, for what a test prints. */
export function participants(): string {
  const names = runtimes().map(({ name }) => name);
  return names.length === 2
    ? names.join(" and ")
    : `${names[0]} alone, for the other runtime is not on this machine`;
}

/** A distribution in one line, in milliseconds. */
export function distribution(values: readonly number[]): string {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  const parts = [["min", 0], ["median", 0.5], ["p90", 0.9], ["p99", 0.99], ["max", 1]] as const;
  if (sorted.length === 0) return "none";
  const text = parts.map(([name, share]) => `${name} ${at(share).toFixed(1)}`).join(", ");
  return `${sorted.length} waits, ms: ${text}`;
}
