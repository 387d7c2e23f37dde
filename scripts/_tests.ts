/**
 * Runs the tests on one runtime and counts what ran.
 *
 * The counts come from the runner's JUnit report, never from its exit status alone: a run is good
 * only if its status is 0, its report was written, and every test file it was given registered a
 * test. So a run that ended early, or a file whose tests were never seen, cannot pass.
 */
import { relative } from "node:path";

/** The root of the checkout. */
export const root: URL = new URL("../", import.meta.url);

/** What the tests run on. */
export interface Runtime {
  readonly name: "Deno" | "Bun";
  readonly version: string;
  /** The binary itself, past any link or script that stands before it. */
  readonly path: string;
}

/** What to run. */
export interface Selection {
  /** Test files, relative to the root. */
  readonly files: readonly string[];
  /** Only tests whose name contains this. */
  readonly filter?: string;
  /**
   * Where the checkout is that they are run in.
   *
   * @default this one
   */
  readonly at?: string;
  /**
   * After how many milliseconds the run is ended.
   *
   * @default 40 minutes
   */
  readonly limit?: number;
  /**
   * Whether nothing is shown.
   *
   * @default false
   */
  readonly quiet?: boolean;
  /**
   * Whether to stop once a test has failed.
   *
   * @default false
   */
  readonly failFast?: boolean;
}

/** What came of it. */
export interface Totals {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** The names of those that failed, as far as the report tells. */
  readonly failures: readonly string[];
  /** What is wrong beyond tests that failed, in words. */
  readonly faults: readonly string[];
}

/** A run that hangs is ended after this long. */
const LIMIT_MS = 40 * 60_000;

/** The two runtimes: the one this runs on, and the Bun that is installed as a dependency. */
export function runtimes(): Runtime[] {
  const installed = new URL("node_modules/.bin/bun", root);
  let bun: string;
  try {
    bun = Deno.realPathSync(installed);
  } catch {
    throw new Error("Cannot run on Bun: it is not in node_modules; `deno install` puts it there");
  }
  const { stdout } = new Deno.Command(bun, { args: ["--version"] }).outputSync();
  const version = new TextDecoder().decode(stdout).trim();
  return [
    { name: "Deno", version: Deno.version.deno, path: Deno.execPath() },
    { name: "Bun", version, path: bun },
  ];
}

/** The environment in which the tests find both runtimes. */
export function environment(): Record<string, string> {
  const [deno, bun] = runtimes();
  return { INTERLOCK_DENO: deno.path, INTERLOCK_BUN: bun.path };
}

/** Every test file at or below `path`, relative to the root and in order. */
export function testFiles(path: string): string[] {
  const found: string[] = [];
  const visit = (url: URL) => {
    for (const entry of Deno.readDirSync(url)) {
      if (entry.isDirectory) visit(new URL(`${entry.name}/`, url));
      else if (entry.name.endsWith("_test.ts")) found.push(new URL(entry.name, url).pathname);
    }
  };
  const url = new URL(path, root);
  if (Deno.statSync(url).isFile) found.push(url.pathname);
  else visit(new URL(`${url.href.replace(/\/$/, "")}/`));
  return found.map((file) => relative(root.pathname, file)).sort();
}

function command(
  runtime: Runtime,
  { files, filter, failFast }: Selection,
  report: string,
): string[] {
  const paths = files.map((file) => `./${file}`);
  if (runtime.name === "Deno") {
    return [
      ...["test", "--allow-all", "--no-check", "--preload", "./tests/_setup.ts"],
      ...["--junit-path", report],
      ...(Deno.env.has("CI") ? ["--frozen"] : []),
      ...(failFast ? ["--fail-fast"] : []),
      ...(filter === undefined ? [] : ["--filter", filter]),
      ...paths,
    ];
  }
  return [
    ...["test", "--reporter=junit", `--reporter-outfile=${report}`],
    ...(failFast ? ["--bail"] : []),
    ...(filter === undefined
      ? []
      : ["--test-name-pattern", filter.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")]),
    ...paths,
  ];
}

/** The files that registered a test. Deno's report names the module that made the call instead. */
function filesThatRan(runtime: Runtime, report: string, printed: string): Set<string> {
  const found = runtime.name === "Deno"
    // deno-lint-ignore no-control-regex -- what is printed may have colours
    ? printed.replace(/\x1b\[[0-9;]*m/g, "").matchAll(/^running [1-9]\d* tests? from \.\/(.+)$/gm)
    : report.matchAll(/<testsuite [^>]*?file="([^"]+)"/g);
  return new Set([...found].map(([, file]) => file));
}

/** Collects a stream's text, passing it on unless told to be quiet. */
async function collect(stream: ReadableStream<Uint8Array>, quiet: boolean): Promise<string> {
  const decoder = new TextDecoder();
  const writer = quiet ? undefined : Deno.stdout.writable.getWriter();
  let text = "";
  for await (const chunk of stream) {
    text += decoder.decode(chunk, { stream: true });
    await writer?.write(chunk);
  }
  writer?.releaseLock();
  return text;
}

const ENTITIES: Record<string, string> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };

/** The names of the tests that failed. A test that failed has its failure before the next test. */
function failuresIn(report: string): string[] {
  const cases = report.split("<testcase ").slice(1).filter((each) => each.includes("<failure"));
  return cases.map((each) =>
    (/name="([^"]*)"/.exec(each)?.[1] ?? "").replace(
      /&(\w+);/g,
      (text, name) => ENTITIES[name] ?? text,
    )
  );
}

/** Runs the selected tests on `runtime`, showing what it prints. */
export async function runTests(runtime: Runtime, selection: Selection): Promise<Totals> {
  const { at = root, limit = LIMIT_MS, quiet = false } = selection;
  const report = await Deno.makeTempFile({ suffix: ".xml" });
  try {
    const child = new Deno.Command(runtime.path, {
      args: command(runtime, selection, report),
      cwd: at,
      env: { ...environment(), ...(Deno.stdout.isTerminal() ? { FORCE_COLOR: "1" } : {}) },
      stdin: "null",
      stdout: "piped",
      stderr: quiet ? "null" : "inherit",
      signal: AbortSignal.timeout(limit),
    }).spawn();
    const [printed, status] = await Promise.all([collect(child.stdout, quiet), child.status]);
    const xml = await Deno.readTextFile(report);
    const files = filesThatRan(runtime, xml, printed);
    const cases = xml.match(/<testcase /g)?.length ?? 0;
    const skipped = xml.match(/<skipped/g)?.length ?? 0;
    const failed = xml.match(/<failure/g)?.length ?? 0;
    const faults: string[] = [];
    if (status.signal !== null) faults.push(`ended by ${status.signal}`);
    else if (!status.success && failed === 0) faults.push(`ended with status ${status.code}`);
    if (cases === skipped) faults.push("no test was executed");
    else if (selection.filter === undefined) {
      const missing = selection.files.filter((file) => !files.has(file));
      if (missing.length > 0) faults.push(`no test was executed in ${missing.join(", ")}`);
    }
    return {
      passed: cases - failed - skipped,
      failed: failed + faults.length,
      skipped,
      failures: failuresIn(xml),
      faults,
    };
  } finally {
    await Deno.remove(report);
  }
}
