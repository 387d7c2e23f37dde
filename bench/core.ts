/**
 * `deno task bench:core [TEXT]`: the core beside floors and peers, on Deno and then on Bun.
 * `bun bench/core.ts [TEXT]` runs it on Bun alone. TEXT selects the rows whose name contains it.
 *
 * The exit status tells whether every contestant did its work right. A ratio over its budget is
 * shown and fails nothing, for a noisy machine is no defect of the code.
 */
import { spawnSync } from "node:child_process";
import process from "node:process";
import { runCommand, runtimes } from "../lab/worlds/_runtimes.ts";
import { measure, report, type Row } from "./_measure.ts";
import { rows as checker } from "./checker.ts";
import { rows as engine } from "./engine.ts";
import { rows as fileLock } from "./file_lock.ts";
import { rows as lockManager } from "./lock_manager.ts";
import { rows as rwLock } from "./rw_lock.ts";
import { rows as sharedRwLock } from "./shared_rw_lock.ts";

// A new file of rows is added here.
const all: readonly Row[] = [
  ...rwLock,
  ...lockManager,
  ...fileLock,
  ...sharedRwLock,
  ...engine,
  ...checker,
];

const [text = ""] = process.argv.slice(2);
const rows = all.filter((row) => row.name.includes(text));
if (rows.length === 0) {
  console.error(`Cannot measure "${text}": the rows are ${all.map((row) => row.name).join("; ")}`);
  process.exit(2);
}

const { deno, bun } = process.versions as { deno?: string; bun?: string };
console.log(`\n${bun === undefined ? `Deno ${deno}` : `Bun ${bun}`}: ours × each rival`);
console.log("ns for one operation; ratios are ours / rival, medians of interleaved rounds\n");
for (const row of rows) console.log(`${report(await measure(row))}\n`);

if (bun === undefined) {
  const other = runtimes().find(({ name }) => name === "bun");
  if (other === undefined) {
    console.error("Cannot measure on Bun: it is not installed; `deno install` puts it in place");
    process.exit(1);
  }
  const { command, args } = runCommand(other, import.meta.url, process.argv.slice(2));
  process.exitCode = spawnSync(command, args, { stdio: "inherit" }).status ?? 1;
}
