/** Handlers of the consumer's, which run in Workers of the package's. */
import process from "node:process";
import { currentTrace, type JobContext } from "@interlock/core/processor";

/** Adds one, away from the program. */
export function elsewhere(value: unknown, { signal }: JobContext) {
  if (typeof value !== "number") {
    throw Object.assign(new TypeError(`no number: ${value}`), { code: "ENUMBER" });
  }
  return { value: value + 1, trace: currentTrace(), aborted: signal.aborted };
}

/** Takes its Worker down with it. */
export function crash(): void {
  process.exit(1);
}
