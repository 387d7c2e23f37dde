/**
 * Several processes, a clock and a disk in one isolate.
 *
 * Whatever is built on `Host` runs in it unchanged: `FileLock`, say, in many processes at once, or a
 * store whose power is cut. Time is virtual, randomness comes from the seed, and nothing else is
 * waited for, so a run is the same each time and on every runtime.
 */
import { macrotask } from "../../engine/watchdog.ts";
import { SimulatedDisk } from "./_disk.ts";
import { Machine } from "./_machine.ts";
import { captureImage, findSurvivors } from "./_survivors.ts";
import type { IoStep, SimulatedProcess } from "./process.ts";
import type { VirtualClock } from "./virtual_clock.ts";

/** What a simulation is built with. */
export interface SimulationOptions {
  /**
   * What its processes' randomness and the outcome of `losePower()` come from.
   *
   * @default 1
   */
  seed?: number;
  /**
   * How many bytes of a file survive a power loss or are lost together. Small test data is torn as
   * large data would be when blocks are smaller still.
   *
   * @default 512, what a disk writes whole
   */
  blockSize?: number;
}

/** The disks that a power loss could leave, each in a simulation of its own. */
export interface SurvivingDisks {
  /** Different ones, with nothing running. */
  readonly all: readonly Simulation[];
  /** Whether these are all there can be; else they are a sample. */
  readonly complete: boolean;
}

const machines = new WeakMap<Simulation, Machine>();

/** What is inside a simulation. */
export function machineOf(simulation: Simulation): Machine {
  return machines.get(simulation)!;
}

/**
 * Several processes, a clock and a disk in one isolate, for whatever the library builds on its host:
 * processes can be killed, power can be lost, and 30 seconds pass at once.
 *
 * ### The model
 *
 * - **Time** moves only when nothing can run without it, to the next timer there is.
 * - **Processes** run from one `await` to the next without another coming between. What they write is
 *   seen by all at once. A killed process loses its descriptors, flocks and timers, and nothing else.
 * - **flock** belongs to the open file; a failed conversion drops what was held.
 * - **A power loss** kills every process. What was synced survives: a file's data by `sync` of the
 *   file, names by `syncFolder` of their folder (syncing a file makes no name durable). Data that was
 *   not synced survives block by block, each block in any version it had since its last sync, and
 *   the file's size likewise. Creates, renames and removes that were not synced survive each or not,
 *   a rename whole, so long as what they build on does: earlier changes of the same name or file.
 *   That is what POSIX promises and what file systems were found to do by Pillai et al. ("All File
 *   Systems Are Not Created Equal", OSDI 2014); most keep more, but not all keep the same.
 * - **Not in it**: rights, hard links, full disks, failing hardware, bytes that rot, stale data in
 *   blocks that were never written. Errors can be put in by `beforeStep`. What is asynchronous by
 *   other means than promises and its process's timers (`crypto.subtle`, sockets, real timers) is
 *   not waited for.
 *
 * @example A process is killed with a lock in its hands, and the next one gets it
 * ```ts
 * import { FileLock } from "@interlock/core";
 * import { Simulation } from "@interlock/core/lab";
 * import assert from "node:assert/strict";
 *
 * const simulation = new Simulation();
 * const [a, b] = [simulation.process("a"), simulation.process("b")];
 * await a.build(() => new FileLock("/lock")).write();
 * const waits = b.build(() => new FileLock("/lock")).write({ timeout: 30_000 });
 *
 * await simulation.run(20_000);
 * a.kill();
 * const guard = await simulation.finish(waits);
 * assert.equal(guard.mode, "write");
 * assert(simulation.clock.now() < 20_100, "though no second of ours has passed");
 * ```
 */
export class Simulation {
  readonly #machine: Machine;

  /** Starts with an empty disk, no process, and time at 0. */
  constructor({ seed = 1, blockSize = 512 }: SimulationOptions = {}) {
    this.#machine = new Machine(seed, new SimulatedDisk(blockSize));
    machines.set(this, this.#machine);
  }

  /** Virtual time. */
  get clock(): VirtualClock {
    return this.#machine.clock;
  }

  /** How many I/O steps there were. */
  get steps(): number {
    return this.#machine.steps;
  }

  /**
   * Told of each I/O step just before it is carried out. It may kill the process, and what it
   * throws the step throws: an `Error` with `code` ENOSPC, say.
   */
  get beforeStep(): ((step: IoStep) => void) | undefined {
    return this.#machine.beforeStep;
  }

  set beforeStep(callback: ((step: IoStep) => void) | undefined) {
    this.#machine.beforeStep = callback;
  }

  /**
   * Starts a process.
   *
   * @param name What it is called in reports.
   * @returns A host, to build things on by its `build`.
   */
  process(name?: string): SimulatedProcess {
    return this.#machine.process(name);
  }

  /** How a path's file is locked now, one entry for each open file that holds a flock on it. */
  locks(path: string): ("shared" | "exclusive")[] {
    return this.#machine.disk.locks(path);
  }

  /** Makes a symbolic link that is durable at once. */
  symlink(target: string, path: string): void {
    this.#machine.disk.symlink(target, path);
  }

  /** Makes all that is on the disk durable, as time does. */
  sync(): void {
    this.#machine.disk.sync();
  }

  /** Lets everything run that needs no time. */
  settle(): Promise<void> {
    return macrotask();
  }

  /**
   * Lets time pass.
   *
   * @param until The moment to stop at; without it time passes until no timer is set.
   */
  async run(until: number = Infinity): Promise<void> {
    const { clock } = this;
    await this.settle();
    while (clock.next !== undefined && clock.next <= until) {
      clock.advance();
      await this.settle();
    }
    if (until !== Infinity && until > clock.now()) clock.jump(until);
  }

  /**
   * Lets time pass until `promise` settles.
   *
   * @param until The moment at which it has waited too long.
   * @returns What it resolves to.
   * @throws {Error} when it waits though no timer is set: it would for ever
   * @throws {Error} when it still waits and the next timer is due after `until`
   * @throws what it rejects with
   */
  async finish<T>(promise: Promise<T>, until: number = Infinity): Promise<T> {
    let done = false;
    const mark = () => void (done = true);
    promise.then(mark, mark);
    await this.settle();
    while (!done) {
      const { next } = this.clock;
      if (next === undefined) {
        throw new Error("Cannot go on: it waits, and no timer is set that could end that");
      }
      if (next > until) throw new Error(`Cannot go on: it still waits after ${until} ms`);
      this.clock.advance();
      await this.settle();
    }
    return promise;
  }

  /**
   * The disks that a power loss could leave at this moment. Nothing is lost here.
   *
   * @param limit How many rows of choices are tried: if there are more, the disks are a sample,
   *   which the seed decides on, of at most so many.
   */
  survivors(limit: number = 1000): SurvivingDisks {
    const { seed, disk: { blockSize }, disk } = this.#machine;
    const { all, complete } = findSurvivors(captureImage(disk), { limit, seed });
    return {
      complete,
      all: all.map(({ names }) => {
        const after = new Simulation({ seed, blockSize });
        machineOf(after).disk = new SimulatedDisk(blockSize, names);
        return after;
      }),
    };
  }

  /**
   * Cuts the power: every process is killed, and of what was not synced something survives that the
   * seed decides on. Processes started afterwards find that disk.
   */
  losePower(): void {
    this.#machine.losePower();
  }
}
