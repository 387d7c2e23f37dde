/** Measurements as bars with their quartiles. */
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

/** One chart for a scenario at one distance: a bar to the median, a whisker over the quartiles. */
export function chart(world: string, results: readonly BenchResult[]): Markup {
  const most = niceMaximum(Math.max(...results.map(({ milliseconds }) => milliseconds.p75)));
  const x = (ms: number) => LABEL + ms / most * BAR;
  const height = results.length * ROW + 30;
  const words = results.map(({ variant, milliseconds: { p25, p50, p75 }, wrong, samples }) =>
    `${variant}: median ${showTime(p50)}, quartiles ${showTime(p25)} to ${showTime(p75)}, ${
      wrong === 0 ? "all results right" : `${wrong} of ${samples} results wrong`
    }`
  );
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) => share * most);
  return html`
    <figure>
      <figcaption>Between ${world}: time of one run at full speed</figcaption>
      <svg viewBox="0 0 ${LABEL + BAR + VALUE} ${height}" width="${LABEL + BAR + VALUE}" role="img"
        aria-label="${words.join("; ")}">
    ${ticks.map((tick) =>
      html`
        <line x1="${x(tick)}" y1="0" x2="${x(tick)}" y2="${height - 22}" stroke="var(--line)" />
        <text x="${x(tick)}" y="${height - 6}" text-anchor="middle" font-size="12">${showTime(
          tick,
        )}</text>
      `
    )}${results.map(({ variant, milliseconds: { p25, p50, p75 }, wrong, samples }, row) => {
      const y = row * ROW + 4;
      const middle = y + 10;
      return html`
        <text x="${LABEL - 8}" y="${y + 15}" text-anchor="end">${variant}</text>
        <rect x="${LABEL}" y="${y}" width="${x(p50) - LABEL}" height="20" fill="${wrong === 0
          ? "var(--lane0)"
          : "var(--bad)"}"
          opacity="0.75" />
        <path
          d="M${x(p25)} ${middle}H${x(p75)}M${x(p25)} ${middle - 6}V${middle + 6}M${x(
            p75,
          )} ${middle - 6}V${middle + 6}"
          stroke="currentColor" stroke-width="2" fill="none" />
        <text x="${Math.max(x(p50), x(p75)) + 8}" y="${y + 15}">${showTime(p50)}${wrong > 0 &&
          ` ✗ ${wrong}/${samples} wrong`}</text>
      `;
    })}</svg>
    </figure>
  `;
}
