/** A recorded run in columns: one for each actor, one row for each event. */
import type { Event, Outcome } from "../engine/mod.ts";
import { describeOutcome } from "../engine/mod.ts";
import { type BuriedWrite, findBuriedWrite } from "./analysis.ts";
import { type Palette } from "./palette.ts";
import { showEvent, showValue } from "./values.ts";

/** A run to be shown. */
export interface TimelineInput {
  /** The actors' names. */
  readonly actors: readonly string[];
  /** What happened, in order. */
  readonly events: readonly Event[];
  /** How it ended. */
  readonly outcome: Outcome;
}

/** What happened in one sentence, as far as the events show it. */
export function headline({ actors, events, outcome }: TimelineInput): string {
  const buried = findBuriedWrite(events);
  if (outcome.kind !== "violated" || buried?.read === undefined) return describeOutcome(outcome);
  const loser = actors[events[buried.buried].actor];
  const winner = actors[events[buried.burying].actor];
  const { result } = events[buried.read];
  const both = events.some((event, index) =>
    index < buried.buried && event.actor === events[buried.buried].actor &&
    event.operation.kind === "read" && event.operation.object === buried.object &&
    event.result === result
  );
  const seen = `${buried.object} = ${showValue(result)}`;
  return both
    ? `${loser} and ${winner} both read ${seen} before either wrote; ${winner} buries ${loser}'s write`
    : `${winner} read ${seen} and wrote over ${loser}'s write, which it had not seen`;
}

/**
 * A run as a table.
 *
 * @param input The run.
 * @param palette Colours, or none.
 * @param width How many columns of text there are; a table that is wider becomes a list.
 */
export function timeline(input: TimelineInput, palette: Palette, width: number): string {
  const { actors, events, outcome } = input;
  const buried = outcome.kind === "violated" ? findBuriedWrite(events) : undefined;
  const texts = events.map(showEvent);
  const columns = actors.map((actor, index) =>
    Math.max(
      actor.length,
      ...texts.filter((_, row) => events[row].actor === index).map((text) => text.length),
    )
  );
  const digits = Math.max(4, String(events.length).length);
  const table = digits + 4 + columns.reduce((sum, column) => sum + column + 3, 0);
  const names = Math.max(...actors.map((actor) => actor.length));
  const wide = table <= width;
  const lines = wide
    ? [palette.dim(
      `  ${"step".padStart(digits)}  ${
        actors.map((actor, index) => actor.padEnd(columns[index])).join("   ")
      }`.trimEnd(),
    )]
    : [];
  events.forEach((event, row) => {
    const note = noteOn(row, buried, input);
    const breaks = row === buried?.burying;
    const before = wide
      ? columns.slice(0, event.actor).map((column) => " ".repeat(column + 3)).join("")
      : `${actors[event.actor].padEnd(names)}  `;
    const text = breaks ? palette.red(texts[row]) : texts[row];
    const rest = wide && note !== ""
      ? " ".repeat(
        columns.slice(event.actor).reduce((sum, column) => sum + column + 3, 0) - texts[row].length,
      )
      : "  ";
    const mark = breaks ? palette.red("✗") : " ";
    const step = palette.dim(String(row + 1).padStart(digits));
    lines.push(`${mark} ${step}  ${before}${text}${note === "" ? "" : rest + palette.dim(note)}`);
  });
  return lines.join("\n");
}

function noteOn(row: number, buried: BuriedWrite | undefined, input: TimelineInput): string {
  if (buried === undefined) return "";
  const { actors, events } = input;
  if (row === buried.burying) {
    return `buries ${actors[events[buried.buried].actor]}'s write of step ${buried.buried + 1}`;
  }
  if (row === buried.buried) return "is lost";
  if (row === buried.read) return `is stale from step ${buried.buried + 1} on`;
  return "";
}
