/** The checker on histories of real systems: the verdict is the one that was published. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import {
  check,
  type CheckResult,
  models,
  parseEdnHistory,
  parseJepsenLog,
} from "../../../../lab/engine/history/mod.ts";
import { filesIn, ours, published, shared } from "./_published.ts";

const timeout = 60_000;

function checkFile(folder: URL, file: string): CheckResult {
  const text = readFileSync(new URL(file, folder), "utf8");
  return file.startsWith("kv_")
    ? check(parseEdnHistory(text), models.keyValue())
    : check(parseJepsenLog(text), models.casRegister());
}

describe("check() gives the published verdict", () => {
  for (const file of filesIn(ours)) {
    test(`of ${file}`, { timeout }, () => {
      assert.equal(checkFile(ours, file).verdict, published(file));
    });
  }

  const skip = shared === undefined && "there is no ../shared/data/histories here";
  test("of every file of ../shared/data/histories", { timeout, skip }, () => {
    const files = filesIn(shared!);
    assert(files.length > 0);
    const wrong = files.filter((file) => checkFile(shared!, file).verdict !== published(file));
    assert.deepEqual(wrong, []);
  });
});

describe("check() explains the published verdict", () => {
  test("of etcd_000.log with a stale read", { timeout }, () => {
    const result = checkFile(ours, "etcd_000.log");
    assert(result.verdict === "illegal");
    const { process, name, output, line } = result.call;
    assert.deepEqual({ process, name, output, line }, {
      process: 11,
      name: "read",
      output: 2,
      line: 85,
    });
    assert.equal(result.prefix.state, 1);
  });

  test("of kv_c01-bad.txt with the key", { timeout }, () => {
    const result = checkFile(ours, "kv_c01-bad.txt");
    assert(result.verdict === "illegal");
    assert.equal(result.call.object, result.prefix.object);
    assert.equal(result.call.name, "get");
  });
});
