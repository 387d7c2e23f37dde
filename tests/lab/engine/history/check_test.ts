import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type Call,
  check,
  type CheckResult,
  describeCheck,
  ILLEGAL,
  type Model,
  models,
} from "../../../../lab/engine/history/mod.ts";

const timeout = 20_000;

/** A call that returned. */
function ok(
  process: string | number,
  name: string,
  input: unknown,
  output: unknown,
  invoked: number,
  returned: number,
  object?: unknown,
): Call {
  return { process, name, object, input, outcome: "ok", output, invoked, returned };
}

function open(process: string | number, name: string, input: unknown, invoked: number): Call {
  return { process, name, input, outcome: "open", invoked };
}

const register = models.register(0);

function verdict(...calls: Call[]): CheckResult["verdict"] {
  return check(calls, register).verdict;
}

/** Thirty writes at once, and a read of what nobody wrote: far more orders than can be tried. */
function hopeless(object?: unknown): Call[] {
  const writes = Array.from({ length: 30 }, (_, i) => ok(i, "write", i, undefined, 0, 9, object));
  return [...writes, ok("R", "read", undefined, "never written", 10, 11, object)];
}

describe("check()", () => {
  test("finds nothing wrong with no calls at all", { timeout }, () => {
    assert.deepEqual(check([], register), { verdict: "ok", linearizations: [], steps: 0 });
  });

  test("refuses a read that answers what was overwritten before it began", { timeout }, () => {
    const write = ok("A", "write", 1, undefined, 0, 1);
    assert.equal(verdict(write, ok("B", "read", undefined, 0, 2, 3)), "illegal");
    assert.equal(verdict(write, ok("B", "read", undefined, 1, 2, 3)), "ok");
  });

  test("lets calls that overlap come in either order", { timeout }, () => {
    const write = ok("A", "write", 1, undefined, 0, 5);
    assert.equal(verdict(write, ok("B", "read", undefined, 0, 1, 2)), "ok");
    assert.equal(verdict(write, ok("B", "read", undefined, 1, 1, 2)), "ok");
  });

  test("takes calls with equal times for overlapping", { timeout }, () => {
    const write = ok("A", "write", 1, undefined, 0, 1);
    assert.equal(verdict(write, ok("B", "read", undefined, 0, 1, 2)), "ok");
    assert.equal(verdict(write, ok("B", "read", undefined, 1, 1, 1)), "ok");
  });

  test("does not depend on the order in which the calls are listed", { timeout }, () => {
    const calls = [
      ok("A", "write", 1, undefined, 0, 1),
      ok("B", "read", undefined, 1, 2, 3),
      ok("C", "read", undefined, 0, 4, 5),
    ];
    assert.equal(check(calls, register).verdict, "illegal");
    assert.equal(check(calls.toReversed(), register).verdict, "illegal");
  });

  test("lets an open call take effect at any later time", { timeout }, () => {
    const write = open("A", "write", 1, 0);
    const before = ok("B", "read", undefined, 0, 5, 6);
    const after = ok("B", "read", undefined, 1, 7, 8);
    assert.equal(verdict(write, before, after), "ok");
    assert.equal(verdict(write, { ...before, output: 1 }, { ...after, output: 0 }), "illegal");
  });

  test("lets an open call never take effect", { timeout }, () => {
    assert.equal(verdict(open("A", "write", 1, 0), ok("B", "read", undefined, 0, 5, 6)), "ok");
  });

  test("lets an open call take effect once, and not before its invocation", { timeout }, () => {
    const seen = [
      ok("B", "read", undefined, 1, 1, 2),
      ok("B", "write", 2, undefined, 3, 4),
      ok("B", "read", undefined, 1, 5, 6),
    ];
    assert.equal(verdict(open("A", "write", 1, 0), ...seen), "illegal");
    assert.equal(verdict(open("A", "write", 1, 0), open("C", "write", 1, 0), ...seen), "ok");
    assert.equal(verdict(open("A", "write", 1, 3), ...seen), "illegal");
  });

  test("lets a failed call never take effect", { timeout }, () => {
    const write: Call = { process: "A", name: "write", input: 1, outcome: "failed", invoked: 0 };
    assert.equal(verdict(write, ok("B", "read", undefined, 0, 5, 6)), "ok");
    assert.equal(verdict(write, ok("B", "read", undefined, 1, 5, 6)), "illegal");
  });

  test("looks at each object by itself", { timeout }, () => {
    const calls = [
      ok("A", "write", 1, undefined, 0, 1, "x"),
      ok("A", "read", undefined, 0, 2, 3, "y"),
      ok("A", "read", undefined, 1, 2, 3, { name: "x" }),
      ok("A", "write", 1, undefined, 0, 1, { name: "x" }),
    ];
    const result = check(calls, register);
    assert(result.verdict === "ok");
    assert.deepEqual(result.linearizations.map(({ object }) => object), ["x", "y", { name: "x" }]);
  });

  test("answers illegal with a shortest history that is", { timeout }, () => {
    const calls = [
      ok("A", "write", 1, undefined, 0, 9),
      ok("B", "read", undefined, 1, 1, 2),
      ok("B", "read", undefined, 0, 3, 4),
      ok("B", "read", undefined, 7, 5, 6),
    ];
    const result = check(calls, register);
    assert(result.verdict === "illegal");
    assert.equal(result.call, calls[2]);
    assert.deepEqual(
      result.prefix.order,
      [
        { ...calls[0], outcome: "open", output: undefined },
        calls[1],
      ].map((call) => call.process === "A" ? calls[0] : call),
    );
    assert.equal(result.prefix.state, 1);
  });

  test("does not blame a return for an answer that came later", { timeout }, () => {
    // What leaves no order is that B got 2, which nobody put in; A's answer is not to blame, though
    // with B's answer given A cannot have come first.
    const calls = [
      ok("C", "enqueue", 1, undefined, 0, 1),
      ok("B", "dequeue", undefined, 2, 2, 8),
      ok("A", "dequeue", undefined, 1, 3, 4),
    ];
    const result = check(calls, models.queue());
    assert(result.verdict === "illegal");
    assert.equal(result.call, calls[1]);
    assert.deepEqual(result.prefix.order, [calls[0], calls[2]]);
  });

  test("shows a call as open that returned after what cannot be placed", { timeout }, () => {
    const calls = [
      ok("A", "dequeue", undefined, 5, 0, 9),
      ok("B", "enqueue", 1, undefined, 1, 2),
      ok("B", "dequeue", undefined, null, 3, 4),
      ok("B", "dequeue", undefined, 1, 5, 6),
    ];
    const result = check(calls, models.queue());
    assert(result.verdict === "illegal");
    assert.equal(result.call, calls[3]);
    assert.deepEqual(result.prefix.order.map(({ process, outcome }) => [process, outcome]), [
      ["B", "ok"],
      ["A", "open"],
      ["B", "ok"],
    ]);
  });
});

