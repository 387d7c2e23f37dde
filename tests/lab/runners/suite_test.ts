import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Contestant,
  defineBenchmark,
  measureBenchmark,
  palette,
  type PreparedBenchmark,
  suiteHash,
  suiteLines,
  suiteSmokeLine,
} from "../../../lab/mod.ts";
import { showNanoseconds } from "../../../lab/reports/suite_table.ts";
import { Sampler } from "../../../lab/runners/measure.ts";
import { checkSuite } from "../../../lab/runners/suite.ts";

const timeout = 20_000;
const layout = { palette: palette(false), width: 100 };

const contestant = (name: string, run: () => unknown): Contestant => ({ name, run });
const right = (name: string): Contestant => contestant(name, () => 1);
const prepared = (more: Partial<PreparedBenchmark> = {}): PreparedBenchmark => ({
  operations: 10,
  expected: 1,
  ours: right("ours"),
  ...more,
});

test("defineBenchmark() refuses what cannot be told or prepared", { timeout }, () => {
  const prepare = () => prepared();
  for (const name of ["", " ", "two\nlines", "a\rb", "a\u2028b", "\x1b[2J", 7 as never]) {
    assert.throws(() => defineBenchmark(name, prepare), /its name is .*, not a text of one line/s);
  }
  assert.throws(() => defineBenchmark("a", undefined as never), {
    name: "TypeError",
    message: 'Cannot define benchmark "a": prepare is undefined, not a function',
  });
});

test("a suite is a list of benchmarks with names of their own", { timeout }, () => {
  const one = defineBenchmark("one", () => prepared());
  checkSuite([one, defineBenchmark("two", () => prepared())]);
  assert.throws(() => checkSuite(undefined), /not a list of benchmarks/);
  assert.throws(() => checkSuite([one, { name: "two" }]), /"two": prepare is undefined/);
  assert.throws(() => checkSuite([one, one]), /two of its benchmarks are called "one"/);
});

test(
  "measureBenchmark() refuses what cannot be measured, before it is run",
  { timeout },
  async () => {
    const unrunnable = contestant("ours", undefined as never);
    const cases: [Partial<PreparedBenchmark> | undefined, RegExp][] = [
      [{ operations: 0 }, /operations is 0, not a whole number from 1/],
      [{ operations: 1.5 }, /operations is 1.5/],
      [{ ours: unrunnable }, /ours and each rival need a name and a function run/],
      [{ rivals: [unrunnable] }, /ours and each rival need/],
      [{ rivals: 3 as never }, /rivals is not a list/],
      [{ rivals: [{ ...right("b"), operations: -1 }] }, /operations of b is -1/],
      [{ rivals: [{ ...right("b"), atMost: 0 }] }, /atMost of b is 0, not a number above 0/],
    ];
    for (const [more, message] of cases) {
      const benchmark = defineBenchmark("it", () => prepared(more));
      await assert.rejects(measureBenchmark(benchmark, { time: 1 }), message);
    }
    const nothing = defineBenchmark("it", () => undefined as never);
    await assert.rejects(measureBenchmark(nothing), /Cannot measure "it": operations is undefined/);
  },
);

test("contestants take turns, in one round forwards and in the next backwards", {
  timeout,
}, async () => {
  const turns: string[] = [];
  const named = (name: string) =>
    contestant(name, () => {
      if (turns.at(-1) !== name) turns.push(name);
      const until = performance.now() + 0.3;
      while (performance.now() < until);
      return 1;
    });
  const benchmark = defineBenchmark(
    "turns",
    () => prepared({ ours: named("a"), rivals: [named("b"), { ...named("c"), atMost: 9 }] }),
  );
  const { ours, rivals } = await measureBenchmark(benchmark, { time: 60 });
  assert.match(turns.join(""), /^abcabcb/);
  assert.equal(ours?.name, "a");
  assert.deepEqual(rivals.map(({ name, atMost }) => [name, atMost]), [["b", undefined], ["c", 9]]);
});

