/**
 * How a benchmark is measured: ratios within one run, never bare times, by mitata.
 *
 * The contestants take turns of a few milliseconds, in one round forwards and in the next backwards,
 * so that a machine that slows down slows all of them, and none always pays for its neighbour's
 * garbage. A ratio is the median of the rounds' own ratios. mitata is handed a clock that stands still
 * while another has its turn and while an answer is checked. The heap is not collected in between:
 * that makes V8 throw compiled code away.
 */
import { measure } from "mitata";
import process from "node:process";
import { isDeepStrictEqual } from "node:util";
import { describeError } from "../engine/mod.ts";
import { showValue } from "../reports/values.ts";
import type { Block } from "../reports/baseline.ts";
import { median, quantile } from "../reports/statistics.ts";
import type { ContestantResult, SuiteResult } from "../reports/suite_results.ts";
import { type Benchmark, checkPrepared, type Contestant, type PreparedBenchmark } from "./suite.ts";

/**
 * Rounds in the time of a contestant; one whose samples take longer than a turn has fewer, but where
 * there is a budget to be kept, which one sample may keep or not by luck.
 */
export const ROUNDS = 6;

/**
 * How many times the fastest sample another may count for in the time there is. On a machine that has
 * much else to do, a sample that is interrupted takes longer than all the others together, and must not
 * be the only one.
 */
const MOST = 4;

/** Samples enough for any quantile, where a benchmark's are so short that there would be millions. */
const MAX_SAMPLES = 10_000;

/**
 * A smoke test takes a second sample of what takes no longer than this, in milliseconds: what a sample
 * leaves behind may make the next one wrong.
 */
const SHORT = 20;

/** How to measure. */
export interface MeasureOptions {
  /**
   * How long to measure each contestant, in milliseconds; 0 is a smoke test: a sample of each, or two
   * where those are short, and nothing to be noted.
   *
   * @default 150
   */
  readonly time?: number;
}

/** How long this process has had a processor, in milliseconds. */
function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Takes samples of one contestant whenever it has its turn. */
export class Sampler {
  /** For one operation, in nanoseconds, by turn. */
  readonly turns: number[][] = [];
  readonly #contestant: Contestant;
  readonly #operations: number;
  readonly #expected: unknown;
  #measured: Promise<void> | undefined;
  #done = false;
  /** What mitata takes for the time. */
  #clock = 0;
  #fastest = Infinity;
  /** How much is left of the turn, in milliseconds. */
  #left = 0;
  #begin: () => void = () => {};
  #end: () => void = () => {};

  constructor(contestant: Contestant, { operations, expected }: PreparedBenchmark) {
    this.#contestant = contestant;
    this.#operations = contestant.operations ?? operations;
    this.#expected = expected;
  }

  /** Whether it has been measured for as long as it should be. */
  get done(): boolean {
    return this.#done;
  }

