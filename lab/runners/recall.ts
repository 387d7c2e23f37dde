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
import { programOf } from "./_program_of.ts";

/** A schedule and what it is to be run on, which may have another structure by now. */
export interface ReadSchedule {
  /** What it is run on. */
  readonly subject: Subject;
  /** What the code says. */
  readonly schedule: Schedule;
  /** After how many operations a run ends as endless, where that was said. */
  readonly maxSteps?: number;
}

/** A schedule together with what it belongs to and the run it was made from. */
export interface KnownSchedule extends ReadSchedule {
  /** The schedule's run between tasks. */
  readonly reference: Recording;
}

/** What a schedule code may belong to. */
export interface RecallOptions {
  /** The scenarios to look among. @default those that come with the lab */
  among?: readonly Scenario[];
  /** `scenario/variant` that the code must be for, if the caller has one in mind. */
  target?: string;
  /** After how many operations a run ends as endless. @default 10_000 */
  maxSteps?: number;
}

/**
 * Reads a schedule code and finds what it belongs to.
 *
 * @throws {ScheduleCodeError} when it is no code, or for something else.
 * @throws {UsageError} when the scenario or variant does not exist here, or takes other parameters.
 */
export function readSchedule(
  code: string,
  { among, target, maxSteps }: RecallOptions = {},
): ReadSchedule {
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
  return { subject: new Subject(scenario, schedule.variant, parameters), schedule, maxSteps };
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
  options: RecallOptions = {},
): Promise<KnownSchedule> {
  const { subject, schedule, maxSteps } = readSchedule(code, options);
  const { label } = subject;
  if (
    subject.values.length !== schedule.parameters.length || subject.structure !== schedule.structure
  ) {
    throw new ScheduleCodeError(
      `Cannot replay schedule on ${label}: the code was made for another structure of it (${schedule.structure}, here it is ${subject.structure})`,
    );
  }
  await using nearest = openDistance(nearestWorld(subject));
  const program = await programOf(nearest, subject, { maxSteps });
  const reference = await replay(program, schedule.choices);
  if (reference.outcome.kind === "diverged") {
    throw new ScheduleCodeError(
      `Cannot replay schedule on ${label}: ${describeOutcome(reference.outcome)}`,
    );
  }
  return { subject, schedule, reference, maxSteps };
}
