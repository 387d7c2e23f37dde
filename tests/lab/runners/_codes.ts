/** The codes of all minimal failures that come with the lab; as a command it prints them as JSON. */
import { investigate, openDistance, type Scenario, scenarios, Subject } from "../../../lab/mod.ts";
import { isNear, nearestWorld } from "../../../lab/runners/_nearest.ts";
import type { WorldName } from "../../../lab/worlds/mod.ts";

/**
 * The schedule codes of all broken variants, by `scenario/variant`, each explored where it first makes
 * sense.
 *
 * @param where Which of them.
 */
export async function minimalCodes(
  where: (world: WorldName) => boolean,
  among: readonly Scenario[] = scenarios,
): Promise<Record<string, string | undefined>> {
  const codes: Record<string, string | undefined> = {};
  for (const scenario of among) {
    for (const [name, { expect }] of Object.entries(scenario.variants)) {
      const subject = new Subject(scenario, name);
      const world = nearestWorld(subject);
      if (expect === "safe" || !where(world)) continue;
      await using distance = openDistance(world);
      codes[subject.label] = (await investigate(distance, subject)).schedule;
    }
  }
  return codes;
}

if (import.meta.main) console.log(JSON.stringify(await minimalCodes(isNear)));
