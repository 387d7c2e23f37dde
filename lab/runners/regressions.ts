/**
 * A suite measured in blocks, kept in a file, and held against a file or another revision.
 *
 * What is measured is the suite of the working folder, with the changes that are not committed. Each
 * block is a fresh process. Of two revisions a process each runs at a time, and they take turns at
 * each benchmark, A B B A and in the next pair B A A B: what else the machine has to do, it has to do
 * for both, so that the pairs can be compared where the times cannot.
 */
import { remove } from "@std/fs/unstable-remove";
import { writeTextFile } from "@std/fs/unstable-write-text-file";
import { isAbsolute, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import {
  type Baseline,
  BASELINE_SCHEMA,
  type BaselineBenchmark,
  type Block,
  parseBaseline,
  type Revision,
} from "../reports/baseline.ts";
import { blocksFor, compare, type Comparison } from "../reports/comparison.ts";
import { didYouMean } from "../worlds/_did_you_mean.ts";
import { UsageError } from "../worlds/mod.ts";
import type { ToBlock } from "./_bench_child.ts";
import { BlockProcess, type Side } from "./_block.ts";
import { hasPart } from "./_has_part.ts";
import { machine, runtimeVersion } from "./_machine.ts";
import { ROUNDS } from "./measure.ts";
import { Checkout, isFile, revisionOf } from "./_revision.ts";

/** Where a project's suite is, in its root folder. */
export const SUITE_FILE = "interlock.bench.ts";

/** Enough processes of each for differences that noise does not hide. */
const BLOCKS = 14;

/** How long a process measures a benchmark, in milliseconds. */
const TIME_MS = 60;

/** What to measure and compare. */
export interface RegressionOptions {
  /** The project's folder. */
  readonly folder: string;
  /** The suite's module, from there. @default "interlock.bench.ts" */
  readonly suite?: string;
  /** Only benchmarks whose name contains this. */
  readonly text?: string;
  /** A file of earlier measurements to compare with. */
  readonly compare?: string;
  /** A git revision to compare with. */
  readonly against?: string;
  /** Where to keep the measurements. */
  readonly save?: string;
  /** How much slower is too much, and how little the same: 0.1 is 10 %. @default 0.1 */
  readonly tolerance?: number;
  /** How many processes measure each revision. @default 14, or as many as so many benchmarks take */
  readonly blocks?: number;
  /** How long each process measures each benchmark, in milliseconds. @default 60, or as in the file */
  readonly time?: number;
  /** Told what is being done. */
  readonly progress?: (done: number, total: number, what: string) => void;
}

/** What came of it. */
export interface RegressionOutcome {
  /** What was measured here. */
  readonly baseline: Baseline;
  /** How it compares, where it was to be compared. */
  readonly comparison?: Comparison;
}

/** The path of the suite from the folder; nothing where there is none by the usual name. */
export async function findSuite(folder: string, suite?: string): Promise<string | undefined> {
  const path = suite ?? SUITE_FILE;
  if (await isFile(resolve(folder, path))) return path;
  if (suite === undefined) return undefined;
  throw new UsageError(`Cannot find suite: there is no file ${suite}`);
}

/** Measures the suite of a folder, and holds it against what it is to be compared with. */
export async function findRegressions(options: RegressionOptions): Promise<RegressionOutcome> {
  const { folder, save, tolerance } = options;
  if (save !== undefined) await seeWritable(save);
  const suite = await findSuite(folder, options.suite);
  if (suite === undefined) {
    throw new UsageError(
      `Cannot measure suite: there is no ${SUITE_FILE} in this folder, and --suite names no other`,
    );
  }
  const here: Measured = {
    side: { label: "the working folder", folder, suite: urlOf(folder, suite) },
    revision: revisionOf(folder),
  };
  if (options.against === undefined) {
    const before = options.compare === undefined ? undefined : await readFile(options.compare);
    const [after] = await measureSides([here], {
      ...options,
      time: options.time ?? before?.time,
      // As many as then; what was wrong then has none.
      blocks: options.blocks ??
        before?.benchmarks.find(({ blocks }) => blocks.length > 0)?.blocks.length,
    });
    if (save !== undefined) await writeFile(save, after);
    if (before === undefined) return { baseline: after };
    const selected = select(before, options.text);
    return {
      baseline: after,
      comparison: compare(selected, after, { interleaved: false, tolerance }),
    };
  }
  using checkout = await Checkout.create(folder, options.against);
  const there = await sideOf(checkout, options.against, folder, suite);
  options.progress?.(0, 1, `installing ${options.against}`);
  await checkout.install();
  const [before, after] = await measureSides([there, here], options);
  if (save !== undefined) await writeFile(save, after);
  return { baseline: after, comparison: compare(before, after, { interleaved: true, tolerance }) };
}

function urlOf(folder: string, path: string): string {
  return pathToFileURL(resolve(folder, path)).href;
}

/** The suite of another revision. */
async function sideOf(
  checkout: Checkout,
  ref: string,
  folder: string,
  suite: string,
): Promise<Measured> {
  const path = isAbsolute(suite) ? relative(folder, suite) : suite;
  const there = checkout.at(path);
  if (there === undefined) {
    throw new UsageError(
      `Cannot compare with ${ref}: the suite ${suite} is outside of the repository`,
    );
  }
  if (!await isFile(there)) {
    throw new UsageError(`Cannot compare with ${ref}: it has no suite ${path}`);
  }
  return {
    side: { label: ref, folder: checkout.folder, suite: urlOf(checkout.folder, path) },
    revision: checkout.revision,
  };
}

async function readFile(path: string): Promise<Baseline> {
  const text = await fetch(pathToFileURL(resolve(path))).then((response) => response.text())
    .catch(() => {
      throw new UsageError(`Cannot compare with ${path}: it cannot be read`);
    });
  try {
    return parseBaseline(text);
  } catch (error) {
    throw new UsageError(`Cannot compare with ${path}: ${(error as Error).message}`);
  }
}

/**
 * Sees that there can be such a file: to find out after minutes that there cannot is too late. One that
 * is there is left alone, for it may be what is compared with.
 */
async function seeWritable(path: string): Promise<void> {
  if (await isFile(path)) return;
  try {
    await writeTextFile(path, "");
    await remove(path);
  } catch (error) {
    throw new UsageError(`Cannot save to ${path}: ${(error as Error).message}`);
  }
}

async function writeFile(path: string, baseline: Baseline): Promise<void> {
  try {
    await writeTextFile(path, `${JSON.stringify(baseline, null, 2)}\n`);
  } catch (error) {
    throw new UsageError(`Cannot save to ${path}: ${(error as Error).message}`);
  }
}

/** Those benchmarks whose name contains a text. */
function select(baseline: Baseline, text?: string): Baseline {
  const benchmarks = baseline.benchmarks.filter(({ name }) => hasPart(name, text));
  return { ...baseline, benchmarks };
}

/** A suite, and the revision it is of. */
interface Measured {
  readonly side: Side;
  readonly revision: Revision | undefined;
}

/** What a process measured of a benchmark, or what went wrong. */
interface Measurement {
  readonly expected: string;
  readonly block?: Block;
  readonly failure?: string;
}

/** Measures one suite or two, in turn. */
async function measureSides(
  sides: readonly Measured[],
  { text = "", time = TIME_MS, blocks, progress }: RegressionOptions,
): Promise<Baseline[]> {
  const names: Set<string>[] = [];
  const listed = new Set<string>();
  for (const { side } of sides) {
    progress?.(0, 1, `looking at the suite of ${side.label}`);
    await using block = new BlockProcess(side);
    const loaded = await block.load();
    for (const name of loaded) listed.add(name);
    names.push(new Set(loaded.filter((name) => hasPart(name, text))));
  }
  const all = [...names.reduceRight((union, each) => union.union(each))];
  if (all.length === 0) {
    throw new UsageError(
      text === ""
        ? "Cannot measure suite: it is empty"
        : `Cannot find a benchmark whose name contains "${text}" in the suite: ${
          didYouMean(text, [...listed], `it has ${[...listed].join("; ")}`)
        }`,
    );
  }
  const found = sides.map(() => new Map<string, Measurement[]>());
  const rounds = blocks ?? Math.max(BLOCKS, blocksFor(all.length, sides.length > 1));
  for (let round = 0; round < rounds; round++) {
    const order = sides.map((_, i) => i);
    if (round % 2 !== 0) order.reverse();
    await using processes = new AsyncDisposableStack();
    const running = order.map((i) => processes.use(new BlockProcess(sides[i].side)));
    for (const each of running) await each.load();
    for (const [done, name] of all.entries()) {
      progress?.(round * all.length + done, rounds * all.length, name);
      const having = order.flatMap((i, place) =>
        names[i].has(name) && found[i].get(name)?.at(-1)?.failure === undefined
          ? [{ place, process: running[place] }]
          : []
      );
      const measured = await measureInTurn(having.map(({ process }) => process), name, time);
      for (const [k, { place }] of having.entries()) {
        const of = found[order[place]];
        of.set(name, [...of.get(name) ?? [], measured[k]]);
      }
    }
  }
  return sides.map(({ revision }, i) => ({
    schema: BASELINE_SCHEMA,
    made: new Date().toISOString(),
    machine: machine(),
    runtime: runtimeVersion(),
    revision,
    time,
    benchmarks: all.filter((name) => names[i].has(name)).map((name) =>
      gather(name, found[i].get(name)!)
    ),
  }));
}

/**
 * Measures a benchmark in processes that take turns: A B B A. All of it takes so short a time that what
 * else the machine has to do is much the same for both.
 */
async function measureInTurn(
  processes: readonly BlockProcess[],
  name: string,
  time: number,
): Promise<Measurement[]> {
  const expected = processes.map(() => "");
  const failures = processes.map((): string | undefined => undefined);
  const open = new Set(processes.keys());
  /** Answers what the order came to, if to anything. */
  const ask = async (i: number, order: ToBlock): Promise<unknown> => {
    try {
      return await processes[i].ask(order);
    } catch (error) {
      if (error instanceof UsageError) throw error;
      failures[i] = (error as Error).message;
      return undefined;
    }
  };
  for (const i of open) {
    const answer = await ask(i, { type: "open", name, time });
    if (typeof answer === "string") expected[i] = answer;
    else open.delete(i);
  }
  for (let round = 0; open.size > 0; round++) {
    for (const i of round % 2 === 0 ? [...open] : [...open].reverse()) {
      if (await ask(i, { type: "turn", time: time / ROUNDS }) !== true) open.delete(i);
    }
  }
  const blocks = await Promise.all(processes.map((_, i) => ask(i, { type: "close" })));
  return processes.map((_, i) => ({
    expected: expected[i],
    block: blocks[i] as Block | undefined,
    failure: failures[i],
  }));
}

/** What all processes measured of one benchmark. */
function gather(name: string, measurements: readonly Measurement[]): BaselineBenchmark {
  const failure = measurements.find((each) => each.failure !== undefined)?.failure;
  return {
    name,
    expected: measurements[0].expected,
    blocks: failure === undefined ? measurements.map(({ block }) => block!) : [],
    failure,
  };
}
