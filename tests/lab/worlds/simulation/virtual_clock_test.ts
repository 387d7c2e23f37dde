/** Virtual time: what fires when, and what never does. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { VirtualClock, type VirtualTimer } from "../../../../lab/worlds/simulation/mod.ts";
import { checkProperty } from "../../../_property.ts";

const limit = { timeout: 60_000 };
const FILE = "tests/lab/worlds/simulation/virtual_clock_test.ts";

test("VirtualClock.advance() fires those of one deadline in the order they were set", limit, () => {
  const clock = new VirtualClock();
  const fired: string[] = [];
  for (const [name, ms] of [["a", 7], ["b", 5], ["c", 7], ["d", 5]] as const) {
    clock.setTimer(() => fired.push(`${name} ${clock.now()}`), ms);
  }
  assert.equal(clock.next, 5);
  assert.equal(clock.advance(), 2);
  assert.deepEqual(fired.splice(0), ["b 5", "d 5"]);
  assert.equal(clock.advance(), 2);
  assert.deepEqual(fired, ["a 7", "c 7"]);
  assert.deepEqual([clock.advance(), clock.now(), clock.next], [0, 7, undefined]);
});

test("VirtualClock.advance() leaves what a timer sets for 0 ms to the next call", limit, () => {
  const clock = new VirtualClock();
  const fired: string[] = [];
  clock.setTimer(() => {
    fired.push("first");
    clock.setTimer(() => fired.push("set meanwhile"), 0);
  }, 3);
  clock.setTimer(() => fired.push("second"), 3);
  assert.equal(clock.advance(), 2);
  assert.deepEqual(fired, ["first", "second"]);
  assert.deepEqual([clock.next, clock.pending], [3, 1]);
  assert.equal(clock.advance(), 1);
  assert.deepEqual([fired[2], clock.now()], ["set meanwhile", 3]);
});

test("VirtualClock.clearTimer() reaches a timer that is due in the same advance()", limit, () => {
  const clock = new VirtualClock();
  const fired: string[] = [];
  clock.setTimer(() => clock.clearTimer(second), 1);
  const second = clock.setTimer(() => fired.push("second"), 1);
  const third = clock.setTimer(() => fired.push("third"), 1);
  assert.equal(clock.advance(), 2);
  clock.clearTimer(third);
  assert.deepEqual([fired, clock.pending], [["third"], 0]);
});

test("VirtualClock.due tells what the next deadline belongs to", limit, () => {
  const clock = new VirtualClock();
  assert.deepEqual(clock.due, []);
  const owners = () => clock.due.map(({ object }) => object);
  const lock = clock.setTimer(() => {}, 7, "lock");
  clock.setTimer(() => {}, 5, "sleep");
  clock.setTimer(() => {}, 5);
  assert.deepEqual(owners(), ["sleep", undefined]);
  clock.advance();
  assert.deepEqual(owners(), ["lock"]);
  assert.deepEqual([clock.isSet("lock"), clock.isSet("sleep")], [true, false]);
  clock.clearTimer(lock);
  assert.deepEqual([clock.isSet("lock"), clock.due], [false, []]);
});

test("VirtualClock keeps the timers behind one that throws", limit, () => {
  const clock = new VirtualClock();
  let fired = 0;
  clock.setTimer(() => {
    throw new Error("thrown on purpose");
  }, 1);
  clock.setTimer(() => fired++, 1);
  assert.throws(() => clock.advance(), /on purpose/);
  assert.deepEqual([clock.pending, clock.now(), fired], [1, 1, 0]);
  clock.advance();
  assert.equal(fired, 1);
});

test("VirtualClock.setTimer() refuses what a runtime's timer cannot wait", limit, () => {
  const clock = new VirtualClock();
  for (const ms of [-1, NaN, Infinity, 2 ** 31]) {
    assert.throws(() => clock.setTimer(() => {}, ms), RangeError);
  }
  clock.setTimer(() => {}, 2 ** 31 - 1);
});

test("VirtualClock.jump() passes no deadline and no moment twice", limit, () => {
  const clock = new VirtualClock(100);
  clock.setTimer(() => {}, 10);
  clock.jump(104);
  assert.throws(() => clock.jump(103), /^RangeError: Cannot move the clock to 103: it is 104/);
  assert.throws(() => clock.jump(111), /a timer is due at 110$/);
  assert.throws(() => clock.jump(Infinity), RangeError);
  clock.jump(110);
  assert.equal(clock.advance(), 1);
  clock.jump(1000);
  assert.equal(clock.now(), 1000);
});

test("VirtualClock fires as a plain list of deadlines would, whatever is set and cleared", {
  timeout: 60_000,
}, async () => {
  const command = fc.oneof(
    fc.record({ do: fc.constant("set" as const), ms: fc.nat({ max: 6 }), again: fc.nat(2) }),
    fc.record({ do: fc.constant("clear" as const), which: fc.nat() }),
    fc.record({ do: fc.constant("advance" as const) }),
  );
  await checkProperty(
    fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
      const clock = new VirtualClock();
      const timers: VirtualTimer[] = [];
      // The model: what is set, by its number, in the order set.
      const planned = new Map<number, number>();
      const fired: number[] = [];
      const set = (ms: number, again: number) => {
        const number = timers.length;
        planned.set(number, clock.now() + ms);
        timers.push(clock.setTimer(() => {
          fired.push(number);
          if (again > 0) set(again - 1, again - 1);
        }, ms));
      };
      for (const command of commands) {
        if (command.do === "set") set(command.ms, command.again);
        else if (command.do === "clear") {
          const number = command.which % Math.max(1, timers.length);
          if (number in timers) clock.clearTimer(timers[number]);
          planned.delete(number);
        } else {
          const first = Math.min(...planned.values());
          const due = [...planned.keys()].filter((number) => planned.get(number) === first);
          for (const number of due) planned.delete(number);
          assert.equal(clock.advance(), due.length);
          assert.deepEqual(fired.splice(0), due);
          if (due.length > 0) assert.equal(clock.now(), first);
        }
        assert.equal(clock.pending, planned.size);
        const next = Math.min(...planned.values());
        assert.equal(clock.next ?? Infinity, next);
      }
    }),
    FILE,
  );
});
