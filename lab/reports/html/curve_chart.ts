/** How times grow: a line for each way, both axes logarithmic, the quartiles at each point. */
import { showNanoseconds } from "../suite_table.ts";
import type { CurveFigure, CurveLine } from "../figures.ts";
import { showCount } from "../values.ts";
import { html, type Markup } from "./markup.ts";

const LEFT = 80;
const WIDTH = 620;
const HEIGHT = 300;
const TOP = 12;
const RIGHT = 40;
const BOTTOM = 48;

/** How lines are told apart where colours are not. */
const DASHES = ["none", "8 5", "2 5", "10 4 2 4", "1 3", "14 6"];

/** A logarithmic scale from the least to the greatest of some values; nothing stands one step before 1. */
function scale(values: readonly number[], from: number, to: number): (value: number) => number {
  const place = (value: number) => value <= 0 ? -0.5 : Math.log10(value);
  const [least, most] = [Math.min(...values.map(place)), Math.max(...values.map(place))];
  const span = most - least || 1;
  return (value) => Number((from + (place(value) - least) / span * (to - from)).toFixed(1));
}

/** Powers of ten around the values. */
function decades(values: readonly number[]): number[] {
  const least = Math.floor(Math.log10(Math.min(...values)));
  const most = Math.ceil(Math.log10(Math.max(...values)));
  return Array.from({ length: Math.max(1, most - least) + 1 }, (_, i) => 10 ** (least + i));
}

function words({ name, points }: CurveLine): string {
  const times = points.map(({ x, nanoseconds: { p50 }, wrong, samples }) =>
    `${showNanoseconds(p50)} at ${showCount(x)}${
      wrong > 0 ? ` (${wrong} of ${samples} results wrong)` : ""
    }`
  );
  return `${name}: ${times.join(", ")}`;
}

/** A curve as a chart, with a legend. */
export function curveChart(figure: CurveFigure): Markup {
  const { lines, x: counted, operation } = figure;
  const points = lines.flatMap(({ points }) => points);
  const xs = [...new Set(points.map(({ x }) => x))];
  const ticks = decades(points.flatMap(({ nanoseconds: { p25, p75 } }) => [p25, p75]));
  const x = scale(xs, LEFT, LEFT + WIDTH);
  const y = scale(ticks, TOP + HEIGHT, TOP);
  const [width, height] = [LEFT + WIDTH + RIGHT, TOP + HEIGHT + BOTTOM];
  return html`
    <figure class="curve">
      <figcaption>Time of one ${operation}, by the number of ${counted}</figcaption>
      <div class="scroll" tabindex="0" role="group" aria-label="Chart">
        <svg class="chart" viewBox="0 0 ${width} ${height}" width="${width}" role="img"
          aria-label="${lines.map(
            words,
          ).join("; ")}">
    ${ticks.map((tick) =>
      html`
        <line x1="${LEFT}" x2="${LEFT + WIDTH}" y1="${y(tick)}" y2="${y(
          tick,
        )}" stroke="var(--line)" />
        <text x="${LEFT - 8}" y="${y(tick) + 5}" text-anchor="end">${showNanoseconds(tick)}</text>
      `
    )}${xs.map((value) =>
      html`
        <line x1="${x(value)}" x2="${x(value)}" y1="${TOP}" y2="${TOP +
          HEIGHT}" stroke="var(--line)" />
        <text x="${x(value)}" y="${TOP + HEIGHT + 20}" text-anchor="middle">${showCount(
          value,
        )}</text>
      `
    )}<text x="${LEFT + WIDTH / 2}" y="${height - 6}" text-anchor="middle">${counted}</text>
    ${lines.map(({ points }, line) => {
      const colour = `var(--lane${line % 6})`;
      const path = points.map(({ x: at, nanoseconds: { p50 } }) => `${x(at)} ${y(p50)}`).join("L");
      return html`
        <path d="M${path}" fill="none" stroke="${colour}" stroke-width="2.5"
          stroke-dasharray="${DASHES[line % DASHES.length]}" />
        ${points.map(({ x: at, nanoseconds: { p25, p50, p75 }, wrong }) =>
          html`
            <path d="M${x(at)} ${y(p25)}V${y(p75)}" stroke="${colour}" stroke-width="1.5" />
            <circle cx="${x(at)}" cy="${y(p50)}" r="4.5" stroke="${wrong > 0
              ? "var(--bad)"
              : colour}" stroke-width="2"
              fill="${wrong > 0 ? "var(--back)" : colour}" />
          `
        )}
      `;
    })}</svg>
      </div>
      <ul class="legend">${lines.map(({ name, points }, line) =>
        html`
          <li><svg width="44" height="12" aria-hidden="true"><path d="M0 6H44" stroke="var(--lane${line %
            6})" stroke-width="3" stroke-dasharray="${DASHES[
              line % DASHES.length
            ]}" /></svg> ${name}${points.some(({ wrong }) => wrong > 0) &&
            " (hollow where results were wrong)"}</li>
        `
      )}</ul>
    </figure>
  `;
}
