import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const deno = process.env.INTERLOCK_DENO;

test("deno task bench:honesty refuses to show nothing", {
  timeout: 60_000,
  skip: deno === undefined && "there is no Deno here",
}, () => {
  const script = fileURLToPath(new URL("../scripts/bench_honesty.ts", import.meta.url));
  for (const runs of ["0", "-1", "1.5", "many"]) {
    const { status, stderr } = spawnSync(deno!, ["run", "-A", script, `--runs=${runs}`], {
      encoding: "utf8",
    });
    assert.equal(status, 2, stderr);
    assert.match(stderr, new RegExp(`--runs is ${runs}, not a whole number from 1`));
  }
});
