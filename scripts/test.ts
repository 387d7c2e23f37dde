/**
 * `deno task test [--only deno|bun] [--filter TEXT] [PATH…]`: runs the tests on Deno and on Bun.
 *
 * Fails when either fails. The last line counts both together.
 */
import { parseArgs } from "node:util";
import { runTests, type Runtime, runtimes, testFiles, type Totals } from "./_tests.ts";

const usage = "Usage: deno task test [--only deno|bun] [--filter TEXT] [PATH…]";

function refuse(problem: string): never {
  console.error(`${problem}\n${usage}`);
  Deno.exit(2);
}

function readArguments(): { chosen: Runtime[]; files: string[]; filter?: string } {
  const { values, positionals } = parseArgs({
    args: Deno.args,
    options: { only: { type: "string" }, filter: { type: "string" } },
    allowPositionals: true,
  });
  const chosen = runtimes().filter(({ name }) =>
    values.only === undefined || name.toLowerCase() === values.only.toLowerCase()
  );
  if (chosen.length === 0) throw new Error(`Cannot run on ${values.only}: it is not deno or bun`);
  const paths = positionals.length === 0 ? ["tests"] : positionals;
  const files = paths.flatMap((path) => testFiles(path));
  if (files.length === 0) throw new Error(`Cannot test: no test file in ${paths.join(", ")}`);
  return { chosen, files, filter: values.filter };
}

function describe({ passed, failed, skipped }: Omit<Totals, "failures" | "faults">): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}

let asked: ReturnType<typeof readArguments>;
try {
  asked = readArguments();
} catch (error) {
  refuse((error as Error).message);
}

const lines: string[] = [];
const sum = { passed: 0, failed: 0, skipped: 0 };
for (const runtime of asked.chosen) {
  const name = `${runtime.name} ${runtime.version}`;
  console.log(`\n── Tests on ${name}\n`);
  const started = performance.now();
  const totals = await runTests(runtime, asked);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const faults = totals.faults.map((fault) => `; ${fault}`).join("");
  lines.push(`${name}: ${describe(totals)} in ${seconds} s${faults}`);
  sum.passed += totals.passed;
  sum.failed += totals.failed;
  sum.skipped += totals.skipped;
}

console.log(`\n${lines.join("\n")}\n${describe(sum)}`);
if (sum.failed > 0) Deno.exit(1);
