import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { encodeSchedule } from "../../../lab/engine/mod.ts";
import { main } from "../../../lab/runners/cli.ts";
import { runCommand, runtimes } from "../../../lab/worlds/_runtimes.ts";
import { here } from "../_here.ts";

const timeout = 120_000;

interface Ran {
  status: number;
  out: string;
  err: string;
}

/** Runs a command without a terminal and reads what it prints. */
async function lab(...args: string[]): Promise<Ran> {
  const out: string[] = [];
  const err: string[] = [];
  const status = await main(args, {
    interactive: false,
    piped: true,
    colours: false,
    width: 100,
    out: (line) => out.push(line),
    err: (line) => err.push(line),
    ask: () => assert.fail("nobody is to be asked"),
    asked: () => {},
    progress: () => {},
  });
  return { status, out: out.join("\n"), err: err.join("\n") };
}

const UNGUARDED = "lost-update/unguarded";

test("lab run tells the story of a broken variant and exits 0, for it is expected", {
  timeout,
}, async () => {
  const { status, out, err } = await lab("run", UNGUARDED);
  assert.equal(err, "");
  assert.equal(status, 0);
  assert.match(out, /B and A both read counter = 0 before either wrote, so A buries B's write/);
  assert.match(out, /✗ +4 +write counter ← 1 +buries step 3/);
  assert.match(out, /2 increments, but counter = 1: 1 update is lost/);
  assert.match(out, /replay +deno task lab replay il1\.lost-update\.unguarded\./);
});

test("lab run --strategy exhaustive proves the locked variant safe", { timeout }, async () => {
  const { status, out } = await lab("run", "lost-update/locked", "--strategy", "exhaustive");
  assert.equal(status, 0);
  assert.match(out, /proved: all 10 orders/);
});

test("lab run --budget says so when it did not run every order", { timeout }, async () => {
  const { out } = await lab(
    ...["run", "lost-update/locked", "--strategy", "exhaustive", "--budget", "9"],
  );
  assert.match(out, /not all orders: 9 orders/);
});

test("lab replay breaks again at every distance and exits 1", { timeout }, async () => {
  const { schedule } = JSON.parse((await lab("run", UNGUARDED, "--json")).out);
  for (const world of here(["tasks", "workers", "processes", "machines"])) {
    const { status, out, err } = await lab("replay", schedule, "--world", world);
    assert.equal(err, "");
    assert.equal(status, 1);
    assert.match(out, new RegExp(`between ${world}: broken`));
    assert.match(out, /replayed 10\/10/);
  }
});

test("the command that a report prints runs the schedule again, however few its steps may be", {
  timeout,
}, async () => {
  const { out } = await lab("run", "lost-update/token", "--steps", "3", "--world", "workers");
  assert.match(out, /the others have taken 3 steps/);
  const command = /^replay +deno task lab (.*)$/m.exec(out)![1];
  const { status, out: again, err } = await lab(...command.split(" "));
  assert.deepEqual([err, status], ["", 1]);
  assert.match(again, /the others have taken 3 steps[^]*replayed 10\/10/);
});

test("a code found on the other runtime replays here", { timeout }, async () => {
  const cli = new URL("../../../lab/runners/cli.ts", import.meta.url).href;
  for (const runtime of runtimes()) {
    const { command, args } = runCommand(runtime, cli, ["run", UNGUARDED, "--json"]);
    const { stdout, status } = spawnSync(command, args, { encoding: "utf8" });
    assert.equal(status, 0);
    const { schedule } = JSON.parse(stdout);
    const { out } = await lab("replay", schedule, UNGUARDED, "--world", "processes", "--json");
    assert.deepEqual(JSON.parse(out).reproduced, { times: 10, of: 10 });
  }
});

test("the process exits with the status of the command, and prints errors in one line", {
  timeout,
}, () => {
  const cli = new URL("../../../lab/runners/cli.ts", import.meta.url);
  const run = (...args: string[]) => {
    const command = runCommand(runtimes()[0], cli.href, args);
    return spawnSync(command.command, command.args, {
      encoding: "utf8",
      cwd: fileURLToPath(new URL("../../..", cli)),
      env: { ...process.env, NO_COLOR: "1" },
    });
  };
  assert.equal(run("list").status, 0);
  assert.equal(run("replay", "nonsense").status, 2);
  const { stdout, stderr } = run("run", "nonsense");
  assert.equal(stdout, "");
  assert.match(stderr, /^Cannot find scenario "nonsense": lab list shows all \d+\n$/);
});

test("bad usage exits 2, with one line that says what is allowed", { timeout }, async () => {
  const code = encodeSchedule({
    scenario: "lost-update",
    variant: "unguarded",
    parameters: [2, 1],
    structure: "other",
    choices: [0, 1],
  });
  const strange = encodeSchedule({
    scenario: "found-elsewhere",
    variant: "a",
    parameters: [],
    structure: "x",
    choices: [],
  });
  const { schedule } = JSON.parse((await lab("run", UNGUARDED, "--json")).out);
  const cases: [string[], RegExp][] = [
    [["frobnicate"], /: lab --help shows the commands, lab list the scenarios$/],
    [["lost"], /"lost": did you mean list or lost-update\?$/],
    [["lost-update/locked"], /one variant is lab run lost-update\/locked$/],
    [["lost-update/lokced"], /"lokced" of lost-update: did you mean locked\?$/],
    [["hlep"], /"hlep": did you mean help\?$/],
    [["rnu"], /"rnu": did you mean run\?$/],
    [["lost-updates"], /"lost-updates": did you mean lost-update\?$/],
    [["run"], /missing required argument/],
    [["run", "lost-updat"], /Cannot find scenario "lost-updat": did you mean lost-update\?$/],
    [["run", "lost-update/lokced"], /"lokced" of lost-update: did you mean locked\?$/],
    [["run", "nope"], /Cannot find scenario "nope": lab list shows all \d+$/],
    [["run", "lost-update/nope"], /it has unguarded, atomic-cells, locked/],
    [["run", "a/b/c"], /write scenario or scenario\/variant/],
    [["run", "lost-update", "--world", "moon"], /worlds are tasks, simulation, workers, processes/],
    [["run", "lost-update", "--strategy", "luck"], /strategies are portfolio, random, weighted/],
    [["run", "lost-update", "--seed", "-1"], /whole number from 0/],
    [["run", "lost-update", "--budget", "0"], /whole number from 1/],
    [["run", "lost-update", "--set", "actors"], /name=value/],
    [["run", "lost-update", "--set", "actors=0"], /whole numbers from 1 to 16/],
    [["--frobnicate"], /unknown option/],
    [["replay", "abc"], /a code begins with "il1\."/],
    [["replay", schedule.slice(0, -1)], /checksum does not match/],
    [["replay", schedule.replace("unguarded", "locked")], /checksum does not match/],
    [["replay", schedule, "lost-update/locked"], /the code is for lost-update\/unguarded/],
    [["replay", code], /made for another structure of it \(other, here it is/],
    [["replay", strange], /Cannot find scenario "found-elsewhere"/],
    [["show", "nope"], /lab list shows all/],
    [["bench", "nope"], /: lab list shows the scenarios, lab bench --help the figures$/],
    [["bench", "lost-update/lokced"], /did you mean lost-update\/locked\?$/],
    [["bench", "FileLok"], /did you mean FileLock\.tryRead\(\).*?$/],
    [["report", "lost-update", "--out", "/dev/null"], /^Cannot write a report to \/dev\/null: /],
    [["report", "lost-update", "--out", ""], /^Cannot write a report to "": it names no folder$/],
    [["bench", "lost-update", "--world", "simulation"], /between simulation: nothing of it runs/],
    [["bench", "locking-overhed"], /did you mean locking-overhead\?$/],
  ];
  for (const [args, message] of cases) {
    const { status, out, err } = await lab(...args);
    assert.equal(status, 2, args.join(" "));
    assert.equal(out, "", args.join(" "));
    assert.match(err, message);
    assert.ok(!err.includes("\n"), err);
  }
});

test("a code whose choices do not fit is told at its step", { timeout }, async () => {
  const { out } = await lab("run", UNGUARDED, "--json");
  const [, , , , structure] = JSON.parse(out).schedule.split(".");
  const code = encodeSchedule({
    scenario: "lost-update",
    variant: "unguarded",
    parameters: [2, 1],
    structure,
    choices: [0, 0, 0, 1],
  });
  const { status, err } = await lab("replay", code);
  assert.equal(status, 2);
  assert.match(err, /at step 3 expected A to move, found A with nothing to do/);
});

test("--json answers every command as data", { timeout }, async () => {
  const [scenario] = JSON.parse((await lab("list", "--json")).out);
  assert.equal(scenario.name, "lost-update");
  assert.equal(scenario.variants.locked.expect, "safe");
  assert.deepEqual(JSON.parse((await lab("show", "lost-update", "--json")).out), scenario);
  const one = JSON.parse((await lab("run", UNGUARDED, "--json")).out);
  assert.equal(one.verdict, "broken");
  assert.equal(one.failure.steps.length, 4);
  assert.deepEqual(one.failure.steps[3], {
    actor: "A",
    object: "counter",
    kind: "write",
    argument: 1,
  });
  const variants = Object.keys(scenario.variants).length;
  const all = JSON.parse((await lab("run", "lost-update", "--json")).out);
  assert.deepEqual(all.map((result: { met: boolean }) => result.met), Array(variants).fill(true));
  const toured = JSON.parse((await lab("tour", "lost-update", "--world", "tasks", "--json")).out);
  assert.equal(toured.met, true);
  assert.equal(toured.results.length, variants);
  const benched = JSON.parse(
    (await lab("bench", "lost-update", "--world", "tasks", "--time", "5", "--json")).out,
  );
  assert.equal(benched.results.length, variants);
  assert.match(benched.hash, /^[a-z0-9]+$/);
});

test("the tour prints a line for each variant, with verdict, evidence and code", {
  timeout,
}, async () => {
  const { status, out, err } = await lab("tour", "lost-update", "--world", "tasks");
  assert.equal(status, 0);
  assert.match(out, /✓ unguarded +tasks +broken as expected +found after \d orders.*il1\./);
  assert.match(out, /✓ locked +tasks +safe as expected +proved: all 10 orders/);
  assert.match(out, /7 of 7 expectations met/);
  assert.match(err, /^Every variant of every race is tried.*\n.*il1\.… is the code of an order/);
  assert.match(err, /From here:\n(?: {2}deno task lab .*\n)* {2}deno task lab report /);
});

test("lab show teaches the scenario", { timeout }, async () => {
  const { out } = await lab("show", "lost-update");
  assert.match(out, /The lost update/);
  assert.match(out, /an update is simply gone/);
  assert.match(out, /atomic-cells +broken +each read and each write is atomic/);
  assert.match(out, /Parameters\n\n {2}actors/);
  // Nothing is said of the parameters of one that has none.
  assert.doesNotMatch((await lab("show", "stale-lease")).out, /Parameters|\n\n\n/);
});

test("--help says what there is", { timeout }, async () => {
  const { status, out } = await lab("--help");
  assert.equal(status, 0);
  for (const name of ["tour", "list", "show", "run", "replay", "bench"]) {
    assert.match(out, new RegExp(`^ +${name} `, "m"));
  }
});
