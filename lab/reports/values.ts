/** Operations, values and times in words. */
import { describeOperation } from "../engine/mod.ts";
import type { Step } from "./results.ts";

/** A value as a reader of a timeline wants to see it. */
export function showValue(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  try {
    if (typeof value === "object" && value !== null) return JSON.stringify(value);
    return String(value);
  } catch {
    return `a ${typeof value} that cannot be shown`;
  }
}

/** What happened, with its values: `read counter → 0`, `write counter ← 1`. */
export function showStep(step: Step): string {
  const { kind, argument, result } = step;
  const asked = argument === undefined
    ? ""
    : ` ← ${
      kind === "compare-and-set"
        ? (argument as [number, number]).map(showValue).join(" becomes ")
        : showValue(argument)
    }`;
  const answered = result === undefined ? "" : ` → ${showValue(result)}`;
  return describeOperation(step) + asked + answered;
}

/** A length of time with as many digits as matter. */
export function showTime(ms: number): string {
  if (ms < 1) return `${(ms * 1000).toFixed(0)} µs`;
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${ms.toFixed(0)} ms`;
  return `${(ms / 1000).toFixed(1)} s`;
}

/** A whole number with its thousands apart. */
export function showCount(count: number): string {
  return count.toLocaleString("en-US");
}

/** `1 schedule`, `2 schedules`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${showCount(count)} ${count === 1 ? one : many}`;
}
