/**
 * The package works where it is installed, not only in its checkout: its Workers and processes start
 * from modules that have `http:` URLs on Deno and lie in `node_modules` on Bun.
 */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { here } from "../lab/_here.ts";
import { installForBun, openRegistry } from "./_installed.ts";

const deno = process.env.INTERLOCK_DENO;
const bun = process.env.INTERLOCK_BUN;

/** What a consumer that uses everything prints. */
const LAB_WORKS = [
  "tasks unguarded broken as expected",
  "workers unguarded broken as expected",
  "processes unguarded broken as expected",
  "tasks locked safe as expected",
  "workers locked safe as expected",
  "processes locked safe as expected",
];

/** A consumer's own folder. */
function makeFolder(): Disposable & { path: string } {
  const path = mkdtempSync(join(tmpdir(), "interlock-consumer-"));
  cpSync(fileURLToPath(new URL("./_consumer", import.meta.url)), path, { recursive: true });
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

/** Runs a command to its end; this process must go on answering meanwhile. */
async function complete(
  cwd: string,
  command: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<{ stdout: string; stderr: string }> {
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, NO_COLOR: "1", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "", stderr = "";
  child.stdout.on("data", (data) => stdout += data);
  child.stderr.on("data", (data) => stderr += data);
  const status = await new Promise((ended) => child.on("close", ended));
  assert.equal(status, 0, `${command} ${args.join(" ")}\n${stdout}\n${stderr}`);
  return { stdout, stderr };
}

/** The lines that a command prints. */
async function run(...command: Parameters<typeof complete>): Promise<string[]> {
  return (await complete(...command)).stdout.trim().split("\n");
}

describe("installed from JSR on Deno", { skip: deno === undefined && "there is no Deno" }, () => {
  /** A cache that has npm packages but nothing from JSR. */
  function makeCache(folder: string): string {
    const { stdout } = spawnSync(deno!, ["info", "--json"], { encoding: "utf8" });
    const cache = join(folder, "cache");
    mkdirSync(cache);
    symlinkSync(JSON.parse(stdout).npmCache, join(cache, "npm"));
    return cache;
  }

  /** Runs Deno in a consumer's folder. */
  async function onDeno(...args: string[]): Promise<string[]> {
    using folder = makeFolder();
    await using registry = await openRegistry();
    const imports = { "@interlock/core": "jsr:@interlock/core@^0.1.0" };
    writeFileSync(join(folder.path, "deno.json"), JSON.stringify({ imports }));
    const env = { JSR_URL: registry.url, DENO_DIR: makeCache(folder.path) };
    return await run(folder.path, deno!, args, env);
  }

  test("every export works, with Workers and processes", { timeout: 300_000 }, async () => {
    assert.deepEqual(await onDeno("run", "-A", "--quiet", "main.ts"), LAB_WORKS);
  });

  test("a release needs no stand-in", { timeout: 300_000 }, async () => {
    using folder = makeFolder();
    await using registry = await openRegistry();
    const env = { JSR_URL: registry.url, DENO_DIR: makeCache(folder.path) };
    const release = fileURLToPath(new URL("../../scripts/release.ts", import.meta.url));
    // That the types are right, and none of them slow, is for the gate to see.
    const args = ["run", "-A", "--quiet", release, "--dry-run", "--no-check"];
    const { stderr: listed } = await complete(folder.path, deno!, args, env);
    for (const file of ["mod.ts", "lib/_host.ts", "lab/runners/cli.ts", "README.md"]) {
      assert.ok(listed.includes(`/${file} (`), file);
    }
    assert.ok(!listed.includes("/std/"), "the stand-ins are listed");
  });

  test("the core needs no package", { timeout: 60_000 }, async () => {
    const lines = await onDeno("info", "--json", "jsr:@interlock/core");
    const { modules } = JSON.parse(lines.join("\n")) as { modules: { specifier: string }[] };
    const elsewhere = modules.map(({ specifier }) => specifier)
      .filter((specifier) =>
        !/^node:|\/@interlock\/core\/[^/]+\/(mod|lib\/[^/]+)\.ts$/.test(specifier)
      );
    assert.deepEqual(elsewhere, []);
  });

  test("the lab runs at the command line", { timeout: 300_000 }, async () => {
    const lab = ["run", "-A", "--quiet", "jsr:@interlock/core/cli", "run", "lost-update/unguarded"];
    for (const world of here(["tasks", "workers", "processes", "machines"])) {
      const lines = await onDeno(...lab, "--json", "--world", world);
      assert.equal(JSON.parse(lines.join("\n")).verdict, "broken");
    }
  });

  test("the strategies race in processes", { timeout: 300_000 }, async () => {
    const cli = ["run", "-A", "--quiet", "jsr:@interlock/core/cli"];
    seeStrategies(await onDeno(...cli, ...STRATEGIES));
  });

  test("a consumer's own benchmarks are measured", { timeout: 300_000 }, async () => {
    const cli = ["run", "-A", "--quiet", "jsr:@interlock/core/cli"];
    const all: string[][] = [];
    for (const args of BENCHES) all.push(await onDeno(...cli, ...args));
    seeBenches(all);
  });
});

const STRATEGIES = ["bench", "strategies", "--time", "60", "--json"];

/** What came of the race. */
function seeStrategies(lines: string[]): void {
  const { figures: [{ met, rows }] } = JSON.parse(lines.join("\n"));
  assert.ok(met);
  assert.ok(rows.length >= 4);
}

/** What is asked of a consumer's own benchmarks: once in this process, and in processes of their own. */
const BENCHES = [
  ["bench", "--suite", "interlock.bench.ts", "--time", "5", "--json"],
  ["bench", "--save", "base.json", "--blocks", "2", "--time", "5", "--json"],
];

/** What came of them. */
function seeBenches([once, saved]: string[][]): void {
  const { suite: [measured] } = JSON.parse(once.join("\n"));
  assert.equal(measured.name, "a free lock");
  assert.ok(measured.ours.nanoseconds.p50 > 0);
  const { benchmarks: [kept] } = JSON.parse(saved.join("\n"));
  assert.equal(kept.name, "a free lock");
  assert.equal(kept.blocks.length, 2);
}

describe("installed for Bun", { skip: bun === undefined && "there is no Bun" }, () => {
  test("every export works, with Workers and processes", { timeout: 300_000 }, async () => {
    using folder = makeFolder();
    installForBun(folder.path, bun!);
    assert.deepEqual(await run(folder.path, bun!, ["main.ts"]), LAB_WORKS);
  });

  test("the strategies race in processes", { timeout: 300_000 }, async () => {
    using folder = makeFolder();
    installForBun(folder.path, bun!);
    const cli = "node_modules/@interlock/core/lab/runners/cli.js";
    seeStrategies(await run(folder.path, bun!, [cli, ...STRATEGIES]));
  });

  test("the lab runs at the command line", { timeout: 300_000 }, async () => {
    using folder = makeFolder();
    installForBun(folder.path, bun!);
    const lab = ["node_modules/@interlock/core/lab/runners/cli.js", "run", "lost-update/unguarded"];
    for (const world of here(["tasks", "workers", "processes", "machines"])) {
      const lines = await run(folder.path, bun!, [...lab, "--json", "--world", world]);
      assert.equal(JSON.parse(lines.join("\n")).verdict, "broken");
    }
  });

  test("a consumer's own benchmarks are measured", { timeout: 300_000 }, async () => {
    using folder = makeFolder();
    installForBun(folder.path, bun!);
    const cli = ["node_modules/@interlock/core/lab/runners/cli.js"];
    const all: string[][] = [];
    for (const args of BENCHES) all.push(await run(folder.path, bun!, [...cli, ...args]));
    seeBenches(all);
  });
});
