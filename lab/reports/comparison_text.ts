/** A comparison for people: as text, and as Markdown for a pull request. */
import { showQuotient } from "./_bench_cells.ts";
import { oneLine } from "./_wrap.ts";
import { showMachine, showRevision } from "./baseline.ts";
import type { BenchmarkComparison, Comparison, ComparisonVerdict } from "./comparison.ts";
import { showNanoseconds } from "./suite_table.ts";
import { tableLines } from "./_table.ts";
import { fold, type Layout } from "./text.ts";
import { plural } from "./values.ts";

const VERDICTS: readonly ComparisonVerdict[] = [
  ...["slower", "wrong", "faster", "same", "not enough data"] as const,
  ...["not comparable", "new", "gone"] as const,
];

const percent = (share: number): string => `${Number((share * 100).toPrecision(3))} %`;

const time = (value: number | undefined): string =>
  value === undefined ? "" : showNanoseconds(value);

const ratio = ({ ratio }: BenchmarkComparison): string =>
  ratio === undefined ? "" : `${showQuotient(ratio)} ×`;

const interval = ({ interval }: BenchmarkComparison): string =>
  interval === undefined ? "" : interval.map(showQuotient).join(" – ");

/**
 * How much is told of why: a pull-request comment has an end, and what a benchmark answers may have
 * none. All of it is in the JSON.
 */
const LONGEST = 300;

const verdict = ({ verdict, because, over }: BenchmarkComparison): string => {
  const called = `${verdict}${over ? ", and over the limit" : ""}`;
  if (because === undefined) return called;
  const why = oneLine(because);
  return `${called} (${why.length > LONGEST ? `${why.slice(0, LONGEST)}…` : why})`;
};

/** What was compared with what. */
function about({ before, after, interleaved }: Comparison): string {
  return oneLine(
    `${showRevision(before.revision)} → ${showRevision(after.revision)}, ` +
      `${after.runtime}, ${showMachine(after.machine)}` +
      (interleaved ? ", in turn" : `, the first measured ${before.made}`),
  );
}

/** How many benchmarks had which verdict: `1 slower, 12 same`. */
function tally({ benchmarks }: Comparison): string {
  const counts = VERDICTS.map((each) =>
    [benchmarks.filter(({ verdict }) => verdict === each).length, each] as const
  );
  const told = counts.filter(([count]) => count > 0).map((words) => words.join(" ")).join(", ");
  return `${plural(benchmarks.length, "benchmark")}: ${told || "none"}`;
}

/** What the gate says, in a sentence. */
function conclusion(comparison: Comparison): string {
  const { benchmarks, tolerance } = comparison;
  const those = (chosen: readonly BenchmarkComparison[]) =>
    chosen.map(({ name }) => oneLine(name)).join("; ");
  const wrong = benchmarks.filter(({ verdict }) => verdict === "wrong");
  const over = benchmarks.filter((each) => each.over);
  return (wrong.length === 0 ? "" : `Wrong: ${those(wrong)}. `) +
    (over.length === 0
      ? `Nothing was shown to be more than ${percent(tolerance)} slower`
      : `More than ${percent(tolerance)} slower: ${those(over)}`);
}

/** How the verdicts are come by, in a line. */
const METHOD =
  "each time is the median of the processes' lowest deciles, intervals are of 95 % by bootstrap; a " +
  "difference is called by a Mann–Whitney test at 5 % after Holm's correction";

/** A comparison as text for a terminal. */
export function comparisonTable(comparison: Comparison, layout: Layout): string {
  const { palette } = layout;
  const paintOf = ({ verdict, over }: BenchmarkComparison) =>
    over || verdict === "wrong" ? palette.red : verdict === "faster" ? palette.green : undefined;
  const rows = comparison.benchmarks.map((each) => {
    const paint = paintOf(each);
    // Word by word, for it may be broken between any two of them.
    const words = verdict(each).split(" ").map((word) => paint === undefined ? word : paint(word));
    return [
      oneLine(each.name),
      time(each.before),
      time(each.after),
      ratio(each),
      interval(each),
      words.join(" "),
    ];
  });
  const columns = ["benchmark", "before", "after", "ratio", "interval", "verdict"];
  const isNumber = [false, true, true, true, true, false];
  return [
    fold(about(comparison), layout),
    ...comparison.caveats.map((caveat) => fold(oneLine(caveat), layout)),
    "",
    ...tableLines({ columns, rows, isNumber }, layout),
    "",
    fold(tally(comparison), layout),
    fold(conclusion(comparison), layout),
    ...fold(METHOD, layout).split("\n").map((line) => palette.dim(line)),
  ].join("\n");
}

/** What Markdown would take for a mark, kept from it, in one line. */
function escape(text: string): string {
  return oneLine(text).replace(/[|\\`*_~&<>[\]]/g, "\\$&");
}

function markdownRows(all: readonly BenchmarkComparison[]): string[] {
  return [
    "| benchmark | before | after | ratio | 95 % interval | verdict |",
    "| --- | ---: | ---: | ---: | --- | --- |",
    ...all.map((each) =>
      `| ${
        [
          escape(each.name),
          time(each.before),
          time(each.after),
          ratio(each),
          interval(each),
          each.over || each.verdict === "wrong"
            ? `**${escape(verdict(each))}**`
            : escape(verdict(each)),
        ].join(" | ")
      } |`
    ),
  ];
}

/** A comparison as Markdown: what changed in the open, and all the rest folded. */
export function comparisonMarkdown(comparison: Comparison): string {
  const changed = comparison.benchmarks.filter(({ verdict }) =>
    verdict === "slower" || verdict === "faster" || verdict === "wrong"
  );
  const others = comparison.benchmarks.filter((each) => !changed.includes(each));
  return [
    `### Benchmarks: ${escape(conclusion(comparison))}`,
    "",
    `${escape(about(comparison))}. ${tally(comparison)}.`,
    ...comparison.caveats.map((caveat) => `\n> ${escape(caveat)}`),
    ...(changed.length === 0 ? [] : ["", ...markdownRows(changed)]),
    ...(others.length === 0 ? [] : [
      "",
      `<details><summary>${plural(others.length, "other benchmark")}</summary>`,
      "",
      ...markdownRows(others),
      "",
      "</details>",
    ]),
    "",
    `<sub>${METHOD}</sub>`,
  ].join("\n");
}
