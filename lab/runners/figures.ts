/**
 * The lab's own benchmarks: tables and curves that are made anew from a run, by name.
 *
 * Nothing here measures by itself what `measure.ts` and `bench.ts` measure for everything else; here is
 * what is asked of them, and what is made of the answers.
 */
import { BATCH, overheadDistances } from "../benchmarks/locking_overhead.ts";
import type { PrepareCase } from "../benchmarks/case.ts";
import { type CaseCurve, type Curve, curves, type FreeCurve } from "../benchmarks/curves.ts";
import { READERS, readsBesideWrite, WRITERS } from "../benchmarks/reads_beside_write.ts";
import {
  raceStrategies,
  type StrategyName,
  type StrategyResult,
} from "../benchmarks/strategies.ts";
import type { CurveFigure, CurveLine, Figure, FigureCell } from "../reports/figures.ts";
import type { ContestantResult, SuiteResult } from "../reports/suite_results.ts";
import { plural, showCount } from "../reports/values.ts";
import { findScenario, scenarios } from "../scenarios/mod.ts";
import { Subject } from "../worlds/mod.ts";
import { benchTogether } from "./bench.ts";
import { type FirstBug, firstBugs } from "./first_bug.ts";
import { STRATEGY_NAMES } from "./_make_strategy.ts";
import { measureBenchmark } from "./measure.ts";
import { Distances } from "./tour.ts";

/** How to make a figure. */
export interface FigureOptions {
  /** How long to measure each way of each case, in milliseconds. @default 200 */
  readonly time?: number;
  /** From how many seeds a bug is looked for. @default 5 */
  readonly seeds?: number;
  /** How many schedules a search may have. @default 4000 */
  readonly budget?: number;
  /** Told before each measurement. */
  readonly measuring?: (done: number, total: number, what: string) => void;
}

/** A figure that can be asked for. */
interface Entry {
  readonly name: string;
  readonly title: string;
  make(options: FigureOptions): Promise<Figure>;
}

const ns = (value: number): FigureCell => ({ value, unit: "ns" });
const times = (value: number): FigureCell => ({ value, unit: "×" });
const perSecond = (value: number): FigureCell => ({ value, unit: "/s" });

/** Measures the ways of a case beside each other. */
function measureCase(name: string, prepare: PrepareCase, time: number): Promise<SuiteResult> {
  return measureBenchmark({
    name,
    prepare: async () => {
      const { ways: [ours, ...rivals], ...rest } = await prepare();
      return { ...rest, ours, rivals };
    },
  }, { time });
}

const lockingOverhead: Entry = {
  name: "locking-overhead",
  title: "what a lock costs that nobody else wants",
  async make({ time = 200, measuring }) {
    const distances = overheadDistances();
    const measured = distances.filter(({ missing }) => missing === undefined);
    const total = measured.reduce((sum, { cases }) => sum + cases.length, 0);
    const failures: string[] = [];
    const rows: FigureCell[][] = [];
    for (const { name, lock, state, cases } of measured) {
      for (const { operation, prepare } of cases) {
        const what = `${operation} between ${name}`;
        measuring?.(rows.length + failures.length, total, what);
        const { ours, rivals: [free], failure } = await measureCase(what, prepare, time);
        if (ours === undefined) failures.push(`${what}: ${failure}`);
        else {
          const [p50, without] = [ours, free].map(({ nanoseconds }) => nanoseconds.p50);
          rows.push([
            name,
            state,
            operation.startsWith("batch") ? `${BATCH} ${operation.slice(9)}` : `one ${operation}`,
            ns(without),
            ns(p50),
            times(free.ratio),
            lock,
          ]);
        }
      }
    }
    const absent = distances.flatMap(({ name, missing }) =>
      missing === undefined ? [] : [`Not measured between ${name}: ${missing}.`]
    );
    return {
      kind: "table",
      name: this.name,
      title: this.title,
      about:
        `One operation, and ${BATCH} inside one acquire, with the lock of the distance and without a ` +
        "lock; medians, and the ratio of the rounds' own medians. What was written is read back after " +
        "each sample, and beforehand it is seen that the lock keeps a stranger out.",
      columns: ["between", "what is shared", "operation", "no lock", "lock", "ratio", "which"],
      rows,
      notes: [...absent, ...failures],
      met: failures.length === 0,
    };
  },
};