  /**
   * Runs, that the code may be compiled, until the process has had that many milliseconds of a
   * processor, or four times as long: on a machine that is shared, compilers wait for their turn too.
   */
  async warmUp(time: number): Promise<void> {
    const [since, used] = [performance.now(), processorTime()];
    do await this.#run(); while (
      processorTime() - used < time && performance.now() - since < 4 * time
    );
  }

  /**
   * Has a turn of one sample, or of two short ones. It is taken without mitata, which takes up to three
   * before the first that counts.
   *
   * @throws {Error} when the contestant throws, or answers what it should not
   */
  async smoke(): Promise<void> {
    const first = await this.#run();
    const all = first > SHORT ? [first] : [first, await this.#run()];
    this.turns.push(all.map((elapsed) => elapsed * 1e6 / this.#operations));
    this.#checkTurn();
  }

  /** Begins to measure for so many milliseconds in all, and at least so many samples: turn by turn. */
  start(time: number, samples = 1): void {
    const sample = async () => {
      if (this.#left <= 0) {
        this.#end();
        await new Promise<void>((resolve) => this.#begin = resolve);
      }
      const elapsed = await this.#run();
      this.#fastest = Math.min(this.#fastest, elapsed);
      const counted = Math.min(elapsed, MOST * this.#fastest);
      this.#left -= counted;
      this.#clock += counted * 1e6;
      this.turns.at(-1)!.push(elapsed * 1e6 / this.#operations);
    };
    this.#measured = measure(sample, {
      now: () => this.#clock,
      gc: false as never,
      min_cpu_time: time * 1e6,
      min_samples: samples,
      max_samples: MAX_SAMPLES,
      batch_threshold: 0,
    }).then(() => void (this.#done = true));
  }

  /**
   * Has a turn of so many milliseconds, or of a sample if that takes longer.
   *
   * @throws {Error} when the contestant throws, or answers what it should not
   */
  async turn(time: number): Promise<void> {
    if (this.#done) return;
    this.turns.push([]);
    this.#left = Math.max(time, Number.MIN_VALUE);
    const over = new Promise<void>((resolve) => this.#end = resolve);
    this.#begin();
    await Promise.race([over, this.#measured]);
    this.#checkTurn();
  }

  /**
   * What can be said of all turns.
   *
   * @throws {Error} when a tenth of the samples took no time, for nothing can be held against none
   */
  block(): Block {
    const [p10, p50, p90] = this.#quantiles(0.1, 0.5, 0.9);
    this.#checkTime(p10);
    return { p10, p50, p90, samples: this.turns.flat().length };
  }

  /** The same, for a report. */
  result(): ContestantResult {
    const [p25, p50, p75] = this.#quantiles(0.25, 0.5, 0.75);
    const nanoseconds = { p25, p50, p75 };
    return { name: this.#contestant.name, nanoseconds, samples: this.turns.flat().length };
  }

  #checkTurn(): void {
    this.#checkTime(median(this.turns.at(-1)!));
  }

  #checkTime(time: number): void {
    if (time > 0) return;
    const { name } = this.#contestant;
    throw new Error(`${name} takes no time that can be measured: give it more operations`);
  }

  #quantiles(...shares: number[]): number[] {
    const all = this.turns.flat().sort((a, b) => a - b);
    return shares.map((share) => quantile(all, share));
  }

  /** Takes a sample, in milliseconds. */
  async #run(): Promise<number> {
    const { name } = this.#contestant;
    let answer: unknown;
    const start = performance.now();
    try {
      answer = await this.#contestant.run();
    } catch (error) {
      throw new Error(`${name} threw ${describeError(error)}`, { cause: error });
    }
    const elapsed = performance.now() - start;
    if (isDeepStrictEqual(answer, this.#expected)) return elapsed;
    throw new Error(`${name} answered ${showValue(answer)}, not ${showValue(this.#expected)}`);
  }
}

/** Measures contestants in turn until each is done. */
async function measureRounds(
  samplers: readonly Sampler[],
  time: number,
  samples: number,
): Promise<void> {
  if (time === 0) {
    for (const sampler of samplers) await sampler.smoke();
    return;
  }
  for (const sampler of samplers) await sampler.warmUp(time / 4);
  for (const sampler of samplers) sampler.start(time, samples);
  for (let round = 0; samplers.some(({ done }) => !done); round++) {
    for (const sampler of round % 2 === 0 ? samplers : samplers.toReversed()) {
      await sampler.turn(time / ROUNDS);
    }
  }
}

/** The median of the ratios of those turns that both had. */
function ratioOf(ours: Sampler, rival: Sampler): number {
  const both = Math.min(ours.turns.length, rival.turns.length);
  return median(
    ours.turns.slice(0, both).map((turn, i) => median(turn) / median(rival.turns[i])),
  );
}

/**
 * Measures one benchmark.
 *
 * @param benchmark What to measure.
 * @param options For how long.
 * @returns How long each contestant takes. Where one throws or answers what it should not, that is
 *   told in `failure`, and there are no times: what does its work wrong has no speed.
 * @throws {TypeError | RangeError} when what it prepares cannot be measured
 */
export async function measureBenchmark(
  benchmark: Benchmark,
  options: MeasureOptions = {},
): Promise<SuiteResult> {
  const { name } = benchmark;
  const { time = 150 } = options;
  const prepared = await benchmark.prepare({ smoke: time === 0 });
  checkPrepared(name, prepared);
  const { rivals = [] } = prepared;
  const expected = showValue(prepared.expected);
  try {
    const ours = new Sampler(prepared.ours, prepared);
    const others = rivals.map((rival) => new Sampler(rival, prepared));
    const judged = rivals.some(({ atMost }) => atMost !== undefined);
    await measureRounds([ours, ...others], time, judged ? ROUNDS : 1);
    return {
      name,
      expected,
      ours: ours.result(),
      rivals: rivals.map(({ atMost }, i) => ({
        ...others[i].result(),
        ratio: ratioOf(ours, others[i]),
        atMost,
      })),
      note: time === 0 ? undefined : await prepared.note?.(),
    };
  } catch (error) {
    return { name, expected, rivals: [], failure: describeError(error, false) };
  } finally {
    await prepared.close?.();
  }
}
