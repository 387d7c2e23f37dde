/** A run in columns: one for each actor, one row for each step. */
import { findBuriedWrite } from "./analysis.ts";
import type { Palette } from "./palette.ts";
import type { FailureResult } from "./results.ts";
import { showStep } from "./values.ts";

/** Blanks between two columns. */
const GAP = 3;

/**
 * A run as a table; one that would be wider than `width` becomes a list.
 *
 * @param run What happened.
 * @param palette Colours, or none.
 * @param width How many columns of text there are.
 */
export function timeline(run: FailureResult, palette: Palette, width: number): string {
  const { actors, steps, breakingStep } = run;
  const notes = notesOn(run);
  const texts = steps.map(showStep);
  const columns = actors.map((actor) =>
    Math.max(
      actor.length,
      ...texts.filter((_, row) => steps[row].actor === actor).map((text) => text.length),
    )
  );
  const digits = Math.max("step".length, String(steps.length).length);
  const total = digits + 4 + sum(columns) + GAP * columns.length;
  const asTable = total <= width;
  const nameWidth = Math.max(...actors.map((actor) => actor.length));

  const header = actors.map((actor, index) => actor.padEnd(columns[index] + GAP)).join("");
  const lines = asTable ? [palette.dim(`  ${"step".padStart(digits)}  ${header.trimEnd()}`)] : [];
  steps.forEach(({ actor }, row) => {
    const column = actors.indexOf(actor);
    const before = asTable
      ? " ".repeat(sum(columns.slice(0, column)) + GAP * column)
      : `${actor.padEnd(nameWidth)}  `;
    const after = asTable
      ? " ".repeat(sum(columns.slice(column)) + GAP * (columns.length - column) - texts[row].length)
      : " ".repeat(GAP);
    const breaks = row === breakingStep;
    const mark = breaks ? palette.red("✗") : " ";
    const text = breaks ? palette.red(texts[row]) : texts[row];
    const note = notes.has(row) ? after + palette.dim(notes.get(row)!) : "";
    lines.push(`${mark} ${palette.dim(String(row + 1).padStart(digits))}  ${before}${text}${note}`);
  });
  return lines.join("\n");
}

/** What is said beside some of the steps. */
function notesOn({ steps, breakingStep }: FailureResult): Map<number, string> {
  const notes = new Map<number, string>();
  const found = breakingStep === undefined ? undefined : findBuriedWrite(steps);
  if (found === undefined) return notes;
  notes.set(found.read, `stale from step ${found.buried + 1} on`);
  notes.set(found.buried, "lost");
  notes.set(found.burying, `buries step ${found.buried + 1}`);
  return notes;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
