/**
 * Scenarios as benchmarks: every variant in free runs, each beside the unguarded one.
 *
 * mitata measures; it is handed the time from the common start to the last actor's end, so neither
 * setting up nor checking is on the clock. The result of every sample is checked: speed without the
 * right result is shown as what it is.
 */
import { measure } from "mitata";
import { hash } from "../engine/mod.ts";
import type { BenchResult } from "../reports/mod.ts";
import {
  benchParameters,
  type Distance,
  type Scenario,
  Subject,
  type WorldName,
} from "../worlds/mod.ts";
import { Distances } from "./tour.ts";

/** Samples enough for any median; a cap, for setting up may take longer than what is measured. */
const MAX_SAMPLES = 150;

/** How to measure. */
export interface BenchOptions {
  /** The distances. */
  worlds: readonly WorldName[];
  /**
   * How long to measure each variant at each distance, in milliseconds, setting up included; 0 is a
   * smoke test: one run with small parameters.
   *
   * @default 600
   */
  time?: number;
  /** Only variants whose label contains this. @default "" */
  text?: string;
  /** Whether each variant is measured only at the nearest of the distances. @default false */
  nearest?: boolean;
  /** Told before each measurement. */
  measuring?: (done: number, total: number, what: string) => void;
}

/** A variant at a distance. */
interface Entry {
  readonly scenario: Scenario;
  readonly variant: string;
  readonly world: WorldName;
  readonly label: string;
}

/** What there is to measure: every variant at each distance where it makes sense. */
export function benchEntries(
  scenarios: readonly Scenario[],
  { worlds, text = "", nearest = false }: Pick<BenchOptions, "worlds" | "text" | "nearest">,
): Entry[] {
  return scenarios.flatMap((scenario) => {
    const taken = new Set<string>();
    return scenario.worlds.filter((world) => worlds.includes(world) && world !== "simulation")
      .flatMap((world) =>
        Object.keys(scenario.variants)
          .filter((variant) => new Subject(scenario, variant).worlds.includes(world))
          .filter((variant) => !nearest || !taken.has(variant) && taken.add(variant))
          .map((variant) => ({
            scenario,
            variant,
            world,
            label: `${scenario.name}/${variant} between ${world}`,
          }))
      );
  }).filter(({ label }) => label.includes(text));
}

/** Measures every variant of the scenarios at each distance where they make sense. */
export async function bench(
  scenarios: readonly Scenario[],
  options: BenchOptions,
): Promise<BenchResult[]> {
  const { time = 600, measuring } = options;
  const entries = benchEntries(scenarios, options);
  const results: BenchResult[] = [];
  await using distances = new Distances();
  for (const { scenario, world, variant, label } of entries) {
    measuring?.(results.length, entries.length, label);
    const parameters = time === 0 ? undefined : benchParameters(scenario, world);
    const subject = new Subject(scenario, variant, parameters);
    results.push(await benchOne(distances.get(world), subject, time));
  }
  return results;
}

/** Measures one variant at one distance: from the common start to the last end, each result checked. */
export async function benchOne(
  distance: Distance,
  subject: Subject,
  time: number,
): Promise<BenchResult> {
  let samples = 0;
  let wrong = 0;
  // The clock mitata reads: it stands still while a run is set up and while its result is checked.
  let clock = 0;
  const run = async (): Promise<number> => {
    const began = performance.now();
    const { outcome, elapsed } = await distance.free!(subject);
    // What came to no end took as long as it was waited for.
    const took = Number.isNaN(elapsed) ? performance.now() - began : elapsed;
    clock += took * 1e6;
    samples++;
    if (outcome.kind !== "passed") wrong++;
    return took * 1e6;
  };
  const started = performance.now();
  const first = await run();
  const whole = performance.now() - started;
  // Setting up may take longer than what is measured: the first run says how many there is time for.
  const { p25, p50, p75 } = whole >= time ? { p25: first, p50: first, p75: first } : await measure(
    async () => void await run(),
    {
      now: () => clock,
      min_cpu_time: time * 1e6,
      min_samples: 1,
      max_samples: Math.max(1, Math.min(MAX_SAMPLES, Math.floor(time / whole))),
      batch_threshold: 0,
    },
  );
  const { scenario, variantName, variant, parameters } = subject;
  return {
    scenario: scenario.name,
    variant: variantName,
    world: distance.name,
    parameters,
    expect: variant.expect,
    milliseconds: { p25: p25 / 1e6, p50: p50 / 1e6, p75: p75 / 1e6 },
    samples,
    wrong,
  };
}

/**
 * A hash of what the safe variants computed: the same on every machine and runtime as long as all of
 * them are right. What broken variants compute differs from run to run.
 */
export function resultHash(results: readonly BenchResult[]): string {
  const safe = results.filter((result) => result.expect === "safe");
  return hash(
    safe.map(({ scenario, variant, world, parameters, wrong }) =>
      JSON.stringify([scenario, variant, world, parameters, wrong === 0])
    ).join("\n"),
  );
}
