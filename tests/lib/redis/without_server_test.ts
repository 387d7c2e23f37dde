/** What becomes of the tests that need a Redis server on a machine without one. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import process from "node:process";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";

const script = fileURLToPath(new URL("../../../scripts/test.ts", import.meta.url));
const deno = process.env.INTERLOCK_DENO;
const timeout = 60_000;

function run(CI: string) {
  const INTERLOCK_REDIS_SERVER = "no-redis-server";
  const file = "tests/lib/redis/readme_test.ts";
  const { status, stdout } = spawnSync(deno!, ["run", "-A", script, file], {
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1", CI, INTERLOCK_REDIS_SERVER },
  });
  return { status, stdout, last: stdout.trimEnd().split("\n").slice(-3) };
}

describe("without a Redis server", { skip: deno === undefined && "there is no Deno here" }, () => {
  test("tests that need one are skipped on both runtimes, which is said in a line", {
    timeout,
  }, () => {
    const { status, stdout, last } = run("");
    const line = /^ {2}there is no no-redis-server on this machine .* are skipped$/gm;
    assert.equal(stdout.match(line)?.length, 2, stdout);
    assert.match(last[0], /^Deno .*: 1 passed, 0 failed, 1 skipped in [\d.]+ s$/);
    assert.match(last[1], /^Bun .*: 1 passed, 0 failed, 1 skipped in [\d.]+ s$/);
    assert.equal(status, 0);
  });

  test("they fail on both runtimes in CI", { timeout }, () => {
    const { status, stdout, last } = run("true");
    assert.doesNotMatch(stdout, /are skipped/);
    assert.match(last[0], /^Deno .*: 0 passed, 1 failed in/);
    assert.match(last[1], /^Bun .*: 0 passed, 1 failed in/);
    assert.equal(status, 1);
  });
});
