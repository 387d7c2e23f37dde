import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseEdnLine } from "../../../../lab/engine/history/edn.ts";
import {
  check,
  HistoryFormatError,
  models,
  parseEdnHistory,
} from "../../../../lab/engine/history/mod.ts";

const timeout = 10_000;

/** One line: what every line has, in the usual order. */
function line(process: number, type: string, name: string, key: string, value: string): string {
  return `{:process ${process}, :type :${type}, :f :${name}, :key "${key}", :value ${value}}`;
}

/** That a line cannot be read, and what is said of it. */
function refuses(lines: string[], number: number, problem: string): void {
  assert.throws(() => parseEdnHistory(lines.join("\n")), (error) => {
    assert(error instanceof HistoryFormatError);
    assert.equal(error.message, `Cannot read history: line ${number}: ${problem}`);
    assert.equal(error.line, number);
    return true;
  });
}

describe("parseEdnHistory() reads", () => {
  test("calls, with their keys as their objects", { timeout }, () => {
    const text = [
      line(3, "invoke", "append", "k", '"x"'),
      line(4, "invoke", "get", "k", "nil"),
      line(3, "ok", "append", "k", '"x"'),
      line(4, "ok", "get", "k", '"x"'),
    ].join("\n");
    assert.deepEqual(parseEdnHistory(text), [
      {
        process: 3,
        name: "append",
        object: "k",
        input: "x",
        outcome: "ok",
        output: undefined,
        invoked: 1,
        returned: 3,
        line: 1,
      },
      {
        process: 4,
        name: "get",
        object: "k",
        input: undefined,
        outcome: "ok",
        output: "x",
        invoked: 2,
        returned: 4,
        line: 2,
      },
    ]);
  });

  test("failed, unknown and unfinished calls", { timeout }, () => {
    const text = [
      line(0, "invoke", "put", "k", '"a"'),
      line(0, "fail", "put", "k", '"a"'),
      line(1, "invoke", "put", "k", '"b"'),
      '{:process 1, :type :info, :f :put, :key "k", :error :timeout}',
      line(2, "invoke", "put", "k", '"c"'),
      line(3, "invoke", "get", "k", "nil"),
      line(3, "ok", "get", "k", '"b"'),
      line(3, "invoke", "get", "k", "nil"),
      line(3, "ok", "get", "k", '"c"'),
    ];
    const history = parseEdnHistory(text.join("\n"));
    assert.deepEqual(history.map(({ outcome }) => outcome), ["failed", "open", "open", "ok", "ok"]);
    assert.equal(check(history, models.keyValue()).verdict, "ok");
    const stale = [...text, line(3, "invoke", "get", "k", "nil"), line(3, "ok", "get", "k", '"a"')];
    assert.equal(check(parseEdnHistory(stale.join("\n")), models.keyValue()).verdict, "illegal");
  });

  test("keys in any order, with more of them, commas or none, and comments", { timeout }, () => {
    const text = [
      "; a history",
      "",
      '  {:value "a" ,, :key "k" :f :put :time 12 :type :invoke :process 0 :error {:x [1 #{2}]}} ; begins\r',
      "\t",
      '{:index 1 :process 0 :type :ok :f :put #_ :ignored :key "k" :value "a"}',
      "{:process :nemesis, :type :info, :f :start, :value nil}",
    ].join("\n");
    assert.deepEqual(parseEdnHistory(text).map(({ line, returned }) => [line, returned]), [[3, 5]]);
  });

  test("keys of every kind apart", { timeout }, () => {
    const put = (process: number, key: string) =>
      `{:process ${process} :type :invoke :f :put :key ${key} :value "a"}`;
    const keys = ["1", '"1"', ":a", '":a"', "[1 2]", "nil"];
    const history = parseEdnHistory(keys.map((key, i) => put(i, key)).join("\n"));
    assert.deepEqual(history.map(({ object }) => object), [
      1,
      "1",
      Symbol.for(":a"),
      ":a",
      [1, 2],
      null,
    ]);
    assert.equal(check(history, models.keyValue()).verdict, "ok");
  });

  test("nil as the answer of a store that has nothing", { timeout }, () => {
    const text = [line(0, "invoke", "get", "k", "nil"), line(0, "ok", "get", "k", "nil")].join(
      "\n",
    );
    assert.equal(check(parseEdnHistory(text), models.keyValue(null)).verdict, "ok");
    assert.equal(check(parseEdnHistory(text), models.keyValue()).verdict, "illegal");
  });
});

