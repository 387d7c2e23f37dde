/** What a benchmark's command does: measures its rows here, and then on Bun. */
import { spawnSync } from "node:child_process";
import process from "node:process";
import { runCommand, runtimes } from "../lab/worlds/_runtimes.ts";
import { measure, report, type Row } from "./_measure.ts";

/**
 * Measures the rows whose name contains the first argument, or all. The exit status tells whether
 * every contestant did its work right. A ratio over its budget is shown and fails nothing, for a
 * noisy machine is no defect of the code.
 *
 * @param url The command's own module, to start it on the other runtime.
 */
export async function main(all: readonly Row[], url: string): Promise<void> {
  const [text = ""] = process.argv.slice(2);
  const rows = all.filter((row) => row.name.includes(text));
  if (rows.length === 0) {
    console.error(
      `Cannot measure "${text}": the rows are ${all.map((row) => row.name).join("; ")}`,
    );
    process.exitCode = 2;
    return;
  }

  const { deno, bun } = process.versions as { deno?: string; bun?: string };
  console.log(`\n${bun === undefined ? `Deno ${deno}` : `Bun ${bun}`}: ours × each rival`);
  console.log("ns for one operation; ratios are ours / rival, medians of interleaved rounds\n");
  for (const row of rows) console.log(`${report(await measure(row))}\n`);
  if (bun !== undefined) return;

  const other = runtimes().find(({ name }) => name === "bun");
  if (other === undefined) {
    console.error("Cannot measure on Bun: it is not installed; `deno install` puts it in place");
    process.exitCode = 1;
    return;
  }
  const { command, args } = runCommand(other, url, process.argv.slice(2));
  process.exitCode = spawnSync(command, args, { stdio: "inherit" }).status ?? 1;
}
