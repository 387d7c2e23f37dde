/** The static pages of a report: an index and a page for each scenario, each complete in itself. */
import type { Figure } from "../figures.ts";
import type { BenchResult, TrialResult } from "../results.ts";
import type { ScenarioText } from "../scenario_page.ts";
import { replayCommand, showGrounds } from "../text.ts";
import { plural, showTime } from "../values.ts";
import { chart } from "./chart.ts";
import { cycle } from "./cycle.ts";
import { figureSection } from "./figures.ts";
import { html, Markup, prose } from "./markup.ts";
import { picture } from "./picture.ts";
import { PLAYER } from "./player.ts";
import { STYLE } from "./style.ts";

/** All that a report shows of one scenario. */
export interface ScenarioReport {
  /** Its words. */
  readonly text: ScenarioText;
  /** The code of each variant, by its name. */
  readonly code: Readonly<Record<string, string>>;
  /** What came of its variants at the distances. */
  readonly results: readonly TrialResult[];
  /** What was measured of them. */
  readonly bench: readonly BenchResult[];
}

/** All that a report shows. */
export interface ReportData {
  /** When it was made, in words. */
  readonly made: string;
  /** The machine and the versions it was made with, in words. */
  readonly circumstances: readonly string[];
  /** The command that makes it again. */
  readonly command: string;
  /** The scenarios in their order. */
  readonly scenarios: readonly ScenarioReport[];
  /** Tables and curves that were measured besides. @default none */
  readonly figures?: readonly Figure[];
}

/** One file of a report. */
export interface ReportFile {
  /** Its name. */
  readonly name: string;
  /** Its content. */
  readonly content: string;
}

/** What a page of a report has, and no other page. */
const GENERATOR = '<meta name="generator" content="interlock lab report">';

/** Whether a file is a page of a report, by its content. */
export function isReportPage(content: string): boolean {
  return content.includes(GENERATOR);
}

/** How the pages of a report are called. */
export function reportFileNames(scenarios: readonly ScenarioText[], figures: boolean): string[] {
  return ["index.html", ...figures ? [FIGURES] : [], ...scenarios.map(fileOf)];
}

/** The pages of a report. They need no server, no network and no other file. */
export function htmlReport(report: ReportData): ReportFile[] {
  return [
    { name: "index.html", content: index(report) },
    ...(report.figures === undefined || report.figures.length === 0
      ? []
      : [{ name: FIGURES, content: figuresPage(report, report.figures) }]),
    ...report.scenarios.map((scenario, place) => ({
      name: fileOf(scenario.text),
      content: page(report, scenario, place),
    })),
  ];
}

/** Where the figures are; no scenario has that name. */
const FIGURES = "figures.html";

function figuresPage(report: ReportData, figures: readonly Figure[]): string {
  return documentOf(
    "What it costs, and how it grows",
    html`<nav aria-label="Pages"><a href="index.html">all scenarios</a></nav>
<main>
<h1>What it costs, and how it grows</h1>
<ul>${
      figures.map(({ name, title }) =>
        html`
          <li><a href="#${name}">${title}</a></li>
        `
      )
    }</ul>
${figures.map(figureSection)}
${footer(report)}
</main>`,
  );
}

function fileOf({ name }: ScenarioText): string {
  return `${name}.html`;
}

function documentOf(title: string, body: Markup): string {
  return html`
    <!DOCTYPE html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        ${new Markup(GENERATOR)}
        <title>${title}</title>
        <link rel="icon" href="data:,">
        <style>${new Markup(STYLE)}</style>
      </head>
      <body>
    ${body}
    <script>${new Markup(PLAYER)}</script>
      </body>
    </html>
  `.toString();
}

function verdictOf({ verdict, met, expect }: TrialResult): Markup {
  const text = met ? `${verdict}, as expected` : `${verdict}, expected ${expect}`;
  return html`<span class="${met ? "good" : "bad"}">${met ? "✓" : "✗"} ${text}</span>`;
}

function footer({ made, circumstances, command }: ReportData): Markup {
  return html`
    <footer class="faint">
      <h2>How this was made</h2>
      <p><code>${command}</code>, ${made}</p>
      <ul>${circumstances.map((line) => html`<li>${line}</li>`)}</ul>
    </footer>
  `;
}

