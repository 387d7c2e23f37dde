/**
 * What the processes of a simulation share: time, a disk, and the count of their I/O steps.
 *
 * `step` is the only way to the disk, and the only place where a process can be killed, or an error
 * be put in, in the midst of what it does.
 */
import { Prng } from "../../engine/mod.ts";
import { SimulatedDisk } from "./_disk.ts";
import { Process } from "./_process.ts";
import { TakenStep } from "./_step.ts";
import { captureImage, DiskKeys, survive } from "./_survivors.ts";
import type { IoAction, IoStep } from "./process.ts";
import { VirtualClock } from "./virtual_clock.ts";

/** See above. */
export class Machine {
  readonly clock: VirtualClock = new VirtualClock();
  /** The processes that run now. */
  readonly running: Set<Process> = new Set();
  /** The user's: told of each step before it is carried out, and may throw. */
  beforeStep: ((step: IoStep) => void) | undefined = undefined;
  /** The explorer's: told after it, of steps that the user lets happen. */
  onStep: ((step: TakenStep) => void) | undefined = undefined;
  /** How many steps there were. */
  steps = 0;
  readonly #prng: Prng;
  #processes = 0;

  constructor(readonly seed: number, public disk: SimulatedDisk) {
    this.#prng = new Prng(seed);
  }

  /** Starts a process. */
  process(name: string = `process ${this.#processes + 1}`): Process {
    // Each has randomness of its own, so that what one draws does not depend on the others.
    const seed = this.seed ^ Math.imul(++this.#processes, 0x9e3779b9);
    const process = new Process(this, name, seed);
    this.running.add(process);
    process.whenEnded(() => this.running.delete(process));
    return process;
  }

  /** Notes a step of a process that is about to be carried out. */
  step(
    process: Process,
    action: IoAction,
    path: string,
    detail: string = "",
    data?: Uint8Array,
    blocks?: number,
  ): TakenStep {
    process.assertRunning(action, path);
    const step = new TakenStep(++this.steps, process, action, path, detail, data, blocks);
    this.beforeStep?.(step);
    this.onStep?.(step);
    // Either may have killed it.
    process.assertRunning(action, path);
    return step;
  }

  /** Kills everything and leaves a disk that the seed chooses among those that may be left. */
  losePower(): void {
    const choose = (options: number) => this.#prng.below(options);
    const { names } = survive(captureImage(this.disk), choose, new DiskKeys());
    for (const process of this.running) process.kill();
    this.disk = new SimulatedDisk(this.disk.blockSize, names);
  }
}
