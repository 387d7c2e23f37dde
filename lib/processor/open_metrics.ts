/**
 * The statistics of processors as OpenMetrics text, which Prometheus and others collect
 * (https://prometheus.io/docs/specs/om/open_metrics_spec/).
 *
 * Written here and not by a metrics library: those count for themselves, and everything has been
 * counted already; what they would add is the text, which is this file.
 */
import type { DurationStats } from "../lock.ts";
import type { BreakerState } from "./_breaker.ts";
import type { JobStats, ProcessorStats, Refusals } from "./stats.ts";

/** The media type to serve the text as. */
export const OPEN_METRICS_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/** By what a sample is known among those of its family; `undefined` is left out. */
type Labels = Readonly<Record<string, string | undefined>>;

interface Sample {
  readonly suffix?: string;
  readonly labels: Labels;
  readonly value: number;
}

/** All samples of one name. */
interface Family {
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram" | "stateset";
  readonly unit?: string;
  readonly help: string;
  readonly samples: readonly Sample[];
}

/** Bounds of durations in milliseconds: every second doubling of a microsecond, up to 17 minutes. */
const BOUNDS: readonly number[] = Array.from({ length: 16 }, (_, i) => 4 ** i / 1000);

const STATES: readonly BreakerState[] = ["closed", "open", "half-open"];

/** The reasons for a refusal, as label values. */
const REASONS: Readonly<Record<keyof Refusals, string>> = {
  full: "full",
  circuitOpen: "circuit_open",
  unknownMethod: "unknown_method",
  shutdown: "shutdown",
  aborted: "aborted",
};

function escape(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}

/** A number as a label value, always written the same way. */
function bound(value: number): string {
  if (value === Infinity) return "+Inf";
  return Number.isInteger(value) ? `${value}.0` : `${value}`;
}

function line(name: string, { suffix = "", labels, value }: Sample): string {
  const pairs = Object.entries(labels).filter(([, value]) => value !== undefined)
    .map(([label, value]) => `${label}="${escape(value!)}"`);
  return `${name}${suffix}{${pairs.join(",")}} ${value}`;
}

function text({ name, type, unit, help, samples }: Family): string[] {
  return [
    `# TYPE ${name} ${type}`,
    ...(unit === undefined ? [] : [`# UNIT ${name} ${unit}`]),
    `# HELP ${name} ${escape(help)}`,
    ...samples.map((sample) => line(name, sample)),
  ];
}

function outcomes(labels: Labels, { done, failed, timedOut, aborted }: JobStats): Sample[] {
  return Object.entries({ done, failed, timed_out: timedOut, aborted })
    .map(([outcome, value]) => ({ suffix: "_total", labels: { ...labels, outcome }, value }));
}

function refusals(labels: Labels, refused: Refusals): Sample[] {
  return Object.entries(REASONS).map(([key, reason]) => ({
    suffix: "_total",
    labels: { ...labels, reason },
    value: refused[key as keyof Refusals],
  }));
}

function histogram(labels: Labels, { count, mean, buckets }: DurationStats): Sample[] {
  const upTo = (ms: number) =>
    buckets.reduce((sum, bucket) => bucket.upTo <= ms ? sum + bucket.count : sum, 0);
  return [
    ...BOUNDS.map((ms) => ({
      suffix: "_bucket",
      labels: { ...labels, le: bound(ms / 1000) },
      value: upTo(ms),
    })),
    { suffix: "_bucket", labels: { ...labels, le: bound(Infinity) }, value: count },
    { suffix: "_count", labels, value: count },
    { suffix: "_sum", labels, value: count * mean / 1000 },
  ];
}

function breaker(name: string, labels: Labels, state: BreakerState): Sample[] {
  return STATES.map((each) => ({
    labels: { ...labels, [name]: each },
    value: each === state ? 1 : 0,
  }));
}

const PREFIX = "interlock_processor";
const BREAKER = `${PREFIX}_method_breaker`;

