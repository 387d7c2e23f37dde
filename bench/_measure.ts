/**
 * How the core's benchmarks measure: ratios within one run, never bare times.
 *
 * The contestants of a row take turns, in one round forwards and in the next backwards, so that a
 * machine that slows down slows all of them, and none always pays for its neighbour's garbage. A
 * ratio is the median of the rounds' own ratios. Each sample's result is checked after the clock
 * has stopped. The heap is not collected in between: that makes V8 throw compiled code away.
 */
import assert from "node:assert/strict";

/** One way to do what a row is about. */
export interface Contestant {
  readonly name: string;
  /** Does all operations of a sample once, and answers what shows that they were done right. */
  run(): unknown;
  /**
   * Operations in one of its samples, where they are so slow that it does fewer.
   *
   * @default the row's
   */
  readonly operations?: number;
}

/** Something that ours is compared with. */
export interface Rival extends Contestant {
  /** The budget: how many times as long ours may take. Without one the ratio is only shown. */
  readonly atMost?: number;
}

/** One line of the report. */
export interface Row {
  readonly name: string;
  /** Operations in one sample, by which its time is divided. */
  readonly operations: number;
  readonly ours: Contestant;
  readonly rivals: readonly Rival[];
  /** What each `run` must answer. */
  readonly expected: unknown;
  /**
   * Rounds that count; some more go before them.
   *
   * @default 40
   */
  readonly rounds?: number;
  /** What else there is to tell, found out when all has been measured. */
  readonly note?: () => string | Promise<string>;
}

/** How ours did beside one rival. */
export interface Comparison {
  readonly rival: Rival;
  /** Nanoseconds for one operation of the rival. */
  readonly time: number;
  /** Time of ours / time of the rival. */
  readonly ratio: number;
}

/** What came of a row. */
export interface Result {
  readonly row: Row;
  /** Nanoseconds for one operation of ours. */
  readonly time: number;
  readonly comparisons: readonly Comparison[];
  readonly note: string | undefined;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

async function sample(row: Row, contestant: Contestant): Promise<number> {
  const start = performance.now();
  const result = await contestant.run();
  const time = performance.now() - start;
  assert.deepEqual(result, row.expected, `${row.name}: ${contestant.name} did it wrong`);
  return time / (contestant.operations ?? row.operations) * 1e6;
}

/** Measures one row. Throws when a contestant did it wrong. */
export async function measure(row: Row): Promise<Result> {
  const { rounds = 40 } = row;
  const warmUp = Math.ceil(rounds / 4);
  const contestants: readonly Contestant[] = [row.ours, ...row.rivals];
  const times: number[][] = contestants.map(() => []);
  for (let round = -warmUp; round < rounds; round++) {
    const order = contestants.map((_, i) => i);
    if (round % 2 !== 0) order.reverse();
    for (const i of order) {
      const time = await sample(row, contestants[i]);
      if (round >= 0) times[i].push(time);
    }
  }
  const [ours, ...others] = times;
  return {
    row,
    time: median(ours),
    comparisons: row.rivals.map((rival, i) => ({
      rival,
      time: median(others[i]),
      ratio: median(ours.map((time, round) => time / others[i][round])),
    })),
    note: await row.note?.(),
  };
}

function nanoseconds(time: number): string {
  if (time >= 1e9) return `${(time / 1e9).toPrecision(3)} s`;
  if (time >= 1e6) return `${(time / 1e6).toPrecision(3)} ms`;
  if (time >= 1e6) return `${(time / 1e6).toPrecision(3)} ms`;
  if (time >= 1000) return `${(time / 1000).toPrecision(3)} µs`;
  return `${time >= 100 ? time.toFixed(0) : time.toPrecision(2)} ns`;
}

/** A budget as people say it: so many times as long, or that part of the time. */
function budget(atMost: number): string {
  return atMost < 1 ? `1/${Math.round(1 / atMost)}` : `${atMost}`;
}

/** The lines that tell a result. */
export function report({ row, time, comparisons, note }: Result): string {
  const lines = [`${row.name}`.padEnd(64) + nanoseconds(time).padStart(9)];
  for (const { rival, time, ratio } of comparisons) {
    const verdict = rival.atMost === undefined
      ? ""
      : `  budget ${budget(rival.atMost)}  ${ratio <= rival.atMost ? "ok" : "OVER"}`;
    lines.push(
      `  × ${rival.name}`.padEnd(52) + nanoseconds(time).padStart(9) +
        (ratio < 0.1 ? ratio.toPrecision(2) : ratio.toFixed(2)).padStart(9) + verdict,
    );
  }
  if (note !== undefined) lines.push(`  ${note}`);
  return lines.join("\n");
}
