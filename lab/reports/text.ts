/** Results for people at a terminal. */
import type { Evidence } from "../engine/mod.ts";
import { describeWaits } from "./analysis.ts";
import type { FailureResult, TrialResult } from "./results.ts";
import { timeline, type TimelineOptions } from "./timeline.ts";
import { widthOf, wrap } from "./_wrap.ts";
import { plural, showTime } from "./values.ts";

/** How text is laid out. */
export interface Layout extends TimelineOptions {
  /** Whether to leave out the command that replays a schedule code. @default false */
  readonly noReplay?: boolean;
  /**
   * How many columns a line may have that is no part of a table; `Infinity` where programs read it, which
   * look for what they want line by line.
   *
   * @default width
   */
  readonly lines?: number;
}

/** Breaks a line that is too long between its words; those after the first are moved in. */
export function fold(line: string, { width, lines = width }: Layout, indent = 0): string {
  return wrap(line, lines, indent).join("\n");
}

/** What a search without a failure amounts to. */
export function showEvidence(evidence: Evidence): string {
  switch (evidence.kind) {
    case "proved":
      return evidence.orders === evidence.of
        ? `proved: all ${plural(evidence.orders, "order")}`
        : `proved: all ${plural(evidence.orders, "class", "classes")} of ${
          evidence.of === Number.MAX_SAFE_INTEGER ? "over" : "at most"
        } ${plural(evidence.of, "order")}`;
    case "bounded":
      return `bounded: all orders of up to ${plural(evidence.preemptions, "preemption")} and ${
        plural(evidence.steps, "step")
      }`;
    case "sampled":
      return `sampled: ${plural(evidence.orders, "order")}, seed ${evidence.seed}`;
    case "partial":
      return `not all orders: ${plural(evidence.orders, "order")}`;
  }
}

/** What a verdict rests on. */
export function showGrounds(result: TrialResult): string {
  const { reproduced, free } = result;
  const parts: string[] = [];
  if (result.strategy === "replay") {
    parts.push(`replayed ${reproduced?.times ?? 0}/${reproduced?.of ?? 0}`);
  } else if (result.failure !== undefined) {
    parts.push(`found after ${plural(result.schedules, "order")}`);
    if (reproduced !== undefined) parts.push(`reproduced ${reproduced.times}/${reproduced.of}`);
  } else {
    parts.push(showEvidence(result.evidence));
  }
  if (free !== undefined) parts.push(`${free.times}/${free.of} free runs wrong`);
  if (result.bestEffort) parts.push("best effort");
  return parts.join("; ");
}

/**
 * The command that runs a schedule again where it was run, within as many steps. Without a distance the
 * command takes the nearest, which is `tasks` wherever a scenario makes sense between tasks.
 */
export function replayCommand({ schedule, world, maxSteps }: TrialResult): string {
  const where = world === "tasks" ? "" : ` --world ${world}`;
  const steps = maxSteps === undefined ? "" : ` --steps ${maxSteps}`;
  return `deno task lab replay ${schedule}${where}${steps}`;
}

/**
 * One line of the tour. What is as expected stays one line where the terminal has room for its verdict and
 * its grounds: what it took is left out first, and then the code of its schedule.
 */
export function trialLine(result: TrialResult, layout: Layout): string {
  const { palette, width, lines = width } = layout;
  const mark = result.met ? palette.green("✓") : palette.red("✗");
  const verdict = result.met
    ? `${result.verdict} as expected`
    : palette.red(`${result.verdict}, expected ${result.expect}`);
  const line = `  ${mark} ${result.variant.padEnd(14)} ${result.world.padEnd(10)} ${
    verdict.padEnd(18)
  }  ${showGrounds(result)}`;
  const took = palette.dim(
    `${plural(result.schedules, "schedule")} in ${showTime(result.elapsed)}`,
  );
  const code = result.schedule === undefined ? [] : [palette.bold(result.schedule)];
  const choices = [[line, took, ...code], [line, ...code], [line]].map((parts) => parts.join("  "));
  const fitting = result.met ? choices.find((each) => widthOf(each) <= lines) : choices[0];
  return fold(fitting ?? line, layout, 6);
}

