/**
 * The strategies of the document on multi-writer scenarios of maph, side by side: processes that each
 * update a count in one file as often as they can, all at once, and what is there in the end.
 *
 * Whether a strategy is safe is not said but counted: the updates that the processes have made against
 * the number in the file. The one that coordinates nothing must lose some, or the race shows nothing.
 */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { makeTempDir } from "@std/fs/unstable-make-temp-dir";
import { remove } from "@std/fs/unstable-remove";
import { moduleBeside } from "../../lib/_module_urls.ts";
import { WorldError } from "../worlds/distance.ts";
import { MARK, onLines } from "../worlds/_lines.ts";
import { RedisServer, whyNoRedisServer } from "../worlds/_redis_server.ts";
import { runCommand, runtimes } from "../worlds/_runtimes.ts";
import {
  NumberFile,
  STRATEGY_NAMES,
  type StrategyName,
  type StrategyOrder,
} from "./_strategies.ts";
import type { FromRacer, RacerResult } from "./_strategy_main.ts";

export type { StrategyName };

/** How many processes race. */
export const RACERS = 4;

/** How often each strategy has its turn. */
const ROUNDS = 3;

/** What came of one strategy. */
export interface StrategyResult {
  readonly strategy: StrategyName;
  /** Whether it should lose nothing. */
  readonly expect: "safe" | "broken";
  /** Updates a second, of all processes together: the median of the rounds. */
  readonly throughput: number;
  /** How long one update took, in nanoseconds: half of them, and 99 % of them, no longer than this. */
  readonly latency: { readonly p50: number; readonly p99: number };
  /** Updates that were made, in all rounds. */
  readonly made: number;
  /** How many of them were not there in the end. */
  readonly lost: number;
  /** Reads a second beside the writer, of all processes together, where some only read. */
  readonly reads?: number;
}

/** What there is to say of the strategies. */
export interface StrategiesResult {
  readonly racers: number;
  readonly results: readonly StrategyResult[];
  /** Those that could not be measured here, and why. */
  readonly missing: readonly { readonly strategy: StrategyName; readonly why: string }[];
}

/** How to race. */
export interface StrategiesOptions {
  /** For how long each strategy is raced in each of its turns, in milliseconds. @default 500 */
  readonly time?: number;
  /** Told before each turn. */
  readonly measuring?: (done: number, total: number, what: string) => void;
}

/** One of the processes. */
class Racer {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  #resolve: (message: FromRacer) => void = () => {};
  #reject: (error: Error) => void = () => {};

  constructor() {
    const module = moduleBeside("_strategy_main", import.meta.url).href;
    const { command, args } = runCommand(runtimes()[0], module);
    const child = this.#child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
    child.stdin.on("error", () => {});
    const died = (why: string) =>
      this.#reject(new WorldError(`Cannot go on with the race: ${why}`));
    child.on("error", (error) => died(`a process cannot be started (${error.message})`));
    child.on("close", (code, signal) => died(`a process ended with ${signal ?? `code ${code}`}`));
    onLines(child.stdout, (line) => {
      const start = line.indexOf(MARK);
      if (start >= 0) this.#resolve(JSON.parse(line.slice(start + MARK.length)));
    });
  }

  /** What it says next. */
  async hears(): Promise<FromRacer> {
    const message = await new Promise<FromRacer>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    if (message.type === "failed") {
      throw new WorldError(`Cannot go on with the race: ${message.message}`);
    }
    return message;
  }

  tell(line: string): void {
    this.#child.stdin.write(`${line}\n`);
  }

  close(): void {
    this.#reject = () => {};
    this.#child.stdin.end();
  }
}

/** One turn of one strategy. */
interface Turn {
  readonly racers: readonly RacerResult[];
  readonly lost: number;
}

const all = <T, R>(of: readonly T[], each: (one: T, place: number) => Promise<R>): Promise<R[]> =>
  Promise.all(of.map(each));

async function race(
  racers: readonly Racer[],
  order: Omit<StrategyOrder, "place" | "folder">,
): Promise<Turn> {
  const folder = await makeTempDir({ prefix: "interlock-strategies-" });
  try {
    new NumberFile(folder).close();
    // One after the other, so that the first has its claim when the others ask for it.
    for (const [place, racer] of racers.entries()) {
      const ready = racer.hears();
      racer.tell(JSON.stringify({ ...order, place, folder } satisfies StrategyOrder));
      await ready;
    }
    const done = all(racers, (racer) => racer.hears());
    for (const racer of racers) racer.tell("go");
    const results = (await done).map((message) => (message as { result: RacerResult }).result);
    const made = sum(results.filter(({ writes }) => writes).map(({ count }) => count));
    const file = new NumberFile(folder, true);
    const there = sum(racers.map((_, place) => file.read(place)));
    file.close();
    return { racers: results, lost: made - there };
  } finally {
    await remove(folder, { recursive: true });
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);

/** Under which bound a share of the durations lies, in nanoseconds. */
function percentile(racers: readonly RacerResult[], share: number): number {
  const buckets = racers.flatMap(({ buckets }) => buckets).toSorted((a, b) => a.upTo - b.upTo);
  let left = Math.ceil(share * sum(buckets.map(({ count }) => count)));
  const found = buckets.find(({ count }) => (left -= count) <= 0);
  return (found?.upTo ?? 0) * 1e6;
}

function conclude(strategy: StrategyName, turns: readonly Turn[]): StrategyResult {
  const writers = turns.map(({ racers }) => racers.filter(({ writes }) => writes));
  const readers = turns.map(({ racers }) => racers.filter(({ writes }) => !writes));
  const rate = (sides: readonly (readonly RacerResult[])[]) => {
    const rates = sides.map((side) =>
      sum(side.map(({ count, elapsed }) => count / elapsed * 1000))
    );
    return rates.toSorted((a, b) => a - b)[rates.length >> 1];
  };
  return {
    strategy,
    expect: strategy === "no coordination" ? "broken" : "safe",
    throughput: rate(writers),
    latency: { p50: percentile(writers.flat(), 0.5), p99: percentile(writers.flat(), 0.99) },
    made: sum(writers.flat().map(({ count }) => count)),
    lost: sum(turns.map(({ lost }) => lost)),
    reads: readers.flat().length === 0 ? undefined : rate(readers),
  };
}

/**
 * Races the strategies, turn by turn: once through all of them, then backwards, and again.
 *
 * @throws {WorldError} when a process ends in the midst of it
 */
export async function raceStrategies(options: StrategiesOptions = {}): Promise<StrategiesResult> {
  const { time = 500, measuring } = options;
  const why = whyNoRedisServer();
  const missing = why === undefined ? [] : [{ strategy: "application coordination" as const, why }];
  const names = STRATEGY_NAMES.filter((name) => missing.every(({ strategy }) => strategy !== name));
  await using server = why === undefined ? await RedisServer.start() : undefined;
  const racers = Array.from({ length: RACERS }, () => new Racer());
  try {
    await all(racers, (racer) => racer.hears());
    const turns = new Map<StrategyName, Turn[]>(names.map((name) => [name, []]));
    let done = 0;
    for (let round = 0; round < ROUNDS; round++) {
      for (const name of round % 2 === 0 ? names : names.toReversed()) {
        measuring?.(done++, names.length * ROUNDS, name);
        turns.get(name)!.push(await race(racers, { strategy: name, redis: server?.url, time }));
      }
    }
    const results = names.map((name) => conclude(name, turns.get(name)!));
    return { racers: RACERS, results, missing };
  } finally {
    for (const racer of racers) racer.close();
  }
}
