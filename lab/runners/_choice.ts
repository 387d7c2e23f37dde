/** What a command is about: which variants, and at which distances. */
import { findScenario, scenarios } from "../scenarios/mod.ts";
import {
  type Scenario,
  Subject,
  UsageError,
  whyNot,
  WORLD_NAMES,
  type WorldName,
} from "../worlds/mod.ts";
import { nearestWorld } from "./_nearest.ts";

/** A distance that cannot be had here, and why. */
export interface LeftOut {
  readonly world: WorldName;
  readonly why: string;
}

/**
 * Which distances to try: the one asked for, else all that can be had here.
 *
 * @param among The scenarios: a distance that none of them knows is not missed.
 * @throws {UsageError} when the one asked for cannot be had
 */
export function worldsOf(
  asked: WorldName | undefined,
  among: readonly Scenario[] = scenarios,
): { worlds: readonly WorldName[]; leftOut: readonly LeftOut[] } {
  if (asked !== undefined) {
    requireHere(asked);
    return { worlds: [asked], leftOut: [] };
  }
  const leftOut = WORLD_NAMES.flatMap((world) => {
    const why = whyNot(world);
    const known = among.some((scenario) => scenario.worlds.includes(world));
    return why === undefined || !known ? [] : [{ world, why }];
  });
  const missing = leftOut.map(({ world }) => world);
  return { worlds: WORLD_NAMES.filter((world) => !missing.includes(world)), leftOut };
}

/** Whether it can be run somewhere on this machine. */
export function isHere(subject: Subject): boolean {
  return whyNot(nearestWorld(subject)) === undefined;
}

function requireHere(world: WorldName): void {
  const why = whyNot(world);
  if (why !== undefined) throw new UsageError(`Cannot run anything between ${world}: ${why}`);
}

/** The variants that `scenario` or `scenario/variant` names. */
export function findSubjects(target: string, parameters?: Record<string, number>): Subject[] {
  const [name, variant, ...rest] = target.split("/");
  if (rest.length > 0) {
    throw new UsageError(`Cannot find "${target}": write scenario or scenario/variant`);
  }
  const scenario = findScenario(name);
  const names = variant === undefined ? Object.keys(scenario.variants) : [variant];
  return names.map((each) => new Subject(scenario, each, parameters));
}

/**
 * Sees to it that a variant can be run at a distance.
 *
 * @throws {UsageError} when it makes no sense there, or cannot be had here
 */
export function requireWorld({ label, scenario, worlds }: Subject, world: WorldName): void {
  if (worlds.includes(world)) return requireHere(world);
  const why = scenario.notes?.[world];
  throw new UsageError(
    `Cannot run ${label} between ${world}: it makes sense between ${worlds.join(", ")}${
      why === undefined ? "" : ` (${why})`
    }`,
  );
}
