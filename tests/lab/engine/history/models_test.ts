/** Each model by itself: what it lets a call answer, and what it makes of it. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ILLEGAL, type Model, models } from "../../../../lab/engine/history/mod.ts";

const timeout = 10_000;

/** A call: its name, its input, and its output, or `"?"` where it is open. */
type Step = readonly [name: string, input?: unknown, output?: unknown];
const UNKNOWN = "?";

/** The state after some calls one after another, or `ILLEGAL`. */
function run(model: Model, ...steps: Step[]): unknown {
  let state: unknown = model.initial;
  for (const [name, input, output] of steps) {
    const open = output === UNKNOWN;
    const before = structuredClone(state);
    const call = { name, input, output: open ? undefined : output, open };
    const after = model.step(state, call);
    assert.deepEqual(state, before, `${name} changed the state instead of replacing it`);
    if (model.observes?.(call) && after !== ILLEGAL) assert.deepEqual(after, state);
    if (after === ILLEGAL) return ILLEGAL;
    state = after;
  }
  return state;
}

function legal(model: unknown, ...steps: Step[]): void {
  assert.notEqual(run(model as Model, ...steps), ILLEGAL, `refused ${JSON.stringify(steps)}`);
}

/** The last step is the one that is refused. */
function illegal(model: unknown, ...steps: Step[]): void {
  legal(model, ...steps.slice(0, -1));
  assert.equal(run(model as Model, ...steps), ILLEGAL, `let ${JSON.stringify(steps)} pass`);
}

test("models.register() reads what was written last", { timeout }, () => {
  const model = models.register();
  legal(model, ["read", undefined, null], ["write", 1], ["read", undefined, 1]);
  legal(model, ["write", { a: [1] }], ["read", undefined, { a: [1] }]);
  legal(model, ["write", 1], ["read", undefined, UNKNOWN], ["write", 2, UNKNOWN], [
    "read",
    undefined,
    2,
  ]);
  illegal(model, ["write", 1], ["read", undefined, null]);
  illegal(model, ["write", 1], ["read", undefined, "1"]);
  illegal(models.register(0), ["read", undefined, null]);
});

test("models.casRegister() swaps exactly if it holds what is expected", { timeout }, () => {
  const model = models.casRegister(0);
  legal(model, ["cas", [0, 1], true], ["read", undefined, 1]);
  legal(model, ["cas", [0, 1]], ["read", undefined, 1]);
  legal(model, ["cas", [5, 1], false], ["read", undefined, 0]);
  legal(model, ["cas", [0, 1], UNKNOWN], ["read", undefined, 1]);
  legal(model, ["cas", [5, 1], UNKNOWN], ["read", undefined, 0]);
  legal(model, ["write", [1]], ["cas", [[1], 2], true], ["read", undefined, 2]);
  illegal(model, ["cas", [5, 1], true]);
  illegal(model, ["cas", [5, 1]]);
  illegal(model, ["cas", [0, 1], false]);
});

test("models.counter() answers the value afterwards, or nothing", { timeout }, () => {
  const model = models.counter(5);
  legal(model, ["increment", undefined, 6], ["add", 4, 10], ["decrement", 3, 7], [
    "read",
    undefined,
    7,
  ]);
  legal(model, ["increment"], ["decrement"], ["add", -5], ["read", undefined, 0]);
  legal(model, ["increment", 2, UNKNOWN], ["read", undefined, 7]);
  illegal(model, ["increment", undefined, 5]);
  illegal(model, ["increment"], ["read", undefined, 5]);
  illegal(model, ["read"]);
});

test("models.keyValue() appends to what is there", { timeout }, () => {
  const model = models.keyValue();
  legal(model, ["get", undefined, ""], ["append", "a"], ["append", "b"], ["get", undefined, "ab"]);
  legal(model, ["append", "a"], ["put", "x"], ["append", "b", UNKNOWN], ["get", undefined, "xb"]);
  illegal(model, ["append", "a"], ["get", undefined, ""]);
  illegal(model, ["get", undefined, null]);
  legal(models.keyValue(null), ["get", undefined, null], ["append", "a"], ["get", undefined, "a"]);
});

test("models.queue() gives out first what came first", { timeout }, () => {
  const model = models.queue();
  legal(
    model,
    ["dequeue", undefined, null],
    ["enqueue", 1],
    ["enqueue", 2],
    [
      "dequeue",
      undefined,
      1,
    ],
    ["dequeue", undefined, 2],
    ["dequeue"],
  );
  legal(model, ["enqueue", 1], ["enqueue", 2], ["dequeue", undefined, UNKNOWN], [
    "dequeue",
    undefined,
    2,
  ]);
  legal(model, ["dequeue", undefined, UNKNOWN], ["enqueue", 1], ["dequeue", undefined, 1]);
  legal(model, ["enqueue", null], ["dequeue", undefined, null], ["dequeue", undefined, null]);
  illegal(model, ["enqueue", 1], ["enqueue", 2], ["dequeue", undefined, 2]);
  illegal(model, ["enqueue", 1], ["dequeue", undefined, null]);
  illegal(model, ["dequeue", undefined, 1]);
});

