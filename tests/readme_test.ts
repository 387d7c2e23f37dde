import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { expectSafe, team } from "../lab/mod.ts";
import { main } from "../lab/runners/cli.ts";
import { isFigureName } from "../lab/runners/figures.ts";
import { runtimes } from "../lab/worlds/_runtimes.ts";
import { Folder } from "./lib/_folder.ts";

const timeout = 60_000;
const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");

async function lab(...args: string[]): Promise<string> {
  const lines: string[] = [];
  await main(args, {
    interactive: false,
    colours: false,
    width: 100,
    out: (line) => lines.push(line),
    err: (line) => assert.fail(line),
    ask: () => Promise.resolve(undefined),
    asked: () => {},
    progress: () => {},
  });
  return lines.join("\n");
}

test("the timeline in the README is what the lab prints", { timeout }, async () => {
  const [, shown] = /```text\n(.*?)```/s.exec(readme)!;
  assert.ok(shown.includes("buries step 3"));
  const printed = await lab("run", "lost-update/unguarded");
  assert.equal(printed.slice(0, shown.length), shown);
});

test("the proof in the README is what the lab prints", { timeout }, async () => {
  const [, claim] = /says so: `(.*?)`/.exec(readme)!;
  const printed = await lab("run", "lost-update/locked", "--strategy", "exhaustive");
  assert.ok(printed.includes(claim), claim);
});

test("the report in the lab's README is what a failing test prints", { timeout }, async () => {
  const guide = readFileSync(new URL("../lab/README.md", import.meta.url), "utf8");
  const [, shown] = /```text\n(.*?)```/s.exec(guide)!;
  class Account {
    constructor(public balance: number, readonly approve: (amount: number) => Promise<boolean>) {}
    async withdraw(amount: number): Promise<void> {
      if (this.balance >= amount && await this.approve(amount)) this.balance -= amount;
    }
  }
  await assert.rejects(
    expectSafe({
      name: "two withdrawals",
      build: (world) => {
        const account = world.shared(
          "account",
          (inner) =>
            new Account(100, inner.operation("bank", "read", (amount: number) => amount > 0)),
        );
        return team(2, () => account.withdraw(60));
      },
      check: (_, { account }) =>
        (account as Account).balance < 0 ? "the account is overdrawn" : undefined,
    }),
    ({ message }: Error) => {
      for (const line of shown.trim().split("\n")) {
        assert.ok(message.includes(line.split("…")[0]), line);
      }
      return true;
    },
  );
});