function families(all: readonly ProcessorStats[]): Family[] {
  const each = (samples: (labels: Labels, stats: ProcessorStats) => Sample | Sample[]) =>
    all.flatMap((stats) => samples({ processor: stats.label }, stats));
  const methods = (
    samples: (labels: Labels, stats: ProcessorStats["methods"][string]) => Sample | Sample[],
  ) =>
    each((labels, stats) =>
      Object.entries(stats.methods).flatMap(([method, one]) => samples({ ...labels, method }, one))
    );
  const workers = (
    samples: (labels: Labels, stats: ProcessorStats["workers"][number]) => Sample | Sample[],
  ) =>
    each((labels, stats) =>
      stats.workers.flatMap((one) =>
        samples({ ...labels, bulkhead: one.bulkhead, worker: `${one.worker}` }, one)
      )
    );
  const family = (
    type: Family["type"],
    name: string,
    help: string,
    samples: Sample[],
    unit?: string,
  ): Family => ({ type, name: `${PREFIX}_${name}`, help, samples, unit });

  return [
    family(
      "counter",
      "accepted",
      "Jobs accepted.",
      each((labels, { accepted }) => ({
        suffix: "_total",
        labels,
        value: accepted,
      })),
    ),
    family("counter", "jobs", "Jobs that have ended, by how they did.", each(outcomes)),
    family(
      "counter",
      "refused",
      "Jobs not accepted, by why.",
      each((labels, { refused }) => refusals(labels, refused)),
    ),
    family(
      "gauge",
      "queued",
      "Jobs that wait.",
      each((labels, { queued }) => ({ labels, value: queued })),
    ),
    family(
      "gauge",
      "active",
      "Jobs that run.",
      each((labels, { active }) => ({ labels, value: active })),
    ),
    family(
      "gauge",
      "limit",
      "How many jobs may be pending, outside of bulkheads.",
      each((labels, { limit }) => ({ labels, value: limit })),
    ),
    family(
      "gauge",
      "abandoned",
      "Runs that go on though nobody wants their result.",
      each((labels, { abandoned }) => ({ labels, value: abandoned })),
    ),
    family(
      "histogram",
      "latency_seconds",
      "How long jobs that were done took, from being accepted on.",
      each((labels, { latency }) => histogram(labels, latency)),
      "seconds",
    ),
    family(
      "histogram",
      "wait_seconds",
      "How long jobs waited before they began.",
      each((labels, { wait }) => histogram(labels, wait)),
      "seconds",
    ),
    family("counter", "method_jobs", "Jobs of a method that have ended.", methods(outcomes)),
    family(
      "counter",
      "method_refused",
      "Jobs of a method not accepted, by why.",
      methods((labels, { refused }) => refusals(labels, refused)),
    ),
    family(
      "histogram",
      "method_latency_seconds",
      "How long jobs of a method that were done took, from being accepted on.",
      methods((labels, { latency }) => histogram(labels, latency)),
      "seconds",
    ),
    family(
      "stateset",
      "method_breaker",
      "The state of a method's circuit breaker.",
      methods((labels, stats) =>
        stats.breaker === undefined ? [] : breaker(BREAKER, labels, stats.breaker)
      ),
    ),
    family("counter", "worker_jobs", "Jobs that have ended at a worker.", workers(outcomes)),
    family(
      "gauge",
      "worker_queued",
      "Jobs that wait for a worker.",
      workers((labels, { queued }) => ({ labels, value: queued })),
    ),
    family(
      "gauge",
      "worker_active",
      "Jobs that a worker runs.",
      workers((labels, { active }) => ({ labels, value: active })),
    ),
    family(
      "counter",
      "worker_crashes",
      "Threads of a worker that have died.",
      workers((labels, { crashes }) => ({ suffix: "_total", labels, value: crashes })),
    ),
  ];
}

/**
 * The statistics of processors as OpenMetrics text. Durations are in seconds, as the format wants.
 *
 * @param stats What `stats()` of each processor answered.
 * @returns The text, to be served as `OPEN_METRICS_TYPE`.
 * @throws {TypeError} when two of them have the same label: their samples could not be told apart
 *
 * @example
 * ```ts
 * import { openMetrics, Processor } from "@interlock/core/processor";
 * import assert from "node:assert/strict";
 *
 * await using processor = new Processor({ label: "images", workers: 1 });
 * processor.handle("double", (value: number) => 2 * value);
 * await processor.request("double", 21).completed;
 * const lines = openMetrics(processor.stats()).split("\n");
 * assert(lines.includes('interlock_processor_jobs_total{processor="images",outcome="done"} 1'));
 * ```
 */
export function openMetrics(...stats: readonly ProcessorStats[]): string {
  const labels = stats.map(({ label }) => label);
  const twice = labels.find((label, i) => labels.indexOf(label) !== i);
  if (twice !== undefined) {
    throw new TypeError(
      `Cannot write metrics: two processors are called ${JSON.stringify(twice)}; give each a label`,
    );
  }
  const lines = families(stats).filter(({ samples }) => samples.length > 0).flatMap(text);
  return [...lines, "# EOF", ""].join("\n");
}
