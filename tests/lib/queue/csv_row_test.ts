import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "csv-parse/sync";
import fc from "fast-check";
import { CsvRow } from "../../../lib/queue/mod.ts";
import { checkProperty } from "../../_property.ts";
import { runs } from "../../_runs.ts";

const limit = { timeout: runs(120_000, 1_200_000) };
const FILE = "tests/lib/queue/csv_row_test.ts";

test("CsvRow.toCsv() quotes what has a delimiter, a quote or an end of line in it", limit, () => {
  const cases: [row: string[], csv: string][] = [
    [["key", "plain", "with space", " around "], "key,plain,with space, around "],
    [["a,b", 'say "hi"', '"'], '"a,b","say ""hi""",""""'],
    [["a\nb", "a\r\nb", "a\rb"], '"a\nb","a\r\nb","a\rb"'],
    [["", "", ""], ",,"],
    [[""], '""'],
    [["key"], "key"],
    [["\uFEFFkey", "\uFEFF"], '"\uFEFFkey","\uFEFF"'],
    [["größer", "日本", "🙂", "\0"], "größer,日本,🙂,\0"],
  ];
  for (const [[key, ...values], csv] of cases) {
    const row = new CsvRow(key, values);
    assert.equal(row.toCsv(), csv);
    assert.deepEqual(CsvRow.parse(csv), row);
  }
});

test("CsvRow.toCsv() and parse() take another delimiter", limit, () => {
  const row = new CsvRow("a,b", ["c|d", "e;f", "g\th", "i]j", "k\\l", "m^n", "o-p"]);
  assert.equal(row.toCsv({ delimiter: "|" }).startsWith('a,b|"c|d"|e;f|'), true);
  for (const delimiter of ["|", ";", "\t", "]", "\\", "^", "-", ".", " ", "é", "x"]) {
    assert.deepEqual(CsvRow.parse(row.toCsv({ delimiter }), { delimiter }), row);
  }
});

test("CsvRow.parseAll() takes every end of line, and none at the end", limit, () => {
  const rows = [new CsvRow("a", ["1"]), new CsvRow("b", ["2"]), new CsvRow("c", [""])];
  for (
    const text of ["a,1\nb,2\nc,", "a,1\r\nb,2\r\nc,\r\n", "a,1\rb,2\rc,\r", "a,1\r\nb,2\nc,\r"]
  ) {
    assert.deepEqual(CsvRow.parseAll(text), rows, JSON.stringify(text));
  }
  assert.deepEqual(
    CsvRow.parseAll("\uFEFFa,1\n\n\r\n\rb,2\nc,\n\n"),
    rows,
    "no empty rows, no mark",
  );
  assert.deepEqual(CsvRow.parseAll('""\n'), [new CsvRow("", [])]);
  for (const nothing of ["", "\n", "\r\n\r\n", "\uFEFF"]) {
    assert.deepEqual(CsvRow.parseAll(nothing), []);
  }
});

test("CsvRow.parse() says where a text is no CSV, and what is wrong", limit, () => {
  const wrong: [text: string, message: RegExp][] = [
    ['a,"b', /line 1, column 3: the quote that begins this field never ends$/],
    ['a\nb,c\nd,"e\n\n', /line 3, column 3: the quote that begins this field never ends$/],
    ['"', /line 1, column 1: the quote that begins this field never ends$/],
    ['"a"b,c', /line 1, column 4: "b" after the quote that ends a field$/],
    ['x\r\n"a""" ,c', /line 2, column 6: " " after the quote that ends a field$/],
    ['a,b"c', /line 1, column 4: a quote inside a field that does not begin with one$/],
    ['x\ry\rab"', /line 3, column 3: a quote inside/],
    ['a, "b"', /line 1, column 4: a quote inside/],
  ];
  for (const [text, message] of wrong) {
    assert.throws(() => CsvRow.parseAll(text), { name: "SyntaxError", message });
  }
  assert.throws(
    () => CsvRow.parse(""),
    /Cannot parse CSV: there must be one row, and there are 0$/,
  );
  assert.throws(() => CsvRow.parse("a\nb"), /there must be one row, and there are 2$/);
});