/** What the document says of each strategy: how much there is to get right, and when it is the one. */
const ADVICE: Readonly<Record<StrategyName, { complexity: string; choose: string }>> = {
  "single writer": {
    complexity: "low",
    choose: "one program can do all the writing; the others read, or ask it to write",
  },
  "file locking": {
    complexity: "medium",
    choose: "several programs of one machine must write",
  },
  "application coordination": {
    complexity: "high",
    choose: "writers are on several machines, or share a server already",
  },
  partitioning: {
    complexity: "medium",
    choose: "the data falls into parts with a writer each",
  },
  "no coordination": {
    complexity: "low",
    choose: "never with several writers",
  },
};

function strategyRow(result: StrategyResult): FigureCell[] {
  const { strategy, throughput, latency, made, lost } = result;
  const { complexity, choose } = ADVICE[strategy];
  return [
    strategy,
    perSecond(throughput),
    ns(latency.p50),
    ns(latency.p99),
    complexity,
    lost === 0
      ? `safe: all ${plural(made, "update")} there`
      : `UNSAFE: ${(lost / made * 100).toFixed(0)} % of ${plural(made, "update")} lost`,
    choose,
  ];
}

const strategies: Entry = {
  name: "strategies",
  title: "ways for several processes to write, side by side",
  async make({ time = 500, measuring }) {
    const { racers, results, missing } = await raceStrategies({ time, measuring });
    const reads = results.find(({ reads }) => reads !== undefined)?.reads;
    return {
      kind: "table",
      name: this.name,
      title: this.title,
      about:
        `${racers} processes update a count in one file that is written in place, as often as they ` +
        "can and all at once; the updates they made are then counted against the number in the file.",
      columns: ["strategy", "updates", "p50", "p99", "complexity", "checked", "choose it when"],
      rows: results.map(strategyRow),
      notes: [
        ...(reads === undefined ? [] : [
          `Beside the single writer the other ${racers - 1} read, with handles that cannot write: ${
            Number(reads.toPrecision(3)).toLocaleString("en-US")
          } reads a second.`,
        ]),
        ...missing.map(({ strategy, why }) => `Not measured: ${strategy}, for ${why}.`),
      ],
      // A race in which nothing is lost without coordination shows nothing about the others.
      met: results.every(({ expect, lost }) => (expect === "safe") === (lost === 0)),
    };
  },
};

const besideWrite: Entry = {
  name: "reads-beside-write",
  title: "reads a second, with a slow write in flight and without",
  async make({ time = 200, measuring }) {
    const results = await readsBesideWrite(time, measuring);
    const [snapshots, lock] = results;
    return {
      kind: "table",
      name: this.name,
      title: this.title,
      about:
        `${READERS} readers read as often as they can. Of ${WRITERS} writers one is at work all the ` +
        "while, and the others wait for it. Every read is seen to be of one whole version.",
      columns: ["readers read from", "nobody writes", "a write in flight", "ratio"],
      rows: results.map(({ name, alone, beside }) => [
        name,
        perSecond(alone),
        perSecond(beside),
        times(alone === 0 ? 0 : beside / alone),
      ]),
      notes: results.flatMap(({ name, failure }) =>
        failure === undefined ? [] : [`${name}: ${failure}`]
      ),
      // Under a lock a writer shuts the readers out; if it did not, no write was in flight.
      met: results.every(({ failure }) => failure === undefined) && snapshots.beside > 0 &&
        lock.beside === 0,
    };
  },
};

function bugCell({ found, seeds, budget, exhausted }: FirstBug): string {
  if (found.length === 0) {
    return exhausted === undefined ? `none in ${showCount(budget)}` : `none (${exhausted} are all)`;
  }
  const middle = found[found.length >> 1];
  const range = found[0] === found.at(-1) ? `${middle}` : `${middle} (${found[0]}–${found.at(-1)})`;
  return found.length === seeds ? range : `${range}, ${found.length} of ${seeds}`;
}

const firstBug: Entry = {
  name: "first-bug",
  title: "schedules until a bug is found",
  async make({ seeds = 5, budget = 4_000, measuring }) {
    const results = await firstBugs(scenarios, { seeds, budget, measuring });
    const labels = [...new Set(results.map(({ label }) => label))];
    return {
      kind: "table",
      name: this.name,
      title: this.title,
      about:
        `For each broken variant, the schedules that were run up to the first that fails: the median of ` +
        `${plural(seeds, "seed")} (and the range), ${
          showCount(budget)
        } at most. A seed means nothing to bounded, exhaustive ` +
        "and dpor. These are counts and no speed.",
      columns: ["variant", ...STRATEGY_NAMES],
      rows: labels.map((label) => [
        label,
        ...STRATEGY_NAMES.map((strategy) =>
          bugCell(results.find((each) => each.label === label && each.strategy === strategy)!)
        ),
      ]),
      notes: [],
      // What the tour counts on: the portfolio, which is the default, finds every one.
      met: results.every(({ strategy, found, seeds }) =>
        strategy !== "portfolio" || found.length === seeds
      ),
    };
  },
};

