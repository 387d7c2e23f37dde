/** A run as a picture that can be stepped through: a lane for each actor, a row for each step. */
import { notesOn } from "../timeline.ts";
import type { FailureResult, RunResult, Step } from "../results.ts";
import { sharedStates } from "../shared_state.ts";
import { plural, showStep } from "../values.ts";
import { data, html, type Markup } from "./markup.ts";

/** What kind of thing a step does, for its colour. */
function colourOf({ kind }: Step): string {
  if (/^(request|enter|leave)\b/.test(kind)) return "lock";
  if (/^(write|compare-and-set|send|receive)\b/.test(kind)) return "write";
  if (/^(read|now)\b/.test(kind)) return "read";
  return "other";
}

/** Drawn, for not every machine has a font with these signs. */
const ICONS: Readonly<Record<string, string>> = {
  first: "M5 4V20M19 4L8 12L19 20z",
  back: "M17 4L6 12L17 20z",
  on: "M7 4L18 12L7 20z",
  last: "M5 4L16 12L5 20zM19 4V20",
};

function button(go: string, label: string): Markup {
  return html`
    <button type="button" data-go="${go}"
      aria-label="${label}"><svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true"><path d="${ICONS[
        go
      ]}" fill="currentColor" stroke="currentColor" stroke-width="2"/></svg></button>
  `;
}

/**
 * The picture of a run. Without scripts it is a table of the whole run; with them it is stepped
 * through by buttons and keys, and what the shared objects hold stands beside it.
 *
 * @param id Its name on the page.
 * @param title What it shows.
 * @param run The run.
 */
export function picture(id: string, title: string, run: RunResult | FailureResult): Markup {
  const notes = notesOn(run);
  const breaking = "breakingStep" in run ? run.breakingStep : undefined;
  const states = sharedStates(run.steps);
  const rows = run.steps.map((step, index) => {
    const lane = run.actors.indexOf(step.actor);
    const note = notes.get(index);
    return html`
      <tr data-step="${index + 1}" class="${index === breaking && "breaks"}">
      <th scope="row">${index + 1}</th>
      ${run.actors.map((actor, column) =>
        column === lane
          ? html`
            <td
              class="lane lane${lane % 6}"><span class="step ${colourOf(
                step,
              )}"><span class="hidden">${actor}: </span>${showStep(
                step,
              )}</span>${index === breaking &&
                html`<span class="mark" aria-label="this step breaks it">✗</span>`}</td>
          `
          : html`<td class="lane lane${column % 6}"></td>`
      )}
      <td class="note">${note}</td></tr>
    `;
  });
  const last = states.at(-1)!;
  return html`
    <section class="run" id="${id}" aria-labelledby="${id}-title">
      <h3 id="${id}-title">${title}</h3>
      <div class="controls" role="toolbar" aria-label="Step through ${title}" hidden>
        ${button("first", "Before the first step")}${button("back", "One step back")}${button(
          "on",
          "One step on",
        )}${button(
          "last",
          "After the last step",
        )}        <span class="where" role="status" aria-live="polite"></span>
        <span class="keys">← → Home End</span>
      </div>
      <div class="stage">
        <div class="scroll" tabindex="0" role="group" aria-label="Steps of ${title}">
          <table>
            <thead>
              <tr><th scope="col">step</th>${run.actors.map((actor, column) =>
                html`<th scope="col" class="lane lane${column % 6}">${actor}</th>`
              )}<th scope="col"><span class="hidden">remark</span></th></tr>
            </thead>
            <tbody>
    ${rows}</tbody>
          </table>
        </div>
        <table class="state">
          <caption>shared objects</caption>
          <tbody>
    ${last.map(({ object, holds }) =>
      html`
        <tr data-object="${object}">
          <th scope="row">${object}</th>
          <td>${holds}</td>
        </tr>
      `
    )}</tbody>
        </table>
      </div>
      <p class="count">${plural(run.preemptions, "preemption")}, ${plural(
        run.switches,
        "switch",
        "switches",
      )}</p>
      <script type="application/json">${data({
        steps: run.steps.map((step) => `${step.actor}: ${showStep(step)}`),
        states: states.map((objects) => objects.map(({ holds, changed }) => [holds, changed])),
      })}</script>
    </section>
  `;
}