test("CsvRow is made of a copy of texts, and of nothing else", limit, () => {
  const values = ["1"];
  const row = new CsvRow("a", values);
  values.push("2");
  assert.deepEqual(row.values, ["1"]);
  assert.throws(() => (row.values as string[]).push("2"), TypeError);
  const make = (key: unknown, values: unknown) => () =>
    new CsvRow(key as string, values as string[]);
  assert.throws(make(1, []), /^TypeError: Cannot make a row: key must be a string, got 1$/);
  assert.throws(make("a", "b"), /values must be an array, got "b"$/);
  assert.throws(make("a", ["b", null]), /value 2 must be a string, got null$/);
  // deno-lint-ignore no-sparse-arrays
  assert.throws(make("a", [, "b"]), /value 1 must be a string, got undefined$/);
  assert.throws(make("a", ["\uD83D"]), /value 1 has half of a character in it/);
  assert.throws(make("\uDE00", []), /key has half of a character in it/);
});

test("CsvRow refuses a delimiter that could not be told from what it stands between", limit, () => {
  const row = new CsvRow("a", []);
  for (const delimiter of ["", '"', "\n", "\r", "||", "🙂", "\uFEFF"]) {
    assert.throws(() => row.toCsv({ delimiter }), /^RangeError: Cannot format a row: delimiter/);
    assert.throws(() => CsvRow.parse("a", { delimiter }), /^RangeError: Cannot parse CSV: delim/);
  }
  assert.throws(() => row.toCsv({ delimiter: 1 as never }), /^TypeError: .* got 1$/);
  assert.throws(
    () => row.toCsv("," as never),
    /^TypeError: .* options must be an object, got ","$/,
  );
  assert.throws(() => CsvRow.parse(1 as never), /^TypeError: .* must be a string, got 1$/);
});

/** Characters that mean something, and some that do not. */
const character = fc.constantFrom(
  ...'",;|\r\n\\ a',
  "\r\n",
  "\uFEFF",
  "é",
  "🙂",
  "\0",
  "\u2028",
);
const text = fc.string({ unit: character, maxLength: 8 });
const delimiter = fc.constantFrom(",", ";", "|", "a", " ");
const rowOf = fc.tuple(text, fc.array(text, { maxLength: 4 }));

test("CsvRow.parseAll() gives back what toCsv() was given, whatever that is", limit, async () => {
  const ends = fc.constantFrom("\n", "\r\n", "\r");
  await checkProperty(
    fc.property(fc.array(rowOf, { maxLength: 6 }), delimiter, ends, (rows, delimiter, end) => {
      const expected = rows.map(([key, values]) => new CsvRow(key, values));
      const csv = expected.map((row) => row.toCsv({ delimiter })).join(end);
      assert.deepEqual(CsvRow.parseAll(csv, { delimiter }), expected);
      assert.deepEqual(CsvRow.parseAll(csv + end, { delimiter }), expected);
      // And so does a parser that is not ours.
      const records = parse(csv, { delimiter, relax_column_count: true, record_delimiter: end });
      assert.deepEqual(records, expected.map(({ key, values }) => [key, ...values]));
    }),
    FILE,
  );
});

test(
  "CsvRow.parseAll() takes what csv-parse takes, and refuses what it refuses",
  limit,
  async () => {
    const options = {
      relax_column_count: true,
      record_delimiter: ["\r\n", "\n", "\r"],
      skip_empty_lines: true,
      bom: true,
    };
    await checkProperty(
      fc.property(fc.string({ unit: character, maxLength: 12 }), (text) => {
        // After a quote that ends a field csv-parse takes a NUL for the end of the text.
        const csv = text.replaceAll("\0", "0");
        let expected: unknown;
        try {
          expected = parse(csv, options);
        } catch {
          expected = "no CSV";
        }
        let actual: unknown;
        try {
          actual = CsvRow.parseAll(csv).map(({ key, values }) => [key, ...values]);
        } catch (error) {
          assert(error instanceof SyntaxError, String(error));
          actual = "no CSV";
        }
        assert.deepEqual(actual, expected, JSON.stringify(csv));
      }),
      FILE,
    );
  },
);
