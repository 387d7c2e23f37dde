/** Tables and curves for a terminal, and tables for a document. */
import type { CurveFigure, Figure, FigureCell, TableFigure } from "./figures.ts";
import { widthOf, wrap } from "./_wrap.ts";
import { showNanoseconds } from "./suite_table.ts";
import type { Layout } from "./text.ts";
import { showCount } from "./values.ts";

/** Blanks between two columns. */
const GAP = "  ";

/** A number with as many digits as matter. */
function showNumber(value: number): string {
  if (value >= 1000) return showCount(Number(value.toPrecision(3)));
  return Number.isInteger(value) || value >= 100 ? value.toFixed(0) : value.toPrecision(2);
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

/**
 * A table whose columns stand below one another. Where that would be wider than the terminal, what is in words
 * is broken into lines, and if that is not enough each row becomes a list.
 */
function table(
  columns: readonly string[],
  rows: readonly (readonly FigureCell[])[],
  layout: Layout,
): string[] {
  const texts = rows.map((row) => row.map(showCell));
  const isNumber = columns.map((_, column) => rows.every((row) => typeof row[column] !== "string"));
  const widths = fit(columns, texts, isNumber, layout.width);
  if (widths === undefined) return list(columns, texts, layout);
  const lines = (row: readonly string[]) => {
    const cells = row.map((cell, column) => wrap(cell, widths[column]));
    return Array.from(
      { length: Math.max(...cells.map(({ length }) => length)) },
      (_, line) =>
        cells.map((parts, column) => {
          const part = parts[line] ?? "";
          return isNumber[column] ? part.padStart(widths[column]) : part.padEnd(widths[column]);
        }).join(GAP).trimEnd(),
    );
  };
  return [...lines(columns).map((line) => layout.palette.dim(line)), ...texts.flatMap(lines)];
}

/** How wide each column is so that all fit, the widest of words made narrower; `undefined` if none can be. */
function fit(
  columns: readonly string[],
  texts: readonly (readonly string[])[],
  isNumber: readonly boolean[],
  width: number,
): number[] | undefined {
  const cells = columns.map((title, column) => [title, ...texts.map((row) => row[column])]);
  const widths = cells.map((column) => Math.max(...column.map(({ length }) => length)));
  // A number is not broken, nor is a word.
  const least = cells.map((column, i) =>
    isNumber[i]
      ? widths[i]
      : Math.max(...column.flatMap((cell) => cell.split(" ")).map(({ length }) => length))
  );
  let over = widths.reduce((sum, each) => sum + each, GAP.length * (columns.length - 1)) - width;
  for (; over > 0; over--) {
    const shrinkable = widths.map((each, i) => each > least[i] ? each : 0);
    const widest = Math.max(...shrinkable);
    if (widest === 0) return undefined;
    widths[shrinkable.indexOf(widest)]--;
  }
  return widths;
}

/** Each row as a list, for a narrow terminal. */
function list(
  columns: readonly string[],
  rows: readonly (readonly string[])[],
  { width, palette }: Layout,
): string[] {
  const names = Math.max(...columns.map((title) => title.length));
  return rows.flatMap(([first, ...cells]) => [
    palette.bold(first),
    ...cells.flatMap((cell, i) =>
      wrap(cell, Math.max(20, width - names - 4)).map((part, n) =>
        `  ${palette.dim((n === 0 ? columns[i + 1] : "").padEnd(names))}  ${part}`
      )
    ),
  ]);
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
  const { x, lines } = figure;
  const [first] = lines;
  if (first === undefined) return ["Nothing could be measured"];
  const rows = first.points.map((point, i) => [
    { value: point.x, unit: "" } as const,
    ...lines.map(({ points }): FigureCell => {
      const { nanoseconds, wrong, samples } = points[i];
      if (wrong === 0) return { value: nanoseconds.p50, unit: "ns" };
      return `${showNanoseconds(nanoseconds.p50)} (${wrong}/${samples} wrong)`;
    }),
  ]);
  const text = table([x, ...lines.map(({ name }) => name)], rows, layout);
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

/** A table as GitHub's Markdown has it; of a curve, its table. */
export function figureMarkdown(figure: Figure): string {
  const { columns, rows } = figure.kind === "table" ? figure : curveTable(figure);
  const texts = [columns, ...rows.map((row) => row.map(showCell))];
  const widths = columns.map((_, column) => Math.max(3, ...texts.map((row) => row[column].length)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column])).join(" | ")} |`;
  const [head, ...body] = texts;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...body.map(line)].join("\n");
}

function curveTable({ x, lines }: CurveFigure): Pick<TableFigure, "columns" | "rows"> {
  return {
    columns: [x, ...lines.map(({ name }) => name)],
    rows: (lines[0]?.points ?? []).map((point, i) => [
      { value: point.x, unit: "" },
      ...lines.map(({ points }): FigureCell => ({ value: points[i].nanoseconds.p50, unit: "ns" })),
    ]),
  };
}
