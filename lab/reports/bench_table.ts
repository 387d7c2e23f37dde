import { showRatio, showResults, showSpread } from "./_bench_cells.ts";
import type { BenchResult } from "./results.ts";
import type { Layout } from "./text.ts";
import { tableLines } from "./_table.ts";
import { showTime } from "./values.ts";

/** Measurements as a table, each beside the unguarded variant at the same distance. */
export function benchTable(results: readonly BenchResult[], layout: Layout): string {
  const rows = results.map((result) => [
    result.world,
    `${result.scenario}/${result.variant}`,
    result.milliseconds === undefined ? "no end" : showTime(result.milliseconds.p50),
    showSpread(result),
    showRatio(result),
    showResults(result),
  ]);
  const columns = ["world", "variant", "median", "quartiles", "× unguarded", "results"];
  const isNumber = [false, false, true, true, true, false];
  return tableLines({ columns, rows, isNumber }, layout).join("\n");
}

/** What came of a smoke test, which has seen that everything runs, and no speed. */
export function smokeTable(results: readonly BenchResult[], layout: Layout): string {
  const rows = results.map((result) => [
    result.world,
    `${result.scenario}/${result.variant}`,
    showResults(result),
    result.expect === "broken" ? "may be wrong" : "",
  ]);
  return tableLines({ columns: ["world", "variant", "results", ""], rows }, layout).join("\n");
}