describe("check() with more calls than fit into a word", () => {
  const many = 100;

  test("tells calls under way at the same time apart", { timeout }, () => {
    const calls = Array.from(
      { length: many },
      (_, i) => ok(i, "increment", undefined, many - i, i, 1000),
    );
    assert.equal(check(calls, models.counter()).verdict, "ok");
    const last = { ...calls[many - 1], output: many };
    assert.equal(check([...calls.slice(0, -1), last], models.counter()).verdict, "illegal");
  });

  test("tells open calls apart", { timeout }, () => {
    const calls = Array.from({ length: many }, (_, i) => open(i, "write", i, i));
    const reads = Array.from({ length: many }, (_, i) => {
      const at = 1000 + 2 * i;
      return ok("R", "read", undefined, many - 1 - i, at, at + 1);
    });
    assert.equal(verdict(...calls, ...reads), "ok");
    const again = ok("R", "read", undefined, many - 1, 2000, 2001);
    assert.equal(verdict(...calls, ...reads, again), "illegal");
  });

  test("needs few steps for a long history that is nearly sequential", { timeout }, () => {
    const calls = Array.from(
      { length: 50_000 },
      (_, i) => ok(i % 2, "increment", undefined, i + 1, 2 * i, 2 * i + 3),
    );
    const result = check(calls, models.counter());
    assert.equal(result.verdict, "ok");
    assert(result.steps < 1_000_000, `${result.steps} steps`);
  });
});

describe("check() with a budget", () => {
  test("does not know when the steps are used up", { timeout }, () => {
    const result = check(hopeless("x"), register, { steps: 50_000 });
    assert(result.verdict === "unknown");
    assert.deepEqual(result.undecided, ["x"]);
    assert.equal(result.lack, "steps");
    assert(result.steps < 51_000, `${result.steps} steps`);
  });

  test("does not know when the memory for states is used up", { timeout }, () => {
    const calls = Array.from(
      { length: 100 },
      (_, i) => ok("A", "append", "some text", undefined, 2 * i, 2 * i + 1),
    );
    assert.equal(check(calls, models.keyValue()).verdict, "ok");
    const result = check(calls, models.keyValue(), { memory: 10_000 });
    assert(result.verdict === "unknown");
    assert.equal(result.lack, "memory");
  });

  test("goes on without remembering when the memory for that is used up", { timeout }, () => {
    const calls = Array.from({ length: 8 }, (_, i) => ok(i, "write", i, undefined, 0, 9));
    const all = [...calls, ok("R", "read", undefined, 8, 10, 11)];
    const remembering = check(all, register);
    const forgetful = check(all, register, { memory: 3_000 });
    assert.equal(remembering.verdict, "illegal");
    assert.equal(forgetful.verdict, "illegal");
    assert(forgetful.steps > remembering.steps);
  });

  test("is not kept by one bad object from finding another illegal", { timeout }, () => {
    const calls = [...hopeless("bad"), ...hopeless("worse")];
    for (let key = 0; key < 50; key++) {
      calls.push(ok("A", "write", 1, undefined, 0, 1, key));
      calls.push(ok("A", "read", undefined, key === 49 ? 0 : 1, 2, 3, key));
    }
    const result = check(calls, register);
    assert(result.verdict === "illegal");
    assert.equal(result.prefix.object, 49);
    assert(result.steps < 5_000, `${result.steps} steps`);
  });

  test("decides everything but the bad object", { timeout }, () => {
    const good = Array.from({ length: 50 }, (_, key) => ok("A", "write", 1, undefined, 0, 1, key));
    const result = check([...hopeless("bad"), ...good], register, { steps: 10_000 });
    assert(result.verdict === "unknown");
    assert.deepEqual(result.undecided, ["bad"]);
  });

  test("gives memory back when an object is decided", { timeout }, () => {
    const calls: Call[] = [];
    for (let key = 0; key < 100; key++) {
      for (let i = 0; i < 10; i++) {
        calls.push(ok("A", "append", "text", undefined, 2 * i, 2 * i + 1, key));
      }
    }
    assert.equal(check(calls, models.keyValue(), { memory: 40_000 }).verdict, "ok");
  });
});

