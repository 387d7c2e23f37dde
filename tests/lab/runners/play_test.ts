/** The game in which the player is the scheduler. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { main } from "../../../lab/runners/cli.ts";

const timeout = 30_000;

/** Plays by typing `answers`; what is not answered any more is the end of the input. */
async function play(answers: readonly string[], ...args: string[]) {
  const out: string[] = [];
  const asked: string[] = [];
  const left = [...answers];
  const status = await main(["play", ...args], {
    interactive: false,
    colours: false,
    width: 100,
    out: (line) => out.push(line),
    err: (line) => assert.fail(line),
    ask: (question) => {
      asked.push(question);
      return Promise.resolve(left.shift());
    },
    asked: () => {},
    progress: () => {},
  });
  return { status, asked, left, text: out.join("\n") };
}

test(
  "lab play shows what each would do, and what came of the order that was chosen",
  { timeout },
  async () => {
    const { status, text, left } = await play(["A", "B", "b", "1"], "lost-update/unguarded");
    assert.equal(status, 0);
    assert.deepEqual(left, []);
    assert.match(text, /1 {2}A {2}would read counter\n {2}2 {2}B {2}would read counter/);
    assert.match(text, /B and A both read counter = 0 before either wrote, so A buries B's write/);
    assert.match(text, /4 steps, 1 preemption, 2 switches\. Score 100: fewer do not do it/);
    const [, code] = /schedule (il1\.\S+)/.exec(text)!;
    const again = await play([], "lost-update/unguarded"); // the input ends at once
    assert.match(again.text, /Left before the end/);
    const { status: replayed } = await replay(code);
    assert.equal(replayed, 1, "the code is good for lab replay, and breaks");
  },
);

async function replay(code: string) {
  const out: string[] = [];
  const status = await main(["replay", code], {
    interactive: false,
    colours: false,
    width: 100,
    out: (line) => out.push(line),
    err: (line) => assert.fail(line),
    ask: () => assert.fail("nobody is to be asked"),
    asked: () => {},
    progress: () => {},
  });
  return { status, out };
}

test("lab play takes a step back, and refuses what is no move", { timeout }, async () => {
  const { text, asked } = await play(
    ["A", "u", "C", "7", "B", "B", "A", "2", "A"],
    "lost-update/unguarded",
  );
  assert.match(text, /Cannot move "C": it takes A, B, a number from 1 to 2, u or q/);
  assert.match(text, /Cannot move "7"/);
  assert.match(text, /Cannot move "2": it takes A, 1, u or q/);
  assert.match(text, /It held: nothing is wrong/);
  assert.match(text, /It can be broken with 1 preemption: try again/);
  assert.equal(asked.length, 9);
});

test(
  "lab play of a safe variant says that the lab has not broken it either",
  { timeout },
  async () => {
    const { status, text } = await play(Array(20).fill("1"), "lost-update/locked");
    assert.equal(status, 0);
    assert.match(text, /It held.*The lab has not broken it either/s);
  },
);

test("lab play --json prints nothing but how the game ended", { timeout }, async () => {
  const { text } = await play(["A", "B", "B", "A"], "lost-update/unguarded", "--json");
  const { broken, schedule } = JSON.parse(text);
  assert.equal(broken, true);
  assert.match(schedule, /^il1\.lost-update\.unguarded\./);
});