describe("parseEdnHistory() reads a history that was printed whole", () => {
  const whole = [
    "\uFEFF; analysis: stale",
    "[#jepsen.history.Op{:index 0, :time 12, :type :invoke, :process 0, :f :write, :value -1}",
    " {:type :ok, :process 0, :f :write, :value -1} {:type :info :process :nemesis :f :start}",
    " ; two at once",
    " {:type :invoke, :f :cas, :process 1,",
    "  :value [-1 2]}",
    ' {:type :info, :process 1, :f :cas, :value :timed-out, :error [:timeout "1 s"]}',
    " {:type :invoke, :process 2, :f :read, :value nil}",
    " {:type :ok, :process 2, :f :read, :value 2}",
  ];

  test("in a vector or a list, on any lines", { timeout }, () => {
    const text = `${whole.join("\r\n")}\r\n]\r\n`;
    const history = parseEdnHistory(text);
    assert.deepEqual(history.map(({ name, line, returned }) => [name, line, returned]), [
      ["write", 2, 3],
      ["cas", 5, undefined],
      ["read", 8, 9],
    ]);
    assert.equal(check(history, models.casRegister()).verdict, "ok");
    assert.deepEqual(parseEdnHistory(text.replace("[#", "(#").replace(/\]\r\n$/, ")")), history);
  });

  test("and tells the line where something is wrong", { timeout }, () => {
    refuses(
      [...whole, " {:type :ok, :process 2, :f :read, :value 2}", "]"],
      10,
      "process 2 ends a read it has not begun",
    );
    refuses([...whole, "  7]"], 10, "a history is made of maps, not of 7");
    refuses([...whole, ")"], 10, "] is missing");
    refuses(whole, 9, "] is missing");
    refuses([...whole, "]", "", "{}"], 12, "something follows the end");
    refuses([...whole.slice(0, -1), whole[8].slice(0, -1), "]"], 9, "{ is closed by ]");
    refuses([...whole.slice(0, -1), whole[8].slice(0, -1)], 9, "{ is not closed");
  });
});

describe("parseEdnHistory() refuses", () => {
  const good = line(0, "invoke", "get", "k", "nil");

  test("what is no map, or more than one", { timeout }, () => {
    refuses([good, "[1 2]"], 2, "a history is made of maps, not of [1, 2]");
    refuses(["{} {}"], 1, "a line is one map, this one is [{}, {}]");
    refuses([good.slice(0, -1)], 1, "{ is not closed");
    refuses([good, line(1, "invoke", "get", "k", "nil").slice(0, 30)], 2, "{ is not closed");
    refuses([good, line(1, "invoke", "get", "k", "nil").slice(0, -15)], 2, '" is not closed');
    refuses([`${good}}`], 1, "} closes nothing");
    refuses(["{:process 0 :type}"], 1, "a key of a map has no value");
    refuses(["{:process 0 :process 0}"], 1, "a map has a key twice");
  });

  test("what has something missing", { timeout }, () => {
    const without = (key: RegExp) => [good.replace(key, "")];
    refuses(without(/:process 0, /), 1, "a process has a number, this one is undefined");
    refuses(
      without(/:type :invoke, /),
      1,
      "a line is an :invoke, :ok, :fail or :info, this one is undefined",
    );
    refuses(without(/:f :get, /), 1, "an operation is a keyword, this one is undefined");
    refuses(without(/:key "k", /), 1, "the :key is missing");
    refuses(without(/, :value nil/), 1, 'the value of a get of "k" is missing');
  });

  test("operations it does not know", { timeout }, () => {
    refuses(
      [good, line(1, "invoke", "delete", "k", "nil")],
      2,
      "unknown operation delete; known: get, put, append, read, write, cas",
    );
  });

  test("values that are no strings", { timeout }, () => {
    refuses([line(0, "invoke", "put", "k", "1")], 1, "the value of a put is a string, not 1");
    refuses(
      [line(0, "invoke", "append", "k", "nil")],
      1,
      "the value of an append is a string, not null",
    );
    refuses(
      [good, line(0, "ok", "get", "k", "[]")],
      2,
      "the value of a get is a string or nil, not []",
    );
    refuses([line(0, "invoke", "get", "k", '"a"')], 1, 'a get is invoked with nil, not with "a"');
  });

  test("ends that do not fit their beginnings", { timeout }, () => {
    refuses(
      [good, line(0, "ok", "get", "j", '""')],
      2,
      'process 0 ends a get of "j", but began a get of "k" in line 1',
    );
    refuses(
      [line(0, "invoke", "put", "k", '"a"'), line(0, "ok", "put", "k", '"b"')],
      2,
      'process 0 ends a put of "b", but began a put of "a" in line 1',
    );
    refuses([good, good], 2, "process 0 is invoked again before its get of line 1 ended");
    refuses([line(0, "ok", "get", "k", '""')], 1, "process 0 ends a get it has not begun");
  });
});

