/**
 * What `lab bench --save` writes and `--compare` reads: measurements of a suite, with everything that
 * says whether others may be held against them. Its fields are described in `lab/README.md`.
 */
import { quantile } from "./statistics.ts";
import { showNanoseconds } from "./suite_table.ts";
import { plural } from "./values.ts";

/** Which form of file this is; it changes with the form. */
export const BASELINE_SCHEMA = "interlock-bench/1";

/** What was measured on. */
export interface Machine {
  /** The operating system and its version. */
  readonly system: string;
  /** The instruction set. */
  readonly arch: string;
  /** The processor's name. */
  readonly processor: string;
  /** How many of them there are. */
  readonly cores: number;
}

/** What was measured. */
export interface Revision {
  /** The commit's whole hash. */
  readonly commit: string;
  /** Whether files differed from it. */
  readonly dirty: boolean;
}

/** What one process measured of one benchmark: nanoseconds for one operation. */
export interface Block {
  /**
   * A tenth of its samples lies below this: what a sample takes when the machine has little else to do,
   * which is what is compared. What else it does only ever adds time, and on a shared machine to more
   * than half of the samples. (Chen and Revels, "Robust benchmarking in noisy environments", 2016.)
   */
  readonly p10: number;
  /** The median of its samples. */
  readonly p50: number;
  /** A tenth of its samples lies above this. */
  readonly p90: number;
  /** How many samples it took. */
  readonly samples: number;
}

/** All processes' measurements of one benchmark. */
export interface BaselineBenchmark {
  /** Its name. */
  readonly name: string;
  /** What it must answer, as JSON. */
  readonly expected: string;
  /** One for each process. */
  readonly blocks: readonly Block[];
  /** What it did wrong, in the first process that saw it. */
  readonly failure?: string;
}

/** The measurements of a suite. */
export interface Baseline {
  /** {@linkcode BASELINE_SCHEMA} */
  readonly schema: typeof BASELINE_SCHEMA;
  /** When they were made, as `Date.toISOString()` writes it. */
  readonly made: string;
  /** Where. */
  readonly machine: Machine;
  /** Name and version of the runtime. */
  readonly runtime: string;
  /** Of what; missing outside a git repository. */
  readonly revision?: Revision;
  /** How long each process measured each benchmark, in milliseconds. */
  readonly time: number;
  /** What was measured. */
  readonly benchmarks: readonly BaselineBenchmark[];
}

/** What something should be that was read: says what is wrong with it, or nothing. */
type Check = (value: unknown) => string | undefined;

const text: Check = (value) => typeof value === "string" ? undefined : "is no text";
const flag: Check = (value) => typeof value === "boolean" ? undefined : "is not true or false";
const count: Check = (value) =>
  Number.isSafeInteger(value) && value as number > 0 ? undefined : "is no whole number above 0";
const above0: Check = (value) =>
  typeof value === "number" && value > 0 && value < Infinity ? undefined : "is no number above 0";
/** An hour, which is longer than anybody measures a benchmark in one process, in ms. */
const LONGEST = 3_600_000;
const duration: Check = (value) =>
  above0(value) ?? (value as number <= LONGEST ? undefined : `is longer than an hour`);
const optional = (check: Check): Check => (value) => value === undefined ? undefined : check(value);

const listOf = (check: Check): Check => (value) => {
  if (!Array.isArray(value)) return "is no list";
  for (const [i, each] of value.entries()) {
    const wrong = check(each);
    if (wrong !== undefined) return `[${i}]${join(wrong)}`;
  }
  return undefined;
};

const fields = (checks: Record<string, Check>): Check => (value) => {
  if (typeof value !== "object" || value === null) return "is no object";
  for (const [name, check] of Object.entries(checks)) {
    const wrong = check((value as Record<string, unknown>)[name]);
    if (wrong !== undefined) return `.${name}${join(wrong)}`;
  }
  return undefined;
};

/** A path goes on without a space; what is said about it stands apart. */
function join(wrong: string): string {
  return /^[.[]/.test(wrong) ? wrong : ` ${wrong}`;
}

const checkBaseline = fields({
  made: text,
  machine: fields({ system: text, arch: text, processor: text, cores: count }),
  runtime: text,
  revision: optional(fields({ commit: text, dirty: flag })),
  time: duration,
  benchmarks: listOf(fields({
    name: text,
    expected: text,
    blocks: listOf(fields({ p10: above0, p50: above0, p90: above0, samples: count })),
    failure: optional(text),
  })),
});

/**
 * Reads measurements that were saved.
 *
 * @param source The text of the file.
 * @throws {SyntaxError} when it is no such file, with what is wrong about it
 */
export function parseBaseline(source: string): Baseline {
  let value: { schema?: unknown } | null;
  try {
    value = JSON.parse(source);
  } catch {
    throw new SyntaxError("it is not JSON");
  }
  const schema = value?.schema;
  if (schema !== BASELINE_SCHEMA) {
    throw new SyntaxError(
      schema === undefined
        ? `it has no schema, as what lab bench --save writes has`
        : `its schema is ${JSON.stringify(schema)}, and this reads ${BASELINE_SCHEMA}`,
    );
  }
  const wrong = checkBaseline(value);
  if (wrong !== undefined) throw new SyntaxError(`its ${join(wrong).replace(/^[. ]/, "")}`);
  const names = (value as Baseline).benchmarks.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new SyntaxError(`two of its benchmarks are called "${twice}"`);
  return value as Baseline;
}

/** What was measured, for people: what processes found, in the middle, at least and at most. */
export function baselineLines(baseline: Baseline): string {
  const { benchmarks, runtime, machine, revision } = baseline;
  const lines = benchmarks.map(({ name, blocks, failure }) => {
    if (failure !== undefined) return `${name}\n  WRONG: ${failure}`;
    const all = blocks.map(({ p10 }) => p10).sort((a, b) => a - b);
    const [low, middle, high] = [0, 0.5, 1].map((share) => showNanoseconds(quantile(all, share)));
    return `${name.padEnd(64)}${middle.padStart(9)}  ${low} – ${high}`;
  });
  const processes = benchmarks[0]?.blocks.length ?? 0;
  return [
    `${showRevision(revision)}, ${runtime}, ${showMachine(machine)}`,
    `the lowest decile of each of ${
      plural(processes, "process", "processes")
    }: the median, and between what they lie`,
    "",
    ...lines,
  ].join("\n");
}

/** The machine in a line. */
export function showMachine({ system, arch, processor, cores }: Machine): string {
  return `${cores} × ${processor}, ${system} on ${arch}`;
}

/** The revision in a word or three. */
export function showRevision(revision: Revision | undefined): string {
  if (revision === undefined) return "no revision";
  return revision.commit.slice(0, 10) + (revision.dirty ? " with changes" : "");
}
