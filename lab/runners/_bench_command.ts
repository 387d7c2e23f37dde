/** `lab bench`: measures scenarios and the suite of the working folder, looks for regressions, or makes figures. */
import { resolve } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { InvalidArgumentError } from "commander";
import { describeError, hash } from "../engine/mod.ts";
import {
  baselineLines,
  type BenchResult,
  benchTable,
  type Comparison,
  comparisonMarkdown,
  comparisonTable,
  type Figure,
  figureMarkdown,
  figureText,
  fold,
  type Layout,
  smokeTable,
  suiteHash,
  suiteLines,
  type SuiteResult,
  suiteSmokeLine,
} from "../reports/mod.ts";
import { scenarios } from "../scenarios/mod.ts";
import { UsageError, type WorldName } from "../worlds/mod.ts";
import { didYouMean } from "../worlds/_did_you_mean.ts";
import { bench, benchEntries, resultHash } from "./bench.ts";
import { FIGURES, isFigureName, makeFigures } from "./figures.ts";
import { hasPart } from "./_has_part.ts";
import { measureBenchmark } from "./measure.ts";
import { findRegressions, findSuite } from "./regressions.ts";
import { type Benchmark, type BenchmarkSuite, checkSuite } from "./suite.ts";
import { progressLine, type Terminal } from "./terminal.ts";

/** What was typed. */
export interface BenchFlags {
  json?: boolean;
  markdown?: boolean;
  world?: WorldName;
  suite?: string;
  time?: number;
  smoke?: boolean;
  save?: string;
  compare?: string;
  against?: string;
  failOver?: number;
  blocks?: number;
  seeds?: number;
  budget?: number;
}

/** The figures, a line each. */
export function figureList(): string {
  const width = Math.max(...FIGURES.map(({ name }) => name.length));
  return FIGURES.map(({ name, title }) => `  ${name.padEnd(width)}  ${title}`).join("\n");
}

/** Which flags go with what; the others are refused, for nothing that is asked is left unsaid. */
const ALLOWED = {
  figure: ["json", "markdown", "time", "seeds", "budget"],
  measure: ["json", "world", "suite", "time", "smoke"],
  save: ["json", "suite", "time", "save", "blocks"],
  compare: [
    ...["json", "markdown", "suite", "time", "save", "compare", "against"],
    ...["failOver", "blocks"],
  ],
} as const satisfies Record<string, readonly (keyof BenchFlags)[]>;

const NAMED: Record<keyof typeof ALLOWED, string> = {
  figure: "make a figure",
  measure: "measure",
  save: "save results",
  compare: "compare",
};

/** What is asked for. */
function taskOf(text: string | undefined, flags: BenchFlags): keyof typeof ALLOWED {
  if (text !== undefined && isFigureName(text)) return "figure";
  if (flags.compare !== undefined || flags.against !== undefined) return "compare";
  return flags.save === undefined ? "measure" : "save";
}

function checkFlags(task: keyof typeof ALLOWED, flags: BenchFlags): void {
  const refuse = (problem: string) => {
    throw new UsageError(`Cannot ${NAMED[task]}: ${problem}`);
  };
  const typed = Object.keys(flags) as (keyof BenchFlags)[];
  const allowed: readonly string[] = ALLOWED[task];
  const stranger = typed.find((flag) => flags[flag] !== undefined && !allowed.includes(flag));
  if (stranger !== undefined) {
    const others = (Object.keys(ALLOWED) as (keyof typeof ALLOWED)[])
      .filter((each) => (ALLOWED[each] as readonly string[]).includes(stranger))
      .map((each) => NAMED[each]);
    const flag = stranger.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    refuse(`--${flag} is to ${others.join(" or to ")}`);
  }
  if (flags.compare !== undefined && flags.against !== undefined) {
    refuse("--compare and --against exclude each other");
  }
  if (flags.json && flags.markdown) refuse("--json and --markdown exclude each other");
}

