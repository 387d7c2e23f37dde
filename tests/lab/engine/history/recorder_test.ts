import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Call, recorder, sharedSequence } from "../../../../lab/engine/history/mod.ts";

const timeout = 10_000;

describe("recorder()", () => {
  test("orders invocations and returns by one sequence", { timeout }, () => {
    const calls = recorder();
    const a = calls.invoke("A", "write", 1);
    const b = calls.invoke("B", "read", undefined, "x");
    b.ok(7);
    a.ok();
    assert.deepEqual(calls.history(), [
      {
        process: "A",
        name: "write",
        object: undefined,
        input: 1,
        outcome: "ok",
        output: undefined,
        invoked: 0,
        returned: 3,
      },
      {
        process: "B",
        name: "read",
        object: "x",
        input: undefined,
        outcome: "ok",
        output: 7,
        invoked: 1,
        returned: 2,
      },
    ]);
  });

  test(
    "leaves open what has not ended, and what ended with an unknown outcome",
    { timeout },
    () => {
      const calls = recorder();
      calls.invoke("A", "write", 1);
      calls.invoke("B", "write", 2).unknown();
      calls.invoke("C", "write", 3).fail();
      assert.deepEqual(calls.history().map(({ outcome }) => outcome), ["open", "open", "failed"]);
      assert(calls.history().every(({ returned }) => returned === undefined));
    },
  );

  test("gives a history that does not change when calls end later", { timeout }, () => {
    const calls = recorder();
    const call = calls.invoke("A", "read");
    const history = calls.history();
    call.ok(1);
    assert.equal(history[0].outcome, "open");
    assert.equal(calls.history()[0].outcome, "ok");
  });

  test("gives plain data that can be sent to another thread", { timeout }, () => {
    const calls = recorder();
    calls.invoke("A", "write", { deep: [1] }, "x").ok(new Set([2]));
    assert.deepEqual(structuredClone(calls.history()), calls.history());
  });

  test("refuses to end a call twice", { timeout }, () => {
    for (const first of ["ok", "fail", "unknown"] as const) {
      for (const second of ["ok", "fail", "unknown"] as const) {
        const calls = recorder();
        const call = calls.invoke(1, "read");
        call[first]();
        const before = calls.history();
        assert.throws(
          () => call[second](),
          new Error("Cannot end call of read by 1: it has ended before"),
        );
        assert.deepEqual(calls.history(), before);
      }
    }
  });

  test("call() records around what it performs", { timeout }, async () => {
    const calls = recorder();
    let during: Call[] = [];
    const answer = await calls.call("A", "read", undefined, () => {
      during = calls.history();
      calls.invoke("B", "write", 1).ok();
      return Promise.resolve(5);
    }, "x");
    assert.equal(answer, 5);
    assert.equal(during[0].outcome, "open");
    const [{ outcome, output, invoked, returned, object }] = calls.history();
    assert.deepEqual({ outcome, output, invoked, returned, object }, {
      outcome: "ok",
      output: 5,
      invoked: 0,
      returned: 3,
      object: "x",
    });
  });

  test("call() leaves a call open that throws, now or later", { timeout }, async () => {
    const calls = recorder();
    const error = new Error("lost");
    await assert.rejects(calls.call("A", "write", 1, () => Promise.reject(error)), error);
    await assert.rejects(
      calls.call("A", "write", 2, () => {
        throw error;
      }),
      error,
    );
    assert.deepEqual(calls.history().map(({ outcome }) => outcome), ["open", "open"]);
  });

  test("takes its times from a sequence that others share", { timeout }, () => {
    const sequence = sharedSequence(new SharedArrayBuffer(4));
    const a = recorder({ sequence });
    const b = recorder({ sequence });
    const call = a.invoke("A", "write", 1);
    b.invoke("B", "read").ok(1);
    call.ok();
    const times = [...a.history(), ...b.history()].map((
      { invoked, returned },
    ) => [invoked, returned]);
    assert.deepEqual(times, [[0, 3], [1, 2]]);
  });
});

describe("sharedSequence()", () => {
  test("counts on for everybody with the same memory", { timeout }, () => {
    const buffer = new SharedArrayBuffer(4);
    const a = sharedSequence(buffer);
    const b = sharedSequence(buffer);
    assert.deepEqual([a(), b(), a(), b()], [0, 1, 2, 3]);
  });

  test("counts on where signed numbers end", { timeout }, () => {
    const buffer = new SharedArrayBuffer(4);
    new Int32Array(buffer)[0] = 0x7fff_ffff;
    const next = sharedSequence(buffer);
    assert.deepEqual([next(), next()], [0x7fff_ffff, 0x8000_0000]);
  });
});
