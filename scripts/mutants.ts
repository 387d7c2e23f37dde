/**
 * `deno task mutants [--runtime deno|bun] [TEXT…]`: breaks the core, one line at a time, and sees
 * the ordinary tests fail.
 *
 * The table is in `_mutants.ts`. Everything happens in a temporary copy of the checkout, in which
 * first the tests that are named must pass as they are; then one mutant after another is put in, its
 * tests are run, and the line is put back. A mutant is killed when a test fails, or hangs for so
 * long that it would have; it survives when all pass, and then a test is missing. One that does not
 * apply, or keeps its tests from being loaded, proves nothing and is a fault.
 *
 * TEXT selects the mutants whose file or invariant contains it. Exit status: 0 when all that were
 * selected were killed, 1 when one was not, 2 for a command that cannot be understood.
 */
import { parseArgs } from "node:util";
import { applyMutant, type Mutant, mutants } from "./_mutants.ts";
import { copyCheckout } from "./_package.ts";
import { runTests, type Runtime, runtimes, type Totals } from "./_tests.ts";

const usage = "Usage: deno task mutants [--runtime deno|bun] [TEXT…]";

/**
 * Tests that run longer than this have been made to hang, if it is also three times as long as they
 * took unbroken: on a busy machine that may be a while.
 */
const LIMIT_MS = 60_000;

function refuse(problem: string): never {
  console.error(`${problem}\n${usage}`);
  Deno.exit(2);
}

interface Asked {
  readonly runtime: Runtime;
  readonly selected: readonly Mutant[];
}

function readArguments(): Asked {
  const { values, positionals } = parseArgs({
    args: Deno.args,
    options: { runtime: { type: "string", default: "deno" } },
    allowPositionals: true,
  });
  const wanted = values.runtime.toLowerCase();
  const runtime = runtimes().find(({ name }) => name.toLowerCase() === wanted);
  if (runtime === undefined) throw new Error(`Cannot run on ${wanted}: it is not deno or bun`);
  const selected = mutants.filter(({ file, breaks }) =>
    positionals.every((text) => file.includes(text) || breaks.includes(text))
  );
  if (selected.length === 0) throw new Error(`Cannot find a mutant for ${positionals.join(" ")}`);
  return { runtime, selected };
}

/** A copy of the checkout in which tests can be run. */
async function prepare() {
  const copy = await copyCheckout((config) => config);
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["install", "--frozen"],
    cwd: copy.path,
  }).output();
  if (success) return copy;
  await copy[Symbol.asyncDispose]();
  throw new Error(`Cannot install in a copy: ${new TextDecoder().decode(stderr)}`);
}

/** Says what became of a mutant, and whether that is how it should be. */
function judge({ failures, faults }: Totals, limit: number): [good: boolean, verdict: string] {
  const hung = faults.some((fault) => fault.startsWith("ended by"));
  if (hung) return [true, `killed: its tests ran for more than ${Math.round(limit / 1000)} s`];
  if (failures.length === 0) return [false, faults.length > 0 ? `FAULT: ${faults}` : "SURVIVED"];
  // A suite fails when one of its tests does, and the test says more.
  const [killer] = failures.toSorted((a, b) => b.length - a.length);
  return [true, `killed by ${killer}`];
}

async function tryMutant(
  at: string,
  runtime: Runtime,
  mutant: Mutant,
  limit: number,
): Promise<boolean> {
  const path = `${at}/${mutant.file}`;
  const original = await Deno.readTextFile(path);
  const started = performance.now();
  let good: boolean;
  let verdict: string;
  try {
    await Deno.writeTextFile(path, applyMutant(mutant, original));
    const files = mutant.tests;
    const selection = { files, at, quiet: true, failFast: true, limit };
    [good, verdict] = judge(await runTests(runtime, selection), limit);
  } catch (error) {
    [good, verdict] = [false, `FAULT: ${(error as Error).message}`];
  } finally {
    await Deno.writeTextFile(path, original);
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1).padStart(5);
  console.log(`${seconds} s  ${mutant.file}: ${mutant.breaks}\n         ${verdict}`);
  return good;
}

async function run({ runtime, selected }: Asked): Promise<number> {
  await using copy = await prepare();
  const at = copy.path;
  const files = [...new Set(selected.flatMap(({ tests }) => tests))].sort();
  console.log(`Mutants of the core on ${runtime.name} ${runtime.version}, none of them first`);
  const started = performance.now();
  const whole = await runTests(runtime, { files, at, quiet: true });
  const limit = Math.max(LIMIT_MS, 3 * (performance.now() - started));
  if (whole.failed > 0) {
    const what = [...whole.failures, ...whole.faults].join("; ");
    console.error(`Cannot try mutants: without one ${whole.failed} fail already: ${what}`);
    return 1;
  }
  console.log(`${whole.passed} tests of ${files.length} files pass\n`);
  let good = 0;
  for (const mutant of selected) if (await tryMutant(at, runtime, mutant, limit)) good++;
  console.log(`\n${good} of ${selected.length} mutants were killed`);
  return good === selected.length ? 0 : 1;
}

let asked: Asked;
try {
  asked = readArguments();
} catch (error) {
  refuse((error as Error).message);
}
Deno.exitCode = await run(asked);
