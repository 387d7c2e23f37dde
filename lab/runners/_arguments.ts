/** What stands behind an option, read and checked. */
import { InvalidArgumentError } from "commander";
import { isWorldName, WORLD_NAMES, type WorldName } from "../worlds/mod.ts";
import { STRATEGY_NAMES, type StrategyName } from "./_make_strategy.ts";

/** The names of all distances, as help and complaints tell them. */
export const WORLDS: string = WORLD_NAMES.join(", ");

/** A distance. */
export function parseWorld(text: string): WorldName {
  if (isWorldName(text)) return text;
  throw new InvalidArgumentError(`The worlds are ${WORLDS}.`);
}

export function parseStrategy(text: string): StrategyName {
  const found = STRATEGY_NAMES.find((name) => name === text);
  if (found !== undefined) return found;
  throw new InvalidArgumentError(`The strategies are ${STRATEGY_NAMES.join(", ")}.`);
}

export function parseWhole(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value <= 0xffff_ffff) return value;
  throw new InvalidArgumentError("It takes a whole number from 0 to 4294967295.");
}

export function parsePositive(text: string): number {
  const value = parseWhole(text);
  if (value > 0) return value;
  throw new InvalidArgumentError("It takes a whole number from 1 to 4294967295.");
}

export function parseSetting(
  text: string,
  before: Record<string, number> = {},
): Record<string, number> {
  const match = /^([A-Za-z]\w*)=(\d+)$/.exec(text);
  if (match === null) {
    throw new InvalidArgumentError("Write it as name=value, with a whole number.");
  }
  return { ...before, [match[1]]: Number(match[2]) };
}