function index(report: ReportData): string {
  const results = report.scenarios.flatMap((scenario) => scenario.results);
  const met = results.filter((result) => result.met).length;
  return documentOf(
    "The lab: races, explored",
    html`<main>
<h1>Races, explored</h1>
<p><span class="${met === results.length ? "good" : "bad"}">${met} of ${
      plural(results.length, "expectation")
    } met.</span> Each variant below is expected to be broken or to be safe; what was found, and what that rests on, stands beside it.</p>
${
      report.figures !== undefined && report.figures.length > 0 && html`
        <p><a href="${FIGURES}">What it costs, and how it grows</a>: ${plural(
          report.figures.length,
          "table and curve",
          "tables and curves",
        )}</p>
      `
    }
<nav aria-label="Scenarios"><ul class="contents">${
      report.scenarios.map(({ text }) => html`<li><a href="#${text.name}">${text.title}</a></li>`)
    }</ul></nav>
${
      report.scenarios.map((scenario) =>
        html`
          <section><h2 id="${scenario.text.name}"><a href="${fileOf(scenario.text)}">${scenario.text
            .title}</a></h2>
          <p class="faint">${scenario.text.name}, from ${scenario.text.seed}</p>
          ${resultsTable(scenario)}</section>
        `
      )
    }${footer(report)}</main>`,
  );
}

function resultsTable({ results }: ScenarioReport): Markup {
  return html`
    <div class="scroll" tabindex="0" role="group" aria-label="Verdicts">
      <table class="list">
        <thead>
          <tr>
            <th scope="col">variant</th>
            <th scope="col">between</th>
            <th scope="col">verdict</th>
            <th scope="col">evidence</th>
          </tr>
        </thead>
        <tbody>
    ${results.map((result) =>
      html`
        <tr>
          <th scope="row">${result.variant}</th>
          <td>${result.world}</td>
          <td>${verdictOf(result)}</td>
          <td>${showGrounds(result)}</td>
        </tr>
      `
    )}</tbody>
      </table>
    </div>
  `;
}

function page(report: ReportData, scenario: ScenarioReport, place: number): string {
  const { text, bench } = scenario;
  const before = report.scenarios[place - 1];
  const after = report.scenarios[place + 1];
  const worlds = [...new Set(bench.map(({ world }) => world))];
  return documentOf(
    text.title,
    html`<nav aria-label="Pages"><a href="index.html">all scenarios</a>${
      before && html`
        · <a href="${fileOf(before.text)}" rel="prev">← ${before.text.title}</a>
      `
    }${
      after && html`
        · <a href="${fileOf(after.text)}" rel="next">${after.text.title} →</a>
      `
    }</nav>
<main>
<h1>${text.title}</h1>
<p class="faint">${text.name}, from ${text.seed}</p>
${text.lesson.map((paragraph) => html`<p>${prose(paragraph)}</p>`)}
<h2>What was found</h2>
${resultsTable(scenario)}
${Object.keys(text.variants).map((name) => variant(scenario, name))}
${
      worlds.length > 0 && html`<h2>What it costs</h2>
<p>The bar ends at the median, the line spans the quartiles; every result was checked outside the clock.</p>
${worlds.map((world) => chart(world, bench.filter((result) => result.world === world)))}`
    }
<h2>The code</h2>
<div class="variants">${
      Object.entries(scenario.code).map(([name, code]) =>
        html`
          <div>
            <h3>${name}</h3>
            <pre tabindex="0"><code>${code}</code></pre>
          </div>
        `
      )
    }</div>
${footer(report)}
</main>`,
  );
}

function again(command: string): Markup {
  return html`<p>To see it again: <span class="code">${command}</span>
<button type="button" data-copy="${command}" hidden>copy</button></p>`;
}

function variant({ text, results }: ScenarioReport, name: string): Markup {
  const { expect, because } = text.variants[name];
  // The nearest distance tells the story; the others say whether it is the same there.
  const told = results.find((result) => result.variant === name && result.failure !== undefined) ??
    results.find((result) => result.variant === name);
  const run = told?.failure ?? told?.passing;
  return html`
    <section><h2 id="${name}">${name}: ${expect}</h2>
    <p>${prose(because)}</p>
    ${told !== undefined &&
      html`<p>${verdictOf(told)} between ${told.world}: ${showGrounds(told)}; ${
        plural(told.schedules, "schedule")
      } in ${showTime(told.elapsed)}.</p>`}${told?.failure !== undefined &&
      html`<p><strong>${told.failure.headline}</strong></p>
${told.failure.message !== told.failure.headline && html`<p>${told.failure.message}</p>`}`}${run !==
        undefined &&
      picture(
        `${name}-run`,
        told?.failure === undefined ? "One order, as it runs" : "The order that breaks it",
        run,
      )}${told?.failure?.waits !== undefined && told.failure.waits.length > 0 &&
      html`<h3>Who waits for whom</h3>${
        cycle(told.failure.waits)
      }`}${told?.contrast !== undefined &&
      picture(
        `${name}-contrast`,
        "The nearest order that passes",
        told.contrast,
      )}${told?.failure !== undefined && told.contrast === undefined &&
      html`<p class="faint">No passing order was found near it.</p>`}${told?.schedule !==
        undefined &&
      again(replayCommand(told))}</section>
  `;
}
