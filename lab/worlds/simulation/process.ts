/** What a simulation's user sees of its processes and of their I/O steps. */
import type { Host } from "../../../lib/_host.ts";

export type { FileId, Files, Host, OpenFile, OpenOptions, Timer } from "../../../lib/_host.ts";

/** A process that has ended asked something of its host. */
export class ProcessEndedError extends Error {
  /** The class's name. */
  override readonly name = "ProcessEndedError";
}

/** One simulated process: a `Host` of its own, on which anything of the library's can be built. */
export interface SimulatedProcess extends Host {
  /** What it is called in reports. */
  readonly name: string;
  /** Whether its code may still run, and if not, how it ended. */
  readonly state: "running" | "returned" | "killed";
  /** How many files it has open. */
  readonly descriptors: number;
  /** How many timers it has set. */
  readonly timers: number;
  /**
   * Constructs something of the library's that lives in this process.
   *
   * @param construct Must not be async: what it constructs before it returns is what counts.
   */
  build<R>(construct: () => R): R;
  /** Resolves `ms` virtual milliseconds from now; never if the process ends before. */
  sleep(ms: number): Promise<void>;
  /**
   * Ends the process as SIGKILL does: its files are closed, its flocks are free, its timers never
   * fire, and what its code still asks of the host throws `ProcessEndedError`. What it wrote stays,
   * for the system has it.
   */
  kill(): void;
}

/** What an I/O step does. */
export type IoAction =
  | "open"
  | "close"
  | "read"
  | "write"
  | "truncate"
  | "sync"
  | "lock"
  | "unlock"
  | "look at"
  | "list"
  | "make folder"
  | "rename"
  | "remove"
  | "sync folder";

/** One call of a process on its files, just before it is carried out. */
export interface IoStep {
  /** How many steps there were in the simulation, counting this one. */
  readonly number: number;
  /** Whose it is. */
  readonly process: SimulatedProcess;
  /** What it does. */
  readonly action: IoAction;
  /** What to. */
  readonly path: string;
  /** What else it was told, in words. */
  readonly detail: string;
  /** What a write writes. */
  readonly data?: Uint8Array;
}
