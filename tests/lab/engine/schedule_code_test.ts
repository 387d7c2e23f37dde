import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  decodeSchedule,
  encodeSchedule,
  hash,
  MAX_ACTORS,
  type Schedule,
  ScheduleCodeError,
} from "../../../lab/engine/mod.ts";

const timeout = 20_000;

const SCHEDULE: Schedule = {
  scenario: "lost-update",
  variant: "unguarded",
  parameters: [2, 1],
  structure: "1k9x3fz",
  choices: [0, 1, 0, 1, 1, 1, 1, 0],
};

const schedules = fc.record({
  scenario: fc.stringMatching(/^[a-z][a-z0-9-]{0,12}$/),
  variant: fc.stringMatching(/^[a-z][a-z0-9-]{0,12}$/),
  parameters: fc.array(fc.nat(), { maxLength: 4 }),
  structure: fc.stringMatching(/^[a-z0-9]{1,7}$/),
  choices: fc.array(fc.nat({ max: MAX_ACTORS - 1 }), { maxLength: 60 }),
}, { noNullPrototype: true });

test("encodeSchedule() writes the same code on every runtime", { timeout }, () => {
  assert.equal(encodeSchedule(SCHEDULE), "il1.lost-update.unguarded.2-1.1k9x3fz.abab4a.73fkm5");
});

test("decodeSchedule() reads back every schedule", { timeout }, () => {
  fc.assert(fc.property(schedules, (schedule) => {
    assert.deepEqual(decodeSchedule(encodeSchedule(schedule)), schedule);
  }));
});

test("a code needs no quoting in a shell and a URL", { timeout }, () => {
  fc.assert(fc.property(schedules, (schedule) => {
    assert.match(encodeSchedule(schedule), /^[A-Za-z0-9.-]+$/);
  }));
});

test("decodeSchedule() refuses a code with one character changed, added or left out", {
  timeout,
}, () => {
  const code = encodeSchedule(SCHEDULE);
  for (let i = 0; i < code.length; i++) {
    const others = [
      code.slice(0, i) + (code[i] === "b" ? "c" : "b") + code.slice(i + 1),
      code.slice(0, i) + code.slice(i + 1),
      code.slice(0, i) + "z" + code.slice(i),
    ];
    for (const damaged of others) {
      if (damaged === code) continue;
      assert.throws(() => decodeSchedule(damaged), ScheduleCodeError, damaged);
    }
  }
});

test("decodeSchedule() says what is wrong", { timeout }, () => {
  const says = (code: string, message: RegExp) =>
    assert.throws(() => decodeSchedule(code), { name: "ScheduleCodeError", message });
  says("", /"" is none; a code begins with "il1\."/);
  says("hello", /"hello" is none/);
  says("x".repeat(1000), /"x{40}…" is none/);
  says("il9.a.b.x.c.0.d", /it is of version il9, this is il1/);
  says("il1.lost-update.unguarded", /it has 3 parts instead of 7; was it cut off\?/);
  says("il1.a.b.x.c.0.zzz", /its checksum does not match; it was damaged or edited/);
});

test("decodeSchedule() does not fill the memory for a hostile count", { timeout }, () => {
  const body = encodeSchedule({ ...SCHEDULE, choices: [0] }).split(".").slice(0, 5);
  // With the right checksum, so that it is the count that is refused.
  const hostile = [...body, "a999999999999"].join(".");
  assert.throws(() => decodeSchedule(`${hostile}.${hash(hostile)}`), {
    name: "ScheduleCodeError",
    message: /it has more than 1000000 steps/,
  });
});
