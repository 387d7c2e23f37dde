/** Where the command line writes to, so that it can be run and read by a test as well. */
import process from "node:process";
import { createInterface } from "node:readline";

/** A place for output. */
export interface Terminal {
  /** Whether a person watches, so that progress may be drawn and drawn over. */
  readonly interactive: boolean;
  /** Whether colours are wanted. */
  readonly colours: boolean;
  /** How many columns of text there are. */
  readonly width: number;
  /** Whether the result goes to a pipe or a file: then no line of it is broken but those of tables. */
  readonly piped?: boolean;
  /** Writes a line of the result. */
  out(line: string): void;
  /** Writes a line about the running of the program. */
  err(line: string): void;
  /** Asks for a line; `undefined` when there is nobody to answer any more. */
  ask(question: string): Promise<string | undefined>;
  /** Nobody will be asked any more. */
  asked(): void;
  /** Draws one line over the one drawn before; an empty one clears it. */
  progress(line: string): void;
}

/**
 * The terminal, pipe or file this process writes to.
 *
 * @param process The process, by default this one.
 */
export function processTerminal(
  { stdout, stderr, env }: Pick<typeof process, "stdout" | "stderr" | "env"> = process,
): Terminal {
  const interactive = stderr.isTTY === true;
  return {
    interactive,
    colours: stdout.isTTY === true && !env.NO_COLOR && env.TERM !== "dumb",
    width: stdout.columns || 120,
    piped: stdout.isTTY !== true,
    out: (line) => void stdout.write(`${line}\n`),
    err: (line) => void stderr.write(`${line}\n`),
    ask: (question) => readLine(question),
    asked: () => {
      void lines?.return?.();
      lines = undefined;
    },
    progress: (line) => {
      if (interactive) stderr.write(`\r\x1b[K${line.slice(0, (stderr.columns ?? 80) - 1)}`);
    },
  };
}

/** The lines of stdin, once somebody asks for one: reading keeps the process alive. */
let lines: AsyncIterator<string> | undefined;

async function readLine(question: string): Promise<string | undefined> {
  process.stderr.write(question);
  lines ??= createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const { value, done } = await lines.next();
  return done ? undefined : value;
}

/** How far something has come: `[#####-----] 3/6 what`. */
export function progressLine(done: number, total: number, what: string): string {
  const width = 20;
  const full = Math.floor(done / total * width);
  return `[${"#".repeat(full)}${"-".repeat(width - full)}] ${done}/${total} ${what}`;
}
