/**
 * A crash as one short string.
 *
 * `ic1.1.512.p.2q.0x3-1.1k9x3fz.x2f`: the version, the seed, the block size, what happened (`p` for
 * power lost, `k` for killed, `n` for nothing), at which moment, the choices of what survived (or
 * after how many blocks a write was cut off), a hash of what the program did up to there, and a
 * checksum over all of it.
 */
import { hash } from "../../engine/mod.ts";
import type { Crash } from "./crash_program.ts";

/** A string is not a crash code, or not one for this program. */
export class CrashCodeError extends Error {
  /** The class's name. */
  override readonly name = "CrashCodeError";
}

/** A moment of a run, and what happens then. */
export interface CrashPoint {
  readonly crash: Crash | undefined;
  /** How many events (I/O steps and reports) there were before. */
  readonly moment: number;
  /** After how many blocks the write that comes next is cut off. */
  readonly torn?: number;
}

/** What a crash code says. */
export interface CrashRecipe extends CrashPoint {
  readonly seed: number;
  readonly blockSize: number;
  /** What survived a power loss. */
  readonly choices: readonly number[];
  /** The hash of what the program did before. */
  readonly before: string;
}

const VERSION = "ic1";
const KINDS = { "power loss": "p", kill: "k", none: "n" } as const;

/** Writes a crash as a code. */
export function encodeCrash(recipe: CrashRecipe): string {
  const { seed, blockSize, crash, moment, torn, choices, before } = recipe;
  const body = [
    VERSION,
    seed,
    blockSize,
    KINDS[crash ?? "none"],
    moment.toString(36),
    crash === "power loss" ? encodeChoices(choices) : torn ?? 0,
    before,
  ].join(".");
  return `${body}.${hash(body)}`;
}

/**
 * Reads a code.
 *
 * @throws {CrashCodeError} when the string is no code, is damaged, or is of another version
 */
export function decodeCrash(code: string): CrashRecipe {
  const parts = code.trim().split(".");
  if (parts[0] !== VERSION || parts.length !== 8) {
    throw new CrashCodeError(
      `Cannot read crash code: ${JSON.stringify(code.slice(0, 40))} is none of version ${VERSION}`,
    );
  }
  const [, seed, blockSize, kind, moment, choices, before, checksum] = parts;
  const crash = (["power loss", "kill"] as const).find((crash) => KINDS[crash] === kind);
  if (hash(parts.slice(0, -1).join(".")) !== checksum) {
    throw new CrashCodeError(
      "Cannot read crash code: its checksum does not match; it was damaged or edited",
    );
  }
  return {
    seed: Number(seed),
    blockSize: Number(blockSize),
    crash,
    moment: parseInt(moment, 36),
    torn: crash === "kill" && choices !== "0" ? Number(choices) : undefined,
    choices: crash === "power loss" ? decodeChoices(choices) : [],
    before,
  };
}

/** Choices, each followed by how often it is made in a row if that is more than once. */
function encodeChoices(choices: readonly number[]): string {
  const runs: string[] = [];
  for (let i = 0; i < choices.length;) {
    let end = i + 1;
    while (end < choices.length && choices[end] === choices[i]) end++;
    runs.push(end - i === 1 ? `${choices[i]}` : `${choices[i]}x${end - i}`);
    i = end;
  }
  return runs.join("-");
}

function decodeChoices(text: string): number[] {
  if (text === "") return [];
  return text.split("-").flatMap((run) => {
    const [choice, count = 1] = run.split("x").map(Number);
    return Array.from({ length: count }, () => choice);
  });
}
