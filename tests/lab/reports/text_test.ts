import assert from "node:assert/strict";
import { test } from "node:test";
import {
  explore,
  investigate,
  openDistance,
  palette,
  Subject,
  team,
  timeline,
  trialLine,
  trialReport,
} from "../../../lab/mod.ts";
import type { RunResult, TrialResult } from "../../../lab/mod.ts";
import oppositeLocks from "../_scenarios/opposite_locks.ts";

const timeout = 20_000;
const plain = palette(false);

const RUN: RunResult = {
  kind: "passed",
  actors: ["A", "writer"],
  steps: [
    { actor: "A", object: "own", kind: "read", result: 0 },
    { actor: "A", object: "own", kind: "write", argument: 1 },
    { actor: "A", object: "counter", kind: "compare-and-set", argument: [0, 1], result: true },
    { actor: "writer", object: "counter", kind: "read", result: 1 },
    { actor: "writer", object: "requests", kind: "send", argument: { add: 1 } },
  ],
  preemptions: 0,
  switches: 1,
};

test("timeline() has a column for each actor and folds what concerns only one", { timeout }, () => {
  assert.equal(
    timeline(RUN, { palette: plain, width: 100 }),
    [
      "  step  A                                              writer",
      "     1  … 2 steps of its own",
      "     3  compare-and-set counter ← 0 becomes 1 → true",
      "     4                                                 read counter → 1",
      '     5                                                 send requests ← {"add":1}',
    ].join("\n"),
  );
});

test("timeline() shows every step when asked to", { timeout }, () => {
  const full = timeline(RUN, { palette: plain, width: 100, full: true });
  assert.match(full, /1 +read own → 0\n +2 +write own ← 1\n/);
});

test("timeline() becomes a list where a table would be too wide", { timeout }, () => {
  const list = timeline(RUN, { palette: plain, width: 40, full: true }).split("\n");
  assert.equal(list.length, RUN.steps.length);
  assert.equal(list[0], "     1  A       read own → 0");
  assert.equal(list[3], "     4  writer  read counter → 1");
});

test("timeline() has colours only where they are wanted", { timeout }, () => {
  const run = { ...RUN, message: "", headline: "", breakingStep: 2 };
  assert.ok(!timeline(run, { palette: plain, width: 100 }).includes("\x1b["));
  assert.ok(timeline(run, { palette: palette(true), width: 100 }).includes("\x1b["));
});

test("trialReport() tells a deadlock as a circle of waits, with holder, mode and step", {
  timeout,
}, async () => {
  await using tasks = openDistance("tasks");
  const result = await investigate(tasks, new Subject(oppositeLocks, "opposite"));
  const report = trialReport(result, { palette: plain, width: 100 });
  assert.match(report, /A waits to enter write right, held by B \(write, since step \d\)/);
  assert.match(report, /B waits to enter write left, held by A \(write, since step \d\)/);
  assert.match(report, /The nearest order that passes/);
});

const MET: TrialResult = {
  scenario: "lost-update",
  variant: "unguarded",
  parameters: {},
  world: "workers",
  expect: "broken",
  because: "",
  verdict: "broken",
  met: true,
  strategy: "replay",
  seed: 1,
  schedules: 10,
  evidence: { kind: "partial", orders: 1 },
  bestEffort: false,
  elapsed: 3,
  schedule: "il1.lost-update.unguarded.2-1.15aeoxq.0110.1y2b3c",
  reproduced: { times: 10, of: 10 },
  free: { times: 3, of: 3 },
};

test("trialLine() is one line of what is as expected: what it took goes first, then the code", {
  timeout,
}, () => {
  const line = (width: number, lines?: number) =>
    trialLine(MET, { palette: plain, width, lines }).split("\n");
  const grounds =
    "  ✓ unguarded      workers    broken as expected  replayed 10/10; 3/3 free runs wrong";
  assert.deepEqual(line(90), [grounds]);
  assert.deepEqual(line(140), [`${grounds}  ${MET.schedule}`]);
  const all = `${grounds}  10 schedules in 3.0 ms  ${MET.schedule}`;
  assert.deepEqual(line(200), [all]);
  assert.deepEqual(line(80, Infinity), [all], "a program is told all");
  const broken = trialLine({ ...MET, met: false }, { palette: plain, width: 90 });
  assert.match(broken, /\n.*il1\./s, "of what is not as expected nothing is left out");
});

test("the command that replays a schedule names the distance it was run at", { timeout }, () => {
  const report = (world: string) => trialReport({ ...MET, world }, { palette: plain, width: 100 });
  assert.match(report("workers"), /^replay {3}deno task lab replay il1\.\S+ --world workers$/m);
  assert.match(report("tasks"), /^replay {3}deno task lab replay il1\.\S+$/m);
});

test("trialReport() says so where no passing order is found near the failing one", {
  timeout,
}, async () => {
  const told = async (wrong: (x: number) => boolean) => {
    const result = await explore({
      name: "written",
      build: (world) => {
        const x = world.cell("x", 0);
        return team(2, (place) => x.write(place));
      },
      check: ({ x }) => wrong(x) ? "wrong" : undefined,
    });
    assert.equal(result.verdict, "broken");
    return trialReport(result, { palette: plain, width: 100 });
  };
  const always = await told(() => true);
  assert.match(always, /^No passing order was found near it$/m);
  assert.doesNotMatch(always, /The nearest order that passes/);
  // The twin: one of two orders passes.
  const once = await told((x) => x === 1);
  assert.match(once, /^The nearest order that passes$/m);
  assert.doesNotMatch(once, /No passing order/);
});
