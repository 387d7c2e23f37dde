/** Reading a schedule code: what it belongs to, and how its run goes where it was found. */
import {
  decodeSchedule,
  describeOutcome,
  type Recording,
  replay,
  type Schedule,
  ScheduleCodeError,
} from "../engine/mod.ts";
import { findScenario } from "../scenarios/mod.ts";
import { openDistance, type Scenario, Subject } from "../worlds/mod.ts";
import { nearestWorld } from "./_nearest.ts";

/** A schedule together with what it belongs to and the run it was made from. */
export interface KnownSchedule {
  /** What it belongs to. */
  readonly subject: Subject;
  /** What the code says. */
  readonly schedule: Schedule;
  /** The schedule's run between tasks. */
  readonly reference: Recording;
}

/** What a schedule code may belong to. */
export interface RecallOptions {
  /** The scenarios to look among. @default those that come with the lab */
  among?: readonly Scenario[];
  /** `scenario/variant` that the code must be for, if the caller has one in mind. */
  target?: string;
}

/**
 * Reads a schedule code, finds what it belongs to, and runs it once between tasks, so that a replay
 * further away can be compared with it step by step.
 *
 * @param code The schedule code.
 * @param options Where to look for its scenario, and what it must be for.
 * @throws {ScheduleCodeError} when it is no code, or for something else.
 * @throws {UsageError} when the scenario or variant does not exist here.
 */
export async function recallSchedule(
  code: string,
  { among, target }: RecallOptions = {},
): Promise<KnownSchedule> {
  const schedule = decodeSchedule(code);
  const label = `${schedule.scenario}/${schedule.variant}`;
  if (target !== undefined && target !== label) {
    throw new ScheduleCodeError(`Cannot replay schedule on ${target}: the code is for ${label}`);
  }
  const scenario = findScenario(schedule.scenario, among);
  const names = Object.keys(scenario.parameters);
  const parameters = Object.fromEntries(
    names.map((name, index) => [name, schedule.parameters[index]]),
  );
  const subject = new Subject(scenario, schedule.variant, parameters);
  if (names.length !== schedule.parameters.length || subject.structure !== schedule.structure) {
    throw new ScheduleCodeError(
      `Cannot replay schedule on ${label}: the code was made for another structure of it (${schedule.structure}, here it is ${subject.structure})`,
    );
  }
  await using nearest = openDistance(nearestWorld(subject));
  const reference = await replay(await nearest.stepped(subject), schedule.choices);
  if (reference.outcome.kind === "diverged") {
    throw new ScheduleCodeError(
      `Cannot replay schedule on ${label}: ${describeOutcome(reference.outcome)}`,
    );
  }
  return { subject, schedule, reference };
}
