/** A run in columns: one for each actor, one row for each step. */
import { findBuriedWrite } from "./analysis.ts";
import type { Palette } from "./palette.ts";
import type { FailureResult, RunResult, Step } from "./results.ts";
import { plural, showStep } from "./values.ts";

/** Blanks between two columns. */
const GAP = 3;

/** How a timeline is drawn. */
export interface TimelineOptions {
  /** Colours, or none. */
  readonly palette: Palette;
  /** How many columns of text there are; a table that would be wider becomes a list. */
  readonly width: number;
  /** Whether to show every step, also those that only concern their own actor. @default false */
  readonly full?: boolean;
}

/** One line of the timeline: a step, or several that are folded. */
interface Row {
  /** The number of the first step, from 1. */
  readonly step: number;
  readonly actor: string;
  readonly text: string;
  readonly note: string;
  readonly breaks: boolean;
  readonly folded: boolean;
}

/** A run as a table. */
export function timeline(run: RunResult | FailureResult, options: TimelineOptions): string {
  const { palette, width } = options;
  const { actors } = run;
  const rows = rowsOf(run, options.full ?? false);
  const columns = actors.map((actor) =>
    Math.max(
      actor.length,
      ...rows.filter((row) => row.actor === actor).map((row) => row.text.length),
    )
  );
  const digits = Math.max("step".length, String(run.steps.length).length);
  const asTable = digits + 4 + sum(columns) + GAP * columns.length <= width;
  const nameWidth = Math.max(0, ...actors.map((actor) => actor.length));

  const header = actors.map((actor, index) => actor.padEnd(columns[index] + GAP)).join("");
  const lines = asTable ? [palette.dim(`  ${"step".padStart(digits)}  ${header.trimEnd()}`)] : [];
  for (const row of rows) {
    const column = actors.indexOf(row.actor);
    const before = asTable
      ? " ".repeat(sum(columns.slice(0, column)) + GAP * column)
      : `${row.actor.padEnd(nameWidth)}  `;
    const after = asTable
      ? " ".repeat(sum(columns.slice(column)) + GAP * (columns.length - column) - row.text.length)
      : " ".repeat(GAP);
    const mark = row.breaks ? palette.red("✗") : " ";
    const text = row.breaks ? palette.red(row.text) : row.folded ? palette.dim(row.text) : row.text;
    const note = row.note === "" ? "" : after + palette.dim(row.note);
    lines.push(
      `${mark} ${palette.dim(String(row.step).padStart(digits))}  ${before}${text}${note}`,
    );
  }
  return lines.join("\n");
}

function rowsOf(run: RunResult | FailureResult, full: boolean): Row[] {
  const notes = notesOn(run);
  const breaking = "breakingStep" in run ? run.breakingStep : undefined;
  const rows: Row[] = [];
  for (let index = 0; index < run.steps.length;) {
    const end = full ? index : endOfPrivate(run.steps, index);
    const { actor } = run.steps[index];
    if (end - index >= 2) {
      const text = `… ${plural(end - index, "step")} of its own`;
      rows.push({ step: index + 1, actor, text, note: "", breaks: false, folded: true });
      index = end;
      continue;
    }
    rows.push({
      step: index + 1,
      actor,
      text: showStep(run.steps[index]),
      note: notes.get(index) ?? "",
      breaks: index === breaking,
      folded: false,
    });
    index++;
  }
  return rows;
}

/** Where the steps end that one actor takes in a row on objects nobody else touches. */
function endOfPrivate(steps: readonly Step[], start: number): number {
  const { actor } = steps[start];
  let end = start;
  while (end < steps.length && steps[end].actor === actor) {
    const { object } = steps[end];
    if (steps.some((step) => step.object === object && step.actor !== actor)) break;
    end++;
  }
  return end;
}

/** What is said beside some of the steps. */
export function notesOn(run: RunResult | FailureResult): Map<number, string> {
  const notes = new Map<number, string>();
  if (!("breakingStep" in run) || run.breakingStep === undefined) return notes;
  const found = findBuriedWrite(run.steps);
  if (found === undefined) return notes;
  notes.set(found.read, `stale from step ${found.buried + 1} on`);
  notes.set(found.buried, "lost");
  notes.set(found.burying, `buries step ${found.buried + 1}`);
  return notes;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
