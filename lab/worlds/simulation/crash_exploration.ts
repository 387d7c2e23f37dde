/**
 * Every crash of a program: each process killed, and the power lost, at every moment, with every disk
 * that may be left; after each the program's own check.
 *
 * For power losses one run is enough: the disk is captured at each moment on the way, and what may
 * be left of it is checked afterwards, each different disk once for each number of reports. For kills
 * the program is run again for every moment, since the others live on.
 */
import { Prng } from "../../engine/mod.ts";
import { CrashCodeError, decodeCrash, type KillPoint } from "./_crash_code.ts";
import { Explorer, type Left } from "./_crash_explorer.ts";
import type { CrashEvent } from "./_crash_run.ts";
import { Search } from "./_crash_search.ts";
import type { CrashFailure, CrashOptions, CrashProgram, CrashVerdict } from "./crash_program.ts";

/** Ten minutes, in which whoever polls has had every chance. */
const TIME_LIMIT = 600_000;

/** Every moment at which a process can be killed. */
function killPoints(events: readonly CrashEvent[]): KillPoint[] {
  return events.flatMap((event, moment) => {
    const blocks = "step" in event ? event.step.blocks : 0;
    return [
      { moment },
      ...Array.from({ length: Math.max(0, blocks - 1) }, (_, i) => ({
        moment,
        torn: i + 1,
      })),
    ];
  });
}

/** All of `items`, or as many as `limit`, drawn by the seed and in their order. */
function sample<E>(items: readonly E[], limit: number, seed: number): readonly E[] {
  if (items.length <= limit) return items;
  const prng = new Prng(seed);
  let wanted = limit;
  return items.filter((_, index) => {
    const take = prng.below(items.length - index) < wanted;
    if (take) wanted--;
    return take;
  });
}

/**
 * Explores the crashes of a program: kills each process and cuts the power at every moment, and runs
 * the program's check on what is left, on each disk that the model of {@linkcode Simulation} allows
 * after a power loss.
 *
 * One process is killed in each run, and the others live on. A moment is before an I/O step or a report, in the one order in which this seed's timers let the
 * processes run; and, for kills, after each block of a write over several. What there is more of than
 * the options allow is sampled, and the evidence says so.
 *
 * @param program What runs, and what must hold after each crash.
 * @param options Which crashes, how many, and what samples are drawn by.
 * @returns `broken` with the first crash after which the check throws, or `safe`; with evidence.
 * @throws {NondeterminismError} when the program does not do the same each time
 *
 * @example Writing in place loses data, and so does writing aside without `sync`
 * ```ts
 * import { type CrashProgram, exploreCrashes, type Files, replayCrash } from "@interlock/core/lab";
 * import assert from "node:assert/strict";
 *
 * function write(files: Files, path: string, text: string, sync: boolean) {
 *   const file = files.open(path, { create: true });
 *   file.write(new TextEncoder().encode(text), 0);
 *   if (sync) file.sync();
 *   file.close();
 * }
 * const editor = (save: (files: Files) => void): CrashProgram => ({
 *   setUp: ({ files }) => write(files, "/config", "old", true),
 *   run: (machine) => machine.start("editor", ({ files }) => save(files)),
 *   check: ({ process }) => {
 *     const text = new TextDecoder().decode(process.files.readFile("/config"));
 *     assert(text === "old" || text === "brand new", `the file says ${JSON.stringify(text)}`);
 *   },
 * });
 *
 * const inPlace = editor((files) => write(files, "/config", "brand new", true));
 * const { verdict, failure } = await exploreCrashes(inPlace);
 * assert.equal(verdict, "broken");
 * assert.equal((await replayCrash(inPlace, failure!.code))?.report, failure!.report);
 *
 * const aside = (sync: boolean) =>
 *   editor((files) => {
 *     write(files, "/config.new", "brand new", sync);
 *     files.rename("/config.new", "/config");
 *   });
 * assert.equal((await exploreCrashes(aside(false))).verdict, "broken");
 * const safe = await exploreCrashes(aside(true));
 * assert.equal(safe.verdict, "safe");
 * assert.match(safe.evidence, /^killed at all 5 moments of 5 I\/O steps; power lost at all 6/);
 * ```
 */
export async function exploreCrashes<T>(
  program: CrashProgram<T>,
  options: CrashOptions = {},
): Promise<CrashVerdict> {
  const { crashes = ["kill", "power loss"], moments = 1000, seed = 1 } = options;
  const { blockSize = 512, timeLimit = TIME_LIMIT } = options;
  const explorer = new Explorer(program, { seed, blockSize, timeLimit });
  const { run: first, failure } = await explorer.run();
  const { events, texts: expected } = first;
  const search = new Search(first.stepsBefore(events.length), options);
  if (failure !== undefined) return search.broken(failure, "run without a crash");

  if (crashes.includes("kill")) {
    const points = killPoints(events);
    const some = sample(points, moments, seed);
    for (const kill of some) {
      search.kills++;
      const { failure } = await explorer.run({ expected, kill });
      const tried = `killed at ${search.kills} of ${points.length} moments`;
      if (failure !== undefined) return search.broken(failure, tried);
    }
    search.passed("killed", some.length, points.length);
  }
  if (crashes.includes("power loss")) {
    const all = Array.from({ length: events.length + 1 }, (_, moment) => moment);
    const wanted = new Set(sample(all, moments, seed));
    const { run } = await explorer.run({ expected, capture: (moment) => wanted.has(moment) });
    const failure = await search.losses(explorer, run);
    const tried = `power lost at ${search.lost} of ${all.length} moments`;
    if (failure !== undefined) return search.broken(failure, `${tried}, ${search.disks} disks`);
    search.passed("power lost", wanted.size, all.length, search.left(explorer.recovers));
  }
  return search.safe();
}

/**
 * Repeats one crash of a program.
 *
 * @param program The program it was found in.
 * @param code The `code` of a {@linkcode CrashFailure}.
 * @param options The time limit it was found with, if not the default.
 * @returns What is wrong after that crash; `undefined` if nothing is any more.
 * @throws {CrashCodeError} when the code is damaged, or the program does not come to that moment by
 *   the same steps
 */
export async function replayCrash<T>(
  program: CrashProgram<T>,
  code: string,
  { timeLimit = TIME_LIMIT }: Pick<CrashOptions, "timeLimit"> = {},
): Promise<CrashFailure | undefined> {
  const { seed, blockSize, kill, losses: [first, ...again], before } = decodeCrash(code);
  const explorer = new Explorer(program, { seed, blockSize, timeLimit });
  const moment = first?.moment ?? kill?.moment ?? 0;
  const { run, failure } = await explorer.run({ kill, capture: (at) => at === first?.moment });
  if (run.events.length < moment || run.hashBefore(moment) !== before) {
    throw new CrashCodeError(
      `Cannot replay crash: the first ${moment} events are not those the code was made from`,
    );
  }
  if (first === undefined) return failure;
  let [loss] = run.losses;
  let left: Left<T> = {
    run,
    loss,
    survivor: explorer.choose(loss, first.choices),
    reported: run.reported.slice(0, loss.reported),
    earlier: undefined,
  };
  for (const { moment, choices } of again) {
    const { run } = await explorer.recover(left, (at) => at === moment);
    [loss] = run.losses;
    if (loss === undefined) {
      throw new CrashCodeError("Cannot replay crash: recovery does not take as many steps");
    }
    left = { ...left, run, loss, survivor: explorer.choose(loss, choices), earlier: left };
  }
  return (await explorer.recover(left)).failure;
}
