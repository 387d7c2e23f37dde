/**
 * The way the tests are run is right only if what goes wrong in a test is noticed. Each fixture goes
 * wrong in a way that at least one runtime, left alone, takes for success.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import process from "node:process";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { parseModule, walk } from "./_modules.ts";

const script = fileURLToPath(new URL("../scripts/test.ts", import.meta.url));
const deno = process.env.INTERLOCK_DENO;

function run(...args: string[]): { status: number | null; lines: string[] } {
  const { status, stdout, stderr } = spawnSync(deno!, ["run", "-A", script, ...args], {
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1" },
  });
  assert.notEqual(status, null, stderr);
  return { status, lines: stdout.trimEnd().split("\n").slice(-3) };
}

/** What the fixture's summary must say of each runtime. */
const failing: Record<string, { deno: RegExp; bun: RegExp }> = {
  timer_throws: { deno: /0 passed, 1 failed/, bun: /0 passed, 1 failed/ },
  timer_throws_later: { deno: /1 passed, 1 failed/, bun: /1 passed, 1 failed/ },
  microtask_throws: { deno: /0 passed, 1 failed/, bun: /0 passed, 1 failed/ },
  listener_throws: { deno: /0 passed, 1 failed/, bun: /0 passed, 1 failed/ },
  rejection_unhandled: { deno: /0 passed, 1 failed/, bun: /0 passed, 1 failed/ },
  after_each_throws: { deno: /0 passed, 1 failed/, bun: /0 passed, 1 failed/ },
  after_throws: { deno: /0 passed, 1 failed/, bun: /1 passed, 1 failed .*ended with status 1/ },
  suite_after_each_throws: { deno: /1 failed/, bun: /0 passed, 1 failed/ },
  process_exits: { deno: /0 passed, 1 failed/, bun: /0 passed, 1 failed/ },
  registers_nothing: { deno: /no test was executed/, bun: /no test was executed/ },
};

describe("deno task test", { skip: deno === undefined && "there is no Deno here" }, () => {
  test("passes when nothing goes wrong", { timeout: 60_000 }, () => {
    const { status, lines } = run("tests/_fixtures/passes.ts");
    assert.match(lines[0], /^Deno .*: 1 passed, 0 failed in/);
    assert.match(lines[1], /^Bun .*: 1 passed, 0 failed in/);
    assert.equal(lines[2], "2 passed, 0 failed");
    assert.equal(status, 0);
  });

  for (const [fixture, expected] of Object.entries(failing)) {
    test(`fails on both runtimes when ${fixture.replaceAll("_", " ")}`, { timeout: 60_000 }, () => {
      const { status, lines } = run(`tests/_fixtures/${fixture}.ts`);
      assert.match(lines[0], /^Deno /);
      assert.match(lines[0], expected.deno);
      assert.match(lines[1], /^Bun /);
      assert.match(lines[1], expected.bun);
      assert.match(lines[2], /^\d+ passed, [1-9]\d* failed$/);
      assert.equal(status, 1);
    });
  }

  test("fails when the filter leaves nothing to run", { timeout: 60_000 }, () => {
    const { status, lines } = run("--filter", "no such test", "tests/_fixtures/passes.ts");
    assert.match(lines[0], /no test was executed/);
    assert.match(lines[1], /no test was executed/);
    assert.equal(status, 1);
  });

  test("refuses a path that holds no test", { timeout: 60_000 }, () => {
    assert.equal(run("lib").status, 2);
    assert.equal(run("no/such/path").status, 2);
    assert.equal(run("--only", "node").status, 2);
  });
});

const bun = process.env.INTERLOCK_BUN;

describe("bun test", { skip: bun === undefined && "there is no Bun here" }, () => {
  for (const fixture of Object.keys(failing).filter((name) => name !== "registers_nothing")) {
    test(`fails by itself when ${fixture.replaceAll("_", " ")}`, { timeout: 60_000 }, () => {
      const cwd = fileURLToPath(new URL("../", import.meta.url));
      const path = `./tests/_fixtures/${fixture}.ts`;
      const { status, stderr } = spawnSync(bun!, ["test", path], { cwd, encoding: "utf8" });
      assert.equal(status, 1, stderr);
    });
  }
});

/** A part of a syntax tree, as far as it is read here. */
interface Syntax {
  readonly type: string;
  readonly name?: string;
  readonly properties?: readonly { readonly key?: Syntax }[];
}

/** The lines on which a test is registered without a timeout of its own. */
function withoutTimeout(source: string): number[] {
  const limits = new Set<string | undefined>();
  const isLimit = (node: Syntax | null): boolean =>
    node?.type === "Identifier" && limits.has(node.name) ||
    (node?.properties ?? []).some(({ key }) => key?.name === "timeout");
  const lines: number[] = [];
  walk(parseModule(source), (node) => {
    if (node.type === "VariableDeclarator" && isLimit(node.init as Syntax | null)) {
      limits.add((node.id as Syntax).name);
    }
    if (node.type !== "CallExpression") return;
    const { name } = node.callee as Syntax;
    if (name !== "test" && name !== "it") return;
    const { start } = node.loc as { start: { line: number } };
    if (!(node.arguments as Syntax[]).some(isLimit)) lines.push(start.line);
  });
  return lines;
}

describe("every test has a timeout", () => {
  test("without one it is noticed", { timeout: 5_000 }, () => {
    assert.deepEqual(withoutTimeout(`test("a", () => {});\ntest("b", { timeout: 1 }, f);`), [1]);
    assert.deepEqual(withoutTimeout(`describe("s", () => {\n it("a", { skip: true }, f);\n});`), [
      2,
    ]);
  });

  // Left to itself, Bun ends a test after 5 s and Deno never.
  test("all have one", { timeout: 20_000 }, () => {
    const here = new URL("./", import.meta.url);
    const found = readdirSync(here, { recursive: true, encoding: "utf8" })
      .filter((path) => path.endsWith("_test.ts"))
      .flatMap((path) =>
        withoutTimeout(readFileSync(new URL(path, here), "utf8"))
          .map((line) => `tests/${path}:${line}`)
      );
    assert.deepEqual(found, []);
  });
});
