import assert from "node:assert/strict";
import { test } from "node:test";
import { didYouMean } from "../../../lab/worlds/_did_you_mean.ts";

const timeout = 5_000;
const names = [
  "list",
  "run",
  "lost-update",
  "mixed/locked",
  "stress/locked",
  "FileLock.write() pair",
];
const suggest = (name: string) => didYouMean(name, names, "nothing is near");

test("didYouMean() names what was mistyped, and what was not typed out", { timeout }, () => {
  assert.equal(suggest("rnu"), "did you mean run?");
  assert.equal(suggest("lsot-update"), "did you mean lost-update?");
  assert.equal(suggest("lost"), "did you mean list or lost-update?");
  assert.equal(suggest("LOCKED"), "did you mean mixed/locked or stress/locked?");
  assert.equal(suggest("update of lost-update"), "did you mean lost-update?");
});

test("didYouMean() looks at the words of a name too", { timeout }, () => {
  assert.equal(suggest("FileLok"), "did you mean FileLock.write() pair?");
  assert.equal(suggest("lokced"), "did you mean mixed/locked or stress/locked?");
});

test("didYouMean() names three at most, and none that is only as short", { timeout }, () => {
  const many = Array.from({ length: 9 }, (_, i) => `scenario ${i}`);
  assert.equal(
    didYouMean("scenario", many, "").match(/scenario \d/g)!.length,
    3,
    didYouMean("scenario", many, ""),
  );
  for (const name of ["x", "", "nope", "frobnicate"]) {
    assert.equal(suggest(name), "nothing is near");
  }
});
