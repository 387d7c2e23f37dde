/** What a program looks like whose crashes are explored, and what comes of it. */
import type { SimulatedProcess } from "./process.ts";
import type { Simulation } from "./simulation.ts";

/** How a run is cut short: one process is killed, or the power is lost for all. */
export type Crash = "kill" | "power loss";

/** A program whose crashes are explored, and what must hold after each. */
export interface CrashProgram<T = unknown> {
  /** Prepares the disk; what it leaves there is durable when `run` begins. */
  setUp?: (process: SimulatedProcess) => unknown;
  /**
   * Starts the processes. It is run many times and must do the same each time: randomness and time
   * come from its processes. Should one of them throw, the run has failed.
   */
  run: (machine: CrashMachine<T>) => unknown;
  /**
   * What a process does first on the disk that is left, before `check`. Power is lost during this
   * too, at every moment, and in the recovery after that, until no disk is left that was not yet.
   */
  recover?: (process: SimulatedProcess) => unknown;
  /** Throws if anything is wrong on the disk that is left. */
  check: (after: AfterCrash<T>) => unknown;
}

/** What `run` has at hand. */
export interface CrashMachine<T = unknown> {
  /** Where it all happens. */
  readonly simulation: Simulation;
  /**
   * Starts a process.
   *
   * @param name What it is called in reports.
   * @param main What it does; it ends when this returns. What it tells the world outside (a client,
   *   a printout) it passes to `report`: what was reported must not be taken back by a crash. When
   *   it is killed its promises may reject with `ProcessEndedError`, so none should be left
   *   without anyone to await it.
   * @returns How it ended, once it has.
   */
  start(
    name: string,
    main: (process: SimulatedProcess, report: (value: T) => void) => unknown,
  ): Promise<"returned" | "killed">;
}

/** What `check` finds. */
export interface AfterCrash<T = unknown> {
  /** A new process, on the disk that is left. */
  readonly process: SimulatedProcess;
  /** Where it runs, with nothing else if the power was lost. */
  readonly simulation: Simulation;
  /** What was reported before the crash, and after it by processes that were not killed. */
  readonly reported: readonly T[];
  /** What happened; `undefined` when nothing did. */
  readonly crash: Crash | undefined;
}

/** How a program's crashes are explored. */
export interface CrashOptions {
  /**
   * Which crashes.
   *
   * @default both
   */
  crashes?: readonly Crash[];
  /**
   * At how many moments at most, for each kind of crash; more are sampled.
   *
   * @default 1000
   */
  moments?: number;
  /**
   * How many rows of choices at most are tried of what survives a power loss at one moment; more
   * are sampled.
   *
   * @default 256
   */
  disks?: number;
  /**
   * How many disks at most are checked after power losses, in all.
   *
   * @default 20,000
   */
  checks?: number;
  /**
   * How long a run and a check may take, in virtual milliseconds: who still waits then waits for ever.
   *
   * @default 600,000, ten minutes
   */
  timeLimit?: number;
  /**
   * What samples and the processes' randomness come from.
   *
   * @default 1
   */
  seed?: number;
  /**
   * How many bytes of a file survive or are lost together.
   *
   * @default 512
   */
  blockSize?: number;
}

/** A crash after which something is wrong. */
export interface CrashFailure {
  /** What happened; `undefined` when it goes wrong without a crash. */
  readonly crash: Crash | undefined;
  /** How many I/O steps of the run had been taken. */
  readonly steps: number;
  /** What `check` threw, or `run` after a process was killed. */
  readonly error: unknown;
  /** What `replayCrash` repeats it by. */
  readonly code: string;
  /** The steps, what became of each, and what was left, for people. */
  readonly report: string;
}

/** What came of exploring a program's crashes. */
export interface CrashVerdict {
  /** Whether everything held, as far as `evidence` goes. */
  readonly verdict: "safe" | "broken";
  /** What was tried, in words. */
  readonly evidence: string;
  /** Whether that is every crash at every moment with every disk the model allows. */
  readonly complete: boolean;
  /** How many I/O steps a run takes. */
  readonly steps: number;
  /** How often a process was killed. */
  readonly kills: number;
  /** At how many moments power was lost. */
  readonly losses: number;
  /** How many different disks, with what had been reported, were left by power losses and checked. */
  readonly disks: number;
  /** The first crash after which something was wrong. */
  readonly failure?: CrashFailure;
}
