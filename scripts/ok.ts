/**
 * `deno task ok [--no-tests]`: the gate, which every commit passes.
 *
 * Every step runs whatever became of those before it; the gate holds if all of them do. A step shows
 * what it printed only when it fails. CI leaves the tests out here and runs them as a newcomer does.
 */
import { copyCheckout, readConfig } from "./_package.ts";
import { environment, root, type Runtime, runtimes } from "./_tests.ts";

/** One thing that must hold. */
interface Step {
  readonly name: string;
  readonly run: () => Promise<Outcome>;
}

/** How a command ended, and what it printed. */
interface Outcome {
  readonly success: boolean;
  readonly output: string;
}

/** What people read first; its examples run too. */
const guides = [
  "README.md",
  "CONTRIBUTING.md",
  "lab/README.md",
  ...[...Deno.readDirSync(new URL("docs", root))].map(({ name }) => `docs/${name}`).sort(),
];

const frozen = Deno.env.has("CI") ? ["--frozen"] : [];

/** Runs a command to its end. */
async function command(
  path: string,
  args: readonly string[],
  cwd: URL | string = root,
): Promise<Outcome> {
  const { success, stdout, stderr } = await new Deno.Command(path, {
    args: [...args],
    cwd,
    env: environment(),
    stdin: "null",
  }).output();
  const text = new TextDecoder();
  return { success, output: text.decode(stdout) + text.decode(stderr) };
}

const deno = (...args: string[]) => command(Deno.execPath(), args);

/** `deno publish` wants the linked files in the list, and no npm packages of the tests'. */
async function publishDryRun(): Promise<Outcome> {
  await using copy = await copyCheckout((config) => ({
    ...config,
    nodeModulesDir: "none",
    publish: { include: [...config.publish.include, "std"] },
  }), ["package.json"]);
  return await command(Deno.execPath(), ["publish", "--dry-run", "--allow-dirty"], copy.path);
}

/** Both lock files must be what the manifests make of them. */
async function locks(bun: Runtime): Promise<Outcome> {
  const onDeno = await deno("install", "--frozen");
  await using copy = await copyCheckout((config) => config);
  const lock = `${copy.path}/bun.lock`;
  const before = await Deno.readTextFile(lock);
  const onBun = await command(bun.path, ["install", "--lockfile-only"], copy.path);
  const kept = await Deno.readTextFile(lock) === before;
  return {
    success: onDeno.success && onBun.success && kept,
    output: `${onDeno.output}\n${kept ? "" : "bun.lock is out of date: bun install"}\n`,
  };
}

async function steps(withTests: boolean): Promise<Step[]> {
  const [onDeno, onBun] = runtimes();
  const entries = Object.values((await readConfig()).exports);
  const tour = "lab/runners/cli.ts";
  const all: Step[] = [
    { name: "locks", run: () => locks(onBun) },
    { name: "format", run: () => deno("fmt", "--check") },
    { name: "lint", run: () => deno("lint") },
    { name: "types", run: () => deno("check", ...frozen, ".") },
    { name: "doc lint", run: () => deno("doc", "--lint", ...entries) },
    {
      name: "doc tests",
      run: () =>
        deno(
          "test",
          "--doc",
          "-A",
          ...frozen,
          "mod.ts",
          "lib",
          "lab",
          ...guides,
        ),
    },
    { name: "publish dry run", run: publishDryRun },
    { name: "tour on Deno", run: () => deno("run", "-A", ...frozen, tour) },
    { name: "tour on Bun", run: () => command(onBun.path, [tour]) },
  ];
  if (!withTests) return all;
  const test = (runtime: Runtime): Step => ({
    name: `tests on ${runtime.name}`,
    run: () => deno("run", "-A", "scripts/test.ts", "--only", runtime.name),
  });
  return [...all, test(onDeno), test(onBun)];
}

const unknown = Deno.args.filter((arg) => arg !== "--no-tests");
if (unknown.length > 0) {
  console.error(`Cannot understand ${unknown.join(" ")}\nUsage: deno task ok [--no-tests]`);
  Deno.exit(2);
}

const broken: string[] = [];
const started = performance.now();
for (const { name, run } of await steps(!Deno.args.includes("--no-tests"))) {
  const from = performance.now();
  const { success, output } = await run();
  const seconds = ((performance.now() - from) / 1000).toFixed(1).padStart(6);
  console.log(`${success ? "ok    " : "FAILED"} ${seconds} s  ${name}`);
  if (!success) {
    broken.push(name);
    console.log(output.trim().replaceAll(/^/gm, "       │ "));
  }
}
const total = ((performance.now() - started) / 1000).toFixed(0);
console.log(
  broken.length === 0
    ? `\nThe gate holds (${total} s)`
    : `\nThe gate does not hold (${total} s): ${broken.join(", ")}`,
);
if (broken.length > 0) Deno.exit(1);
