/** `lab bench --save`, `--compare` and `--against`, in a small project with a repository of its own. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Baseline, BenchResult, Comparison, SuiteResult } from "../../../lab/reports/mod.ts";
import { findRegressions, findSuite } from "../../../lab/runners/regressions.ts";
import { findScenario } from "../../../lab/scenarios/mod.ts";
import { UsageError } from "../../../lab/worlds/mod.ts";
import { runCommand, runtimes } from "../../../lab/worlds/_runtimes.ts";

const timeout = 180_000;
const root = new URL("../../../", import.meta.url);

/** A suite whose benchmarks each go round a loop so often. */
function suiteOf(benchmarks: Record<string, number>, answer = "left > 0"): string {
  return `
    const spin = (times) => () => {
      let left = 1;
      for (let i = 0; i < times; i++) left = Math.imul(left, 1664525) + 1013904223 | 1;
      return left !== 0;
    };
    const benchmark = (name, times) => ({
      name,
      prepare: () => ({ operations: 1, expected: true, ours: { name, run: spin(times) } }),
    });
    export default Object.entries(${JSON.stringify(benchmarks)})
      .map(([name, times]) => benchmark(name, times));
    // ${answer}
  `;
}

/** A project in a temporary folder. */
class Project implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), "interlock-project-"));

  constructor() {
    // The child's own dependency is resolved by the project, as that of an installed package is.
    const { imports } = JSON.parse(readFileSync(new URL("deno.json", root), "utf8"));
    this.write("deno.json", JSON.stringify({ imports: { mitata: imports.mitata }, lock: false }));
  }

  write(path: string, text: string): void {
    mkdirSync(dirname(join(this.folder, path)), { recursive: true });
    writeFileSync(join(this.folder, path), text);
  }

  git(...args: string[]): string {
    const { status, stdout, stderr } = spawnSync("git", [
      ...[
        "-c",
        "user.name=test",
        "-c",
        "user.email=test@example.org",
        "-c",
        "commit.gpgsign=false",
      ],
      ...args,
    ], { cwd: this.folder, encoding: "utf8" });
    assert.equal(status, 0, stderr);
    return stdout.trim();
  }

  commit(): void {
    if (!existsSync(join(this.folder, ".git"))) this.git("init", "--quiet");
    this.git("add", "--all");
    this.git("commit", "--quiet", "--message", "commit");
  }

  /** The command line of the lab, in this project. */
  command(...args: string[]) {
    return runCommand(runtimes()[0], new URL("lab/runners/cli.ts", root).href, ["bench", ...args]);
  }

  lab(...args: string[]) {
    const { command, args: all } = this.command(...args);
    return spawnSync(command, all, { cwd: this.folder, encoding: "utf8" });
  }

  /** The checkouts that git knows of, beside the project itself. */
  checkouts(): string[] {
    return this.git("worktree", "list").split("\n").slice(1);
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const quick = { time: 2, blocks: 1 };

test("--against finds what was made slower and names it, and the checkout is gone", {
  timeout,
}, async () => {
  using project = new Project();
  project.write("interlock.bench.ts", suiteOf({ steady: 20_000, slower: 20_000 }));
  project.commit();
  project.write("interlock.bench.ts", suiteOf({ steady: 20_000, slower: 60_000 }));
  const told: string[] = [];
  const { comparison } = await findRegressions({
    folder: project.folder,
    against: "HEAD",
    time: 10,
    blocks: 8,
    progress: (_done, _total, what) => told.push(what),
  });
  const [steady, slower] = comparison!.benchmarks;
  assert.notEqual(steady.verdict, "wrong");
  assert.equal(slower.verdict, "slower", JSON.stringify(slower));
  assert(slower.over && slower.ratio! > 1.5, JSON.stringify(slower));
  const { before, after, interleaved, comparable, sufficient } = comparison!;
  const commit = project.git("rev-parse", "HEAD");
  assert.deepEqual(before.revision, { commit, dirty: false });
  assert.deepEqual(after.revision, { commit, dirty: true });
  assert(interleaved && comparable && sufficient);
  assert(told.includes("installing HEAD") && told.includes("slower"), told.join());
  assert.deepEqual(project.checkouts(), []);
});

test("--save keeps what --compare reads, and the exit status is the gate's", { timeout }, () => {
  using project = new Project();
  project.write("interlock.bench.ts", suiteOf({ "a spin": 20_000, other: 1_000 }));
  const options = ["--time", "10", "--blocks", "6"];
  const saved = project.lab("spin", ...options, "--save", "base.json");
  assert.equal(saved.status, 0, saved.stderr);
  assert.match(saved.stdout, /^no revision, (Deno|Bun) /);
  const base: Baseline = JSON.parse(readFileSync(join(project.folder, "base.json"), "utf8"));
  assert.equal(base.schema, "interlock-bench/1");
  assert.deepEqual(base.benchmarks.map(({ name, blocks }) => [name, blocks.length]), [[
    "a spin",
    6,
  ]]);
  assert.equal(base.time, 10);

  project.write("interlock.bench.ts", suiteOf({ "a spin": 100_000, other: 1_000 }));
  const compared = project.lab(
    ...["spin", "--compare", "base.json", "--fail-over", "10%", "--json"],
  );
  assert.equal(compared.status, 1, compared.stderr);
  const comparison: Comparison = JSON.parse(compared.stdout);
  const [spin] = comparison.benchmarks;
  assert.equal(spin.verdict, "slower");
  assert.deepEqual(spin.blocks, [6, 6]);
  assert.equal(comparison.after.time, 10);
  assert(!comparison.interleaved);

  const elsewhere = { ...base, machine: { ...base.machine, cores: 1_000 } };
  project.write("elsewhere.json", JSON.stringify(elsewhere));
  const other = ["spin", "--time", "1", "--blocks", "1", "--compare", "elsewhere.json"];
  const shown = project.lab(...other, "--markdown");
  assert.equal(shown.status, 0, shown.stderr);
  assert.match(shown.stdout, /> Another machine \(1000 × /);
  assert.match(shown.stdout, /not comparable/);
  const judged = project.lab(...other, "--fail-over", "10%");
  assert.equal(judged.status, 2);
  assert.match(judged.stderr, /Cannot judge by --fail-over: .*another machine or runtime/);
});

test("what answers wrong in one revision is wrong, and fails", { timeout }, () => {
  using project = new Project();
  project.write("interlock.bench.ts", suiteOf({ it: 100, also: 100 }));
  project.commit();
  project.write(
    "interlock.bench.ts",
    suiteOf({ it: 100, also: 100 }).replace("left !== 0", 'times === 100 && left === "no"'),
  );
  const { status, stdout } = project.lab("it", "--against", "HEAD", "--time", "1", "--blocks", "2");
  assert.equal(status, 1);
  assert.match(stdout, /^it .*wrong \(it answered false, not true\)$/m);
});

test("new and gone benchmarks are told, and TEXT selects", { timeout }, async () => {
  using project = new Project();
  project.write("interlock.bench.ts", suiteOf({ "a gone": 100, "a kept": 100, b: 100 }));
  project.commit();
  project.write("interlock.bench.ts", suiteOf({ "a kept": 100, "a new": 100, b: 100 }));
  const { comparison } = await findRegressions({
    ...quick,
    folder: project.folder,
    text: "a ",
    against: "HEAD",
  });
  assert.deepEqual(comparison!.benchmarks.map(({ name, verdict }) => [name, verdict]), [
    ["a kept", "not enough data"],
    ["a new", "new"],
    ["a gone", "gone"],
  ]);
});

test("a suite in a folder of the repository is compared from there, with what that folder has", {
  timeout,
}, async () => {
  using project = new Project();
  const suite = 'import { benchmarks } from "../lib/list.ts";\nexport default benchmarks;\n';
  project.write("part/bench/own.ts", suite);
  project.write("part/lib/list.ts", suiteOf({ a: 100 }).replace("default", "const benchmarks ="));
  project.write("part/deno.json", readFileSync(join(project.folder, "deno.json"), "utf8"));
  project.commit();
  const folder = join(project.folder, "part");
  const { comparison } = await findRegressions({
    ...quick,
    folder,
    suite: "bench/own.ts",
    against: "HEAD",
  });
  assert.deepEqual(comparison!.benchmarks.map(({ name }) => name), ["a"]);
  assert(!comparison!.after.revision!.dirty);
  const absolute = { ...quick, folder, suite: join(folder, "bench/own.ts"), against: "HEAD" };
  assert.equal((await findRegressions(absolute)).comparison!.benchmarks.length, 1);
});

test("what cannot be compared is refused, with the reason, and nothing is left", {
  timeout,
}, async () => {
  using project = new Project();
  const { folder } = project;
  const refused = (message: RegExp, options: Partial<Parameters<typeof findRegressions>[0]>) =>
    assert.rejects(findRegressions({ ...quick, folder, ...options }), (error) => {
      assert(error instanceof UsageError, String(error));
      assert.match(error.message, message);
      return true;
    });
  await refused(/there is no interlock\.bench\.ts in this folder, and --suite names no other/, {});
  await refused(/Cannot find suite: there is no file own\.ts/, { suite: "own.ts" });
  assert.equal(await findSuite(folder), undefined);
  project.write("interlock.bench.ts", "export default [];");
  await refused(/Cannot compare with HEAD: this folder is in no git repository/, {
    against: "HEAD",
  });
  await refused(/Cannot measure suite: it is empty/, {});
  project.write("interlock.bench.ts", "export default 7;");
  await refused(/Cannot measure the working folder: .*is not a list of benchmarks/, {});
  project.write("interlock.bench.ts", "throw new Error('broken');");
  await refused(/Cannot measure the working folder: broken/, {});
  project.write("interlock.bench.ts", "process.exit(3);");
  await refused(/Cannot measure the working folder: its process ended with status 3/, {});

  project.write("README", "a first commit without a suite");
  rmSync(join(folder, "interlock.bench.ts"));
  project.commit();
  project.write("interlock.bench.ts", suiteOf({ a: 100 }));
  await refused(/Cannot compare with HEAD: it has no suite interlock\.bench\.ts/, {
    against: "HEAD",
  });
  for (const against of ["nope", "--help", "HEAD~9", ""]) {
    await refused(/Cannot compare with .*: git knows no such revision/, { against });
  }
  await refused(/no benchmark whose name contains "x"|name contains "x" in the suite/, {
    text: "x",
  });
  await refused(/Cannot compare with none\.json: it cannot be read/, { compare: "none.json" });
  const block = '{"p10": 1, "p50": 1, "p90": 1, "samples": 1}';
  project.write(
    "wrong.json",
    `{"schema": "interlock-bench/1", "made": "", "runtime": "", "time": 1,
      "machine": {"system": "", "arch": "", "processor": "", "cores": 1},
      "benchmarks": [
        {"name": "a", "expected": "true", "blocks": [], "failure": "it was wrong"},
        {"name": "b", "expected": "true", "blocks": [${block}, ${block}]}
      ]}`,
  );
  const { baseline } = await findRegressions({ folder, compare: join(folder, "wrong.json") });
  assert.equal(baseline.benchmarks[0].blocks.length, 2, "as many processes as there were then");
  project.write("file.json", "{");
  await refused(/Cannot compare with .*file\.json: it is not JSON/, {
    compare: join(folder, "file.json"),
  });
  await refused(/Cannot save to .*nowhere/, { save: join(folder, "nowhere/file.json") });
  await refused(/Cannot save to /, { save: folder });
  assert.deepEqual(project.checkouts(), []);
});

test("^C, and ^C again, ends a comparison, and the checkout is gone", { timeout }, async () => {
  using project = new Project();
  const waits = `
    import { writeFileSync } from "node:fs";
    writeFileSync("loaded", "");
    ${suiteOf({ a: 100 })}
  `;
  project.write("interlock.bench.ts", waits);
  project.commit();
  const { command, args } = project.command("--against", "HEAD", "--time", "600000");
  // As a terminal does, to all processes of a group; git is among them while it forgets the checkout.
  const child = spawn(command, args, { cwd: project.folder, stdio: "ignore", detached: true });
  const interrupt = () => void process.kill(-child.pid!, "SIGINT");
  const exited = new Promise((resolve) => child.on("exit", resolve));
  // The second side, which is the working folder's, is loaded once the first is checked out.
  while (!existsSync(join(project.folder, "loaded"))) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const [checkout] = project.checkouts();
  assert(checkout !== undefined);
  const [folder] = checkout.split(" ");
  interrupt();
  while (existsSync(folder)) await new Promise((resolve) => setTimeout(resolve, 1));
  if (child.exitCode === null) interrupt();
  await exited;
  assert.deepEqual(project.checkouts(), []);
  assert(!existsSync(folder));
});

test("bad usage of lab bench exits 2, in one line", { timeout }, () => {
  using project = new Project();
  const cases: [string[], RegExp][] = [
    [["--against", "a", "--compare", "b"], /--compare and --against exclude each other/],
    [["--fail-over", "10%"], /Cannot measure: --fail-over is to compare/],
    [["--fail-over", "ten", "--against", "a"], /It takes a percentage above 0/],
    [["--fail-over", "0%", "--against", "a"], /It takes a percentage above 0/],
    [["--markdown"], /--markdown is to make a figure or to compare/],
    [["--markdown", "--json", "--against", "a"], /--json and --markdown exclude each other/],
    [["--seeds", "3"], /Cannot measure: --seeds is to make a figure/],
    [
      ["strategies", "--save", "a"],
      /Cannot make a figure: --save is to save results or to compare/,
    ],
    [["--blocks", "3"], /--blocks is to save results or to compare/],
    [["--world", "tasks", "--against", "a"], /Cannot compare: --world is to measure/],
    [["--smoke", "--save", "a"], /Cannot save results: --smoke is to measure/],
  ];
  for (const [args, message] of cases) {
    const { status, stdout, stderr } = project.lab(...args);
    assert.equal(status, 2, args.join(" "));
    assert.equal(stdout, "");
    assert.match(stderr, message);
    assert.equal(stderr.trim().split("\n").length, 1, stderr);
  }
});

test("lab bench measures a suite of one's own in this process", { timeout }, () => {
  using project = new Project();
  project.write("own.ts", suiteOf({ a: 10_000, b: 10_000 }));
  const measured = project.lab("--suite", "own.ts", "--time", "5", "--json");
  assert.equal(measured.status, 0, measured.stderr);
  const { suite, results, hash } = JSON.parse(measured.stdout);
  assert.deepEqual(suite.map(({ name }: { name: string }) => name), ["a", "b"]);
  assert.deepEqual(results, []);
  const again = project.lab("--suite", "own.ts", "--smoke");
  assert.match(again.stdout, new RegExp(`^result hash ${hash}: of what was computed`, "m"));
  project.write("own.ts", suiteOf({ a: 10_000, b: 10_000 }).replace("left !== 0", "left"));
  const wrong = project.lab("--suite", "own.ts", "--smoke", "a");
  assert.equal(wrong.status, 1);
  assert.match(wrong.stdout, /^a\n {2}WRONG: a answered -?\d+, not true$/m);
});

test(
  "what cannot be made ready, or given back, is wrong in lab bench too, and the others are told",
  {
    timeout,
  },
  () => {
    using project = new Project();
    project.write(
      "own.ts",
      `const ready = { operations: 1, expected: 1, ours: { name: "it", run: () => 1 } };
     export default [
       { name: "unready", prepare: () => { throw new Error("no server"); } },
       { name: "unfit", prepare: () => ({ ...ready, operations: 0 }) },
       { name: "kept", prepare: () => ({ ...ready, close() { throw new Error("still in use"); } }) },
       { name: "good", prepare: () => ready },
     ];`,
    );
    const { status, stdout, stderr } = project.lab("--suite", "own.ts", "--smoke", "--json");
    assert.equal(status, 1, stderr);
    assert.equal(stderr, "");
    const { suite }: { suite: SuiteResult[] } = JSON.parse(stdout);
    assert.deepEqual(suite.map(({ name, failure }) => [name, failure]), [
      ["unready", "no server"],
      ["unfit", 'Cannot measure "unfit": operations is 0, not a whole number from 1'],
      ["kept", "still in use"],
      ["good", undefined],
    ]);
  },
);

test("--fail-over is refused where nothing could be compared", { timeout }, () => {
  using project = new Project();
  project.write("interlock.bench.ts", suiteOf({ before: 100 }));
  project.commit();
  project.write("interlock.bench.ts", suiteOf({ after: 100 }));
  const against = ["--against", "HEAD", "--time", "1", "--blocks", "1"];
  const { status, stdout, stderr } = project.lab(...against, "--fail-over", "10%");
  assert.equal(status, 2, stderr);
  assert.match(stdout, /^2 benchmarks: 1 new, 1 gone$/m);
  assert.match(stderr, /^Cannot judge by --fail-over: no benchmark could be compared$/m);
  assert.equal(project.lab(...against).status, 0);
});

test("a suite outside of the repository is not taken for one of another revision", {
  timeout,
}, async () => {
  using project = new Project();
  using stranger = new Project();
  project.write("interlock.bench.ts", suiteOf({ a: 100 }));
  project.commit();
  stranger.write("own.ts", suiteOf({ a: 100 }));
  // From a checkout, which is beside both, that path leads to the very same file.
  for (
    const suite of [
      join("..", basename(stranger.folder), "own.ts"),
      join(stranger.folder, "own.ts"),
    ]
  ) {
    await assert.rejects(
      findRegressions({ ...quick, folder: project.folder, suite, against: "HEAD" }),
      {
        name: "UsageError",
        message: `Cannot compare with HEAD: the suite ${suite} is outside of the repository`,
      },
    );
  }
  assert.deepEqual(project.checkouts(), []);
});

test("--smoke measures each variant once, where it is nearest", { timeout }, () => {
  using project = new Project();
  const { status, stdout, stderr } = project.lab("lost-update/", "--smoke", "--json");
  assert.equal(status, 0, stderr);
  const { results }: { results: BenchResult[] } = JSON.parse(stdout);
  assert.deepEqual(
    results.map(({ variant }) => variant).sort(),
    Object.keys(findScenario("lost-update").variants).sort(),
  );
  assert(results.every(({ samples, world }) => samples === 1 && world !== "processes"));
});

test("the process ends though a suite has started what does not", { timeout }, () => {
  using project = new Project();
  project.write("own.ts", `setInterval(() => {}, 1_000);\n${suiteOf({ a: 1_000 })}`);
  const { status, stdout } = project.lab("--suite", "own.ts", "--smoke");
  assert.equal(status, 0);
  assert.match(stdout, /\nresult hash \w+: of what was computed, .*\n$/);
});

test("the suite of this repository is found at its root", { timeout }, async () => {
  const { default: suite } = await import("../../../interlock.bench.ts");
  assert(suite.length > 40);
  assert(existsSync(fileURLToPath(new URL("interlock.bench.ts", root))));
  assert.equal(await findSuite(fileURLToPath(root)), "interlock.bench.ts");
});

test("whoever only loads the suite of this repository makes no folder", { timeout }, () => {
  const made = mkdtempSync(join(tmpdir(), "interlock-made-"));
  const module = fileURLToPath(new URL("_load_suite.ts", import.meta.url));
  try {
    const { command, args } = runCommand(runtimes()[0], pathToFileURL(module).href);
    const { stdout, stderr } = spawnSync(command, args, {
      cwd: fileURLToPath(root),
      encoding: "utf8",
      env: { ...process.env, TMPDIR: made },
    });
    assert.equal(stdout, "loaded []\n", stderr);
  } finally {
    rmSync(made, { recursive: true });
  }
});
