/** Measurements as bars with their quartiles. */
import { QUARTILES, showResults, showSpread } from "../_bench_cells.ts";
import type { BenchResult } from "../results.ts";
import { showTime } from "../values.ts";
import { html, type Markup } from "./markup.ts";

const LABEL = 230;
const BAR = 420;
const VALUE = 150;
const ROW = 30;

/** Rounds up to 1, 2 or 5 times a power of ten. */
function niceMaximum(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((factor) => factor * power).find((nice) => nice >= value)!;
}

/** A measurement in words, for who cannot see the bar. */
function words(result: BenchResult): string {
  const { variant, milliseconds, timed } = result;
  const results = showResults(result);
  if (milliseconds === undefined) return `${variant}: comes to no end, ${results}`;
  const spread = `${timed < QUARTILES ? "" : "quartiles "}${showSpread(result)}`;
  return `${variant}: median ${showTime(milliseconds.p50)}, ${spread}, ${results}`;
}

/** One chart for a scenario at one distance: a bar to the median, a whisker over the quartiles. */
export function chart(world: string, results: readonly BenchResult[]): Markup {
  const longest = Math.max(...results.map(({ milliseconds }) => milliseconds?.p75 ?? 0));
  const most = niceMaximum(longest > 0 ? longest : 1);
  const x = (ms: number) => LABEL + ms / most * BAR;
  const width = LABEL + BAR + VALUE;
  const height = results.length * ROW + 30;
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) => share * most);
  return html`
    <figure>
      <figcaption>Between ${world}: time of one run at full speed</figcaption>
      <div class="scroll" tabindex="0" role="group" aria-label="Chart">
        <svg class="chart" viewBox="0 0 ${width} ${height}" width="${width}" role="img"
          aria-label="${results.map(words).join("; ")}">
    ${ticks.map((tick) =>
      html`
        <line x1="${x(tick)}" y1="0" x2="${x(tick)}" y2="${height - 22}" stroke="var(--line)" />
        <text x="${x(tick)}" y="${height - 6}" text-anchor="middle" font-size="12">${showTime(
          tick,
        )}</text>
      `
    )}${results.map((result, row) => bar(result, row * ROW + 4, x))}</svg>
      </div>
    </figure>
  `;
}

/** A row of a chart: its name, its bar, and what it says. */
function bar(result: BenchResult, y: number, x: (ms: number) => number): Markup {
  const { variant, milliseconds, wrong, samples, timed } = result;
  const name = html`
    <text x="${LABEL - 8}" y="${y + 15}" text-anchor="end">${variant}</text>
  `;
  const bad = wrong > 0 && ` ✗ ${wrong}/${samples} wrong`;
  if (milliseconds === undefined) {
    return html`${name}<text x="${LABEL + 8}" y="${y + 15}">comes to no end${bad}</text>`;
  }
  const { p25, p50, p75 } = milliseconds;
  const middle = y + 10;
  const whisker = timed >= QUARTILES &&
    html`
      <path
        d="M${x(p25)} ${middle}H${x(p75)}M${x(p25)} ${middle - 6}V${middle + 6}M${x(p75)} ${middle -
          6}V${middle + 6}"
        stroke="currentColor" stroke-width="2" fill="none" />
    `;
  return html`
    ${name}
    <rect x="${LABEL}" y="${y}" width="${x(p50) - LABEL}" height="20" fill="${wrong === 0
      ? "var(--lane0)"
      : "var(--bad)"}"
      opacity="0.75" />
    ${whisker}
    <text x="${Math.max(x(p50), whisker === false ? 0 : x(p75)) + 8}" y="${y + 15}">${showTime(
      p50,
    )}${bad}</text>
  `;
}