test(
  "measureBenchmark() divides by each contestant's own operations",
  {
    timeout,
  },
  async () => {
    const spin = () => {
      const until = performance.now() + 1;
      while (performance.now() < until);
      return 1;
    };
    const few = { ...contestant("few", spin), operations: 10 };
    const benchmark = defineBenchmark(
      "spin",
      () => prepared({ operations: 1_000, ours: contestant("many", spin), rivals: [few] }),
    );
    const { ours, rivals: [rival] } = await measureBenchmark(benchmark, { time: 30 });
    assert(ours!.nanoseconds.p25 >= 1_000 && ours!.nanoseconds.p75 >= ours!.nanoseconds.p50);
    assert(rival.nanoseconds.p25 >= 100_000);
    assert(rival.ratio < 0.1, `${rival.ratio}`);
  },
);

test(
  "where there is a budget to keep, no contestant has only one sample",
  { timeout },
  async () => {
    const slow = (name: string) =>
      contestant(name, () => {
        const until = performance.now() + 5;
        while (performance.now() < until);
        return 1;
      });
    const samples = async (atMost: number | undefined) => {
      const rivals = [{ ...slow("rival"), atMost }];
      const benchmark = defineBenchmark("slow", () => prepared({ ours: slow("ours"), rivals }));
      const result = await measureBenchmark(benchmark, { time: 1 });
      return [result.ours!.samples, result.rivals[0].samples];
    };
    for (const count of await samples(2)) assert(count >= 6, `${count} samples`);
    for (const count of await samples(undefined)) assert(count < 6, `${count} samples`);
  },
);

test("the clock stands still while an answer is checked", { timeout }, async () => {
  const answer = {
    get slow() {
      const until = performance.now() + 20;
      while (performance.now() < until);
      return true;
    },
  };
  const benchmark = defineBenchmark(
    "checked",
    () =>
      prepared({ operations: 1, expected: { slow: true }, ours: contestant("it", () => answer) }),
  );
  const { ours, failure } = await measureBenchmark(benchmark, { time: 0.001 });
  assert.equal(failure, undefined);
  assert(ours!.nanoseconds.p50 < 20e6, `${ours!.nanoseconds.p50} ns`);
});

test("what does its work wrong, or throws, has no speed, and what it took is given back", {
  timeout,
}, async () => {
  let closed = 0;
  const wrong = (ours: Contestant, rivals: Contestant[] = []) =>
    measureBenchmark(
      defineBenchmark("it", () => prepared({ ours, rivals, close: () => void closed++ })),
      { time: 1 },
    );
  let runs = 0;
  const late = await wrong(contestant("late", () => ++runs < 5 ? 1 : 2));
  assert.equal(late.failure, "late answered 2, not 1");
  assert.equal(late.ours, undefined);
  const rival = await wrong(right("ours"), [contestant("rival", () => Promise.resolve("1"))]);
  assert.equal(rival.failure, 'rival answered "1", not 1');
  const threw = await wrong(contestant("it", () => assert.fail("no")));
  assert.match(threw.failure!, /^it threw AssertionError.*no/s);
  assert.equal(closed, 3);
  assert.match(suiteLines(late, layout), /^it\n {2}WRONG: late answered 2, not 1$/);
});

test("the result hash tells what was right, whatever the order and the speed", {
  timeout,
}, async () => {
  const measured = (name: string, run: () => unknown) =>
    measureBenchmark(defineBenchmark(name, () => prepared({ ours: contestant("it", run) })), {
      time: 1,
    });
  const a = await measured("a", () => 1), again = await measured("a", () => Promise.resolve(1));
  const b = await measured("b", () => 1), broken = await measured("b", () => 2);
  assert.equal(suiteHash([a, b]), suiteHash([b, again]));
  assert.notEqual(suiteHash([a, b]), suiteHash([a, broken]));
});

