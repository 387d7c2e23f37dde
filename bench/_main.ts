/** What a benchmark's command does: measures a suite here, and then on Bun. */
import { spawnSync } from "node:child_process";
import process from "node:process";
import { palette, suiteLines } from "../lab/reports/mod.ts";
import { measureBenchmark } from "../lab/runners/measure.ts";
import type { BenchmarkSuite } from "../lab/runners/suite.ts";
import { runCommand, runtimes } from "../lab/worlds/_runtimes.ts";

/** Something that is measured in another way than by ratios. */
export interface Section {
  readonly name: string;
  /** Measures, and answers the lines that tell the result. */
  readonly measure: () => Promise<string>;
}

/**
 * Measures the benchmarks and sections whose name contains one of the arguments, or all. The exit
 * status tells whether every contestant did its work right. What is over its budget is shown and
 * fails nothing, for a noisy machine is no defect of the code.
 *
 * @param url The command's own module, to start it on the other runtime.
 */
export async function main(
  suite: BenchmarkSuite,
  url: string,
  sections: readonly Section[] = [],
): Promise<void> {
  const texts = process.argv.slice(2);
  const names = [...sections, ...suite].map(({ name }) => name);
  const unknown = texts.find((text) => !names.some((name) => name.includes(text)));
  const isWanted = ({ name }: { name: string }) =>
    texts.length === 0 || texts.some((text) => name.includes(text));
  const benchmarks = suite.filter(isWanted);
  const others = sections.filter(isWanted);
  if (unknown !== undefined) {
    console.error(`Cannot measure "${unknown}": there is ${names.join("; ")}`);
    process.exitCode = 2;
    return;
  }

  const { deno, bun } = process.versions as { deno?: string; bun?: string };
  const runtime = bun === undefined ? `Deno ${deno}` : `Bun ${bun}`;
  for (const { name, measure } of others) {
    console.log(`\n${runtime}: ${name}\n\n${await measure()}`);
  }
  if (benchmarks.length > 0) {
    console.log(`\n${runtime}: ours × each rival`);
    console.log("ns for one operation; ratios are ours / rival, medians of interleaved rounds\n");
  }
  const layout = { palette: palette(process.stdout.isTTY === true), width: 120 };
  for (const benchmark of benchmarks) {
    const result = await measureBenchmark(benchmark);
    if (result.failure !== undefined) process.exitCode = 1;
    console.log(`${suiteLines(result, layout)}\n`);
  }
  if (bun !== undefined) return;

  const other = runtimes().find(({ name }) => name === "bun");
  if (other === undefined) {
    console.error("Cannot measure on Bun: it is not installed; `deno install` puts it in place");
    process.exitCode = 1;
    return;
  }
  const { command, args } = runCommand(other, url, texts);
  const { status } = spawnSync(command, args, { stdio: "inherit" });
  if (status !== 0) process.exitCode = status ?? 1;
}
