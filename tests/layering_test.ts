/**
 * The direction of the code: `runners → scenarios, reports → worlds → engine`, `worlds → lib`, and
 * inside `lib` a system folder → the core → what is private to it.
 *
 * Each rule is a function from modules to what breaks it, so that each is also fed modules that do
 * break it: a rule that cannot fail would keep nothing.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import { describe, test } from "node:test";
import { type Import, type Module, readModule } from "./_modules.ts";

type Modules = ReadonlyMap<string, Module>;

interface Rule {
  readonly says: string;
  /** What breaks the rule, one line each. */
  readonly broken: (modules: Modules) => string[];
  /** Modules that break it, each put in its place among ours. */
  readonly examples: readonly (readonly [path: string, source: string])[];
}

const root = new URL("../", import.meta.url);

/** What a manifest says. */
function readConfig(file: string) {
  return JSON.parse(readFileSync(new URL(file, root), "utf8"));
}

function published(): Map<string, Module> {
  const paths = ["lib", "lab"].flatMap((folder) =>
    readdirSync(new URL(folder, root), { recursive: true, encoding: "utf8" })
      .filter((path) => path.endsWith(".ts"))
      .map((path) => posix.join(folder, path))
  );
  return new Map(
    ["mod.ts", ...paths].map((path) => [
      path,
      readModule(path, readFileSync(new URL(path, root), "utf8")),
    ]),
  );
}

/** The modules that are exports of their own. One of them may lie among those of the core. */
const otherExports = new Set(
  Object.entries<string>(readConfig("deno.json").exports)
    .filter(([name]) => name !== ".").map(([, path]) => posix.normalize(path)),
);

const isCore = (path: string) => /^(mod|lib\/[^/]+)\.ts$/.test(path);
const isHost = (path: string) => /^lib\/_host[^/]*\.ts$/.test(path);
const isNode = (target: string) => target.startsWith("node:");
const isPackage = (target: string) => !isNode(target) && !/^(lib|lab)\/|^\.|^mod\.ts$/.test(target);
const isOther = (target: string) => /^(tests|scripts|std)\/|^\.\./.test(target);
const within = (...folders: string[]) => (target: string) =>
  folders.some((folder) => target.startsWith(`${folder}/`));

/** A rule that the modules for which `whose` holds import only what `may` allows. */
function importsOnly(
  says: string,
  whose: (path: string) => boolean,
  may: (target: string, found: Import, from: string) => boolean,
  examples: Rule["examples"],
): Rule {
  return {
    says,
    examples,
    broken: (modules) =>
      [...modules.values()].filter(({ path }) => whose(path)).flatMap(({ path, imports }) =>
        imports.filter((found) => isOther(found.target) || !may(found.target, found, path))
          .map(({ specifier }) => `${path} imports ${specifier}`)
      ),
  };
}

const systemOf = (path: string) => path.match(/^lib\/[^/]+(?=\/)/)?.[0];

/** Every module that importing `path` loads. */
function loadedBy(path: string, modules: Modules, seen = new Set<string>()): Set<string> {
  if (!seen.has(path)) {
    seen.add(path);
    for (const { target, typeOnly } of modules.get(path)?.imports ?? []) {
      if (!typeOnly) loadedBy(target, modules, seen);
    }
  }
  return seen;
}

