/** The folder for the files of benchmarks. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

let made: string | undefined;

/**
 * A folder of this process, which goes with it. It is made when it is first asked for, while a benchmark
 * is prepared: whoever only wants to know what benchmarks there are leaves nothing behind.
 */
export function folder(): string {
  if (made !== undefined) return made;
  const path = made = mkdtempSync(join(tmpdir(), "interlock-bench-"));
  process.on("exit", () => rmSync(path, { recursive: true, force: true }));
  return path;
}
