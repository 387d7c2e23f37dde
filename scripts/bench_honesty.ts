/**
 * `deno task bench:honesty [--runs N] [--only aa|planted] [--record FILE]`: how often `lab bench
 * --against` errs on this machine.
 *
 * In a clone of the repository it compares HEAD with itself, again and again, where nothing may be
 * called different; and HEAD with a copy whose `RwLock.tryWrite()` does its work twice every seventh
 * time, which together with the counting costs about a fifth more: the benchmark of that function
 * must be called slower. Runs are appended to FILE, and what is
 * told at the end is of all that it holds: so the runs can be made in portions.
 *
 * Exit status: 0 when at most 5 % of the benchmarks that are equal were called different, and the
 * planted slowdown was named in at least 19 of 20 runs; 1 when not; 2 for a command that cannot be
 * understood.
 */
import { parseArgs } from "node:util";
import type { BenchmarkComparison, Comparison } from "../lab/reports/comparison.ts";
import { median } from "../lab/reports/statistics.ts";
import { root } from "./_tests.ts";

const usage = "Usage: deno task bench:honesty [--runs N] [--only aa|planted] [--record FILE]";
const suite = "bench/_honesty_suite.ts";

/** What is made slower, the benchmark that shows it, and how. */
const planted = {
  benchmark: "tryWrite() + release()",
  file: "lib/rw_lock.ts",
  from: "  tryWrite(): Guard | undefined {\n",
  to: "  tryWrite(): Guard | undefined {\n" +
    "    if (++planted % 7 === 0) this.#queue.enter(true)?.release();\n",
  declare: "let planted = 0;\n",
};

type Kind = "aa" | "planted";

/** What came of a run. */
interface Run {
  readonly kind: Kind;
  readonly seconds: number;
  readonly benchmarks: readonly BenchmarkComparison[];
}

interface Asked {
  readonly runs: number;
  readonly kinds: readonly Kind[];
  readonly record: string | undefined;
}

function readArguments(): Asked {
  const { values } = parseArgs({
    args: Deno.args,
    options: {
      runs: { type: "string", default: "20" },
      only: { type: "string" },
      record: { type: "string" },
    },
  });
  const runs = Number(values.runs);
  if (!Number.isSafeInteger(runs) || runs < 1) {
    throw new Error(`--runs is ${values.runs}, not a whole number from 1: no run shows nothing`);
  }
  const kinds: Kind[] = ["aa", "planted"];
  if (values.only !== undefined && !kinds.includes(values.only as Kind)) {
    throw new Error("--only takes aa or planted");
  }
  return {
    runs,
    kinds: values.only === undefined ? kinds : [values.only as Kind],
    record: values.record,
  };
}

async function run(command: string, args: readonly string[], cwd: string | URL): Promise<string> {
  const output = await new Deno.Command(command, { args: [...args], cwd }).output();
  const text = new TextDecoder();
  if (output.success) return text.decode(output.stdout);
  throw new Error(`Cannot run ${command} ${args.join(" ")}: ${text.decode(output.stderr)}`);
}

/** Compares what is in the clone with its HEAD. */
async function compare(clone: string, kind: Kind): Promise<Run> {
  const started = performance.now();
  const out = await run(Deno.execPath(), [
    ...["run", "-A", "lab/runners/cli.ts", "bench", "--suite", suite],
    ...["--against", "HEAD", "--json"],
  ], clone);
  const { benchmarks }: Comparison = JSON.parse(out);
  return { kind, seconds: (performance.now() - started) / 1000, benchmarks };
}

/** A clone that has what is committed, in a state to be measured. */
async function prepare() {
  const path = await Deno.makeTempDir({ prefix: "interlock-honesty-" });
  const copy = { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
  await run("git", ["clone", "--quiet", "--shared", ".", path], root);
  await run(Deno.execPath(), ["install"], path);
  return copy;
}

async function plant(clone: string): Promise<() => Promise<void>> {
  const path = `${clone}/${planted.file}`;
  const source = await Deno.readTextFile(path);
  if (!source.includes(planted.from)) throw new Error(`Cannot plant: ${planted.file} has changed`);
  await Deno.writeTextFile(
    path,
    source.replace(planted.from, planted.to) + planted.declare,
  );
  return () => Deno.writeTextFile(path, source);
}

const isCalled = ({ verdict }: BenchmarkComparison) => verdict === "slower" || verdict === "faster";
const isNamed = ({ benchmarks }: Run) =>
  benchmarks.some(({ name, verdict }) => name === planted.benchmark && verdict === "slower");

function tellRun(run: Run): void {
  const shown = run.kind === "aa"
    ? run.benchmarks.filter(isCalled)
    : run.benchmarks.filter((each) => isCalled(each) || each.name === planted.benchmark);
  const told = shown.map(({ name, verdict, ratio, p }) =>
    `${name}: ${verdict}, ${ratio?.toFixed(3)} ×, p ${p?.toPrecision(2)}`
  );
  console.log(`${run.kind.padEnd(7)} ${run.seconds.toFixed(0)} s  ${told.join("; ") || "nothing"}`);
}

/** Tells what all runs come to; answers whether it is as it should be. */
function tellAll(all: readonly Run[], kinds: readonly Kind[]): boolean {
  const [equal, slower] = (["aa", "planted"] as const)
    .map((kind) => all.filter((each) => each.kind === kind));
  const judged = equal.flatMap(({ benchmarks }) => benchmarks);
  const called = judged.filter(isCalled).length;
  const named = slower.filter(isNamed).length;
  const share = judged.length === 0 ? 0 : called / judged.length * 100;
  if (kinds.includes("aa")) {
    console.log(
      `A/A, ${equal.length} runs: ${called} of ${judged.length} benchmarks were called different ` +
        `(${share.toFixed(1)} %; at most 5 %)`,
    );
  }
  if (kinds.includes("planted")) {
    const ratios = slower.map(({ benchmarks }) =>
      benchmarks.find(({ name }) => name === planted.benchmark)?.ratio ?? 1
    );
    console.log(
      `planted, ${slower.length} runs: named in ${named} (at least 19 of 20), ` +
        `${ratios.length === 0 ? "" : median(ratios).toFixed(2)} × as slow`,
    );
  }
  // What was not looked at is not honest yet.
  const looked = (!kinds.includes("aa") || judged.length > 0) &&
    (!kinds.includes("planted") || slower.length > 0);
  return looked && share <= 5 && named >= slower.length * 19 / 20;
}

async function main({ runs, kinds, record }: Asked): Promise<boolean> {
  const all: Run[] = [];
  if (record !== undefined) {
    const before = await Deno.readTextFile(record).catch(() => "");
    all.push(...before.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line)));
  }
  await using clone = await prepare();
  for (const kind of kinds) {
    const restore = kind === "planted" ? await plant(clone.path) : undefined;
    for (let i = 0; i < runs; i++) {
      const run = await compare(clone.path, kind);
      all.push(run);
      tellRun(run);
      if (record !== undefined) {
        await Deno.writeTextFile(record, `${JSON.stringify(run)}\n`, { append: true });
      }
    }
    await restore?.();
  }
  return tellAll(all, kinds);
}

let asked: Asked;
try {
  asked = readArguments();
} catch (error) {
  console.error(`${(error as Error).message}\n${usage}`);
  Deno.exit(2);
}
Deno.exitCode = await main(asked) ? 0 : 1;
