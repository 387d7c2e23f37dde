import assert from "node:assert/strict";
import { test } from "node:test";
import { Simulation } from "../../lab/mod.ts";
import { FileLock } from "../../mod.ts";
import { describeThrown } from "../../lib/_thrown.ts";

const timeout = 5_000;

test("describeThrown() has words for whatever is thrown", { timeout }, () => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  const cases: [unknown, string][] = [
    [new RangeError("too much"), "too much"],
    [{ message: "told" }, "told"],
    [{ message: 5 }, "an object"],
    ["no", '"no"'],
    [undefined, "undefined"],
    [null, "null"],
    [Symbol("no"), "Symbol(no)"],
    [Object.create(null), "an object"],
    [proxy, "an object"],
    [() => {}, "a function"],
  ];
  for (const [thrown, words] of cases) assert.equal(describeThrown(thrown), words);
});

test("what a disk fails with is told of, whatever it is", { timeout }, async () => {
  const simulation = new Simulation();
  const lock = simulation.process().build(() => new FileLock("/lock"));
  const thrown: unknown = Object.create(null);
  simulation.beforeStep = () => {
    throw thrown;
  };
  await assert.rejects(lock.write(), (error: Error) => {
    assert.equal(error.message, "Cannot lock /lock: an object");
    assert.equal(error.cause, thrown);
    return true;
  });
});