describe("check() refuses", () => {
  test("calls the model does not know", { timeout }, () => {
    assert.throws(
      () => check([ok("A", "pop", undefined, 1, 0, 1)], models.queue()),
      new TypeError("Cannot check A: pop → 1: a queue only has enqueue, dequeue"),
    );
  });

  test("calls that returned before they were invoked, or at no time", { timeout }, () => {
    for (const [invoked, returned] of [[2, 1], [0, NaN], [NaN, 1], [NaN, NaN]]) {
      assert.throws(() => verdict(ok("A", "write", 1, undefined, invoked, returned)), RangeError);
    }
    const { returned: _, ...call } = ok("A", "write", 1, undefined, 0, 1);
    assert.throws(() => verdict(call), {
      name: "RangeError",
      message: "Cannot check A: write 1: invoked at 0, it returned at undefined",
    });
  });

  test("data it cannot compare", { timeout }, () => {
    class Opaque {}
    for (const input of [new Opaque(), () => 1, [new Opaque()], { a: Symbol() }, new WeakMap()]) {
      assert.throws(() => verdict(ok("A", "write", input, undefined, 0, 1)), TypeError);
    }
  });

  test("budgets below zero", { timeout }, () => {
    assert.throws(() => check([], register, { steps: -1 }), RangeError);
    assert.throws(() => check([], register, { memory: NaN }), RangeError);
  });

  test("a model whose observing calls change the state", { timeout }, () => {
    const model: Model<number> = {
      name: "liar",
      initial: 0,
      step: (state) => state + 1,
      observes: () => true,
    };
    assert.throws(
      () => check([ok("A", "look", undefined, 1, 0, 1)], model),
      new TypeError("Cannot check history: look observes, and yet changes the state"),
    );
  });
});

describe("check() with a model of one's own", () => {
  test("compares states by identify()", { timeout }, () => {
    class Even {
      constructor(readonly even: boolean) {}
    }
    const model: Model<Even> = {
      name: "parity",
      initial: new Even(true),
      step({ even }, { name, output, open }) {
        if (name === "flip") return new Even(!even);
        return open || output === even ? new Even(even) : ILLEGAL;
      },
      identify: ({ even }) => even,
    };
    const calls = [
      ok("A", "flip", undefined, undefined, 0, 9),
      ok("B", "even", undefined, false, 1, 2),
      ok("B", "even", undefined, false, 3, 4),
    ];
    assert.equal(check(calls, model).verdict, "ok");
    assert.equal(
      check([...calls, ok("B", "even", undefined, true, 5, 6)], model).verdict,
      "illegal",
    );
  });

  test("passes on what the model throws", { timeout }, () => {
    const error = new Error("not this one");
    const model: Model = {
      name: "picky",
      initial: 0,
      step() {
        throw error;
      },
    };
    assert.throws(() => check([ok("A", "x", 1, 1, 0, 1)], model), error);
  });
});

describe("describeCheck()", () => {
  test("says that all is well", { timeout }, () => {
    assert.equal(describeCheck(check([], register)), "linearizable");
  });

  test("says which objects are undecided, and why", { timeout }, () => {
    const result = check([...hopeless("x"), ...hopeless("y")], register, { steps: 2 });
    assert.match(
      describeCheck(result),
      /^unknown for "x", "y": out of steps after \d+ steps$/,
    );
    assert.match(
      describeCheck(check(hopeless(), register, { steps: 2 })),
      /^unknown: out of steps after \d+ steps$/,
    );
  });

  test("names the call, its line, and what comes before it", { timeout }, () => {
    const read: Call = { ...ok(3, "read", undefined, 9, 20, 21), line: 17 };
    const writes = Array.from(
      { length: 8 },
      (_, i) => ok(1, "write", i, undefined, 2 * i, 2 * i + 1),
    );
    assert.equal(
      describeCheck(check([...writes, read], register)),
      "not linearizable: 3: read → 9 (line 17) fits nowhere after …, 1: write 2, 1: write 3, " +
        "1: write 4, 1: write 5, 1: write 6, 1: write 7, which leave 7",
    );
    assert.equal(
      describeCheck(check([read], register)),
      "not linearizable: 3: read → 9 (line 17) fits nowhere",
    );
  });
});
