/** All scenarios that come with the lab. */
import { type Scenario, UsageError } from "../worlds/mod.ts";
import cancelledWaiter from "./cancelled_waiter_strands_readers.ts";
import crashWhileHolding from "./crash_while_holding.ts";
import deadlockTimeout from "./deadlock_timeout.ts";
import lostUpdate from "./lost_update.ts";

/** The scenarios in the order of the tour. */
export const scenarios: readonly Scenario[] = [
  lostUpdate,
  deadlockTimeout,
  cancelledWaiter,
  crashWhileHolding,
];

/**
 * Finds a scenario by its name.
 *
 * @param name The scenario's name.
 * @param among Where to look; left out, among those that come with the lab.
 * @throws {UsageError} when there is none of that name; the message lists those there are.
 */
export function findScenario(name: string, among: readonly Scenario[] = scenarios): Scenario {
  const found = among.find((scenario) => scenario.name === name);
  if (found !== undefined) return found;
  const names = among.map((scenario) => scenario.name).join(", ");
  throw new UsageError(`Cannot find scenario "${name}": there is ${names}`);
}
