/**
 * Tables and curves, as plain data: what the lab's own benchmarks come to.
 *
 * A quantity keeps its unit and all its digits here; how many of them are shown is for the text to say.
 */

/** A number with its unit. */
export interface Quantity {
  /** How much. */
  readonly value: number;
  /** Of what: nanoseconds, times a second, times as much; empty for a count. */
  readonly unit: "ns" | "/s" | "×" | "";
}

/** What stands in one place of a table. */
export type FigureCell = string | Quantity;

/** What every figure has. */
export interface FigureBase {
  /** The name by which `lab bench` knows it. */
  readonly name: string;
  /** What it shows, in a few words. */
  readonly title: string;
  /** What was measured and how, in sentences. */
  readonly about: string;
  /** What else is to be known: what could not be measured here, say. */
  readonly notes: readonly string[];
  /** Whether all results were as they should be. */
  readonly met: boolean;
}

/** Rows and columns. */
export interface TableFigure extends FigureBase {
  /** Which of the figures this is. */
  readonly kind: "table";
  /** What stands in each column. */
  readonly columns: readonly string[];
  /** What there is of each, in the order of the columns. */
  readonly rows: readonly (readonly FigureCell[])[];
}

/** One point of a curve. */
export interface CurvePoint {
  /** How many there were. */
  readonly x: number;
  /** For one operation. */
  readonly nanoseconds: { readonly p25: number; readonly p50: number; readonly p75: number };
  /** How many samples were taken, each with its answer checked. */
  readonly samples: number;
  /** How many of their answers were wrong, as those of what is broken may be. */
  readonly wrong: number;
}

/** One of the lines of a curve. */
export interface CurveLine {
  /** What it is of. */
  readonly name: string;
  /** In the order of `x`. */
  readonly points: readonly CurvePoint[];
}

/** How times grow with a number. */
export interface CurveFigure extends FigureBase {
  /** Which of the figures this is. */
  readonly kind: "curve";
  /** What the number counts. */
  readonly x: string;
  /** What is done once in the times that are told. */
  readonly operation: string;
  /** What grows; the first is the one that is looked at. */
  readonly lines: readonly CurveLine[];
}

/** What a benchmark of the lab's own comes to. */
export type Figure = TableFigure | CurveFigure;
