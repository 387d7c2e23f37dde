/** Tables and curves for a terminal, and tables for a document. */
import type { CurveFigure, Figure, FigureCell, TableFigure } from "./figures.ts";
import { tableLines } from "./_table.ts";
import { widthOf, wrap } from "./_wrap.ts";
import { showNanoseconds } from "./suite_table.ts";
import type { Layout } from "./text.ts";
import { showCount } from "./values.ts";

/** A number with as many digits as matter. */
function showNumber(value: number): string {
  if (value >= 1000) return showCount(Number(value.toPrecision(3)));
  return Number.isInteger(value) || value >= 99.5 ? value.toFixed(0) : value.toPrecision(2);
}

/** What stands in a place of a table. */
function showCell(cell: FigureCell): string {
  if (typeof cell === "string") return cell;
  const { value, unit } = cell;
  switch (unit) {
    case "ns":
      return showNanoseconds(value);
    case "/s":
      return `${showNumber(value)}/s`;
    case "×":
      return `${value < 10 ? value.toFixed(2) : showNumber(value)} ×`;
    case "":
      return showNumber(value);
  }
}

/** Rows as a table; a column is of numbers if nothing in it is in words. */
function table(
  columns: readonly string[],
  rows: readonly (readonly FigureCell[])[],
  layout: Layout,
): string[] {
  return tableLines({
    columns,
    rows: rows.map((row) => row.map(showCell)),
    isNumber: columns.map((_, column) => rows.every((row) => typeof row[column] !== "string")),
  }, layout);
}

/** Eighths of a block. */
const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

function bar(share: number, width: number): string {
  const eighths = Math.max(1, Math.round(share * width * 8));
  return "█".repeat(eighths >> 3) + EIGHTHS[eighths & 7];
}

/** How many columns a bar needs to tell anything. */
const LEAST_BAR = 10;

function curveLines(figure: CurveFigure, layout: Layout): string[] {
  const [first] = figure.lines;
  if (first === undefined) return ["Nothing could be measured"];
  const { columns, rows } = curveTable(figure);
  const text = table(columns, rows, layout);
  // What does not fit in one line each has no room beside it either.
  if (text.length !== rows.length + 1) return text;
  // A small chart beside the table: a bar for the first line, if there is room.
  const used = Math.max(...text.map((line) => widthOf(line)));
  const room = Math.min(40, layout.width - used - 3);
  const times = first.points.map(({ nanoseconds }) => nanoseconds.p50);
  const most = Math.max(...times);
  if (room < LEAST_BAR || most === 0) return text;
  const about = `bars: ${first.name}, up to ${showNanoseconds(most)}`;
  return [
    ...text.map((line, i) =>
      i === 0
        ? line
        : `${line}${" ".repeat(used - widthOf(line))} ${bar(times[i - 1] / most, room)}`
    ),
    layout.palette.dim(about),
  ];
}

/** A figure as text. */
export function figureText(figure: Figure, layout: Layout): string {
  const { palette, width } = layout;
  const { name, title, about, notes, met } = figure;
  const body = figure.kind === "table"
    ? table(figure.columns, figure.rows, layout)
    : curveLines(figure, layout);
  return [
    palette.bold(`${name}: ${title}`),
    ...wrap(about, Math.min(width, 100)),
    "",
    ...body,
    ...notes.flatMap((note) => ["", ...wrap(note, Math.min(width, 100))]),
    ...(met ? [] : ["", palette.red("Something was not as it should be")]),
  ].join("\n");
}

/** The columns and rows of a figure, as they are shown; of a curve, its medians. */
export function figureTable(
  figure: Figure,
): { readonly columns: readonly string[]; readonly rows: readonly (readonly string[])[] } {
  const { columns, rows } = figure.kind === "table" ? figure : curveTable(figure);
  return { columns, rows: rows.map((row) => row.map(showCell)) };
}

/** The table of a figure as GitHub's Markdown has it. */
export function figureMarkdown(figure: Figure): string {
  const { columns, rows } = figureTable(figure);
  const widths = columns.map((title, column) =>
    Math.max(3, title.length, ...rows.map((row) => row[column].length))
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column])).join(" | ")} |`;
  return [line(columns), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)]
    .join("\n");
}

function curveTable({ x, lines }: CurveFigure): Pick<TableFigure, "columns" | "rows"> {
  return {
    columns: [x, ...lines.map(({ name }) => name)],
    rows: [...new Set(lines.flatMap(({ points }) => points.map(({ x }) => x)))].map((at) => [
      { value: at, unit: "" },
      ...lines.map(({ points }): FigureCell => {
        const point = points.find(({ x }) => x === at);
        if (point === undefined) return "–";
        const { nanoseconds, wrong, samples } = point;
        if (wrong === 0) return { value: nanoseconds.p50, unit: "ns" };
        return `${showNanoseconds(nanoseconds.p50)} (${wrong}/${samples} wrong)`;
      }),
    ]),
  };
}
