/** Tables and curves as parts of a page. */
import { figureTable } from "../figure_text.ts";
import type { Figure } from "../figures.ts";
import { curveChart } from "./curve_chart.ts";
import { html, type Markup } from "./markup.ts";

/** What a figure says, its chart if it is a curve, and its numbers. */
export function figureSection(figure: Figure): Markup {
  const { name, title, about, notes, met, kind } = figure;
  return html`
    <section><h2 id="${name}">${title}</h2>
    <p>${about}</p>
    ${!met && html`<p class="bad">✗ something was not as it should be</p>`}
    ${kind === "curve" && figure.lines.length > 0 && curveChart(figure)}
    ${numbers(figure)}
    ${notes.map((note) => html`<p>${note}</p>`)}
    <p class="faint">To measure it again: <code>deno task lab bench ${name}</code></p></section>
  `;
}

function numbers(figure: Figure): Markup {
  const { columns, rows } = figureTable(figure);
  return html`
    <div class="scroll" tabindex="0" role="group" aria-label="${figure.title}">
      <table class="numbers">
        <thead>
          <tr>${columns.map((column) => html`<th scope="col">${column}</th>`)}</tr>
        </thead>
        <tbody>${rows.map(([first, ...cells]) =>
          html`
            <tr><th scope="row">${first}</th>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>
          `
        )}</tbody>
      </table>
    </div>
  `;
}
