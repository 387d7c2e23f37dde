/**
 * A process that measures benchmarks of one suite: a block of a comparison. It takes orders as lines on
 * stdin and answers each with a line on stdout; in between it does nothing, so that another may
 * measure.
 *
 * It measures a suite of any revision of any project with the code of this one, so that both sides of
 * a comparison are measured alike. Its current folder is that of the project.
 */
import process from "node:process";
import { describeError } from "../engine/mod.ts";
import { showValue } from "../reports/values.ts";
import { MARK, onLines } from "../worlds/_lines.ts";
import { Sampler } from "./measure.ts";
import { type BenchmarkSuite, checkPrepared, checkSuite, type PreparedBenchmark } from "./suite.ts";

/** What a process is to do next. */
export type ToBlock =
  /** Load the suite from a URL, and answer the names of its benchmarks. */
  | { readonly type: "load"; readonly suite: string }
  /** Prepare a benchmark that will be measured for so many milliseconds, and answer what it expects. */
  | { readonly type: "open"; readonly name: string; readonly time: number }
  /** Have a turn of so many milliseconds; answers whether more are needed. */
  | { readonly type: "turn"; readonly time: number }
  /** Be done with it, and answer what the samples are. */
  | { readonly type: "close" };

/** What it answers. */
export type FromBlock =
  | { readonly type: "done"; readonly answer?: unknown }
  | { readonly type: "failed"; readonly message: string };

let suite: BenchmarkSuite = [];
let prepared: PreparedBenchmark | undefined;
let sampler: Sampler | undefined;

async function perform(order: ToBlock): Promise<unknown> {
  switch (order.type) {
    case "load": {
      const { default: loaded } = await import(order.suite);
      checkSuite(loaded);
      suite = loaded;
      return suite.map(({ name }) => name);
    }
    case "open": {
      const benchmark = suite.find(({ name }) => name === order.name)!;
      const ready = await benchmark.prepare({ smoke: false });
      checkPrepared(order.name, ready);
      prepared = ready;
      sampler = new Sampler(ready.ours, ready);
      await sampler.warmUp(order.time / 2);
      sampler.start(order.time);
      return showValue(ready.expected);
    }
    case "turn":
      await sampler!.turn(order.time);
      return !sampler!.done;
    case "close": {
      const [measured, opened] = [sampler, prepared];
      prepared = sampler = undefined;
      try {
        return measured !== undefined && measured.done ? measured.block() : undefined;
      } finally {
        await opened?.close?.();
      }
    }
  }
}

onLines(process.stdin, async (line) => {
  let message: FromBlock;
  try {
    message = { type: "done", answer: await perform(JSON.parse(line)) };
  } catch (error) {
    message = { type: "failed", message: describeError(error, false) };
  }
  process.stdout.write(`${MARK}${JSON.stringify(message)}\n`);
});
// When the one who asked is gone, however it went, this goes too; and a suite may have started what
// does not end by itself.
process.stdin.on("end", () => process.exit());
