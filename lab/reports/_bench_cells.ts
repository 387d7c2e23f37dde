/** What is told of a measurement, in the table and beside the chart alike. */
import type { BenchResult } from "./results.ts";
import { plural, showTime } from "./values.ts";

/** Of fewer samples quartiles say nothing. */
export const QUARTILES = 4;

/** How the results of all runs were. */
export function showResults({ samples, wrong }: BenchResult): string {
  return wrong === 0 ? `right ${samples}/${samples}` : `WRONG ${wrong}/${samples}`;
}

/** In between which times half of the runs lie, as far as that can be told of so many. */
export function showSpread({ milliseconds, timed }: BenchResult): string {
  if (milliseconds === undefined) return "";
  const { p25, p75 } = milliseconds;
  return timed < QUARTILES ? plural(timed, "sample") : `${showTime(p25)} – ${showTime(p75)}`;
}

/** With as many digits as matter. */
function showFactor(value: number): string {
  return value >= 9.95 ? value.toFixed(0) : value.toPrecision(2);
}

/** How many times as long as the unguarded variant, with the interval in which that is known to lie. */
export function showRatio({ ratio }: BenchResult): string {
  if (ratio === undefined) return "";
  const { median, interval } = ratio;
  const within = interval === undefined ? "" : ` (${interval.map(showFactor).join("–")})`;
  return `${showFactor(median)} ×${within}`;
}

/** How many times as long, with as many digits as matter. */
export function showQuotient(value: number): string {
  return value < 0.1 ? value.toPrecision(2) : value.toFixed(2);
}
