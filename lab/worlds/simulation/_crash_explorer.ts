/**
 * One program whose crashes are explored: runs of it, the disks that are left, recovery and check.
 *
 * Recovery is a run like the program's own, on the disk that was left, so power can be lost in it
 * too. Every crash ends in `check`, on a machine where nothing else runs: a failure is the program's
 * own, and its code is all it takes to come to the same check again.
 */
import { CrashCodeError, encodeCrash, type KillPoint } from "./_crash_code.ts";
import { type CrashChapter, tellCrash } from "./_crash_report.ts";
import { CrashRun, type LossMoment, type RunOptions, type RunSettings } from "./_crash_run.ts";
import type { DiskNames } from "./_disk.ts";
import {
  captureImage,
  DiskKeys,
  findSurvivors,
  survive,
  type Survivor,
  type Survivors,
} from "./_survivors.ts";
import type { Crash, CrashFailure, CrashProgram } from "./crash_program.ts";
import { machineOf, type Simulation } from "./simulation.ts";

/** A disk that was left when power was lost. */
export interface Left<T> {
  /** What ran. */
  readonly run: CrashRun<T>;
  readonly loss: LossMoment;
  readonly survivor: Survivor;
  /** What the program had reported. */
  readonly reported: readonly T[];
  /** The power loss from which `run` was the recovery. */
  readonly earlier: Left<T> | undefined;
}

/** What came of one crash. */
export interface Outcome<T> {
  /** What ran last before the check. */
  readonly run: CrashRun<T>;
  readonly failure: CrashFailure | undefined;
}

/** Runs what may be wrong, and answers what was, if anything. */
async function attempt(run: () => Promise<void>): Promise<{ error: unknown } | undefined> {
  try {
    await run();
  } catch (error) {
    return { error };
  }
}

/** See the top of the file. */
export class Explorer<T> {
  readonly #keys = new DiskKeys();
  readonly #program: CrashProgram<T>;
  readonly #settings: RunSettings;

  constructor(program: CrashProgram<T>, settings: RunSettings) {
    this.#program = program;
    this.#settings = settings;
  }

  /** Whether power can be lost during recovery: there is one. */
  get recovers(): boolean {
    return this.#program.recover !== undefined;
  }

  /** Runs the program to its end, a process being killed on the way perhaps, and checks that. */
  async run(options: RunOptions = {}): Promise<Outcome<T>> {
    const { kill } = options;
    const run = new CrashRun(this.#program, this.#settings, options);
    let wrong = await attempt(() => run.finish());
    if (run.fault !== undefined) throw run.fault;
    const left = this.#namesNow(run.simulation);
    const crash = kill && "kill";
    wrong ??= await this.#check(run.simulation, crash, run.reported, true);
    if (wrong === undefined) return { run, failure: undefined };
    const failure = this.#failure(wrong.error, left, { crash, kill, run }, []);
    return { run, failure };
  }

  /** The disks that may be left at a moment. */
  survivors({ image }: LossMoment, limit: number): Survivors {
    return findSurvivors(image, { limit, seed: this.#settings.seed, keys: this.#keys });
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

  /**
   * Starts again on a disk that was left, recovers and checks.
   *
   * @param capture At which moments of recovery power may be lost.
   */
  async recover(left: Left<T>, capture?: (moment: number) => boolean): Promise<Outcome<T>> {
    const { names } = left.survivor;
    const recover = this.#program.recover ?? (() => {});
    const run = new CrashRun<T>(
      { run: (machine) => machine.start("recovery", recover), check: () => {} },
      this.#settings,
      { names, capture },
    );
    let wrong = await attempt(() => run.finish());
    const now = this.#namesNow(run.simulation);
    wrong ??= await this.#check(run.simulation, "power loss", left.reported, false);
    if (wrong === undefined) return { run, failure: undefined };
    const lefts: Left<T>[] = [];
    for (let one: Left<T> | undefined = left; one !== undefined; one = one.earlier) {
      lefts.unshift(one);
    }
    const failure = this.#failure(wrong.error, now, { crash: "power loss", run }, lefts);
    return { run, failure };
  }

  /** Recovers if that is wanted, and runs the program's check. */
  #check(
    simulation: Simulation,
    crash: Crash | undefined,
    reported: readonly T[],
    recover: boolean,
  ): Promise<{ error: unknown } | undefined> {
    const machine = machineOf(simulation);
    simulation.beforeStep = undefined;
    // What the program left running must not meddle.
    for (const process of machine.running) process.exit();
    const { recover: recovery = () => {}, check } = this.#program;
    const main = async () => {
      if (recover) {
        const process = machine.process("recovery");
        await recovery(process);
        process.exit();
      }
      await check({ process: machine.process("check"), simulation, reported, crash });
    };
    const until = simulation.clock.now() + this.#settings.timeLimit;
    return attempt(() => simulation.finish(main(), until));
  }

  #namesNow(simulation: Simulation): DiskNames {
    const image = captureImage(machineOf(simulation).disk);
    return survive(image, (options) => options - 1, this.#keys).names;
  }

  #failure(
    error: unknown,
    left: DiskNames,
    { crash, kill, run }: { crash: Crash | undefined; kill?: KillPoint; run: CrashRun<T> },
    lefts: readonly Left<T>[],
  ): CrashFailure {
    const { seed, blockSize } = this.#settings;
    const first = lefts[0]?.run ?? run;
    const moment = lefts[0]?.loss.moment ?? kill?.moment ?? 0;
    const losses = lefts.map(({ loss: { moment }, survivor: { choices } }) => ({
      moment,
      choices,
    }));
    const before = first.hashBefore(moment);
    const code = encodeCrash({ seed, blockSize, crash, kill, losses, before });
    const chapters: CrashChapter[] = lefts.map(({ run: { events }, loss, survivor }) => ({
      events,
      end: loss.moment,
      mark: "power lost",
      loss: { image: loss.image, survivor },
    }));
    // A write that is cut off is carried out in part, so the kill comes after it.
    const end = kill === undefined ? Infinity : kill.moment + (kill.torn === undefined ? 0 : 1);
    const { events, victim } = run;
    chapters.push({ events, end, mark: victim === undefined ? undefined : `${victim} killed` });
    const report = tellCrash({ crash, victim, chapters, left, blockSize, error, code });
    return { crash, steps: first.stepsBefore(moment), error, code, report };
  }
}
