/**
 * Benchmarks of your own: what a module `interlock.bench.ts` in a project's root folder lists, so that
 * `lab bench` measures it and says whether a change made it slower.
 *
 * A benchmark is a name and a way to prepare it. It is prepared when it is its turn and no sooner, so
 * that one of many can be measured without paying for the others, and none is measured on a heap
 * that is full of what another needs.
 */

/** One way to do what a benchmark is about. */
export interface Contestant {
  /** What it is called in the report. */
  readonly name: string;
  /**
   * Does all operations of a sample once, and answers what shows that they were done right. What it
   * answers is looked at when the clock has stopped.
   */
  run(): unknown;
  /**
   * Operations in one of its samples, where they are so slow that it does fewer.
   *
   * @default the benchmark's
   */
  readonly operations?: number;
}

/** Something that ours is compared with in the same run: a floor, a peer, or doing without. */
export interface Rival extends Contestant {
  /** The budget: how many times as long ours may take. Without one the ratio is only shown. */
  readonly atMost?: number;
}

/** A benchmark that is ready to be measured. */
export interface PreparedBenchmark {
  /** Operations in one sample, by which its time is divided. A sample should take a millisecond. */
  readonly operations: number;
  /** What each `run` must answer, by `isDeepStrictEqual` of `node:util`. */
  readonly expected: unknown;
  /** What is measured, and compared with what it was before. */
  readonly ours: Contestant;
  /**
   * What it is compared with in the same run.
   *
   * @default nothing
   */
  readonly rivals?: readonly Rival[];
  /** What else there is to tell, found out when all has been measured. */
  note?(): string | Promise<string>;
  /** Gives back what was taken to prepare it. */
  close?(): void | Promise<void>;
}

/** What a benchmark is prepared for. */
export interface Preparation {
  /**
   * Whether it is only asked if everything runs and is right: then something small will do, where making
   * ready what is measured takes seconds.
   */
  readonly smoke: boolean;
}

/** One thing that is measured. */
export interface Benchmark {
  /** What it is called; no other of its suite has the same name. */
  readonly name: string;
  /** Makes it ready, off the clock. */
  prepare(preparation: Preparation): PreparedBenchmark | Promise<PreparedBenchmark>;
}

/** What the default export of an `interlock.bench.ts` is. */
export type BenchmarkSuite = readonly Benchmark[];

/**
 * Makes a benchmark for a suite.
 *
 * @param name What it is called: `lab bench TEXT` selects those whose name contains TEXT.
 * @param prepare Makes it ready, off the clock; called once in each process that measures it.
 * @returns The benchmark, to be listed in the default export of `interlock.bench.ts`.
 * @throws {TypeError} when `name` is no text of one line, or `prepare` no function
 *
 * @example A suite of one
 * ```ts
 * import { RwLock } from "@interlock/core";
 * import { type BenchmarkSuite, defineBenchmark, measureBenchmark } from "@interlock/core/lab";
 * import assert from "node:assert/strict";
 *
 * const TIMES = 10_000;
 * const suite: BenchmarkSuite = [
 *   defineBenchmark("a free lock, taken and given back", () => {
 *     const lock = new RwLock();
 *     return {
 *       operations: TIMES,
 *       expected: TIMES,
 *       ours: {
 *         name: "RwLock",
 *         run() {
 *           let inside = 0;
 *           for (let i = 0; i < TIMES; i++) {
 *             using _guard = lock.tryWrite();
 *             inside++;
 *           }
 *           return inside;
 *         },
 *       },
 *     };
 *   }),
 * ];
 * export default suite;
 *
 * const { failure, ours } = await measureBenchmark(suite[0], { time: 10 });
 * assert.equal(failure, undefined);
 * assert(ours!.nanoseconds.p50 > 0);
 * ```
 */
export function defineBenchmark(
  name: string,
  prepare: Benchmark["prepare"],
): Benchmark {
  const benchmark = { name, prepare };
  checkBenchmark(benchmark);
  return benchmark;
}

/** Throws a TypeError that says what is wrong with it. */
function checkBenchmark(value: unknown): asserts value is Benchmark {
  const { name, prepare } = (value ?? {}) as Partial<Benchmark>;
  if (typeof name !== "string" || name.trim() === "" || /[\p{Cc}\u2028\u2029]/u.test(name)) {
    throw new TypeError(
      `Cannot define benchmark: its name is ${JSON.stringify(name)}, not a text of one line`,
    );
  }
  if (typeof prepare !== "function") {
    throw new TypeError(
      `Cannot define benchmark "${name}": prepare is ${typeof prepare}, not a function`,
    );
  }
}

/**
 * Checks what a module calls its suite.
 *
 * @throws {TypeError} when it is not a list of benchmarks with names of their own
 */
export function checkSuite(value: unknown): asserts value is BenchmarkSuite {
  if (!Array.isArray(value)) {
    throw new TypeError("Cannot read suite: its default export is not a list of benchmarks");
  }
  const names = new Set<string>();
  for (const each of value) {
    checkBenchmark(each);
    if (names.has(each.name)) {
      throw new TypeError(`Cannot read suite: two of its benchmarks are called "${each.name}"`);
    }
    names.add(each.name);
  }
}

/**
 * Checks what a benchmark prepared.
 *
 * @throws {TypeError | RangeError} when it cannot be measured
 */
export function checkPrepared(name: string, value: unknown): asserts value is PreparedBenchmark {
  const refuse = `Cannot measure "${name}": `;
  const { operations, ours, rivals = [] } = (value ?? {}) as Partial<PreparedBenchmark>;
  if (!isCount(operations)) {
    throw new RangeError(`${refuse}operations is ${operations}, not a whole number from 1`);
  }
  if (!Array.isArray(rivals)) throw new TypeError(`${refuse}rivals is not a list`);
  for (const each of [ours, ...rivals as Rival[]]) {
    if (typeof each?.run !== "function" || typeof each.name !== "string") {
      throw new TypeError(`${refuse}ours and each rival need a name and a function run`);
    }
    if (each.operations !== undefined && !isCount(each.operations)) {
      throw new RangeError(
        `${refuse}operations of ${each.name} is ${each.operations}, not a whole number from 1`,
      );
    }
  }
  for (const { name, atMost } of rivals as Rival[]) {
    if (atMost !== undefined && !(atMost > 0)) {
      throw new RangeError(`${refuse}atMost of ${name} is ${atMost}, not a number above 0`);
    }
  }
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 1;
}
