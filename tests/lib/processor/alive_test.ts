/** Nothing is left running: a process ends by itself when its processors have nothing to do. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const timeout = 60_000;
const run = promisify(execFile);
const program = fileURLToPath(new URL("./_alive.ts", import.meta.url));
const flags = "Deno" in globalThis ? ["run", "--allow-all", "--no-check"] : [];

for (
  const [what, says] of [
    ["await using", ["here", "later", "disposed of"]],
    ["a shutdown that aborts", ["ShutdownError", "1 aborted"]],
    ["never shut down, and idle", ["here", "later", "WorkerCrashError"]],
    ["never shut down, with a job to do", ["later"]],
  ] as const
) {
  test(`a process ends by itself, having done its jobs (${what})`, { timeout }, async () => {
    const { stdout } = await run(process.execPath, [...flags, program, what]);
    assert.deepEqual(stdout.trim().split("\n"), says);
  });
}
