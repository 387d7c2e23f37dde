/**
 * One program whose crashes are explored: runs of it, the disks that are left, and its check.
 *
 * Every crash ends in `check`, on a machine where nothing else runs, so a failure is the program's
 * own and its code is all it takes to come to the same check again.
 */
import { CrashCodeError, type CrashPoint, encodeCrash } from "./_crash_code.ts";
import { tellCrash } from "./_crash_report.ts";
import { CrashRun, type LossMoment, type RunOptions, type RunSettings } from "./_crash_run.ts";
import { SimulatedDisk } from "./_disk.ts";
import {
  captureImage,
  type DiskImage,
  DiskKeys,
  findSurvivors,
  survive,
  type Survivor,
  type Survivors,
} from "./_survivors.ts";
import type { AfterCrash, CrashFailure, CrashProgram } from "./crash_program.ts";
import { machineOf, Simulation } from "./simulation.ts";

/** What was wrong, if anything was. */
interface Wrong {
  readonly error: unknown;
}

/** Runs what may be wrong. */
async function attempt(run: () => Promise<void>): Promise<Wrong | undefined> {
  try {
    await run();
  } catch (error) {
    return { error };
  }
}

/** Runs the program's check on what `simulation` has on its disk. */
function check<T>(
  program: CrashProgram<T>,
  simulation: Simulation,
  { crash, reported }: Pick<AfterCrash<T>, "crash" | "reported">,
  timeLimit: number,
): Promise<Wrong | undefined> {
  const machine = machineOf(simulation);
  machine.onStep = undefined;
  simulation.beforeStep = undefined;
  // What the program left running must not meddle with the check.
  for (const process of machine.running) process.exit();
  const process = machine.process("check");
  return attempt(() =>
    simulation.finish(
      (async () => void await program.check({ process, simulation, reported, crash }))(),
      simulation.clock.now() + timeLimit,
    )
  );
}

/** One program being explored, or one crash of it repeated. */
export class Explorer<T> {
  readonly #keys = new DiskKeys();
  readonly #program: CrashProgram<T>;
  readonly #settings: RunSettings;

  constructor(program: CrashProgram<T>, settings: RunSettings) {
    this.#program = program;
    this.#settings = settings;
  }

  /** Runs the program to its end, a process being killed at `point`, and checks what comes of it. */
  async run(
    point: CrashPoint,
    options: Omit<RunOptions, "point"> = {},
  ): Promise<{ run: CrashRun<T>; failure: CrashFailure | undefined }> {
    const { crash } = point;
    const run = new CrashRun(this.#program, this.#settings, {
      ...options,
      point: crash === "kill" ? point : undefined,
    });
    let wrong = await attempt(() => run.finish());
    if (run.fault !== undefined) throw run.fault;
    const left = captureImage(machineOf(run.simulation).disk);
    const { reported } = run;
    const { timeLimit } = this.#settings;
    wrong ??= await check(this.#program, run.simulation, { crash, reported }, timeLimit);
    if (wrong === undefined) return { run, failure: undefined };
    const newest = survive(left, (options) => options - 1, this.#keys);
    return { run, failure: this.#failure(run, point, wrong, newest) };
  }

  /** The disks that may be left at a moment. */
  survivors({ image }: LossMoment, limit: number): Survivors {
    return findSurvivors(image, { limit, seed: this.#settings.seed, keys: this.#keys });
  }

  /** Starts again on a disk that was left, and checks that. */
  async lose(
    run: CrashRun<T>,
    { moment, image, reported }: LossMoment,
    survivor: Survivor,
  ): Promise<CrashFailure | undefined> {
    const { seed, blockSize, timeLimit } = this.#settings;
    const simulation = new Simulation({ seed, blockSize });
    machineOf(simulation).disk = new SimulatedDisk(blockSize, survivor.names);
    const before = run.reported.slice(0, reported);
    const wrong = await check(this.#program, simulation, {
      crash: "power loss",
      reported: before,
    }, timeLimit);
    return wrong && this.#failure(run, { crash: "power loss", moment }, wrong, survivor, image);
  }

  /** The disk that some choices leave. */
  choose({ image }: LossMoment, choices: readonly number[]): Survivor {
    let next = 0;
    const refuse = (): never => {
      throw new CrashCodeError("Cannot replay crash: its choices are not this program's");
    };
    const survivor = survive(image, (options) => {
      const choice = choices[next++];
      return choice < options ? choice : refuse();
    }, this.#keys);
    return next === choices.length ? survivor : refuse();
  }

  #failure(
    run: CrashRun<T>,
    point: CrashPoint,
    { error }: Wrong,
    left: Survivor,
    image?: DiskImage,
  ): CrashFailure {
    const { crash, moment } = point;
    const { seed, blockSize } = this.#settings;
    const code = encodeCrash({
      ...point,
      seed,
      blockSize,
      choices: crash === "power loss" ? left.choices : [],
      before: run.hashBefore(moment),
    });
    const report = tellCrash({
      point,
      victim: run.victim,
      events: run.events,
      loss: image && { image, survivor: left },
      left: left.names,
      blockSize,
      error,
      code,
    });
    return { crash, steps: run.stepsBefore(moment), error, code, report };
  }
}