test("suiteLines() shows ratios, budgets and notes", { timeout }, () => {
  const time = (p50: number) => ({ nanoseconds: { p25: p50, p50, p75: p50 }, samples: 9 });
  const text = suiteLines({
    name: "it",
    expected: "1",
    ours: { name: "ours", ...time(24) },
    rivals: [
      { name: "floor", ...time(12), ratio: 2, atMost: 2.5 },
      { name: "peer", ...time(2_400), ratio: 0.01, atMost: 1 / 200 },
      { name: "other", ...time(24e6), ratio: 1 },
    ],
    note: "noted",
  }, layout);
  const shown = text.split("\n").map((line) => line.replace(/ +/g, " ").trim());
  assert.deepEqual(shown, [
    "it 24 ns",
    "× floor 12 ns 2.00 budget 2.5 ok",
    "× peer 2.40 µs 0.010 budget 1/200 OVER",
    "× other 24.0 ms 1.00",
    "noted",
  ]);
});

test("a sample that was interrupted does not use up the time of the others", {
  timeout,
}, async () => {
  let runs = 0;
  const interrupted = contestant("it", () => {
    const until = performance.now() + (++runs % 3 === 0 ? 60 : 0.5);
    while (performance.now() < until);
    return 1;
  });
  const benchmark = defineBenchmark("it", () => prepared({ ours: interrupted }));
  const { ours } = await measureBenchmark(benchmark, { time: 10 });
  // Of 10 ms, 60 of one sample; yet there are those of 0.5 ms, and others count for 2 at most.
  assert(ours!.samples >= 5, `${ours!.samples} samples`);
  assert(ours!.nanoseconds.p25 < 5e6, `${ours!.nanoseconds.p25} ns`);
});

test("a smoke test prepares little, and takes a second sample only of what is short", {
  timeout,
}, async () => {
  const told: boolean[] = [];
  let short = 0;
  let long = 0;
  const benchmark = defineBenchmark("it", ({ smoke }) => {
    told.push(smoke);
    const slow = contestant("long", () => {
      long++;
      const until = performance.now() + 30;
      while (performance.now() < until);
      return 1;
    });
    return prepared({ ours: contestant("short", () => (short++, 1)), rivals: [slow] });
  });
  const { failure, rivals: [rival] } = await measureBenchmark(benchmark, { time: 0 });
  assert.equal(failure, undefined);
  assert.deepEqual([short, long, rival.samples], [2, 1, 1]);
  await measureBenchmark(benchmark, { time: 1 });
  assert.deepEqual(told, [true, false]);
});

test("a smoke test finds what is wrong the second time", { timeout }, async () => {
  let runs = 0;
  const benchmark = defineBenchmark(
    "it",
    () => prepared({ rivals: [contestant("worn", () => ++runs)] }),
  );
  const result = await measureBenchmark(benchmark, { time: 0 });
  assert.equal(result.failure, "worn answered 2, not 1");
  assert.equal(suiteSmokeLine(result, layout), suiteLines(result, layout));
  const right = { name: "it", expected: "1", rivals: [] };
  assert.equal(suiteSmokeLine(right, layout), "✓ it: right");
});

test("showNanoseconds() tells what rounds up to the next unit in that unit", { timeout }, () => {
  const cases: [number, string][] = [
    [9.96, "10 ns"],
    [99.4, "99 ns"],
    [99.5, "100 ns"],
    [99.96, "100 ns"],
    [999.4, "999 ns"],
    [999.6, "1.00 µs"],
    [999_600, "1.00 ms"],
    [999_400, "999 µs"],
    [999_600_000, "1.00 s"],
  ];
  for (const [time, text] of cases) assert.equal(showNanoseconds(time), text, `${time}`);
});

test("Sampler refuses what takes no time that the clock shows in a tenth of its samples", {
  timeout,
}, async () => {
  const { now } = performance;
  let clock = 0;
  let runs = 0;
  const ours = contestant("it", () => {
    clock += ++runs % 3 === 0 ? 0 : 1;
    return 1;
  });
  performance.now = () => clock;
  try {
    const sampler = new Sampler(ours, prepared());
    sampler.start(5);
    while (!sampler.done) await sampler.turn(2);
    assert.throws(() => sampler.block(), {
      message: "it takes no time that can be measured: give it more operations",
    });
  } finally {
    performance.now = now;
  }
});
