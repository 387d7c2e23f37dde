import type { Program } from "../engine/mod.ts";
import type { Distance, Subject } from "../worlds/mod.ts";
import type { TrialOptions } from "./trial.ts";

/** A subject at a distance, to be run step by step as the options say. */
export async function programOf(
  distance: Distance,
  subject: Subject,
  { wholeSteps, maxSteps }: Pick<TrialOptions, "wholeSteps" | "maxSteps"> = {},
): Promise<Program> {
  const program = await distance.stepped(subject, { wholeSteps });
  if (maxSteps !== undefined) program.maxSteps = maxSteps;
  return program;
}