/** The folders of a cycle, if folders import each other in one. */
function findCycle(modules: Modules): string[] | undefined {
  const edges = new Map<string, Set<string>>();
  for (const { path, imports } of modules.values()) {
    const from = posix.dirname(path);
    const to = imports.map(({ target }) => target).filter((target) => modules.has(target));
    edges.set(from, (edges.get(from) ?? new Set()).union(new Set(to.map(posix.dirname))));
  }
  const done = new Set<string>();
  const visit = (folder: string, trail: string[]): string[] | undefined => {
    if (trail.includes(folder)) return [...trail.slice(trail.indexOf(folder)), folder];
    if (done.has(folder)) return undefined;
    for (const next of edges.get(folder) ?? []) {
      const cycle = next === folder ? undefined : visit(next, [...trail, folder]);
      if (cycle !== undefined) return cycle;
    }
    done.add(folder);
    return undefined;
  };
  for (const folder of edges.keys()) {
    const cycle = visit(folder, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}

const rules: Rule[] = [
  importsOnly(
    "the core imports only the core",
    (path) => isCore(path) && !isHost(path),
    isCore,
    [
      ["lib/x.ts", `export * from "./workers/mod.ts";`],
      ["lib/x.ts", `import { run } from "../lab/mod.ts";`],
      ["lib/x.ts", `import type { Run } from "../lab/engine/mod.ts";`],
      ["lib/x.ts", `import { delay } from "@std/async/delay";`],
      ["lib/x.ts", `import { stat } from "node:fs";`],
      ["mod.ts", `export * from "./lib/workers/mod.ts";`],
      ["mod.ts", `export * from "./tests/_modules.ts";`],
    ],
  ),
  importsOnly(
    "the Host imports only the core and what the runtime has built in",
    isHost,
    (target) => isCore(target) || isNode(target) || target === "bun:ffi",
    [
      ["lib/_host_x.ts", `import { x } from "./workers/mod.ts";`],
      ["lib/_host_x.ts", `import { x } from "@std/fs/unstable-remove";`],
    ],
  ),
  importsOnly(
    "a system imports only itself, the core and packages, and the stores node:crypto",
    (path) => systemOf(path) !== undefined,
    (target, _, from) =>
      isCore(target) || isPackage(target) || within(systemOf(from) as string)(target) ||
      within("lib/store")(from) && target === "node:crypto",
    [
      ["lib/workers/x.ts", `import { x } from "../store/mod.ts";`],
      ["lib/workers/x.ts", `import { x } from "../../lab/engine/mod.ts";`],
      ["lib/workers/x.ts", `const { x } = await import("node:worker_threads");`],
      ["lib/workers/x.ts", `import { scrypt } from "node:crypto";`],
      ["lib/store/x.ts", `import { createServer } from "node:http";`],
    ],
  ),
  importsOnly(
    "the engine imports only itself",
    within("lab/engine"),
    within("lab/engine"),
    [
      ["lab/engine/x.ts", `import { RwLock } from "../../mod.ts";`],
      ["lab/engine/x.ts", `import type { LockMode } from "../../lib/lock.ts";`],
      ["lab/engine/x.ts", `import type { World } from "../worlds/mod.ts";`],
      ["lab/engine/x.ts", `import { setImmediate } from "node:timers";`],
      ["lab/engine/x.ts", `import fc from "fast-check";`],
    ],
  ),
  importsOnly(
    "worlds import the engine and lib, and no lab code above them",
    within("lab/worlds"),
    (target) =>
      isNode(target) || isPackage(target) || isCore(target) ||
      within("lib", "lab/worlds", "lab/engine")(target),
    [
      ["lab/worlds/x.ts", `import { lostUpdate } from "../scenarios/mod.ts";`],
      ["lab/worlds/x.ts", `import type { Report } from "../reports/mod.ts";`],
      ["lab/worlds/x.ts", `import { tour } from "../runners/tour.ts";`],
    ],
  ),
  importsOnly(
    "scenarios import only worlds and the engine: they name no runtime and no runner",
    within("lab/scenarios"),
    within("lab/scenarios", "lab/worlds", "lab/engine"),
    [
      ["lab/scenarios/x.ts", `import process from "node:process";`],
      ["lab/scenarios/x.ts", `import { RwLock } from "../../mod.ts";`],
      ["lab/scenarios/x.ts", `import { bench } from "../runners/bench.ts";`],
      ["lab/scenarios/x.ts", `import { timeline } from "../reports/mod.ts";`],
      ["lab/scenarios/x.ts", `import fc from "fast-check";`],
    ],
  ),
  importsOnly(
    "the lab's own benchmarks import worlds, the engine and lib, and nothing of what measures them",
    within("lab/benchmarks"),
    (target) =>
      isNode(target) || isPackage(target) || isCore(target) ||
      within("lib", "lab/benchmarks", "lab/worlds", "lab/engine")(target),
    [
      ["lab/benchmarks/x.ts", `import { measureBenchmark } from "../runners/measure.ts";`],
      ["lab/benchmarks/x.ts", `import type { Figure } from "../reports/mod.ts";`],
      ["lab/benchmarks/x.ts", `import { lostUpdate } from "../scenarios/mod.ts";`],
    ],
  ),
  importsOnly(
    "reports import the engine, and of the worlds only types; they do no I/O",
    within("lab/reports"),
    (target, { typeOnly }) =>
      within("lab/reports", "lab/engine")(target) ||
      typeOnly && within("lab/worlds")(target) ||
      target === "node:util" || target === "picocolors",
    [
      ["lab/reports/x.ts", `import { stdout } from "node:process";`],
      ["lab/reports/x.ts", `import { writeFile } from "node:fs/promises";`],
      ["lab/reports/x.ts", `import { runTasks } from "../worlds/mod.ts";`],
      ["lab/reports/x.ts", `import { lostUpdate } from "../scenarios/mod.ts";`],
      ["lab/reports/x.ts", `import { RwLock } from "../../mod.ts";`],
      ["lab/reports/x.ts", `import { measure } from "mitata";`],
    ],
  ),
  importsOnly(
    "runners reach lib only through the worlds",
    within("lab/runners"),
    (target) => isNode(target) || isPackage(target) || within("lab")(target),
    [
      ["lab/runners/x.ts", `import { RwLock } from "../../mod.ts";`],
      ["lab/runners/x.ts", `import { RwLock } from "../../lib/rw_lock.ts";`],
      ["lab/runners/x.ts", `import { found } from "../../tests/_modules.ts";`],
    ],
  ),
  {
    says: "only the Host names Deno, Bun or node:fs",
    broken: (modules) =>
      [...modules.values()].filter(({ path }) => !isHost(path)).flatMap((module) =>
        [
          ...["Deno", "Bun"].filter((name) => module.names.has(name)),
          ...[...module.strings].filter((text) => /^(node:)?fs(\/promises)?$|^bun:/.test(text)),
        ].map((name) => `${module.path} names ${name}`)
      ),
    examples: [
      ["lib/x.ts", `export const pid = Deno.pid;`],
      ["lib/workers/x.ts", `export const gc = (globalThis as { Bun?: unknown }).Bun;`],
      ["lib/x.ts", `export const fs = process.getBuiltinModule("node:fs");`],
      ["lab/worlds/x.ts", `import { readFile } from "node:fs/promises";`],
      ["lab/runners/x.ts", `import { test } from "bun:test";`],
      ["lab/scenarios/x.ts", `export const args = globalThis.Deno.args;`],
    ],
  },
  {
    says: "importing the core loads nothing of the other exports and no package",
    broken: (modules) =>
      [...loadedBy("mod.ts", modules)]
        .filter((path) => !isCore(path) || otherExports.has(path))
        .map((path) => `mod.ts loads ${path}`),
    examples: [
      ["mod.ts", `export * from "./lib/workers/mod.ts";`],
      ["mod.ts", `export * from "./lib/lock_manager.ts";`],
      ["lib/lock.ts", `import "@std/async/delay";`],
      ["lib/_options.ts", `import { connect } from "node:net";`],
      ["lib/_host.ts", `export { SharedRwLock } from "./workers/mod.ts";`],
    ],
  },
  {
    says: "no lock loads the detector of deadlocks, which so costs nothing where it is not used",
    broken: (modules) =>
      ["rw_lock", "file_lock", "snapshots", "acquire_all", "lock_manager", "workers/mod"]
        .filter((lock) => loadedBy(`lib/${lock}.ts`, modules).has("lib/deadlock.ts"))
        .map((lock) => `lib/${lock}.ts loads lib/deadlock.ts`),
    examples: [
      ["lib/_queue.ts", `import { DeadlockDetector } from "./deadlock.ts";`],
      ["lib/_lock_order.ts", `export * from "./deadlock.ts";`],
    ],
  },
  {
    says: "a relative import names a file that is there, with its extension",
    broken: (modules) =>
      [...modules.values()].flatMap(({ path, imports }) =>
        imports.filter(({ specifier, target }) => specifier.startsWith(".") && !modules.has(target))
          .map(({ specifier }) => `${path} imports ${specifier}`)
      ),
    examples: [
      ["lib/x.ts", `import type { Guard } from "./lock";`],
      ["lib/x.ts", `import type { Guard } from "./lock.js";`],
      ["lab/worlds/x.ts", `start(new URL("./no_such_main.ts", import.meta.url));`],
    ],
  },
  {
    says: "no folders import each other in a cycle",
    broken: (modules) => {
      const cycle = findCycle(modules);
      return cycle === undefined ? [] : [cycle.join(" → ")];
    },
    examples: [
      ["lib/lock.ts", `import type { SharedRwLock } from "./workers/mod.ts";`],
      ["lab/engine/mod.ts", `import "../worlds/mod.ts";`],
    ],
  },
];

describe("layering", () => {
  const modules = published();

  for (const { says, broken, examples } of rules) {
    test(says, { timeout: 20_000 }, () => assert.deepEqual(broken(modules), []));

    test(`a breach is noticed: ${says}`, { timeout: 20_000 }, () => {
      const before = new Set(broken(modules));
      for (const [path, source] of examples) {
        const changed = new Map(modules).set(path, readModule(path, source));
        const noticed = broken(changed).filter((breach) => !before.has(breach));
        assert.notDeepEqual(noticed, [], `${path}: ${source}`);
      }
    });
  }

  test("packages stand in deno.json, and for Bun in package.json or tsconfig.json", {
    timeout: 5_000,
  }, () => {
    const deno = readConfig("deno.json"), bun = readConfig("package.json");
    const { paths } = readConfig("tsconfig.json").compilerOptions;
    const standIns = Object.keys(deno.imports).filter((name) => name.startsWith("@std/"));
    const found = standIns.flatMap((name) => {
      const { exports } = readConfig(`std/${name.slice("@std/".length)}/deno.json`);
      return Object.entries<string>(exports).map(([path, file]) => [
        name + path.slice(1),
        [`./std/${name.slice("@std/".length)}/${file.slice(2)}`],
      ]);
    });
    assert.deepEqual(paths, Object.fromEntries(found));
    assert.deepEqual(
      Object.keys(deno.imports).sort(),
      [...Object.keys(bun.dependencies), ...standIns].sort(),
    );
    assert.deepEqual(deno.exports, bun.exports);
    assert.equal(deno.version, bun.version);
    const used = [...modules.values()].flatMap(({ imports }) => imports)
      .map(({ target }) => target).filter((target) => isPackage(target) && target !== "bun:ffi")
      .map((target) => target.match(/^(@[^/]+\/)?[^/]+/)![0]);
    assert.deepEqual([...new Set(used)].sort(), Object.keys(deno.imports).sort());
  });
});
