import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type CurveFigure,
  type Figure,
  figureMarkdown,
  figureText,
  palette,
  type TableFigure,
} from "../../../lab/mod.ts";

const timeout = 10_000;
const at = (figure: Figure, width: number, colours = false) =>
  figureText(figure, { palette: palette(colours), width }).split("\n");

const table: TableFigure = {
  kind: "table",
  name: "a-table",
  title: "what there is",
  about: "Some words about it.",
  columns: ["strategy", "updates", "p50", "checked", "choose it when"],
  rows: [
    [
      "file locking",
      { value: 22_591.9, unit: "/s" },
      { value: 20_749, unit: "ns" },
      "safe: all 35,614 updates there",
      "several programs of one machine must write",
    ],
    [
      "none",
      { value: 176_123, unit: "/s" },
      { value: 5.19, unit: "ns" },
      "UNSAFE: 54 % of 249,888 updates lost",
      "never with several writers",
    ],
  ],
  notes: ["Not measured: something else."],
  met: true,
};

const point = (x: number, p50: number, wrong = 0) => ({
  x,
  nanoseconds: { p25: p50, p50, p75: p50 },
  samples: 4,
  wrong,
});

const curve: CurveFigure = {
  kind: "curve",
  name: "a-curve",
  title: "how it grows",
  about: "Some words about it.",
  x: "waiters",
  operation: "hand-off",
  lines: [
    { name: "ours", points: [point(1, 100), point(10, 200), point(1_000, 400)] },
    { name: "unguarded", points: [point(1, 50), point(10, 60, 3), point(1_000, 70, 4)] },
  ],
  notes: [],
  met: true,
};

test("figureText() puts columns below one another, numbers to the right", { timeout }, () => {
  assert.deepEqual(at(table, 200), [
    "a-table: what there is",
    "Some words about it.",
    "",
    "strategy        updates      p50  checked                               choose it when",
    "file locking   22,600/s  20.7 µs  safe: all 35,614 updates there        several programs of one machine must write",
    "none          176,000/s   5.2 ns  UNSAFE: 54 % of 249,888 updates lost  never with several writers",
    "",
    "Not measured: something else.",
  ]);
});

test("figureText() is never wider than the terminal, and loses no word", { timeout }, () => {
  const words = (lines: readonly string[]) =>
    lines.join(" ").split(/[^\w%,/.µ-]+/).filter((word) => word !== "").sort();
  for (let width = 40; width <= 140; width++) {
    const lines = at(table, width);
    const widest = Math.max(...lines.map(({ length }) => length));
    assert(widest <= width, `${widest} > ${width}\n${lines.join("\n")}`);
    const seen = new Set(words(lines));
    // A list needs no title for what each of its parts begins with.
    seen.add(table.columns[0]);
    for (const word of words(at(table, 200))) assert(seen.has(word), `${word} at ${width}`);
  }
});

test("figureText() breaks words into lines before it makes lists of rows", { timeout }, () => {
  const narrow = at(table, 80);
  assert.match(narrow[3], /^strategy +updates +p50 +checked +choose it when$/);
  assert.match(narrow[4], /^file locking +22,600\/s +20.7 µs +safe: all /);
  const list = at(table, 40);
  assert.equal(list[3], "file locking");
  assert.match(list[4], /^ {2}updates +22,600\/s$/);
});

test("figureText() draws a bar for the first line where there is room", { timeout }, () => {
  const [, , , head, first, second, third, about] = at(curve, 80);
  assert.match(head, /^waiters +ours +unguarded$/);
  const bar = (line: string) => /█*[▏▎▍▌▋▊▉]?$/.exec(line)![0].length;
  assert.equal(bar(third), 40);
  assert.equal(bar(second), 20);
  assert.equal(bar(first), 10);
  assert.equal(about, "bars: ours, up to 400 ns");
  assert.match(second, /60 ns \(3\/4 wrong\)/);
  assert(!at(curve, 45).join("").includes("█"));
});

test("figureText() says when something was not as it should be", { timeout }, () => {
  assert(!at(table, 80).join("\n").includes("as it should be"));
  assert.equal(at({ ...table, met: false }, 80).at(-1), "Something was not as it should be");
  assert.deepEqual(at({ ...curve, lines: [], met: false }, 80).slice(3, 4), [
    "Nothing could be measured",
  ]);
});

test("figureText() has colours only where they are wanted", { timeout }, () => {
  const coloured = at(table, 120, true);
  assert(coloured.join("").includes("\x1b["));
  // deno-lint-ignore no-control-regex -- that is what colours are
  const plain = coloured.map((line) => line.replace(/\x1b\[[0-9;]*m/g, ""));
  assert.deepEqual(plain, at(table, 120));
});

test("figureMarkdown() makes a table of a table and of a curve", { timeout }, () => {
  assert.equal(
    figureMarkdown(curve),
    [
      "| waiters | ours   | unguarded         |",
      "| ------- | ------ | ----------------- |",
      "| 1       | 100 ns | 50 ns             |",
      "| 10      | 200 ns | 60 ns (3/4 wrong) |",
      "| 1,000   | 400 ns | 70 ns (4/4 wrong) |",
    ].join("\n"),
  );
  const [head, , first] = figureMarkdown(table).split("\n");
  assert.match(head, /^\| strategy +\| updates +\|/);
  assert.match(first, /^\| file locking +\| 22,600\/s +\| 20.7 µs/);
});
