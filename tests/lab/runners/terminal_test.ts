/** What the lab prints where a person watches, and where a program reads. */
import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { main } from "../../../lab/runners/cli.ts";
import { processTerminal, type Terminal } from "../../../lab/runners/terminal.ts";

const timeout = 60_000;

/** A terminal that keeps what is written to it. */
class Paper implements Terminal {
  readonly results: string[] = [];
  readonly complaints: string[] = [];
  readonly drawn: string[] = [];

  constructor(
    readonly width: number,
    readonly piped: boolean,
    readonly colours = false,
  ) {}

  get interactive(): boolean {
    return !this.piped;
  }

  out(line: string): void {
    this.results.push(...line.split("\n"));
  }

  err(line: string): void {
    this.complaints.push(...line.split("\n"));
  }

  ask(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  asked(): void {}

  progress(line: string): void {
    this.drawn.push(line);
  }
}

async function run(paper: Paper, command: string): Promise<Paper> {
  await main(command.split(" "), paper);
  return paper;
}

const COMMANDS = [
  "list",
  "show deadlock-timeout",
  "show lost-update",
  "run lost-update",
  "run dining-philosophers",
  "tour lost-update --world tasks",
  "bench lost-update --world tasks --time 5",
  "bench reads-beside-write --time 10",
  "--help",
  "bench --help",
];

// deno-lint-ignore no-control-regex -- that is what colours are
const plain = (line: string) => line.replace(/\x1b\[[0-9;]*m/g, "");

for (const width of [80, 200]) {
  test(`what the lab prints fits ${width} columns, all but what is to be copied`, {
    timeout,
  }, async () => {
    for (const command of COMMANDS) {
      const { results, complaints } = await run(new Paper(width, false, true), command);
      assert(results.length > 1, command);
      const lines = [...results, ...complaints.flatMap((text) => text.split("\n"))];
      for (const line of lines.map(plain)) {
        assert(line.length <= width || line.startsWith("replay "), `${command}: ${line}`);
        assert.equal(line, line.trimEnd(), command);
      }
    }
  });
}

test("where a program reads there are no colours, and each result is in one line", {
  timeout,
}, async () => {
  const tour = "tour lost-update --world tasks";
  const { results } = await run(new Paper(80, true), tour);
  assert.deepEqual(results.filter((line) => line.includes("\x1b")), []);
  const told = results.filter((line) => /^ {2}[✓✗]/.test(line));
  assert.equal(told.length, 7);
  for (const line of told) assert.match(line, /(order|class).* in \d/);
  assert.equal(results.length, told.length + 3);
});

test(
  "a complaint is one line for a program and lines that fit for a person",
  { timeout },
  async () => {
    const command = "run lost-update --set actors=99";
    const { complaints: [line, ...more], results } = await run(new Paper(80, true), command);
    assert.deepEqual([more, results], [[], []]);
    const { complaints } = await run(new Paper(80, false), command);
    assert(complaints.length > 1);
    assert(complaints.every(({ length }) => length <= 80));
    assert.equal(complaints.join(" "), line);
  },
);

test("what takes long says what it is about at once, and leaves nothing behind", {
  timeout,
}, async () => {
  for (
    const command of [
      "run lost-update/locked --world processes --budget 3",
      "bench reads-beside-write --time 5",
      "tour lost-update --world tasks",
    ]
  ) {
    const { drawn } = await run(new Paper(80, false), command);
    assert.notEqual(drawn[0], "", command);
    assert.equal(drawn.at(-1), "", command);
  }
  const explored = await run(new Paper(80, false), "run lost-update/locked --world workers");
  assert(explored.drawn.some((line) => /: [1-9]\d* schedules$/.test(line)), "no count was shown");
});

test("colours are for terminals that can have them, where nobody objects", { timeout }, () => {
  const terminal = (isTTY: boolean, env: Record<string, string>, columns?: number) =>
    processTerminal({
      stdout: { ...process.stdout, isTTY, columns } as typeof process.stdout,
      stderr: { ...process.stderr, isTTY } as typeof process.stderr,
      env,
    });
  assert.equal(terminal(true, {}, 80).colours, true);
  assert.equal(terminal(true, { NO_COLOR: "1" }, 80).colours, false);
  assert.equal(terminal(true, { NO_COLOR: "" }, 80).colours, true);
  assert.equal(terminal(true, { TERM: "dumb" }, 80).colours, false);
  assert.equal(terminal(false, {}).colours, false);
  assert.deepEqual([terminal(true, {}, 80).width, terminal(true, {}, 80).piped], [80, false]);
  assert.deepEqual([terminal(false, {}).width, terminal(false, {}).piped], [120, true]);
});
