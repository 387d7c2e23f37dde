/**
 * The distance of the simulation: each actor is a process of its own in one isolate, on a disk in
 * memory and in virtual time. It runs what processes run, and is explored as tasks are.
 */
import { LenientReplayStrategy, type Program, record } from "../engine/mod.ts";
import type { Distance, SteppedOptions } from "./distance.ts";
import { prepareDisk } from "./_process_medium.ts";
import { SimulatedProgram } from "./_simulated_program.ts";
import { BLOCK_SIZE, type Prepared } from "./_simulated_run.ts";
import type { Subject } from "./scenario.ts";
import { captureImage, DiskKeys, survive } from "./simulation/_survivors.ts";
import { machineOf, Simulation } from "./simulation/simulation.ts";

/** Where all that is shared lies on the simulated disk. */
const FOLDER = "/lab";

async function prepare(subject: Subject): Promise<Prepared> {
  const simulation = new Simulation({ blockSize: BLOCK_SIZE });
  const machine = machineOf(simulation);
  const process = machine.process("set-up");
  const storage = await simulation.finish(prepareDisk(process, FOLDER, subject));
  process.exit();
  const image = captureImage(machine.disk);
  const { names } = survive(image, (options) => options - 1, new DiskKeys());
  return { names, storage };
}

/** Simulated processes in this isolate. */
export class SimulationDistance implements Distance {
  readonly name = "simulation";
  readonly about = "simulated processes that share a simulated disk";

  async stepped(subject: Subject, options: SteppedOptions = {}): Promise<Program> {
    const prepared = await prepare(subject);
    const whole = new SimulatedProgram(subject, prepared, 0);
    if (options.wholeSteps || !subject.mortal) return whole;
    // In the midst of what can a crash come? One run tells how long operations are.
    await record(whole, new LenientReplayStrategy([]));
    return new SimulatedProgram(subject, prepared, Math.max(0, whole.longest - 1));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}
