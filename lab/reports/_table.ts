/** Tables whose columns stand below one another, as wide as the terminal and no wider. */
import { widthOf, wrap } from "./_wrap.ts";
import type { Layout } from "./text.ts";

/** Blanks between two columns. */
const GAP = "  ";

/** What a table is made of. */
export interface TextTable {
  /** What stands in each column. */
  readonly columns: readonly string[];
  /** What there is of each; may have colours. */
  readonly rows: readonly (readonly string[])[];
  /** Which columns are numbers, and so stand to the right and are never broken. */
  readonly isNumber?: readonly boolean[];
}

/**
 * A table as lines. Where it would be wider than the terminal, what is in words is broken into lines, and if
 * that is not enough each row becomes a list.
 */
export function tableLines(table: TextTable, layout: Layout): string[] {
  const { columns, rows, isNumber = [] } = table;
  const widths = fit(table, layout.width);
  if (widths === undefined) return list(table, layout);
  const lines = (row: readonly string[]) => {
    const cells = row.map((cell, column) => wrap(cell, widths[column]));
    return Array.from(
      { length: Math.max(...cells.map(({ length }) => length)) },
      (_, line) =>
        cells.map((parts, column) => {
          const part = parts[line] ?? "";
          const blanks = " ".repeat(Math.max(0, widths[column] - widthOf(part)));
          return isNumber[column] ? blanks + part : part + blanks;
        }).join(GAP).trimEnd(),
    );
  };
  return [...lines(columns).map((line) => layout.palette.dim(line)), ...rows.flatMap(lines)];
}

/** How wide each column is so that all fit, the widest of words made narrower; `undefined` if none can be. */
function fit({ columns, rows, isNumber = [] }: TextTable, width: number): number[] | undefined {
  const cells = columns.map((title, column) => [title, ...rows.map((row) => row[column])]);
  const widths = cells.map((column) => Math.max(...column.map(widthOf)));
  // A number is not broken, nor is a word.
  const least = cells.map(([title, ...column], i) =>
    Math.max(
      ...[title, ...isNumber[i] ? [] : column].flatMap((cell) => cell.split(" ")).map(widthOf),
      ...isNumber[i] ? column.map(widthOf) : [],
    )
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
function list({ columns, rows }: TextTable, { width, palette }: Layout): string[] {
  const names = Math.max(...columns.map(widthOf));
  return rows.flatMap(([first, ...cells]) => [
    ...wrap(first, width).map((part) => palette.bold(part)),
    ...cells.flatMap((cell, i) =>
      wrap(cell, Math.max(20, width - names - 4)).map((part, n) =>
        `  ${palette.dim((n === 0 ? columns[i + 1] : "").padEnd(names))}  ${part}`.trimEnd()
      )
    ),
  ]);
}
