/**
 * The tour: every variant of every scenario at every distance.
 *
 * Between tasks and in the simulation each variant is explored. What is found there is replayed, move
 * for move, by workers and by processes; what is safe is tried there in a sample of orders. Where
 * there is full speed there are also a few runs at full speed: a safe variant must come through them,
 * a broken one shows its rate.
 */
import type { TrialResult } from "../reports/mod.ts";
import { type Distance, openDistance, Subject } from "../worlds/mod.ts";
import type { Scenario, WorldName } from "../worlds/mod.ts";
import { TOUR_BUDGETS } from "./_budgets.ts";
import { isNear, nearestWorld } from "./_nearest.ts";
import { recallSchedule } from "./recall.ts";
import { investigate, reproduce, type TrialOptions } from "./trial.ts";

/** Orders tried step by step where each step is a message. */
const SAMPLE = 10;

/** Orders tried in the simulation of what is explored between tasks already. */
const SECOND_LOOK = 200;

/** Runs at full speed at each distance. */
const FREE_RUNS = 3;

/** The same where each run takes long: an actor is killed and started anew, or stopped for a while. */
const SLOW = { sample: 4, replays: 3, freeRuns: 1 };

/** What the tour tells while it goes. */
export interface TourListener {
  /** About to try something. */
  trying?(done: number, total: number, what: string): void;
  /** Tried it. */
  tried?(result: TrialResult): void;
}

/** What the tour is to cover. */
export interface TourOptions extends Pick<TrialOptions, "seed" | "showPassing"> {
  /** The distances. */
  worlds: readonly WorldName[];
  /** Where to find them open, and leave them so. @default opened and closed for this tour */
  distances?: Distances;
}

/** Tries every variant of the scenarios, at each distance where they make sense. */
export async function tour(
  scenarios: readonly Scenario[],
  options: TourOptions,
  listener: TourListener = {},
): Promise<TrialResult[]> {
  const results: TrialResult[] = [];
  const stops = scenarios.flatMap((scenario) =>
    Object.keys(scenario.variants).map((variant) => {
      const subject = new Subject(scenario, variant);
      return { subject, worlds: subject.worlds.filter((world) => options.worlds.includes(world)) };
    })
  );
  const total = stops.reduce((sum, { worlds }) => sum + worlds.length, 0);
  await using own = options.distances === undefined ? new Distances() : undefined;
  const distances = options.distances ?? own!;
  for (const { subject, worlds } of stops) {
    const known = new Nearest(distances, subject, options);
    for (const world of worlds) {
      listener.trying?.(results.length, total, `${subject.label} between ${world}`);
      const result = await known.at(world);
      results.push(result);
      listener.tried?.(result);
    }
  }
  return results;
}

/**
 * One variant, tried at any distance: explored where that is fast, and farther away by what was found
 * nearest.
 */
export class Nearest {
  readonly #distances: Distances;
  readonly #subject: Subject;
  readonly #options: Pick<TourOptions, "seed" | "showPassing">;
  readonly #explored = new Map<string, Promise<TrialResult>>();

  /** Nothing is tried yet. */
  constructor(
    distances: Distances,
    subject: Subject,
    options: Pick<TourOptions, "seed" | "showPassing">,
  ) {
    this.#distances = distances;
    this.#subject = subject;
    this.#options = options;
  }

  /** What comes of trying it at a distance. */
  async at(world: WorldName): Promise<TrialResult> {
    if (isNear(world)) return await this.#explore(world);
    const subject = this.#subject;
    const nearest = nearestWorld(subject);
    const known = isNear(nearest) ? (await this.#replayable(nearest)).schedule : undefined;
    return await tryFarther(this.#distances.get(world), subject, known, this.#options);
  }

  /** What comes of exploring it nearby, in a form that can be replayed farther away. */
  #replayable(nearest: WorldName): Promise<TrialResult> {
    if (nearest !== "simulation" || !this.#subject.mortal) return this.#explore(nearest);
    return this.#explore(nearest, true);
  }

  #explore(world: WorldName, wholeSteps = false): Promise<TrialResult> {
    const key = `${world} ${wholeSteps}`;
    let result = this.#explored.get(key);
    if (result === undefined) {
      const { seed, showPassing } = this.#options;
      const distance = this.#distances.get(world);
      const budget = world === nearestWorld(this.#subject) ? TOUR_BUDGETS[world] : SECOND_LOOK;
      const how = { seed, budget, wholeSteps, showPassing, freeRuns: FREE_RUNS };
      result = investigate(distance, this.#subject, how);
      this.#explored.set(key, result);
    }
    return result;
  }
}

/** Tries a variant where each step is a message: by the schedule found nearer, or by a sample. */
export async function tryFarther(
  distance: Distance,
  subject: Subject,
  schedule: string | undefined,
  { seed }: Pick<TourOptions, "seed">,
): Promise<TrialResult> {
  const freeRuns = subject.slow ? SLOW.freeRuns : FREE_RUNS;
  if (schedule === undefined) {
    const budget = subject.slow ? SLOW.sample : SAMPLE;
    return await investigate(distance, subject, { seed, budget, freeRuns });
  }
  const known = await recallSchedule(schedule, { among: [subject.scenario] });
  return await reproduce(distance, known, subject.slow ? SLOW.replays : undefined, freeRuns);
}

/** Distances that are opened when first asked for and closed together. */
export class Distances implements AsyncDisposable {
  readonly #open = new Map<WorldName, Distance>();

  /** The distance of that name. */
  get(name: WorldName): Distance {
    let distance = this.#open.get(name);
    if (distance === undefined) this.#open.set(name, distance = openDistance(name));
    return distance;
  }

  /** Closes all that were opened. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#open.values()].map((distance) => distance[Symbol.asyncDispose]()));
  }
}
