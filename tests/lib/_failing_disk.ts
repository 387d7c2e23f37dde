/** A simulated disk of which one step fails. */
import type { Simulation } from "../../lab/worlds/simulation/mod.ts";

/** How an operation went whose `n`th step was to fail. */
export interface Failing<T> {
  /** What it answered, or the error that it rejected with. */
  readonly outcome: T | Error;
  /** Whether the step failed. */
  readonly failed: boolean;
  /** Whether the operation has fewer steps than that, so that there is no later one to fail. */
  readonly beyond: boolean;
}

/** Begins an operation and lets its `n`th step fail as on a full disk; giving back always succeeds. */
export async function failingAt<T>(
  simulation: Simulation,
  n: number,
  operation: () => T | Promise<T>,
): Promise<Failing<T>> {
  const step = simulation.steps + n;
  let failed = false;
  simulation.beforeStep = ({ number, action }) => {
    if (number !== step || action === "unlock" || action === "close") return;
    failed = true;
    throw Object.assign(new Error("no space left"), { code: "ENOSPC" });
  };
  const outcome = await simulation.finish(
    Promise.resolve(operation()).catch((error: Error) => error),
  );
  simulation.beforeStep = undefined;
  return { outcome, failed, beyond: simulation.steps < step };
}
