import { test } from "node:test";
import assert from "node:assert/strict";
import { type Deadline, type Deadlines, deadlinesOf } from "../../lib/_deadlines.ts";
import { FakeHost } from "../_fake_host.ts";

const timeout = 20_000;

function create(): { host: FakeHost; deadlines: Deadlines; told: string[] } {
  const host = new FakeHost();
  return { host, deadlines: deadlinesOf(host), told: [] };
}

test("Deadlines forgets a length when the last wait of it has ended", { timeout }, () => {
  const { host, deadlines } = create();
  const all = Array.from({ length: 1000 }, (_, i) => deadlines.add(i, { expire() {} }));
  assert.deepEqual([deadlines.size, host.timers], [1000, 1000]);
  host.advance(499);
  for (const deadline of all) deadlines.remove(deadline);
  assert.deepEqual([deadlines.size, host.timers], [0, 0]);
});

test("Deadlines has one timer for a length, also for one that was forgotten before", {
  timeout,
}, () => {
  const { host, deadlines } = create();
  const target = { expire() {} };
  deadlines.remove(deadlines.add(10, target));
  for (const ms of [10, 20, 10, 20]) deadlines.add(ms, target);
  assert.equal(host.timers, 2);
});

test("Deadlines tells those that are due, but one that another of them removed, and no more", {
  timeout,
}, () => {
  const { host, deadlines, told } = create();
  const tell = (name: string) => ({ expire: (waited: number) => void told.push(name + waited) });
  let second: Deadline | undefined = undefined;
  deadlines.add(10, {
    expire(waited) {
      told.push(`first${waited}`);
      deadlines.remove(second!);
    },
  });
  second = deadlines.add(10, tell("second"));
  deadlines.add(10, tell("third"));
  host.advance(4);
  deadlines.add(10, tell("later"));
  host.advance(6);
  assert.deepEqual(told, ["first10", "third10"]);
  host.advance(4);
  assert.deepEqual(told, ["first10", "third10", "later10"]);
  assert.deepEqual([deadlines.size, host.timers], [0, 0]);
});
