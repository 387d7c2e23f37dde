/**
 * A crash as one short string.
 *
 * `ic1.1.512.p.2q:0x3-1.1k9x3fz.x2f`: the version, the seed, the block size, what happened, a hash of
 * what the program did up to there, and a checksum over all of it. What happened is `p` for power
 * lost, with the moment and the choices of what survived (and the same again for each time that power
 * was lost during recovery), `k` for killed, with the moment and perhaps the blocks after which a
 * write was cut off, or `n` for nothing.
 */
import { hash } from "../../engine/mod.ts";
import type { Crash } from "./crash_program.ts";

/** A string is not a crash code, or not one for this program. */
export class CrashCodeError extends Error {
  /** The class's name. */
  override readonly name = "CrashCodeError";
}

/** Where a process is killed. */
export interface KillPoint {
  /** How many events (I/O steps and reports) there were before. */
  readonly moment: number;
  /** After how many blocks the write that comes next is cut off. */
  readonly torn?: number;
}

/** Where power was lost, and what survived. */
export interface LossPoint {
  /** How many events there were before. */
  readonly moment: number;
  /** What survived. */
  readonly choices: readonly number[];
}

/** What a crash code says. */
export interface CrashRecipe {
  readonly seed: number;
  readonly blockSize: number;
  readonly crash: Crash | undefined;
  readonly kill?: KillPoint;
  /** The first during the run, the others during recovery from the one before. */
  readonly losses: readonly LossPoint[];
  /** The hash of what the program did before the first. */
  readonly before: string;
}

const VERSION = "ic1";

/** Writes a crash as a code. */
export function encodeCrash({ seed, blockSize, kill, losses, before }: CrashRecipe): string {
  const what = kill !== undefined
    ? `k${kill.moment.toString(36)}${kill.torn === undefined ? "" : `:${kill.torn}`}`
    : losses.length > 0
    ? `p${losses.map(encodeLoss).join("_")}`
    : "n";
  const body = [VERSION, seed, blockSize, what, before].join(".");
  return `${body}.${hash(body)}`;
}

/**
 * Reads a code.
 *
 * @throws {CrashCodeError} when the string is no code, is damaged, or is of another version
 */
export function decodeCrash(code: string): CrashRecipe {
  const parts = code.trim().split(".");
  if (parts[0] !== VERSION || parts.length !== 6) {
    throw new CrashCodeError(
      `Cannot read crash code: ${JSON.stringify(code.slice(0, 40))} is none of version ${VERSION}`,
    );
  }
  const [, seed, blockSize, what, before, checksum] = parts;
  if (hash(parts.slice(0, -1).join(".")) !== checksum) {
    throw new CrashCodeError(
      "Cannot read crash code: its checksum does not match; it was damaged or edited",
    );
  }
  const known = { seed: Number(seed), blockSize: Number(blockSize), before };
  const rest = what.slice(1);
  if (what[0] === "k") {
    const [moment, torn] = rest.split(":");
    const kill = {
      moment: parseInt(moment, 36),
      torn: torn === undefined ? undefined : Number(torn),
    };
    return { ...known, crash: "kill", kill, losses: [] };
  }
  if (what[0] === "n") return { ...known, crash: undefined, losses: [] };
  return { ...known, crash: "power loss", losses: rest.split("_").map(decodeLoss) };
}

/** The moment and the choices, each with how often it is made in a row if that is more than once. */
function encodeLoss({ moment, choices }: LossPoint): string {
  const runs: string[] = [];
  for (let i = 0; i < choices.length;) {
    let end = i + 1;
    while (end < choices.length && choices[end] === choices[i]) end++;
    runs.push(end - i === 1 ? `${choices[i]}` : `${choices[i]}x${end - i}`);
    i = end;
  }
  return `${moment.toString(36)}:${runs.join("-")}`;
}

function decodeLoss(text: string): LossPoint {
  const [moment, runs] = text.split(":");
  const choices = runs === "" ? [] : runs.split("-").flatMap((run) => {
    const [choice, count = 1] = run.split("x").map(Number);
    return Array.from({ length: count }, () => choice);
  });
  return { moment: parseInt(moment, 36), choices };
}
