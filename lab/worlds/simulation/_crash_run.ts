/**
 * One run of a program, and how it is cut short.
 *
 * A run is a row of events: its I/O steps and what its processes report. Before each event, and
 * after the last, is a *moment*, at which a process can be killed or power be lost; the process that
 * is killed is the one whose event would come next. What a program does between two events changes
 * nothing that survives, so there are no other moments.
 *
 * What always holds: up to its crash, a run has the same events as every other run of the program,
 * or it has a `fault`, which `#compare` finds: for what is found otherwise could not be repeated.
 */
import { hash } from "../../engine/mod.ts";
import type { KillPoint } from "./_crash_code.ts";
import { type DiskNames, SimulatedDisk } from "./_disk.ts";
import type { TakenStep } from "./_step.ts";
import { captureImage, type DiskImage } from "./_survivors.ts";
import type { CrashMachine, CrashProgram } from "./crash_program.ts";
import type { SimulatedProcess } from "./process.ts";
import { machineOf, Simulation } from "./simulation.ts";

/** An I/O step, or something that was reported. */
export type CrashEvent =
  | { readonly step: TakenStep; readonly process: SimulatedProcess }
  | { readonly report: unknown; readonly process: SimulatedProcess };

/** The disk at one moment, if power is lost then. */
export interface LossMoment {
  readonly moment: number;
  readonly image: DiskImage;
  /** How many values had been reported. */
  readonly reported: number;
}

/** What every run of a program is made from. */
export interface RunSettings {
  readonly seed: number;
  readonly blockSize: number;
  /** Until when a run and a check must end, in virtual milliseconds. */
  readonly timeLimit: number;
}

/** How a run differs from the first. */
export interface RunOptions {
  /** The events of a run before. */
  readonly expected?: readonly string[];
  /** Where a process is killed. */
  readonly kill?: KillPoint;
  /** At which moments the disk is wanted. */
  readonly capture?: (moment: number) => boolean;
  /** The disk to start on, if not an empty one. */
  readonly names?: DiskNames;
}

/** The program does not do the same each time. */
export class NondeterminismError extends Error {
  /** The class's name. */
  override readonly name = "NondeterminismError";
}

/** A value in a few words, whatever it is. */
export function show(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}

function describe(event: CrashEvent): string {
  const { name } = event.process;
  if (!("step" in event)) return `${name} reports ${show(event.report)}`;
  const { step } = event;
  return `${name} ${step}${step.data === undefined ? "" : ` #${hash(step.data.join())}`}`;
}

/** See the top of the file. */
export class CrashRun<T> {
  readonly simulation: Simulation;
  readonly events: CrashEvent[] = [];
  readonly reported: T[] = [];
  /** What `capture` asked for. */
  readonly losses: LossMoment[] = [];
  /** The events in words. */
  readonly texts: string[] = [];
  readonly #timeLimit: number;
  readonly #program: CrashProgram<T>;
  /** What the events were the first time; `undefined` when this is the first. */
  readonly #expected: readonly string[] | undefined;
  readonly #kill: KillPoint | undefined;
  readonly #capture: (moment: number) => boolean;
  #victim: string | undefined;
  /** What the set-up did, in words. */
  #before = "";
  #fault: NondeterminismError | undefined;

  constructor(
    program: CrashProgram<T>,
    { seed, blockSize, timeLimit }: RunSettings,
    { expected, kill, capture = () => false, names }: RunOptions = {},
  ) {
    this.simulation = new Simulation({ seed, blockSize });
    machineOf(this.simulation).disk = new SimulatedDisk(blockSize, names);
    this.#timeLimit = timeLimit;
    this.#program = program;
    this.#expected = expected;
    this.#kill = kill;
    this.#capture = capture;
  }

  /** Which process was killed. */
  get victim(): string | undefined {
    return this.#victim;
  }

  /** What shows that this is not the program it was before, whatever else went wrong for that. */
  get fault(): NondeterminismError | undefined {
    return this.#fault;
  }

  /** A hash of the set-up and of all events before a moment. */
  hashBefore(moment: number): string {
    return hash(this.#before + this.texts.slice(0, moment).join("\n"));
  }

  /** How many I/O steps there were before a moment. */
  stepsBefore(moment: number): number {
    return this.events.slice(0, moment).filter((event) => "step" in event).length;
  }

  /**
   * Runs the program to its end.
   *
   * @throws what one of its processes throws that was not killed, or that it waits for ever
   */
  async finish(): Promise<void> {
    const { simulation } = this;
    const machine = machineOf(simulation);
    const first = machine.process("set-up");
    machine.onStep = (step) => void (this.#before += `${describe({ step, process: first })}\n`);
    await simulation.finish((async () => await this.#program.setUp?.(first))());
    first.exit();
    simulation.sync();
    machine.steps = 0;
    machine.onStep = (step) => this.#come({ step, process: step.process });
    await simulation.finish(this.#main(), simulation.clock.now() + this.#timeLimit);
    machine.onStep = undefined;
    this.#atMoment();
    if (this.#victim === undefined && this.#expected !== undefined) this.#compare("the end");
  }

  async #main(): Promise<void> {
    const started: Promise<unknown>[] = [];
    const machine: CrashMachine<T> = {
      simulation: this.simulation,
      start: (name, main) => {
        const ended = this.#start(name, main);
        started.push(ended);
        // Thrown below; until then it is nobody's fault not to have looked.
        ended.catch(() => {});
        return ended;
      },
    };
    await this.#program.run(machine);
    for (const ended of started) await ended;
  }

  #start(
    name: string,
    main: (process: SimulatedProcess, report: (value: T) => void) => unknown,
  ): Promise<"returned" | "killed"> {
    const process = machineOf(this.simulation).process(name);
    const report = (value: T) => {
      process.assertRunning("report");
      this.#come({ report: value, process });
      process.assertRunning("report");
      this.reported.push(value);
    };
    return new Promise((resolve, reject) => {
      process.whenEnded(() => resolve(process.state as "returned" | "killed"));
      (async () => await main(process, report))().then(
        () => process.exit(),
        (error) => {
          // Too late for a killed process, whose code throws through no fault of its own.
          reject(error);
          process.exit();
        },
      );
    });
  }

  /** An event is about to happen. */
  #come(event: CrashEvent): void {
    const moment = this.events.length;
    if (this.#victim === undefined) this.#compare(describe(event));
    this.#atMoment();
    if (this.#victim === undefined && this.#kill?.moment === moment) {
      this.#victim = event.process.name;
      if (this.#kill.torn === undefined) return event.process.kill();
      if ("step" in event) event.step.torn = this.#kill.torn;
    }
    this.events.push(event);
    this.texts.push(describe(event));
  }

  #compare(text: string): void {
    const moment = this.events.length;
    const expected = this.#expected === undefined ? text : this.#expected[moment] ?? "the end";
    if (expected === text) return;
    this.#fault = new NondeterminismError(
      `Cannot explore crashes: event ${moment + 1} was ${JSON.stringify(expected)} and is ` +
        `${JSON.stringify(text)} in another run; take time and randomness from the process`,
    );
    throw this.#fault;
  }

  #atMoment(): void {
    const moment = this.events.length;
    if (this.#victim !== undefined || !this.#capture(moment)) return;
    const { disk } = machineOf(this.simulation);
    this.losses.push({ moment, image: captureImage(disk), reported: this.reported.length });
  }
}