describe("parseEdnLine() reads", () => {
  const cases: [text: string, values: unknown[]][] = [
    ["", []],
    ["nil true false", [null, true, false]],
    ["0 -0 +7 42N 9007199254740993", [0, -0, 7, 42, 9007199254740993n]],
    ["1.5 -2e3 3.0M 1E-2", [1.5, -2000, 3, 0.01]],
    ['"" "a\\tb\\n\\"\\\\" "\\u00e9" "é;,{"', ["", 'a\tb\n"\\', "é", "é;,{"]],
    [":a :a/b a-b + <= foo/bar", [":a", ":a/b", "a-b", "+", "<=", "foo/bar"].map(Symbol.for)],
    ["[1 [2] ()]", [[1, [2], []]]],
    ["(1,2)", [[1, 2]]],
    ["#{1 :a}", [new Set([1, Symbol.for(":a")])]],
    ["{:a {:b 1} nil 2}", [
      new Map<unknown, unknown>([[Symbol.for(":a"), new Map([[Symbol.for(":b"), 1]])], [null, 2]]),
    ]],
    ["1;2", [1]],
    ["\\a \\space \\u00e9 [\\newline]", ["a", " ", "é", ["\n"]]],
    ['#inst "2026-01-01" [#a.b/C {1 2}]', ["2026-01-01", [new Map([[1, 2]])]]],
    ["[1 #_ 2 #_#_ 3 4 5 #_ [6]]", [[1, 5]]],
  ];
  for (const [text, values] of cases) {
    test(text === "" ? "an empty line" : text, { timeout }, () => {
      assert.deepEqual(parseEdnLine(text, 1), values);
    });
  }
});

describe("parseEdnLine() refuses", () => {
  const cases: [text: string, problem: string][] = [
    ["(1]", "( is closed by ]"],
    ["]", "] closes nothing"],
    ["#{1", "#{ is not closed"],
    ["#{1 1}", "a set has a member twice"],
    ['"a', '" is not closed'],
    ['"\\x"', "\\x in a string means nothing"],
    ["007", "cannot read 007"],
    ["1/2", "cannot read 1/2"],
    ["1a", "cannot read 1a"],
    ["\\abc", "cannot read \\abc"],
    ["#inst", "cannot read the end of the line"],
    ["#<Object>", "cannot read #<Object>"],
    [":", "cannot read :"],
    ["[1 #_]", "cannot read ]"],
    ["#_", "cannot read the end of the line"],
    ["[".repeat(101), "values are nested too deeply"],
  ];
  for (const [text, problem] of cases) {
    test(text.slice(0, 20), { timeout }, () => {
      assert.throws(() => parseEdnLine(text, 7), new HistoryFormatError(7, problem));
    });
  }
});
