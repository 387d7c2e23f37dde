/** The report: the tour and the measurements as static pages in a folder. */
import { makeTempDir } from "@std/fs/unstable-make-temp-dir";
import { mkdir } from "@std/fs/unstable-mkdir";
import { remove } from "@std/fs/unstable-remove";
import { writeTextFile } from "@std/fs/unstable-write-text-file";
import { arch, cpus, platform, release, totalmem } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import type { Figure } from "../reports/figures.ts";
import {
  htmlReport,
  isReportPage,
  type ReportData,
  reportFileNames,
} from "../reports/html/report.ts";
import { type Scenario, UsageError, type WorldName } from "../worlds/mod.ts";
import { bench } from "./bench.ts";
import { makeFigures } from "./figures.ts";
import { tour, type TourListener } from "./tour.ts";
import { variantCode } from "./_variant_code.ts";

/** What a report is made of. */
export interface ReportOptions {
  /** Where to put the pages; the folder is made if it is missing. */
  readonly out: string;
  /** The distances. */
  readonly worlds: readonly WorldName[];
  /** Fixes every random choice. @default 1 */
  readonly seed?: number;
  /** How long to measure each variant at each distance, in milliseconds; 0 leaves that out. @default 200 */
  readonly time?: number;
  /** The command that makes the report again. */
  readonly command: string;
  /** Which of the lab's own benchmarks to make besides; `figures` is all. @default none */
  readonly figures?: string;
}

/** What became of it. */
export interface ReportOutcome {
  /** The files that were written. */
  readonly files: readonly string[];
  /** Whether every expectation was met. */
  readonly met: boolean;
}

/**
 * Runs the scenarios, measures them, and writes the pages.
 *
 * @throws {UsageError} when there can be no files in the folder, or one of them would be written over
 *   what is no page of a report, before anything is run
 */
export async function writeReport(
  scenarios: readonly Scenario[],
  options: ReportOptions,
  listener: TourListener = {},
): Promise<ReportOutcome> {
  const { out, worlds, seed, time = 200, command } = options;
  await prepareFolder(out, reportFileNames(scenarios, options.figures !== undefined));
  const results = await tour(scenarios, { worlds, seed, showPassing: true }, listener);
  const measured = time === 0
    ? []
    : await bench(scenarios, { worlds, time, measuring: listener.trying });
  const figures: Figure[] = [];
  if (options.figures !== undefined) {
    const how = { time: time === 0 ? undefined : time, measuring: listener.trying };
    for await (const figure of makeFigures(options.figures, how)) figures.push(figure);
  }
  const data: ReportData = {
    figures,
    made: new Date().toISOString().slice(0, 16).replace("T", " ") + " UTC",
    circumstances: circumstances(),
    command,
    scenarios: await Promise.all(scenarios.map(async (scenario) => ({
      text: scenario,
      code: variantCode(
        await (await fetch(scenario.module)).text(),
        Object.keys(scenario.variants),
      ),
      results: results.filter((result) => result.scenario === scenario.name),
      bench: measured.filter((result) => result.scenario === scenario.name),
    }))),
  };
  const files = htmlReport(data);
  await Promise.all(files.map(({ name, content }) => writeTextFile(join(out, name), content)));
  return {
    files: files.map(({ name }) => join(out, name)),
    met: [...results, ...figures].every(({ met }) => met),
  };
}

/**
 * Makes the folder, and sees that it can be written to and that nothing is lost: to find that out after
 * minutes is too late.
 */
async function prepareFolder(out: string, names: readonly string[]): Promise<void> {
  if (out === "") throw new UsageError('Cannot write a report to "": it names no folder');
  try {
    await mkdir(out, { recursive: true });
    await remove(await makeTempDir({ dir: out, prefix: ".interlock-" }), { recursive: true });
  } catch (error) {
    throw new UsageError(`Cannot write a report to ${out}: ${(error as Error).message}`);
  }
  for (const name of names) {
    const there = await fetch(pathToFileURL(join(out, name))).then((response) => response.text())
      .catch(() => undefined);
    if (there === undefined || isReportPage(there)) continue;
    throw new UsageError(
      `Cannot write a report to ${out}: ${name} is there, and no page of a report`,
    );
  }
}

/** The machine and the versions, without names of people or hosts. */
function circumstances(): string[] {
  const { deno, bun, v8 } = process.versions as Record<string, string | undefined>;
  const [first] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  return [
    bun === undefined ? `Deno ${deno}, V8 ${v8}` : `Bun ${bun}`,
    `${platform()} ${release()} on ${arch()}`,
    `${cpus().length} × ${first?.model.trim() ?? "unknown processor"}, ${memory} GiB of memory`,
  ];
}
