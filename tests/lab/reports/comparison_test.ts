import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Baseline,
  BASELINE_SCHEMA,
  type BaselineBenchmark,
  blocksFor,
  compare,
  comparisonMarkdown,
  comparisonTable,
  palette,
  parseBaseline,
} from "../../../lab/reports/mod.ts";

const timeout = 10_000;
const layout = { palette: palette(false), width: 100 };

/** Noise of a few percent, the same each time. */
const NOISE = [
  0.98,
  1.01,
  1,
  1.03,
  0.97,
  1.02,
  0.99,
  1.005,
  0.985,
  1.015,
  0.995,
  1.025,
  0.975,
  1.03,
];

function benchmark(
  name: string,
  times: readonly number[],
  more: Partial<BaselineBenchmark> = {},
): BaselineBenchmark {
  const blocks = times.map((time) => ({ p10: time, p50: 2 * time, p90: 3 * time, samples: 9 }));
  return { name, expected: "1", blocks, ...more };
}

function baseline(benchmarks: BaselineBenchmark[], more: Partial<Baseline> = {}): Baseline {
  return {
    schema: BASELINE_SCHEMA,
    made: "2026-01-02T03:04:05.678Z",
    machine: { system: "linux 6", arch: "x64", processor: "a processor", cores: 2 },
    runtime: "Deno 2",
    revision: { commit: "0123456789abcdef", dirty: false },
    time: 60,
    benchmarks,
    ...more,
  };
}

const of = (time: number, noise = NOISE) => noise.map((factor) => time * factor);
const shuffled = [...NOISE.slice(5), ...NOISE.slice(0, 5)];

test("compare() calls what is slower and faster, and what is the same within the tolerance", {
  timeout,
}, () => {
  for (const interleaved of [true, false]) {
    const { benchmarks, sufficient, comparable } = compare(
      baseline([benchmark("a", of(100)), benchmark("b", of(100)), benchmark("c", of(100))]),
      baseline([
        benchmark("a", of(130, shuffled)),
        benchmark("b", of(70, shuffled)),
        benchmark("c", of(100, shuffled)),
      ]),
      { interleaved },
    );
    assert.deepEqual(benchmarks.map(({ verdict }) => verdict), ["slower", "faster", "same"]);
    assert.deepEqual(benchmarks.map(({ over }) => over), [true, false, false]);
    assert(sufficient && comparable);
    const [{ ratio, ratios, interval, before, after }] = benchmarks;
    assert.equal(ratios?.length, interleaved ? NOISE.length : undefined);
    assert(ratio! > 1.25 && ratio! < 1.35 && interval![0] < ratio! && interval![1] > ratio!);
    assert(Math.abs(before! - 100) < 2 && Math.abs(after! - 130) < 3);
  }
});

test("a slowdown is over the limit only where it is called and more than the tolerance", {
  timeout,
}, () => {
  const [before, after] = [100, 115].map((time) => baseline([benchmark("a", of(time))]));
  const over = (tolerance: number) =>
    compare(before, after, { interleaved: true, tolerance }).benchmarks[0];
  assert.deepEqual([over(0.1).verdict, over(0.1).over], ["slower", true]);
  assert.deepEqual([over(0.2).verdict, over(0.2).over], ["slower", false]);
});

test("what swayed both of a pair does not hide a difference, where they were measured in turn", {
  timeout,
}, () => {
  // The machine is up to four times slower for some pairs than for others.
  const load = NOISE.map((_, i) => 1 + 3 * ((i * 5) % 7) / 6);
  const before = baseline([benchmark("a", load.map((factor) => 100 * factor))]);
  const after = baseline([benchmark("a", load.map((factor, i) => 115 * factor * NOISE[i]))]);
  const verdict = (interleaved: boolean) =>
    compare(before, after, { interleaved }).benchmarks[0].verdict;
  assert.equal(verdict(true), "slower");
  assert.equal(verdict(false), "not enough data");
});

