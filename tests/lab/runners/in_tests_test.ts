/** A user's own test file under the test runner of each runtime: what it prints when a race is broken. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Folder } from "../../lib/_folder.ts";

const timeout = 60_000;

const lab = new URL("../../../lab/mod.ts", import.meta.url).href;
const config = fileURLToPath(new URL("../../../deno.json", import.meta.url));

/** A cache that is filled twice, and the same mended; as somebody would write it who uses the lab. */
const body = `
import { expectSafe, replay, team, type Race } from ${JSON.stringify(lab)};

class Cache {
  value: string | undefined;
  constructor(readonly load: () => Promise<string>) {}
  async get(): Promise<string> {
    return this.value ??= await this.load();
  }
}
class Careful extends Cache {
  override async get(): Promise<string> {
    const loaded = await this.load();
    return this.value ??= loaded;
  }
}
const race = (Kind: typeof Cache): Race => ({
  name: "filled once",
  build: (world) => {
    const cache = world.shared("cache", (inner) => {
      let loads = 0;
      return new Kind(inner.operation("source", "read", () => "load " + ++loads));
    });
    const seen = world.cell("seen", 0);
    return team(2, async () => {
      const value = await cache.get();
      if (value !== "load 1") await seen.write(1);
    });
  },
  check: ({ seen }) => seen === 0 ? undefined : "two callers got two values",
});
test("the cache is filled once", () => expectSafe(race(Cache)).then(() => {}));
test("the mended cache is filled once", () => expectSafe(race(Careful)).then(() => {}));
test("the schedule fails again", () => replay(CODE, race(Cache)).then(() => {}));
`;

const runners = [
  {
    name: "Deno.test",
    command: process.env.INTERLOCK_DENO,
    head: "const test = Deno.test;",
    file: "cache_test.ts",
    args: ["test", "-A", "--no-check", "--config", config],
  },
  {
    name: "bun:test",
    command: process.env.INTERLOCK_BUN,
    head: 'import { test } from "bun:test";',
    file: "./cache.test.ts",
    args: ["test"],
  },
];

for (const { name, command, head, file, args } of runners) {
  test(
    `inside ${name} a broken race fails with its order, its code and how to run it again`,
    { timeout, skip: command === undefined && "its runtime is not here" },
    () => {
      using folder = new Folder();
      const run = (code: string) => {
        const source = body.replace("CODE", JSON.stringify(code));
        writeFileSync(folder.at(file), `${head}\n${source}`);
        const { status, stdout, stderr } = spawnSync(command!, [...args, file], {
          cwd: folder.path,
          encoding: "utf8",
          env: { ...process.env, NO_COLOR: "1" },
        });
        return { status, printed: stdout + stderr };
      };
      const { status, printed } = run("il1.none");
      assert.equal(status, 1, printed);
      assert.match(printed, /two callers got two values/);
      // The smallest order: a table with a column for each, in which both load before either has it.
      assert.match(printed, /step +A +B/);
      assert.match(printed, /read source ← \[\] → "load 1"[^]*read source ← \[\] → "load 2"/);
      assert.match(printed, /1 preemption|0 preemptions/);
      const recipe = /to see it again: await replay\("(il1\.filled-once\.race\.[^"]+)", race\)/;
      const code = recipe.exec(printed)?.[1];
      assert.ok(code !== undefined, printed);
      assert.match(printed, /1 pass/);
      assert.match(printed, /2 fail/);
      // Pasted into a test, the code fails in the same way.
      const again = run(code).printed;
      assert.match(again, /replayed 10\/10/);
      assert.match(again, /2 fail/);
    },
  );
}
