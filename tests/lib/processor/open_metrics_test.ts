/**
 * The text that `openMetrics` writes, read by the rules of the OpenMetrics 1.0 specification: a
 * reader that knows nothing of processors, and refuses what the rules refuse.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { OPEN_METRICS_TYPE, openMetrics, type ProcessorStats } from "../../../lib/processor/mod.ts";
import { outcome, settle } from "../../_fake_host.ts";
import { create } from "./_held.ts";

const timeout = 20_000;

interface Family {
  type: string;
  unit?: string;
  help?: string;
  samples: { name: string; labels: Map<string, string>; value: number }[];
}

const SUFFIXES: Record<string, string[]> = {
  counter: ["_total", "_created"],
  gauge: [""],
  histogram: ["_bucket", "_count", "_sum", "_created"],
  stateset: [""],
};

const NAME = "[a-zA-Z_:][a-zA-Z0-9_:]*";
const LABEL = '([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\\\n]|\\\\[\\\\"n])*)"';
const SAMPLE = new RegExp(`^(${NAME})\\{((?:${LABEL}(?:,(?=[a-zA-Z_]))?)*)\\} (\\S+)$`);
const NUMBER = /^(\+Inf|-Inf|NaN|-?\d+(\.\d+)?(e[+-]?\d+)?)$/;

function parseLabels(text: string): Map<string, string> {
  const labels = new Map<string, string>();
  for (const [, name, value] of text.matchAll(new RegExp(LABEL, "g"))) {
    assert(!labels.has(name), `label ${name} twice`);
    labels.set(name, value.replace(/\\(.)/g, (_, c) => c === "n" ? "\n" : c));
  }
  return labels;
}

/** Reads a text; fails where it breaks a rule. */
function parse(text: string): Map<string, Family> {
  assert(text.endsWith("# EOF\n"), "ends with # EOF and one line feed");
  const lines = text.slice(0, -"# EOF\n".length).split("\n");
  assert.equal(lines.pop(), "");
  const families = new Map<string, Family>();
  let name = "", family: Family | undefined;
  const begin = (next: string): Family => {
    if (next !== name) {
      assert(!families.has(next), `${next} is in one place`);
      name = next;
      families.set(name, family = { type: "unknown", samples: [] });
    }
    assert.equal(family!.samples.length, 0, "what is said of a family comes before its samples");
    return family!;
  };
  for (const line of lines) {
    const [, what, of, rest] = /^# (TYPE|UNIT|HELP) (\S+) (.*)$/.exec(line) ?? [];
    if (what !== undefined) {
      assert.match(of, new RegExp(`^${NAME}$`));
      const about = begin(of);
      const key = what.toLowerCase() as "type" | "unit" | "help";
      if (key === "type") assert(rest in SUFFIXES, rest);
      if (key === "unit") assert(of.endsWith(`_${rest}`), "a name ends with its unit");
      if (key === "help") assert(!/(^|[^\\])(\\\\)*\\[^\\n"]/.test(rest), "only known escapes");
      about[key] = rest;
      continue;
    }
    const [, full, labels, , , value] = SAMPLE.exec(line) ?? assert.fail(`no sample: ${line}`);
    assert.match(value, NUMBER);
    const suffix = full.slice(name.length);
    assert(full.startsWith(name) && SUFFIXES[family!.type].includes(suffix), `${full} in ${name}`);
    const number = value === "+Inf" ? Infinity : Number(value);
    family!.samples.push({ name: full, labels: parseLabels(labels), value: number });
  }
  for (const [name, family] of families) checkFamily(name, family);
  return families;
}

function key(labels: Map<string, string>, without?: string): string {
  return JSON.stringify([...labels].filter(([label]) => label !== without).sort());
}

function checkFamily(name: string, { type, samples }: Family): void {
  const all = samples.map((sample) => sample.name + key(sample.labels));
  assert.equal(new Set(all).size, all.length, `no sample of ${name} twice`);
  if (type === "counter") {
    for (const { value } of samples) assert(value >= 0 && Number.isFinite(value), name);
  }
  if (type === "stateset") {
    for (const { labels, value } of samples) {
      assert(labels.has(name), "a label of its own name says which state");
      assert(value === 0 || value === 1);
    }
  }
  if (type === "histogram") checkHistogram(name, samples);
}

function checkHistogram(name: string, samples: Family["samples"]): void {
  const groups = samples.map(({ labels }) => key(labels, "le"));
  const starts = groups.filter((group, i) => group !== groups[i - 1]);
  assert.equal(new Set(starts).size, starts.length, "samples of one metric are together");
  for (const group of starts) {
    const own = samples.filter((_, i) => groups[i] === group);
    const buckets = own.filter((sample) => sample.name === `${name}_bucket`);
    const bounds = buckets.map(({ labels }) => {
      const le = labels.get("le")!;
      assert.match(le, /^(\+Inf|\d+\.\d+|\d(\.\d+)?e-\d+)$/, "a bound is a float");
      return le === "+Inf" ? Infinity : Number(le);
    });
    assert.deepEqual(bounds, bounds.toSorted((a, b) => a - b));
    assert.equal(bounds.at(-1), Infinity);
    const counts = buckets.map(({ value }) => value);
    assert.deepEqual(counts, counts.toSorted((a, b) => a - b), "buckets count all below");
    const [count] = own.filter((sample) => sample.name === `${name}_count`);
    assert.equal(counts.at(-1), count.value);
    assert.equal(own.filter((sample) => sample.name === `${name}_sum`).length, 1);
  }
}

/** A processor that has something of everything to tell. */
async function busy(label = 'a\\b\n"c"'): Promise<ProcessorStats> {
  const { processor, held, host } = create({ label, workers: 2, queueLimit: 1 });
  processor.handle("call", held.handler, {
    breaker: { window: 1, cooldown: 1000 },
    bulkhead: { workers: 1 },
  });
  const failed = processor.request("call").completed;
  await settle();
  held.runs[0].fail("failed");
  await outcome(failed);
  await outcome(processor.request("call").completed);
  await outcome(processor.request("nothing").completed);
  const done = processor.request("hold").completed;
  await settle();
  host.advance(40);
  held.runs[1].end();
  await done;
  const all = Array.from({ length: 5 }, () => outcome(processor.request("hold").completed));
  await settle();
  void all;
  return processor.stats();
}

/** The value of one sample. */
function value(families: Map<string, Family>, name: string, labels: object): number | undefined {
  const family = [...families.values()].flatMap(({ samples }) => samples);
  return family.find((sample) =>
    sample.name === `interlock_processor_${name}` &&
    Object.entries(labels).every(([label, value]) => sample.labels.get(label) === value)
  )?.value;
}

test("openMetrics() writes what the specification allows, and all that stats() tells", {
  timeout,
}, async () => {
  const families = parse(openMetrics(await busy()));
  const of = (name: string, labels: object = {}) => value(families, name, labels);
  assert.deepEqual([
    of("accepted_total"),
    of("jobs_total", { outcome: "done" }),
    of("jobs_total", { outcome: "failed" }),
    of("jobs_total", { outcome: "timed_out" }),
    of("jobs_total", { outcome: "aborted" }),
  ], [6, 1, 1, 0, 0]);
  assert.deepEqual([
    of("refused_total", { reason: "full" }),
    of("refused_total", { reason: "circuit_open" }),
    of("refused_total", { reason: "unknown_method" }),
    of("method_refused_total", { method: "call", reason: "circuit_open" }),
  ], [1, 1, 1, 1]);
  assert.deepEqual([of("queued"), of("active"), of("limit"), of("abandoned")], [2, 2, 4, 0]);
  assert.deepEqual([
    of("latency_seconds_count"),
    of("latency_seconds_sum"),
    of("latency_seconds_bucket", { le: "0.016384" }),
    of("latency_seconds_bucket", { le: "0.065536" }),
    of("method_latency_seconds_count", { method: "call" }),
    of("wait_seconds_count"),
  ], [1, 0.04, 0, 1, 0, 4]);
  assert.deepEqual([
    of("method_breaker", { method: "call", interlock_processor_method_breaker: "open" }),
    of("method_breaker", { method: "call", interlock_processor_method_breaker: "closed" }),
    of("method_breaker", { method: "hold" }),
  ], [1, 0, undefined]);
  assert.deepEqual([
    of("worker_active", { worker: "1" }),
    of("worker_jobs_total", { worker: "0", bulkhead: "call", outcome: "failed" }),
    of("worker_crashes_total", { worker: "0" }),
  ], [1, 1, 0]);
  for (const { samples } of families.values()) {
    for (const { labels } of samples) assert.equal(labels.get("processor"), 'a\\b\n"c"');
  }
});

test("openMetrics() puts several processors together, which must have different labels", {
  timeout,
}, async () => {
  const [a, b] = [await busy("a"), await busy("b")];
  const families = parse(openMetrics(a, b));
  assert.equal(value(families, "accepted_total", { processor: "b" }), 6);
  assert.throws(() => openMetrics(a, a), {
    name: "TypeError",
    message: 'Cannot write metrics: two processors are called "a"; give each a label',
  });
  assert.equal(openMetrics(), "# EOF\n");
  assert.match(
    OPEN_METRICS_TYPE,
    /^application\/openmetrics-text; version=1\.0\.0; charset=utf-8$/,
  );
});

test("the reader of this test refuses texts that break the rules", { timeout }, async () => {
  const text = openMetrics(await busy("x"));
  const broken: [string, (text: string) => string][] = [
    ["no # EOF", (text) => text.replace("# EOF\n", "")],
    ["something after # EOF", (text) => text + "\n"],
    ["an empty line", (text) => text.replace("\n#", "\n\n#")],
    ["a counter without _total", (text) => text.replace("accepted_total", "accepted")],
    ["a label that is not escaped", (text) => text.replace('"x"', '"x\\"')],
    [
      "a family in two places",
      (text) => text.replace("# EOF", text.split("\n# TYPE")[0] + "\n# EOF"),
    ],
    ["a sample twice", (text) => text.replace(/(\n.*accepted_total.*)/, "$1$1")],
    [
      "a unit that the name does not end with",
      (text) => text.replace(/(UNIT \S+) seconds/, "$1 ms"),
    ],
    [
      "a bucket that counts fewer than the one before",
      (text) => text.replace(/(le="1\.048576"\}) \d+/, "$1 0"),
    ],
    ["a bound that is no float", (text) => text.replace('le="1.048576"', 'le="1"')],
    ["no bucket for all", (text) => text.replace(/\n.*le="\+Inf".*/, "")],
    ["a number that is none", (text) => text.replace(/(accepted_total\{.*\}) \d+/, "$1 six")],
  ];
  parse(text);
  for (const [what, breakIt] of broken) {
    const other = breakIt(text);
    assert.notEqual(other, text, what);
    assert.throws(() => parse(other), what);
  }
});