/** The command, as it was typed. */
export class BenchCommand {
  readonly #flags: BenchFlags;
  readonly #terminal: Terminal;
  readonly #layout: Layout;
  readonly #progress: (done: number, total: number, what: string) => void;

  /** @param flags What was typed beside its text. */
  constructor(flags: BenchFlags, terminal: Terminal, layout: Layout) {
    this.#flags = flags;
    this.#terminal = terminal;
    this.#layout = layout;
    this.#progress = (done, total, what) => terminal.progress(progressLine(done, total, what));
  }

  /**
   * Carries it out.
   *
   * @param text Part of the names of what to measure, or the name of a figure.
   * @param worlds The distances of scenarios.
   * @returns Whether all was right, and nothing slower than it may be.
   */
  async run(text: string | undefined, worlds: readonly WorldName[]): Promise<boolean> {
    const task = taskOf(text, this.#flags);
    checkFlags(task, this.#flags);
    switch (task) {
      case "figure":
        return await this.#makeFigures(text!);
      case "measure":
        return await this.#measureAll(text, worlds);
      case "save":
      case "compare":
        return await this.#lookForRegressions(text);
    }
  }

  async #makeFigures(name: string): Promise<boolean> {
    const { time, seeds, budget, json, markdown } = this.#flags;
    const figures: Figure[] = [];
    const options = { time, seeds, budget, measuring: this.#progress };
    for await (const figure of makeFigures(name, options)) {
      this.#terminal.progress("");
      figures.push(figure);
      if (json) continue;
      const shown = markdown ? figureMarkdown(figure) : figureText(figure, this.#layout);
      this.#terminal.out(`${shown}\n`);
    }
    if (json) this.#json({ figures });
    return figures.every(({ met }) => met);
  }

  /** Measures everything once, in this process. */
  async #measureAll(text: string | undefined, worlds: readonly WorldName[]): Promise<boolean> {
    const { suite: module, smoke, json } = this.#flags;
    const time = smoke ? 0 : this.#flags.time;
    const listed = await this.#loadSuite();
    const benchmarks = listed.filter(({ name }) => hasPart(name, text));
    // Who names a module wants its benchmarks, and who names a distance the scenarios.
    const what = { worlds, text, nearest: smoke };
    const entries = module === undefined ? benchEntries(scenarios, what) : [];
    const total = entries.length + benchmarks.length;
    if (total === 0) {
      throw this.#nothingFound(text ?? "", worlds, listed);
    }
    const suite: SuiteResult[] = [];
    for (const benchmark of benchmarks) {
      this.#progress(suite.length, total, benchmark.name);
      const result = await measureOrTell(benchmark, time);
      suite.push(result);
      this.#terminal.progress("");
      if (json) continue;
      this.#terminal.out(
        smoke ? suiteSmokeLine(result, this.#layout) : `${suiteLines(result, this.#layout)}\n`,
      );
    }
    const results = entries.length === 0 ? [] : await bench(scenarios, {
      ...what,
      time,
      measuring: (done, _, what) => this.#progress(suite.length + done, total, what),
    });
    this.#terminal.progress("");
    const all = hashOf(results, suite);
    if (json) this.#json({ results, suite, hash: all });
    else {
      const table = smoke ? smokeTable : benchTable;
      if (results.length > 0) this.#terminal.out(table(results, this.#layout));
      this.#terminal.out(
        fold(
          `result hash ${all}: of what was computed, no time among it; whoever runs the same has the ` +
            "same, on any machine and runtime, as long as all that should be right is",
          this.#layout,
        ),
      );
    }
    return suite.every(({ failure }) => failure === undefined) &&
      results.every(({ expect, wrong }) => expect === "broken" || wrong === 0);
  }

  #nothingFound(
    text: string,
    worlds: readonly WorldName[],
    listed: BenchmarkSuite,
  ): UsageError {
    const { world, suite } = this.#flags;
    const labels = scenarios.flatMap(({ name, variants }) => [
      name,
      ...Object.keys(variants).map((variant) => `${name}/${variant}`),
    ]);
    if (suite === undefined && world !== undefined && labels.some((name) => hasPart(name, text))) {
      return new UsageError(
        `Cannot measure "${text}" between ${worlds.join(", ")}: nothing of it runs free there`,
      );
    }
    const benchmarks = listed.map(({ name }) => name);
    const names = suite === undefined
      ? [...labels, ...benchmarks, ...FIGURES.map(({ name }) => name)]
      : benchmarks;
    const all = suite === undefined
      ? "lab list shows the scenarios, lab bench --help the figures"
      : `the suite has ${benchmarks.join("; ")}`;
    return new UsageError(
      `Cannot find a benchmark whose name contains "${text}": ${didYouMean(text, names, all)}`,
    );
  }

