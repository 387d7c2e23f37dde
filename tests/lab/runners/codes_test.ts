import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { whyNot } from "../../../lab/mod.ts";
import { isNear } from "../../../lab/runners/_nearest.ts";
import { runCommand, runtimes } from "../../../lab/worlds/_runtimes.ts";
import { minimalCodes } from "./_codes.ts";

const timeout = 120_000;

test(
  "the minimal failure of every broken variant has a code of at most 120 characters, the same on both runtimes",
  {
    timeout,
  },
  async () => {
    const near = await minimalCodes(isNear);
    const far = await minimalCodes((world) => !isNear(world) && whyNot(world) === undefined);
    assert.ok(Object.keys(near).length >= 40, "nearly all scenarios can be explored");
    for (const [label, code] of Object.entries({ ...near, ...far })) {
      assert.ok(code !== undefined && code.length <= 120, `${label}: ${code}`);
    }
    // Once is enough: what Deno finds, Bun finds too.
    const bun = runtimes().slice(1).find(({ name }) => name === "bun");
    if (bun === undefined) return;
    const { command, args } = runCommand(bun, new URL("_codes.ts", import.meta.url).href);
    const { stdout, stderr } = spawnSync(command, args, { encoding: "utf8" });
    assert.deepEqual(JSON.parse(stdout), near, stderr);
  },
);