/** What stands above a tour. */
export function tourIntroduction(layout: Layout): string {
  return [
    "Every variant of every race is tried at every distance. A line tells: ✓ if it is what it is meant " +
    "to be, the variant, between whom, what it was found to be, and what that rests on: the orders that " +
    "were run, how often the one that breaks it broke it again, how many runs at full speed went wrong.",
    "That a broken variant breaks is as expected: il1.… is the code of an order in which it does.",
  ].map((line) => fold(line, layout)).join("\n") + "\n";
}

/** What stands below a tour: where to go from there. */
export function tourPointers(layout: Layout): string {
  const next = [
    ["list", "the scenarios and their variants"],
    ["show lost-update", "what races, and how it is mended"],
    ["run lost-update/unguarded", "an order that breaks it, step by step"],
    ["play lost-update", "you choose who moves next"],
    ["report", "all of this as pages for a browser"],
  ];
  const width = Math.max(...next.map(([command]) => command.length));
  const line = ([command, what]: string[]) => `  deno task lab ${command.padEnd(width)}  ${what}`;
  return ["", "From here:", ...next.map((each) => fold(line(each), layout, 4))].join("\n");
}

/** All of one result: verdict, timeline, evidence, and how to see it again. */
export function trialReport(result: TrialResult, layout: Layout): string {
  const { palette } = layout;
  const { scenario, variant, world, failure, contrast, passing, schedule } = result;
  const verdict = result.verdict === "broken" ? palette.red("broken") : palette.green("safe");
  const lines = [
    `${palette.bold(`${scenario}/${variant}`)} between ${world}: ${verdict}${
      result.met ? "" : `, expected ${result.expect}`
    }`,
  ];
  if (failure !== undefined) lines.push("", ...failureLines(failure, layout));
  if (contrast !== undefined) {
    lines.push("", palette.bold("The nearest order that passes"), "", timeline(contrast, layout));
  } else if (failure !== undefined && result.strategy !== "replay") {
    lines.push("No passing order was found near it");
  }
  if (passing !== undefined) {
    lines.push("", palette.bold("One order, as it runs"), "", timeline(passing, layout), "");
  }
  if (result.nondeterminism !== undefined) {
    lines.push(
      fold(
        `Something the engine does not control differs between runs: ${result.nondeterminism}`,
        layout,
      ),
    );
  }
  if (result.intervention !== undefined) {
    lines.push(
      fold(
        `The order was not the engine's alone, which proves nothing: ${result.intervention}`,
        layout,
      ),
    );
  }
  if (result.diverged !== undefined) {
    lines.push(
      fold(`The schedule was followed as far as it leads: ${result.diverged}`, layout),
    );
  }
  if (result.undeclared !== undefined) {
    lines.push(fold(`An operation touches what it does not declare: ${result.undeclared}`, layout));
  }
  const by = result.foundBy === undefined ? "" : ` (${result.foundBy})`;
  lines.push(
    ...(failure === undefined ? [] : [""]),
    fold(
      `${showGrounds(result)}; ${
        plural(result.schedules, "schedule")
      } by ${result.strategy}${by} in ${showTime(result.elapsed)}`,
      layout,
      2,
    ),
  );
  if (schedule !== undefined) {
    lines.push("", `schedule ${palette.bold(schedule)}`);
    if (!layout.noReplay) lines.push(`replay   ${replayCommand(result)}`);
  } else if (result.verdict === "safe") {
    lines.push(fold(`because ${result.because}`, layout, 8));
  }
  return lines.join("\n");
}

function failureLines(failure: FailureResult, layout: Layout): string[] {
  const { headline, message, preemptions, switches, found, waits } = failure;
  const lines = [
    layout.palette.bold(fold(headline, layout)),
    "",
    timeline(failure, layout),
    "",
  ];
  if (message !== headline) lines.push(fold(message, layout));
  if (waits !== undefined) lines.push(...describeWaits(waits).map((line) => fold(line, layout, 2)));
  const from = (before: number | undefined) => before === undefined ? "" : ` (from ${before})`;
  lines.push(
    `${plural(preemptions, "preemption")}${from(found?.preemptions)}, ${
      plural(switches, "switch", "switches")
    }${from(found?.switches)}`,
  );
  return lines;
}

/** The last line of a tour. */
export function summary(results: readonly TrialResult[], elapsed: number, layout: Layout): string {
  const met = results.filter((result) => result.met).length;
  const { palette } = layout;
  const text = `${met} of ${results.length} expectations met in ${showTime(elapsed)}`;
  return met === results.length ? palette.green(text) : palette.red(text);
}