test("every lab command in the README runs", { timeout }, async () => {
  const { schedule } = JSON.parse(await lab("run", "lost-update/unguarded", "--json"));
  const commands = [...readme.matchAll(/^deno task lab(.*?)(#.*)?$/gm)].map(([, args]) =>
    args.trim().split(/\s+/).filter((word) => word !== "").map((word) =>
      word === "CODE" ? schedule : word
    )
  );
  assert.ok(commands.length >= 7);
  using folder = new Folder();
  for (const args of commands) {
    if (args[0] === undefined) continue; // The tour has its own tests, and the gate runs it whole.
    if (args[0] === "bench") args.push("--time", "5");
    if (args[0] === "bench" && !isFigureName(args[1])) args.push("--world", "tasks");
    if (args[0] === "report") args.push("--time", "0", "--out", folder.path);
    assert.notEqual(await lab(...args), "", args.join(" "));
  }
});

test("the tables in the README are those that the commands beside them print", {
  timeout,
}, async () => {
  const cells = (line: string) => line.split("|").slice(1, -1).map((cell) => cell.trim());
  const rowsOf = (text: string) => {
    const [head, , ...rows] = text.trim().split("\n").map(cells);
    return { head, rows };
  };
  // Numbers differ from run to run: what is compared are the words, and of a verdict the first.
  const words = (row: readonly string[]) =>
    row.map((cell) => /^[\d.,]+( ?[µn]?m?s|\/s| ×)$/.test(cell) ? "#" : cell.split(":")[0]);
  const verdict = (row: string[]) => words(row).map((cell) => cell.replace(/^UNSAFE.*/, "UNSAFE"));
  const shown = [...readme.matchAll(/^deno task lab bench (\S+)[^`]*```\n\n(\|.*?)\n\n/gms)];
  assert.deepEqual(shown.map(([, name]) => name), [
    "strategies",
    "locking-overhead",
    "reads-beside-write",
  ]);
  for (const [, name, table] of shown) {
    const inReadme = rowsOf(table);
    const printed = rowsOf(await lab("bench", name, "--markdown", "--time", "30"));
    assert.deepEqual(inReadme.head, printed.head);
    // What needs a Redis server may be missing where there is none.
    const left = inReadme.rows.map(verdict).map(String);
    for (const row of printed.rows.map(verdict).map(String)) assert.ok(left.includes(row), row);
    assert.ok(printed.rows.length >= inReadme.rows.length - 4);
  }
});

/**
 * Runs a module on Deno with these permissions and no others; answers what it says on stderr, or
 * `undefined` when this machine has no Deno.
 */
function withPermissions(module: string, flags: string, source: string): string | undefined {
  const deno = runtimes().find((runtime) => runtime.name === "deno");
  if (deno === undefined) return undefined;
  const code = source.replace("MODULE", JSON.stringify(new URL(module, import.meta.url).href));
  const script = `data:application/typescript,${encodeURIComponent(code)}`;
  const root = fileURLToPath(new URL("..", import.meta.url));
  // In one string by way of env(1): Deno's node:child_process gives `-A` to a Deno it can see.
  const line = `${deno.command} run --no-prompt --quiet --config deno.json ${flags} ${script}`;
  const ran = spawnSync("env", ["-S", line], { encoding: "utf8", cwd: root });
  return ran.status === 0 ? "" : ran.stderr;
}

/** Runs it and expects it to do without more than these permissions. */
function suffices(t: TestContext, module: string, flags: string, source: string): void {
  const said = withPermissions(module, flags, source);
  if (said === undefined) t.diagnostic("this machine has no Deno, so permissions were not tried");
  else assert.equal(said, "");
}

test("the core needs no permission, and FileLock those of its folder", { timeout }, (t) => {
  const core = `import { RwLock, Snapshots } from MODULE;
    using held = await new RwLock().write({ timeout: 1000 });
    await new Snapshots(1).update((n) => n + 1);`;
  suffices(t, "../mod.ts", "", core);
  const folder = mkdtempSync(join(tmpdir(), "interlock-"));
  try {
    const files = `import { FileLock } from MODULE;
      const lock = new FileLock(${JSON.stringify(join(folder, "lock"))});
      (await lock.write({ timeout: 1000 })).release();`;
    suffices(t, "../mod.ts", `--allow-read=${folder} --allow-write=${folder}`, files);
    const refused = withPermissions("../mod.ts", "", files);
    if (refused !== undefined) assert.match(refused, /Requires read access/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("tables need the permissions of their base folder", { timeout }, (t) => {
  const folder = mkdtempSync(join(tmpdir(), "interlock-"));
  try {
    const tables = `import { CsvRow, queueWrite, Table } from MODULE;
      const base = ${JSON.stringify(folder)};
      const write = { operation: "delete", rows: [new CsvRow("a", [])] };
      await queueWrite(base, "people", write);
      if ((await new Table(base, "people").write(write)).drained !== 1) throw new Error("not done");`;
    const flags = `--allow-read=${folder} --allow-write=${folder}`;
    suffices(t, "../lib/queue/mod.ts", flags, tables);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("the worker locks need no permission", { timeout }, (t) => {
  const workers = `import { SharedRwLock } from MODULE;
    const lock = SharedRwLock.create();
    using held = lock.writeSync({ timeout: 1000 });`;
  suffices(t, "../lib/workers/mod.ts", "", workers);
});

test("exploring between tasks needs no permission", { timeout }, (t) => {
  const lab = `import { investigate, openDistance, scenarios, Subject } from MODULE;
    const result = await investigate(openDistance("tasks"), new Subject(scenarios[0], "locked"));
    if (!result.met) throw new Error("not met");`;
  suffices(t, "../lab/mod.ts", "", lab);
});