test("with many benchmarks it takes more to call a difference", { timeout }, () => {
  // One pair of fourteen disagrees a little, which is p = 0.0006.
  const slower = of(100).map((time, i) => i === 0 ? time * 0.995 : time * (1.1 + i / 100));
  const others = (count: number) =>
    Array.from({ length: count }, (_, i) => benchmark(`other ${i}`, of(100)));
  const verdict = (count: number) =>
    compare(
      baseline([benchmark("a", of(100)), ...others(count)]),
      baseline([benchmark("a", slower), ...others(count)]),
      { interleaved: true },
    ).benchmarks[0].verdict;
  assert.equal(verdict(0), "slower");
  assert.equal(verdict(9), "slower");
  assert.equal(verdict(400), "not enough data");
});

test(
  "there is not enough data where the interval is wide, or processes too few for any difference",
  {
    timeout,
  },
  () => {
    const wide = NOISE.map((_, i) => 100 * (i % 2 === 0 ? 0.8 : 1.25));
    const one = compare(baseline([benchmark("a", of(100))]), baseline([benchmark("a", wide)]), {
      interleaved: true,
    });
    assert.equal(one.benchmarks[0].verdict, "not enough data");
    assert(one.sufficient);
    const maybe = NOISE.map((_, i) => 100 * (i % 2 === 0 ? 0.8 : 1.6));
    const [slower] =
      compare(baseline([benchmark("a", of(100))]), baseline([benchmark("a", maybe)]), {
        interleaved: true,
      }).benchmarks;
    assert(slower.ratio! > 1.1 && slower.verdict === "not enough data" && !slower.over);
    const few = (time: number) => baseline([benchmark("a", [time, time + 1, time + 2])]);
    const two = compare(few(100), few(200), { interleaved: false });
    assert.equal(two.benchmarks[0].verdict, "not enough data");
    assert.match(two.benchmarks[0].because!, /so few processes cannot show a difference/);
    assert(!two.sufficient);
    assert.equal(
      compare(few(100), few(100), { interleaved: false }).benchmarks[0].verdict,
      "not enough data",
    );
  },
);

test("blocksFor() is how many it takes, and one to spare", { timeout }, () => {
  // 2 / C(2n, n) and 2 / 2^n against 0.05 / tests.
  assert.deepEqual([1, 12, 50].map((tests) => blocksFor(tests, false)), [5, 7, 8]);
  assert.deepEqual([1, 12, 50].map((tests) => blocksFor(tests, true)), [7, 10, 12]);
});

test("what is wrong, new, gone, or was to answer something else is not compared", {
  timeout,
}, () => {
  const { benchmarks } = compare(
    baseline([
      benchmark("wrong", of(1)),
      benchmark("gone", of(1)),
      benchmark("other", of(1)),
      benchmark("was wrong", [], { failure: "it threw" }),
    ]),
    baseline([
      benchmark("new", of(1)),
      benchmark("wrong", [], { failure: "it answered 2, not 1" }),
      benchmark("other", of(1), { expected: "2" }),
      benchmark("was wrong", of(1)),
    ]),
    { interleaved: true },
  );
  assert.deepEqual(benchmarks.map(({ name, verdict }) => [name, verdict]), [
    ["new", "new"],
    ["wrong", "wrong"],
    ["other", "not comparable"],
    ["was wrong", "not comparable"],
    ["gone", "gone"],
  ]);
  assert.equal(benchmarks[1].because, "it answered 2, not 1");
  assert.match(benchmarks[2].because!, /must answer 2, and before it was 1/);
});

