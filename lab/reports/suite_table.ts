/** Benchmarks of a suite as text, each beside its rivals. */
import { showQuotient } from "./_bench_cells.ts";
import type { RivalResult, SuiteResult } from "./suite_results.ts";
import type { Layout } from "./text.ts";

/** A length of time in nanoseconds, with as many digits as matter. */
export function showNanoseconds(time: number): string {
  // What rounds up to the next unit is told in that.
  const rounded = Number(time.toPrecision(3));
  if (rounded >= 1e9) return `${(rounded / 1e9).toPrecision(3)} s`;
  if (rounded >= 1e6) return `${(rounded / 1e6).toPrecision(3)} ms`;
  if (rounded >= 1000) return `${(rounded / 1000).toPrecision(3)} µs`;
  return `${rounded >= 99.5 ? rounded.toFixed(0) : rounded.toPrecision(2)} ns`;
}

/** A budget as people say it: so many times as long, or that part of the time. */
function showBudget(atMost: number): string {
  return atMost < 1 ? `1/${Math.round(1 / atMost)}` : `${atMost}`;
}

function rivalLine(rival: RivalResult, { palette }: Layout): string {
  const { name, nanoseconds, ratio, atMost } = rival;
  const verdict = atMost === undefined
    ? ""
    : `  budget ${showBudget(atMost)}  ${
      ratio <= atMost ? palette.green("ok") : palette.red("OVER")
    }`;
  return `  × ${name}`.padEnd(52) + showNanoseconds(nanoseconds.p50).padStart(9) +
    showQuotient(ratio).padStart(9) + verdict;
}

/** The line that tells what came of one benchmark in a smoke test, which has seen no speed. */
export function suiteSmokeLine(result: SuiteResult, layout: Layout): string {
  const { name, failure, rivals } = result;
  if (failure !== undefined) return suiteLines(result, layout);
  const others = rivals.length === 0
    ? ""
    : `, and so ${rivals.length === 1 ? "is its rival" : `are its ${rivals.length} rivals`}`;
  return `${layout.palette.green("✓")} ${name}: right${others}`;
}

/** The lines that tell what came of one benchmark: ours, then `ours / rival` for each rival. */
export function suiteLines(result: SuiteResult, layout: Layout): string {
  const { name, ours, rivals, note, failure } = result;
  if (ours === undefined) return `${name}\n  ${layout.palette.red(`WRONG: ${failure}`)}`;
  return [
    name.padEnd(64) + showNanoseconds(ours.nanoseconds.p50).padStart(9),
    ...rivals.map((rival) => rivalLine(rival, layout)),
    ...(note === undefined ? [] : [`  ${note}`]),
  ].join("\n");
}
