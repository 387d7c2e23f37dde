import type { WorldName } from "../worlds/mod.ts";

/**
 * How many orders the tour tries where a variant is explored: enough for every one that is expected to
 * break to do so at any seed, and no more than all scenarios have time for.
 */
export const TOUR_BUDGETS: Readonly<Partial<Record<WorldName, number>>> = {
  tasks: 4_000,
  simulation: 1_000,
};