test("models.mutex() has one holder", { timeout }, () => {
  const model = models.mutex();
  legal(model, ["acquire"], ["release"], ["acquire", undefined, true], ["release"]);
  legal(model, ["acquire"], ["acquire", undefined, false], ["release"]);
  legal(model, ["acquire", undefined, UNKNOWN], ["release"]);
  illegal(model, ["acquire"], ["acquire"]);
  illegal(model, ["acquire"], ["acquire", undefined, UNKNOWN]);
  illegal(model, ["release"]);
  illegal(model, ["release", undefined, UNKNOWN]);
  illegal(model, ["acquire", undefined, false]);
});

test("models.mutex() is released by its owner, where owners are named", { timeout }, () => {
  legal(models.mutex(), ["acquire", "A"], ["release", "A"], ["acquire", "B"]);
  illegal(models.mutex(), ["acquire", "A"], ["release", "B"]);
});

test("models.readWriteLock() has many readers or one writer", { timeout }, () => {
  const model = models.readWriteLock();
  legal(
    model,
    ["acquireRead"],
    ["acquireRead"],
    ["releaseRead"],
    ["releaseRead"],
    [
      "acquireWrite",
    ],
    ["releaseWrite"],
    ["acquireRead"],
  );
  legal(model, ["acquireRead"], ["upgrade", undefined, true], ["downgrade"], ["acquireRead"]);
  legal(model, ["acquireRead"], ["acquireWrite", undefined, false], [
    "acquireRead",
    undefined,
    false,
  ]);
  legal(model, ["acquireRead"], ["acquireRead"], ["upgrade", undefined, false], ["releaseRead"]);
  illegal(model, ["acquireRead"], ["acquireWrite"]);
  illegal(model, ["acquireWrite"], ["acquireRead"]);
  illegal(model, ["acquireWrite"], ["acquireWrite"]);
  illegal(model, ["acquireRead"], ["acquireRead"], ["upgrade"]);
  illegal(model, ["upgrade"]);
  illegal(model, ["downgrade"]);
  illegal(model, ["releaseRead"]);
  illegal(model, ["acquireRead"], ["releaseWrite"]);
  illegal(model, ["acquireWrite"], ["releaseRead"]);
  illegal(model, ["acquireRead", undefined, false]);
});

test("models.set() tells whether a call changed it", { timeout }, () => {
  const model = models.set();
  legal(
    model,
    ["has", 1, false],
    ["add", 1, true],
    ["add", 1, false],
    ["has", 1, true],
    [
      "remove",
      1,
      true,
    ],
    ["remove", 1, false],
    ["has", 1, false],
  );
  legal(model, ["add", { a: 1 }], ["add", { a: 1 }, false], ["has", { a: 1 }, true], [
    "remove",
    { a: 1 },
    true,
  ], ["read", undefined, []]);
  legal(model, ["add", undefined, true], ["has", undefined, true], ["remove", undefined, true], [
    "has",
    undefined,
    false,
  ]);
  legal(
    model,
    ["add", 1, UNKNOWN],
    ["add", 1, UNKNOWN],
    ["remove", 1, UNKNOWN],
    [
      "has",
      1,
      UNKNOWN,
    ],
    ["read", undefined, UNKNOWN],
    ["read", undefined, []],
  );
  illegal(model, ["add", 1, false]);
  illegal(model, ["add", 1], ["add", 1, true]);
  illegal(model, ["remove", 1, true]);
  illegal(model, ["add", 1], ["remove", 1, false]);
  illegal(model, ["add", 1], ["has", 1, false]);
});

test("models.set() reads its members in any order, each once", { timeout }, () => {
  const model = models.set();
  const members: Step[] = [["add", 1], ["add", { a: 2 }]];
  legal(model, ...members, ["read", undefined, [{ a: 2 }, 1]]);
  legal(model, ...members, ["read", undefined, new Set([1, { a: 2 }])]);
  illegal(model, ...members, ["read", undefined, [1]]);
  illegal(model, ...members, ["read", undefined, [1, 1, { a: 2 }]]);
  illegal(model, ...members, ["read", undefined, [1, { a: 2 }, { a: 2 }]]);
  illegal(model, ...members, ["read", undefined, null]);
});

describe("every model", () => {
  test("names the calls it knows", { timeout }, () => {
    for (const create of Object.values(models)) {
      const model = create();
      assert(model.operations!.length >= 2);
      assert.match(model.name, /^[a-z -]+$/);
    }
  });
});
