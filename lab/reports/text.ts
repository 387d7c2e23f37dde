/** Results for people at a terminal. */
import type { Evidence } from "../engine/mod.ts";
import type { Palette } from "./palette.ts";
import type { TrialResult } from "./results.ts";
import { timeline } from "./timeline.ts";
import { plural, showTime } from "./values.ts";

/** How text is laid out. */
export interface Layout {
  readonly palette: Palette;
  /** How many columns of text there are. */
  readonly width: number;
}

/** What a search without a failure amounts to. */
export function showEvidence(evidence: Evidence): string {
  switch (evidence.kind) {
    case "proved":
      return `proved: all ${plural(evidence.orders, "order")}`;
    case "sampled":
      return `sampled: ${plural(evidence.orders, "order")}, seed ${evidence.seed}`;
    case "partial":
      return `not all orders: the first ${plural(evidence.orders, "order")} depth first`;
  }
}

/** What a verdict rests on. */
export function showGrounds(result: TrialResult): string {
  const { reproduced, free } = result;
  const parts: string[] = [];
  if (result.strategy === "replay") {
    parts.push(`replayed ${reproduced!.times}/${reproduced!.of}`);
  } else if (result.failure !== undefined) {
    parts.push(`found after ${plural(result.schedules, "order")}`);
    parts.push(`reproduced ${reproduced!.times}/${reproduced!.of}`);
  } else {
    parts.push(showEvidence(result.evidence));
  }
  if (free !== undefined) parts.push(`${free.times}/${free.of} free runs wrong`);
  if (result.bestEffort) parts.push("best effort");
  return parts.join("; ");
}

/** One line of the tour. */
export function trialLine(result: TrialResult, { palette }: Layout): string {
  const mark = result.met ? palette.green("✓") : palette.red("✗");
  const verdict = result.met
    ? `${result.verdict} as expected`
    : palette.red(`${result.verdict}, expected ${result.expect}`);
  const line = [
    `  ${mark} ${result.variant.padEnd(14)} ${result.world.padEnd(10)} ${verdict.padEnd(18)}`,
    showGrounds(result),
    palette.dim(`${plural(result.schedules, "schedule")} in ${showTime(result.elapsed)}`),
  ].join("  ");
  return result.schedule === undefined ? line : `${line}  ${palette.bold(result.schedule)}`;
}

/** All of one result: verdict, timeline, evidence, and how to see it again. */
export function trialReport(result: TrialResult, layout: Layout): string {
  const { palette, width } = layout;
  const { scenario, variant, world, failure, schedule } = result;
  const name = palette.bold(`${scenario}/${variant}`);
  const lines = [
    `${name} between ${world}: ${
      result.verdict === "broken" ? palette.red("broken") : palette.green("safe")
    }${result.met ? "" : `, expected ${result.expect}`}`,
  ];
  if (failure !== undefined) {
    lines.push(
      "",
      palette.bold(failure.headline),
      "",
      timeline(failure, palette, width),
      "",
    );
    if (failure.message !== failure.headline) lines.push(failure.message);
    const { preemptions, switches } = failure;
    lines.push(
      `${plural(preemptions, "preemption")}, ${plural(switches, "switch", "switches")}`,
    );
  }
  lines.push(
    `${showGrounds(result)}; ${plural(result.schedules, "schedule")} by ${result.strategy} in ${
      showTime(result.elapsed)
    }`,
  );
  if (schedule !== undefined) {
    lines.push("", `schedule ${palette.bold(schedule)}`);
    lines.push(`replay   deno task lab replay ${schedule}`);
  } else if (result.verdict === "safe") {
    lines.push(`because ${result.because}`);
  }
  return lines.join("\n");
}

/** The last line of a tour. */
export function summary(results: readonly TrialResult[], elapsed: number, layout: Layout): string {
  const met = results.filter((result) => result.met).length;
  const { palette } = layout;
  const text = `${met} of ${results.length} expectations met in ${showTime(elapsed)}`;
  return met === results.length ? palette.green(text) : palette.red(text);
}
