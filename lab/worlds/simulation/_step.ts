/** I/O steps as the simulation keeps them. */
import type { Written } from "./_file_data.ts";
import type { NameChange } from "./_nodes.ts";
import type { IoAction, IoStep, SimulatedProcess } from "./process.ts";

/** An I/O step, and what came of it once it has been carried out. */
export class TakenStep implements IoStep {
  /** What it did to the disk. */
  effects: readonly (NameChange | Written)[] = [];
  /** What came of it, for people. */
  outcome = "";
  /**
   * Set to a number of blocks beforehand, a write is cut off after them and its process killed: the
   * kernel lets a signal kill a process in the midst of a long write.
   */
  torn: number | undefined = undefined;

  constructor(
    readonly number: number,
    readonly process: SimulatedProcess,
    readonly action: IoAction,
    readonly path: string,
    readonly detail: string,
    readonly data?: Uint8Array,
    /** How many blocks a write touches. */
    readonly blocks: number = 0,
  ) {}

  /** The step in words. */
  toString(): string {
    return `${this.action} ${this.path}${this.detail && ` ${this.detail}`}`;
  }
}
