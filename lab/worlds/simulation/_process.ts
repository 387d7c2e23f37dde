/**
 * One simulated process: a `Host` of its own, with its timers, its descriptors and its randomness.
 *
 * What always holds: a process that has ended does nothing any more. Its descriptors are closed,
 * which frees its flocks; its timers never fire; and whatever its code asks of the host throws
 * `ProcessEndedError`. JavaScript cannot be stopped in the middle of a line, so code of a killed
 * process runs on in memory up to its next call of the host; nothing it does there is seen by
 * others, as long as it speaks to them through the host or through what `exploreCrashes` hands it.
 */
import { Prng } from "../../engine/mod.ts";
import { type Files, type Timer, withHost } from "../../../lib/_host.ts";
import { simulatedFiles } from "./_files.ts";
import type { Machine } from "./_machine.ts";
import { ProcessEndedError, type SimulatedProcess } from "./process.ts";
import type { VirtualTimer } from "./virtual_clock.ts";

/** Something that has to be let go when its process ends. */
export interface Held {
  letGo(): void;
}

/** See above. */
export class Process implements SimulatedProcess {
  readonly name: string;
  readonly timeOrigin = 0;
  readonly files: Files;
  readonly #machine: Machine;
  readonly #prng: Prng;
  readonly #timers = new Set<VirtualTimer>();
  readonly #descriptors = new Set<Held>();
  readonly #whenEnded: (() => void)[] = [];
  #end: "returned" | "killed" | undefined = undefined;

  constructor(machine: Machine, name: string, seed: number) {
    this.name = name;
    this.#machine = machine;
    this.#prng = new Prng(seed);
    this.files = simulatedFiles(machine, this, this.#descriptors);
  }

  get descriptors(): number {
    return this.#descriptors.size;
  }

  get timers(): number {
    return this.#timers.size;
  }

  get state(): "running" | "returned" | "killed" {
    return this.#end ?? "running";
  }

  now(): number {
    this.assertRunning("read the clock");
    return this.#machine.clock.now();
  }

  setTimer(callback: () => void, ms: number): Timer {
    this.assertRunning("set a timer");
    const timer = this.#machine.clock.setTimer(() => {
      this.#timers.delete(timer);
      try {
        callback();
      } catch (error) {
        // Killed while it ran, its process has no one left to tell.
        if (this.#end === undefined) throw error;
      }
    }, Math.max(1, ms));
    this.#timers.add(timer);
    return timer;
  }

  clearTimer(timer: Timer): void {
    this.assertRunning("clear a timer");
    this.#timers.delete(timer as VirtualTimer);
    this.#machine.clock.clearTimer(timer as VirtualTimer);
  }

  random(): number {
    this.assertRunning("draw a number");
    return this.#prng.next() / 2 ** 32;
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void this.setTimer(resolve, ms));
  }

  build<R>(construct: () => R): R {
    return withHost(this, construct);
  }

  kill(): void {
    this.#finish("killed");
  }

  /** Ends the process as a return from its main function does. */
  exit(): void {
    this.#finish("returned");
  }

  /** Calls `callback` when the process ends. */
  whenEnded(callback: () => void): void {
    if (this.#end === undefined) this.#whenEnded.push(callback);
    else callback();
  }

  /** @throws {ProcessEndedError} when the process has ended */
  assertRunning(action: string, path: string = ""): void {
    if (this.#end === undefined) return;
    const end = this.#end === "killed" ? "was killed" : "has returned";
    throw new ProcessEndedError(
      `Cannot ${action}${path && ` ${path}`}: process ${this.name} ${end}`,
    );
  }

  #finish(end: "returned" | "killed"): void {
    if (this.#end !== undefined) return;
    for (const descriptor of this.#descriptors) descriptor.letGo();
    for (const timer of this.#timers) this.#machine.clock.clearTimer(timer);
    this.#timers.clear();
    this.#end = end;
    for (const callback of this.#whenEnded) callback();
  }
}
