import type { BenchResult } from "./results.ts";
import type { Layout } from "./text.ts";
import { tableLines } from "./_table.ts";
import { showTime } from "./values.ts";

/** The variant that others are compared with. */
const BASE = "unguarded";

/** Measurements as a table, each beside the unguarded variant at the same distance. */
export function benchTable(results: readonly BenchResult[], layout: Layout): string {
  const rows = results.map((result) => {
    const base = results.find(({ scenario, world, variant }) =>
      scenario === result.scenario && world === result.world && variant === BASE
    );
    const ratio = base === undefined
      ? ""
      : `${(result.milliseconds.p50 / base.milliseconds.p50).toFixed(2)} ×`;
    const { p25, p50, p75 } = result.milliseconds;
    const wrong = result.wrong === 0
      ? `right ${result.samples}/${result.samples}`
      : `WRONG ${result.wrong}/${result.samples}`;
    return [
      result.world,
      `${result.scenario}/${result.variant}`,
      showTime(p50),
      `${showTime(p25)} – ${showTime(p75)}`,
      ratio,
      wrong,
    ];
  });
  const columns = ["world", "variant", "median", "quartiles", `× ${BASE}`, "results"];
  const isNumber = [false, false, true, true, true, false];
  return tableLines({ columns, rows, isNumber }, layout).join("\n");
}
