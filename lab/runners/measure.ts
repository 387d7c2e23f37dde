/**
 * How a benchmark is measured: ratios within one run, never bare times, by mitata.
 *
 * The contestants take turns, in one round forwards and in the next backwards, so that a machine
 * that slows down slows all of them, and none always pays for its neighbour's garbage. A ratio is
 * the median of the rounds' own ratios. mitata is handed a clock that stands still while an answer is
 * checked. The heap is not collected in between: that makes V8 throw compiled code away.
 */
import { measure } from "mitata";
import { isDeepStrictEqual } from "node:util";
import { showValue } from "../reports/values.ts";
import { median, quantile } from "../reports/statistics.ts";
import type { ContestantResult, SuiteResult } from "../reports/suite_results.ts";
import { type Benchmark, checkPrepared, type Contestant, type PreparedBenchmark } from "./suite.ts";

/** Rounds that count; one more goes before them, in which code is compiled. */
const ROUNDS = 6;
/** Rounds that there are even where a sample takes longer than a round should. */
const LEAST_ROUNDS = 2;

/** How to measure. */
export interface MeasureOptions {
  /** How long to measure each contestant, in milliseconds. @default 300 */
  readonly time?: number;
  /**
   * Whether rivals are measured too.
   *
   * @default true
   */
  readonly rivals?: boolean;
}

/** A contestant did its work wrong. */
class WrongAnswer extends Error {}

/** Takes samples of one contestant. */
class Sampler {
  readonly contestant: Contestant;
  /** For one operation, in nanoseconds, by round. */
  readonly rounds: number[][] = [];
  readonly #operations: number;
  readonly #expected: unknown;
  /** What mitata takes for the time. */
  #clock = 0;

  constructor(contestant: Contestant, { operations, expected }: PreparedBenchmark) {
    this.contestant = contestant;
    this.#operations = contestant.operations ?? operations;
    this.#expected = expected;
  }

  async measure(time: number): Promise<number[]> {
    const { contestant } = this;
    const { samples } = await measure(async () => {
      const start = performance.now();
      const answer = await contestant.run();
      this.#clock += (performance.now() - start) * 1e6;
      if (isDeepStrictEqual(answer, this.#expected)) return;
      throw new WrongAnswer(`answered ${showValue(answer)}, not ${showValue(this.#expected)}`);
    }, {
      now: () => this.#clock,
      gc: false as never,
      min_cpu_time: time * 1e6,
      min_samples: 1,
      samples_threshold: Number.MAX_SAFE_INTEGER,
      batch_threshold: 0,
    });
    return samples.map((nanoseconds) => nanoseconds / this.#operations);
  }

  result(): ContestantResult {
    const all = this.rounds.flat().sort((a, b) => a - b);
    const [p25, p50, p75] = [0.25, 0.5, 0.75].map((share) => quantile(all, share));
    return { name: this.contestant.name, nanoseconds: { p25, p50, p75 }, samples: all.length };
  }
}

async function measureRounds(samplers: readonly Sampler[], time: number): Promise<void> {
  const started = performance.now();
  for (let round = 0; round <= ROUNDS; round++) {
    const late = performance.now() - started > 2 * time * samplers.length;
    if (late && round > LEAST_ROUNDS) break;
    for (const sampler of round % 2 === 0 ? samplers : samplers.toReversed()) {
      try {
        const samples = await sampler.measure(time / ROUNDS);
        if (round > 0) sampler.rounds.push(samples);
      } catch (error) {
        const { name } = sampler.contestant;
        if (error instanceof WrongAnswer) throw new Error(`${name} ${error.message}`);
        throw new Error(`${name} threw ${error}`, { cause: error });
      }
    }
  }
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
  const { time = 300 } = options;
  const prepared = await benchmark.prepare();
  checkPrepared(name, prepared);
  const rivals = options.rivals === false ? [] : prepared.rivals ?? [];
  const expected = showValue(prepared.expected);
  try {
    const ours = new Sampler(prepared.ours, prepared);
    const others = rivals.map((rival) => new Sampler(rival, prepared));
    await measureRounds([ours, ...others], time);
    const times = ours.rounds.map(median);
    return {
      name,
      expected,
      ours: ours.result(),
      rivals: rivals.map(({ atMost }, i) => ({
        ...others[i].result(),
        ratio: median(times.map((time, round) => time / median(others[i].rounds[round]))),
        atMost,
      })),
      note: options.rivals === false ? undefined : await prepared.note?.(),
    };
  } catch (error) {
    return { name, expected, rivals: [], failure: (error as Error).message };
  } finally {
    await prepared.close?.();
  }
}
