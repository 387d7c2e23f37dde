/**
 * A schedule as one short string that can be pasted into a shell, an issue or a test.
 *
 * `il1.lost-update.unguarded.2-1.1k9x3fz.abab.x2f`: the version, the scenario, the variant, the
 * parameters in their declared order, a hash of the declared structure, one letter a step naming the
 * actor (followed by a count where one actor takes several steps in a row), and a checksum over all
 * of it. The structure is what is declared (actors, objects, parameters), not the source text, which
 * differs between runtimes; so a code made on one runtime, or at one distance, is good at the others.
 */

/** What a schedule code says. */
export interface Schedule {
  /** The scenario's name. */
  readonly scenario: string;
  /** The variant's name. */
  readonly variant: string;
  /** The parameters' values in their declared order. */
  readonly parameters: readonly number[];
  /** The hash of the declared structure. */
  readonly structure: string;
  /** The actor of each step. */
  readonly choices: readonly number[];
}

/** A string is not a schedule code, or not one for this program. */
export class ScheduleCodeError extends Error {
  /** Always `ScheduleCodeError`. */
  override readonly name = "ScheduleCodeError";
}

const VERSION = "il1";
const LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/** As many actors as there are letters for them. */
export const MAX_ACTORS: number = LETTERS.length;

/** More steps than any run has, so that a hostile count cannot fill the memory. */
const MAX_CHOICES = 1_000_000;

/** A hash of any string: FNV-1a, 32 bits, in base 36. The same on every runtime. */
export function hash(text: string): string {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  }
  return (value >>> 0).toString(36);
}

/** Writes a schedule as a code. */
export function encodeSchedule(schedule: Schedule): string {
  const { scenario, variant, parameters, structure, choices } = schedule;
  const body = [
    VERSION,
    scenario,
    variant,
    parameters.length === 0 ? "x" : parameters.join("-"),
    structure,
    choices.length === 0 ? "0" : encodeChoices(choices),
  ].join(".");
  return `${body}.${hash(body)}`;
}

/**
 * Reads a code.
 *
 * @throws {ScheduleCodeError} when the string is no code, is damaged, or is of another version.
 */
export function decodeSchedule(code: string): Schedule {
  const parts = code.trim().split(".");
  if (parts[0] !== VERSION) {
    if (/^il\d+$/.test(parts[0])) {
      throw new ScheduleCodeError(
        `Cannot read schedule code: it is of version ${parts[0]}, this is ${VERSION}`,
      );
    }
    throw new ScheduleCodeError(
      `Cannot read schedule code: ${quote(code)} is none; a code begins with "${VERSION}."`,
    );
  }
  if (parts.length !== 7) {
    throw new ScheduleCodeError(
      `Cannot read schedule code: it has ${parts.length} parts instead of 7; was it cut off?`,
    );
  }
  const [, scenario, variant, parameters, structure, choices, checksum] = parts;
  if (hash(parts.slice(0, -1).join(".")) !== checksum) {
    throw new ScheduleCodeError(
      "Cannot read schedule code: its checksum does not match; it was damaged or edited",
    );
  }
  return {
    scenario,
    variant,
    structure,
    parameters: parameters === "x" ? [] : parameters.split("-").map(decodeNumber),
    choices: choices === "0" ? [] : decodeChoices(choices),
  };
}

function encodeChoices(choices: readonly number[]): string {
  let text = "";
  for (let i = 0; i < choices.length;) {
    let end = i + 1;
    while (end < choices.length && choices[end] === choices[i]) end++;
    const letter = LETTERS[choices[i]];
    const count = end - i;
    text += count === 1 ? letter : count === 2 ? letter + letter : letter + count;
    i = end;
  }
  return text;
}

function decodeChoices(text: string): number[] {
  const choices: number[] = [];
  if (!/^([A-Za-z]\d*)+$/.test(text)) {
    throw new ScheduleCodeError(`Cannot read schedule code: ${quote(text)} is no list of choices`);
  }
  for (const [, letter, digits] of text.matchAll(/([A-Za-z])(\d*)/g)) {
    const count = digits === "" ? 1 : Number(digits);
    if (!(choices.length + count <= MAX_CHOICES)) {
      throw new ScheduleCodeError(
        `Cannot read schedule code: it has more than ${MAX_CHOICES} steps`,
      );
    }
    const actor = LETTERS.indexOf(letter);
    for (let i = 0; i < count; i++) choices.push(actor);
  }
  return choices;
}

function decodeNumber(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new ScheduleCodeError(`Cannot read schedule code: ${quote(text)} is no whole number`);
}

function quote(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}