/** A point of a line, of what was measured by `measure.ts`. */
function pointOf(x: number, { nanoseconds, samples }: ContestantResult) {
  return { x, nanoseconds, samples, wrong: 0 };
}

async function caseCurve(
  curve: CaseCurve,
  { time = 100, measuring }: FigureOptions,
): Promise<Pick<CurveFigure, "lines" | "notes" | "met">> {
  const lines = new Map<string, CurveLine["points"][number][]>();
  const failures: string[] = [];
  for (const [place, { x, prepare }] of curve.points.entries()) {
    const what = `${curve.name} at ${x}`;
    measuring?.(place, curve.points.length, what);
    const { ours, rivals, failure } = await measureCase(what, prepare, time);
    if (ours === undefined) {
      failures.push(`${what}: ${failure}`);
      continue;
    }
    for (const way of [ours, ...rivals]) {
      const points = lines.get(way.name) ?? [];
      lines.set(way.name, points);
      points.push(pointOf(x, way));
    }
  }
  return {
    lines: [...lines].map(([name, points]) => ({ name, points })),
    notes: failures,
    met: failures.length === 0,
  };
}

async function freeCurve(
  curve: FreeCurve,
  { time = 100, measuring }: FigureOptions,
): Promise<Pick<CurveFigure, "lines" | "notes" | "met">> {
  const { variants, world, actors, increments } = curve;
  const scenario = findScenario(curve.scenario);
  await using distances = new Distances();
  const lines = variants.map((name) => ({ name, points: [] as CurveLine["points"][number][] }));
  const notes: string[] = [];
  let met = true;
  for (const [place, count] of actors.entries()) {
    measuring?.(place, actors.length, `${curve.name} at ${count}`);
    const parameters = { actors: count, increments: increments / count };
    const subjects = variants.map((name) => new Subject(scenario, name, parameters));
    const results = await benchTogether(distances.get(world), subjects, time);
    for (const [line, { expect, milliseconds, samples, wrong }] of results.entries()) {
      const { name, points } = lines[line];
      met &&= expect === "broken" || wrong === 0;
      if (milliseconds === undefined) {
        notes.push(`${name} came to no end at ${count}`);
        continue;
      }
      const each = (ms: number) => ms * 1e6 / increments;
      const { p25, p50, p75 } = milliseconds;
      const nanoseconds = { p25: each(p25), p50: each(p50), p75: each(p75) };
      points.push({ x: count, nanoseconds, samples, wrong });
    }
  }
  return { lines, notes, met };
}

function curveEntry(curve: Curve): Entry {
  const { name, title, about, x, operation } = curve;
  return {
    name,
    title,
    async make(options) {
      const measured = "points" in curve
        ? await caseCurve(curve, options)
        : await freeCurve(curve, options);
      return { kind: "curve", name, title, about, x, operation, ...measured };
    },
  };
}

const entries: readonly Entry[] = [
  lockingOverhead,
  strategies,
  besideWrite,
  ...curves.map(curveEntry),
  firstBug,
];

/** What `lab bench NAME` makes more than one figure of. */
const GROUPS: Readonly<Record<string, (name: string) => boolean>> = {
  curves: (name) => name.startsWith("curve-"),
  figures: () => true,
};

/** The names that stand for figures, each with what it shows. */
export const FIGURES: readonly { readonly name: string; readonly title: string }[] = [
  ...entries.map(({ name, title }) => ({ name, title })),
  { name: "curves", title: "all that begin with curve-" },
  { name: "figures", title: "all of these" },
];

/** Whether a name stands for figures. */
export function isFigureName(name: string): boolean {
  return FIGURES.some((figure) => figure.name === name);
}

/**
 * Makes the figures that a name stands for, one after the other.
 *
 * @param name One of `FIGURES`.
 * @param options For how long to measure.
 */
export async function* makeFigures(
  name: string,
  options: FigureOptions = {},
): AsyncGenerator<Figure> {
  const wanted = Object.hasOwn(GROUPS, name) ? GROUPS[name] : (each: string) => each === name;
  for (const entry of entries.filter((each) => wanted(each.name))) yield await entry.make(options);
}