test("another machine or runtime is said, and nothing is called then", { timeout }, () => {
  const before = baseline([benchmark("a", of(100))]);
  const runtime = compare(before, baseline([benchmark("a", of(200))], { runtime: "Bun 1" }), {
    interleaved: false,
  });
  assert(!runtime.comparable);
  assert.equal(runtime.benchmarks[0].verdict, "not comparable");
  assert.match(runtime.caveats[0], /Another runtime \(Deno 2; now Bun 1\)/);
  assert.match(runtime.caveats[1], /one after the other/);
  const machine = { ...before.machine, cores: 64 };
  const other = compare(before, { ...before, machine }, { interleaved: false });
  assert.match(other.caveats[0], /Another machine \(2 × a processor.*; now 64 × a processor/);
});

test("parseBaseline() reads what was written, and says what is wrong with anything else", {
  timeout,
}, () => {
  const whole = baseline([benchmark("a", of(1)), benchmark("b", [], { failure: "no" })]);
  assert.deepEqual(parseBaseline(JSON.stringify(whole)), JSON.parse(JSON.stringify(whole)));
  const broken = (change: (value: Record<string, never>) => void) => {
    const value = JSON.parse(JSON.stringify(whole));
    change(value);
    return JSON.stringify(value);
  };
  const cases: [string, RegExp][] = [
    ["no", /it is not JSON/],
    ["null", /it has no schema/],
    ["[]", /it has no schema/],
    [
      broken((value) => value.schema = "interlock-bench/0" as never),
      /"interlock-bench\/0", and this/,
    ],
    [broken((value) => delete value.machine), /its machine is no object/],
    [broken((value) => value.time = 0 as never), /its time is no number above 0/],
    [broken((value) => value.time = 1e300 as never), /its time is longer than an hour/],
    [broken((value) => value.benchmarks = {} as never), /its benchmarks is no list/],
    [
      broken((value) => (value.benchmarks as { name: string }[])[1].name = "a"),
      /two of its benchmarks are called "a"/,
    ],
    [
      broken((value) =>
        (value.benchmarks as { blocks: { samples: number }[] }[])[0].blocks[1].samples = -4
      ),
      /blocks\[1\]\.samples is no whole number above 0/,
    ],
    [
      broken((value) => (value.benchmarks as { blocks: unknown[] }[])[0].blocks[3] = { p10: "x" }),
      /its benchmarks\[0\]\.blocks\[3\]\.p10 is no number above 0/,
    ],
    [broken((value) => value.revision = { commit: 1 } as never), /its revision\.commit is no text/],
  ];
  for (const [source, message] of cases) {
    assert.throws(() => parseBaseline(source), { name: "SyntaxError", message });
  }
});

test("a comparison as text and as Markdown names what is slower, and what it was measured on", {
  timeout,
}, () => {
  const comparison = compare(
    baseline([benchmark("a | b", of(100)), benchmark("c", of(100))]),
    baseline([benchmark("a | b", of(150)), benchmark("c", of(100, shuffled))], {
      revision: { commit: "fedcba9876543210", dirty: true },
    }),
    { interleaved: true },
  );
  const text = comparisonTable(comparison, layout);
  assert.match(text, /^0123456789 → fedcba9876 with changes, Deno 2, 2 × a processor/);
  assert.match(
    text,
    /^a \| b +100 ns +150 ns +1\.50 × +1\.\d+ – 1\.\d+ +slower, and over the limit$/m,
  );
  assert.match(text, /^c .* same$/m);
  assert.match(text, /^2 benchmarks: 1 slower, 1 same$/m);
  assert.match(text, /^More than 10 % slower: a \| b$/m);
  const markdown = comparisonMarkdown(comparison);
  assert.match(markdown, /^### Benchmarks: More than 10 % slower: a \\\| b$/m);
  assert.match(markdown, /^\| a \\\| b \| 100 ns \| 150 ns \| 1\.50 × \|.*\*\*slower, and over/m);
  assert.match(markdown, /<details><summary>1 other benchmark<\/summary>\n\n\| benchmark/);
});

test("whatever names and errors hold stays in its row, and is no Markdown", { timeout }, () => {
  const before = baseline([
    benchmark("threw", of(1)),
    benchmark("other", of(1), { expected: "[1]" }),
    benchmark("a\r\r# gone | <b>&lt;~", of(1)),
  ]);
  const after = baseline([
    benchmark("threw", [], { failure: "it threw Error: one\n  two | three" }),
    benchmark("other", of(1), { expected: "<img src=x> | `c`" }),
  ]);
  const comparison = compare(before, after, { interleaved: true });
  const text = comparisonTable(comparison, { ...layout, width: 200 });
  assert.match(text, /^threw .* wrong \(it threw Error: one two \| three\)$/m);
  assert.match(text, /^a # gone \| <b>&lt;~ .* gone$/m);
  const rows = comparisonMarkdown(comparison).split("\n").filter((line) => line.startsWith("| "));
  assert.deepEqual(rows.map((row) => row.match(/(?<!\\)\|/g)!.length), [7, 7, 7, 7, 7, 7, 7]);
  assert.match(rows[2], /\| \*\*wrong \(it threw Error: one two \\\| three\)\*\* \|$/);
  assert(rows[5].includes("it must answer \\<img src=x\\> \\| \\`c\\`"), rows[5]);
  assert(rows[6].startsWith("| a # gone \\| \\<b\\>\\&lt;\\~ |"), rows[6]);
});

test("of a long answer a comparison tells the beginning", { timeout }, () => {
  const failure = `it answered ${"7".repeat(70_000)}`;
  const comparison = compare(
    baseline([benchmark("a", of(1))]),
    baseline([benchmark("a", [], { failure })]),
    { interleaved: true },
  );
  for (const told of [comparisonTable(comparison, layout), comparisonMarkdown(comparison)]) {
    assert.match(told, /it answered\s+7{250,300}…\)/);
    assert(told.length < 1_500);
  }
  assert.equal(comparison.benchmarks[0].because, failure);
});

test("what is wrong stands before what is slower in the conclusion", { timeout }, () => {
  const before = baseline([benchmark("a", of(100)), benchmark("b", of(100))]);
  const conclude = (b: readonly number[]) =>
    comparisonMarkdown(compare(
      before,
      baseline([benchmark("a", [], { failure: "it threw" }), benchmark("b", b)]),
      { interleaved: true },
    )).split("\n")[0];
  assert.equal(conclude(of(150)), "### Benchmarks: Wrong: a. More than 10 % slower: b");
  assert.equal(
    conclude(of(100)),
    "### Benchmarks: Wrong: a. Nothing was shown to be more than 10 % slower",
  );
});

test("a benchmark that no process measured is not enough for a gate", { timeout }, () => {
  const { sufficient, benchmarks: [, none] } = compare(
    baseline([benchmark("a", of(100)), benchmark("b", [])]),
    baseline([benchmark("a", of(100)), benchmark("b", of(100))]),
    { interleaved: false },
  );
  assert.equal(none.verdict, "not enough data");
  assert(!sufficient);
});

test("a ratio that is very small is no 0", { timeout }, () => {
  const faster = compare(baseline([benchmark("a", of(1e6))]), baseline([benchmark("a", of(100))]), {
    interleaved: true,
  });
  assert.match(comparisonTable(faster, layout), / 0\.00010 × +0\.00010 – 0\.00010 +faster$/m);
});

test("a comparison fits the terminal, and piped its sentences are whole", { timeout }, () => {
  const name = "a benchmark with a long name, as they are";
  const comparison = compare(
    baseline([benchmark(name, of(100)), benchmark("was wrong", [], { failure: "it threw" })]),
    baseline([benchmark(name, of(150)), benchmark("was wrong", of(1))]),
    { interleaved: false },
  );
  for (const width of [40, 80, 100]) {
    const lines = comparisonTable(comparison, { ...layout, width }).split("\n");
    assert.deepEqual(lines.filter(({ length }) => length > width), [], `${width}`);
    assert.match(lines.join(" "), /slower,\s.*over/);
  }
  const piped = comparisonTable(comparison, { ...layout, width: 80, lines: Infinity });
  assert.match(piped, /^They were measured one after the other: .* part of the difference$/m);
});

test("in a comparison only what is over the limit or wrong is red", { timeout }, () => {
  const comparison = compare(
    baseline([benchmark("a", of(100)), benchmark("b", of(100)), benchmark("c", of(100))]),
    baseline([benchmark("a", of(150)), benchmark("b", of(50)), benchmark("c", of(100, shuffled))]),
    { interleaved: true },
  );
  const colours = palette(true);
  const text = comparisonTable(comparison, { palette: colours, width: 100 });
  assert(text.includes(`${colours.red("slower,")} ${colours.red("and")}`), text);
  assert(text.includes(colours.green("faster")), text);
  assert.match(text, /^c .* same$/m);
});
