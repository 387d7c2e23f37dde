/**
 * Scenarios as benchmarks: the variants of a scenario in free runs beside each other.
 *
 * What is timed is from the common start to the last actor's end; neither setting up nor checking is on
 * the clock. The result of every run is checked: speed without the right result is shown as what it is.
 *
 * The variants of a scenario at a distance take turns, a run each, in one round forwards and in the next
 * backwards, so that what sways the machine sways all of them; mitata decides how many rounds there are. A
 * ratio is the median of the rounds' own ratios. Nothing of the first round counts, in which code is
 * loaded and compiled, unless there is no time for another. A run that comes to no end has no time, for all
 * that could be told is how long it was waited for; its variant has no further turn.
 */
import { measure } from "mitata";
import { hash } from "../engine/mod.ts";
import type { BenchResult } from "../reports/mod.ts";
import { median, medianInterval, quantile } from "../reports/statistics.ts";
import {
  benchParameters,
  type Distance,
  type Scenario,
  Subject,
  type WorldName,
} from "../worlds/mod.ts";
import { hasPart } from "./_has_part.ts";
import { Distances } from "./tour.ts";

/** The variant that the others are compared with. */
const BASE = "unguarded";

/** Rounds enough for any median; a cap, for setting up may take longer than what is measured. */
const MAX_ROUNDS = 150;

/** With fewer rounds than that no interval holds a median with 95 % confidence: 1 - 2 / 2 ** 6. */
const INTERVAL_ROUNDS = 6;

/** How many times as long as it should a variant may be measured so that there is an interval. */
const PATIENCE = 2;

/** How many variants a smoke test runs at a time between tasks, most of which wait. */
const TOGETHER = 8;

/** How to measure. */
export interface BenchOptions {
  /** The distances. */
  worlds: readonly WorldName[];
  /**
   * How long to measure each variant at each distance, in milliseconds, setting up included; 0 is a
   * smoke test: one run with small parameters.
   *
   * @default 400
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
  }).filter(({ label }) => hasPart(label, text));
}

/** Measures every variant of the scenarios at each distance where they make sense. */
export async function bench(
  scenarios: readonly Scenario[],
  options: BenchOptions,
): Promise<BenchResult[]> {
  const { time = 400, measuring } = options;
  const entries = benchEntries(scenarios, options);
  const results = new Map<Entry, BenchResult>();
  await using distances = new Distances();
  const measureTogether = async (group: readonly Entry[]): Promise<void> => {
    const [{ scenario, world, label }] = group;
    const what = group.length === 1 ? label : `${scenario.name} between ${world}`;
    measuring?.(results.size, entries.length, what);
    const parameters = time === 0 ? undefined : benchParameters(scenario, world);
    const subjects = group.map(({ variant }) => new Subject(scenario, variant, parameters));
    const measured = await benchTogether(distances.get(world), subjects, time);
    group.forEach((entry, place) => results.set(entry, measured[place]));
  };
  const lanes = time === 0 ? smokeLanes(entries) : [groups(entries)];
  await Promise.all(lanes.map(async (lane) => {
    for (const group of lane) await measureTogether(group);
  }));
  return entries.map((entry) => results.get(entry)!);
}

/** The variants of each scenario at each distance. */
function groups(entries: readonly Entry[]): Entry[][] {
  return [...Map.groupBy(entries, ({ scenario, world }) => `${scenario.name} ${world}`).values()];
}

/** In a smoke test nothing is timed: so distances do not wait for each other, nor tasks for tasks. */
function smokeLanes(entries: readonly Entry[]): Entry[][][] {
  const lane = ({ world }: Entry, place: number) =>
    world === "tasks" ? `${world} ${place % TOGETHER}` : world;
  return [...Map.groupBy(entries, lane).values()].map((each) => each.map((entry) => [entry]));
}

/** A variant as it is measured. */
class Contestant {
  readonly subject: Subject;
  readonly #distance: Distance;
  /** How long each run took, in milliseconds; NaN where one came to no end. */
  times: number[] = [];
  #samples = 0;
  #wrong = 0;

  constructor(distance: Distance, subject: Subject) {
    this.#distance = distance;
    this.subject = subject;
  }

  /** Whether none of its runs came to no end. */
  get ends(): boolean {
    return !this.times.some(Number.isNaN);
  }

  async run(): Promise<void> {
    const { outcome, elapsed } = await this.#distance.free!(this.subject);
    this.times.push(elapsed);
    this.#samples++;
    if (outcome.kind !== "passed") this.#wrong++;
  }

  result(base: Contestant | undefined): BenchResult {
    const { scenario, variantName, variant, parameters } = this.subject;
    const times = this.times.filter((time) => !Number.isNaN(time)).sort((a, b) => a - b);
    const [p25, p50, p75] = [0.25, 0.5, 0.75].map((share) => quantile(times, share));
    return {
      scenario: scenario.name,
      variant: variantName,
      world: this.#distance.name,
      parameters,
      expect: variant.expect,
      milliseconds: times.length === 0 ? undefined : { p25, p50, p75 },
      timed: times.length,
      ratio: base === undefined ? undefined : this.#ratioTo(base),
      samples: this.#samples,
      wrong: this.#wrong,
    };
  }

  #ratioTo(base: Contestant): BenchResult["ratio"] {
    const ratios = this.times.map((time, round) => time / base.times[round])
      .filter((ratio) => Number.isFinite(ratio));
    if (ratios.length === 0) return undefined;
    const interval = ratios.length < INTERVAL_ROUNDS ? undefined : medianInterval(ratios);
    return { median: median(ratios), interval };
  }
}

/**
 * Measures variants of one scenario in turn at one distance.
 *
 * @param distance Where; it has runs at full speed.
 * @param subjects The variants, with their parameters.
 * @param time How long to measure each, in milliseconds, setting up included; 0 is a run of each.
 * @returns What came of each, in the order of `subjects`.
 */
export async function benchTogether(
  distance: Distance,
  subjects: readonly Subject[],
  time: number,
): Promise<BenchResult[]> {
  const all = subjects.map((subject) => new Contestant(distance, subject));
  const goOn: Contestant[] = [];
  const limit = time * PATIENCE;
  let whole = 0;
  for (const contestant of all) {
    let took = await timeOf(contestant);
    // The first run of all may have started processes and a server, which the next one finds running.
    if (took >= limit && time > 0 && contestant.ends) took = await timeOf(contestant);
    if (took >= limit || !contestant.ends) continue;
    goOn.push(contestant);
    whole += took;
  }
  if (goOn.length > 0 && time > 0) {
    for (const contestant of goOn) contestant.times = [];
    let rounds = 0;
    const round = async () => {
      for (const contestant of rounds++ % 2 === 0 ? goOn : goOn.toReversed()) {
        if (contestant.ends) await contestant.run();
      }
    };
    const altogether = time * goOn.length;
    await measure(round, {
      now: () => performance.now() * 1e6,
      gc: false as never,
      min_cpu_time: altogether * 1e6,
      min_samples: whole * INTERVAL_ROUNDS < altogether * PATIENCE ? INTERVAL_ROUNDS : 1,
      max_samples: MAX_ROUNDS,
      batch_threshold: 0,
    });
  }
  const base = goOn.find(({ subject }) => subject.variantName === BASE);
  return all.map((contestant) => {
    const beside = contestant !== base && goOn.includes(contestant);
    return contestant.result(beside ? base : undefined);
  });
}

/** Has a run, and answers how long that took with all that belongs to it, in milliseconds. */
async function timeOf(contestant: Contestant): Promise<number> {
  const started = performance.now();
  await contestant.run();
  return performance.now() - started;
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