  async #loadSuite(): Promise<BenchmarkSuite> {
    const { suite: path, world } = this.#flags;
    if (world !== undefined && path === undefined) return [];
    const found = await findSuite(process.cwd(), path);
    if (found === undefined) return [];
    try {
      const { default: suite } = await import(pathToFileURL(resolve(found)).href);
      checkSuite(suite);
      return suite;
    } catch (error) {
      throw new UsageError(`Cannot measure the suite ${found}: ${describeError(error, false)}`);
    }
  }

  /** Measures the suite in fresh processes, to be kept or compared. */
  async #lookForRegressions(text: string | undefined): Promise<boolean> {
    const { failOver, json, markdown, suite, save, compare, against, blocks, time } = this.#flags;
    const { baseline, comparison } = await findRegressions({
      folder: process.cwd(),
      ...{ text, suite, save, compare, against, blocks, time },
      tolerance: failOver,
      progress: this.#progress,
    });
    this.#terminal.progress("");
    if (json) this.#json(comparison ?? baseline);
    else if (comparison === undefined) this.#terminal.out(baselineLines(baseline));
    else if (markdown) this.#terminal.out(comparisonMarkdown(comparison));
    else this.#terminal.out(comparisonTable(comparison, this.#layout));
    if (comparison === undefined) {
      return baseline.benchmarks.every(({ failure }) => failure === undefined);
    }
    return isPassed(comparison, failOver !== undefined);
  }

  #json(value: unknown): void {
    this.#terminal.out(JSON.stringify(value, null, 2));
  }
}

/** What cannot be made ready is wrong as well, and does not keep the others from being measured. */
async function measureOrTell(benchmark: Benchmark, time: number | undefined): Promise<SuiteResult> {
  try {
    return await measureBenchmark(benchmark, { time });
  } catch (error) {
    const failure = describeError(error, false);
    return { name: benchmark.name, expected: "", rivals: [], failure };
  }
}

/** One hash of all that was computed. */
function hashOf(results: readonly BenchResult[], suite: readonly SuiteResult[]): string {
  return hash(`${resultHash(results)} ${suiteHash(suite)}`);
}

/** Whether the gate lets through; one that could not have said no is no gate. */
function isPassed(comparison: Comparison, gate: boolean): boolean {
  if (comparison.benchmarks.some(({ verdict }) => verdict === "wrong")) return false;
  if (!gate) return true;
  if (comparison.benchmarks.some(({ over }) => over)) return false;
  if (!comparison.comparable) {
    throw new UsageError(
      "Cannot judge by --fail-over: it was measured on another machine or runtime",
    );
  }
  if (!comparison.sufficient) {
    throw new UsageError("Cannot judge by --fail-over: so few processes can show no difference");
  }
  if (comparison.benchmarks.every(({ p }) => p === undefined)) {
    throw new UsageError("Cannot judge by --fail-over: no benchmark could be compared");
  }
  return true;
}

/** `10%` as 0.1. */
export function parsePercent(text: string): number {
  const match = /^(\d+(?:\.\d+)?)%?$/.exec(text);
  const value = match === null ? 0 : Number(match[1]);
  if (value > 0 && value <= 1000) return value / 100;
  throw new InvalidArgumentError("It takes a percentage above 0 and up to 1000, such as 10%.");
}
