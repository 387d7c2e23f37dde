/** What this runs on, without names of people or hosts. */
import { arch, cpus, platform, release } from "node:os";
import process from "node:process";
import type { Machine } from "../reports/baseline.ts";

/** See above. */
export function machine(): Machine {
  const all = cpus();
  return {
    system: `${platform()} ${release()}`,
    arch: arch(),
    processor: all[0]?.model.trim() || "unknown processor",
    cores: all.length,
  };
}

/** Name and version of the runtime. */
export function runtimeVersion(): string {
  const { deno, bun } = process.versions as Record<string, string | undefined>;
  return bun === undefined ? `Deno ${deno}` : `Bun ${bun}`;
}
