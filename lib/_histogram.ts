/**
 * Durations counted in buckets whose bounds grow by a constant factor, so that the memory is the
 * same for ten durations and for ten thousand million, and what is told of them is right to within
 * that factor: 2^(1/8), or 9 %. (The idea is HdrHistogram's, G. Tene, with a logarithm in the place
 * of its linear sub-buckets.)
 */
import type { DurationStats } from "./lock.ts";

/** Buckets for each doubling. */
const PER_OCTAVE = 8;

/** The first bucket ends at a microsecond, the last but one at 2^41 µs, which is 25 days. */
const BUCKETS = 41 * PER_OCTAVE + 2;

/** Where a bucket ends, in milliseconds; it includes its bound. */
function boundOf(bucket: number): number {
  return bucket === BUCKETS - 1 ? Infinity : 2 ** (bucket / PER_OCTAVE) / 1000;
}

function bucketOf(ms: number): number {
  // Clocks have been seen to go back, and what is less than 0 has no logarithm.
  if (!(ms > 0.001)) return 0;
  return Math.min(BUCKETS - 1, Math.ceil(Math.log2(ms * 1000) * PER_OCTAVE));
}

/** See the top of the file. */
export class Histogram {
  readonly #counts = new Float64Array(BUCKETS);
  #count = 0;
  #sum = 0;
  #max = 0;

  /** The longest of all, in milliseconds. */
  get max(): number {
    return this.#max;
  }

  /** Counts a duration in milliseconds. */
  record(ms: number): void {
    this.#counts[bucketOf(ms)]++;
    this.#count++;
    this.#sum += ms;
    if (ms > this.#max) this.#max = ms;
  }

  /** What can be said of all durations so far. */
  summary(): DurationStats {
    return {
      count: this.#count,
      mean: this.#count === 0 ? 0 : this.#sum / this.#count,
      max: this.#max,
      p50: this.#percentile(0.5),
      p90: this.#percentile(0.9),
      p99: this.#percentile(0.99),
      p999: this.#percentile(0.999),
      buckets: Array.from(this.#counts, (count, i) => ({ upTo: boundOf(i), count }))
        .filter(({ count }) => count > 0),
    };
  }

  /** The bound under which that share of them lies. */
  #percentile(share: number): number {
    let left = Math.ceil(share * this.#count);
    for (let i = 0; left > 0; i++) {
      left -= this.#counts[i];
      if (left <= 0) return Math.min(boundOf(i), this.#max);
    }
    return 0;
  }
}
