/** Histories of real systems, and the verdicts that were published with them. */
import { existsSync, readdirSync } from "node:fs";
import type { CheckResult } from "../../../../lab/engine/history/mod.ts";

/** A few of them, in this repository. */
export const ours: URL = new URL("data/", import.meta.url);

const folder = new URL("../../../../../shared/data/histories/", import.meta.url);

/** All of them, where they are present. */
export const shared: URL | undefined = existsSync(folder) ? folder : undefined;

/** The etcd histories that are linearizable; the others are not. */
const linearizable = ["002", "005", "007", "018", "025", "031", "038", "045", "048", "049"];

/** The published verdict of a file. */
export function published(file: string): CheckResult["verdict"] {
  const good = file.startsWith("kv_")
    ? file.includes("-ok")
    : linearizable.some((number) => file === `etcd_${number}.log`);
  return good ? "ok" : "illegal";
}

/** The names of the histories in a folder. */
export function filesIn(folder: URL): string[] {
  return readdirSync(folder).filter((file) => /\.(log|txt)$/.test(file)).sort();
}
