/** Where a process of the strategies' race begins: a line orders a share, a second one starts it. */
import process from "node:process";
import { Histogram } from "../../lib/_histogram.ts";
import { describeError } from "../engine/mod.ts";
import { MARK, onLines } from "../worlds/_lines.ts";
import { shareOf, type StrategyOrder } from "./_strategies.ts";

/** What a process says. */
export type FromRacer =
  | { readonly type: "up" | "ready" }
  | { readonly type: "done"; readonly result: RacerResult }
  | { readonly type: "failed"; readonly message: string };

/** What a process has done. */
export interface RacerResult {
  readonly writes: boolean;
  /** How many updates, or reads. */
  readonly count: number;
  /** In how many milliseconds. */
  readonly elapsed: number;
  /** How many of them took up to so many milliseconds; see `DurationStats`. */
  readonly buckets: readonly { readonly upTo: number; readonly count: number }[];
}

const say = (message: FromRacer): void => {
  process.stdout.write(`${MARK}${JSON.stringify(message)}\n`);
};

async function race(order: StrategyOrder, started: Promise<void>): Promise<RacerResult> {
  const share = await shareOf(order);
  try {
    say({ type: "ready" });
    await started;
    const histogram = new Histogram();
    const from = performance.now();
    let now = from;
    while (now - from < order.time) {
      const since = now;
      const pending = share.perform();
      if (pending !== undefined) await pending;
      now = performance.now();
      histogram.record(now - since);
    }
    const { count, buckets } = histogram.summary();
    return { writes: share.writes, count, elapsed: now - from, buckets };
  } finally {
    await share.close();
  }
}

let start = () => {};
onLines(process.stdin, async (line) => {
  if (line === "go") return start();
  const started = new Promise<void>((resolve) => start = resolve);
  try {
    say({ type: "done", result: await race(JSON.parse(line), started) });
  } catch (error) {
    say({ type: "failed", message: describeError(error, false) });
  }
});
// When whoever asked is gone, however it went, so is this.
process.stdin.on("end", () => process.exit());
say({ type: "up" });
