/** A subject whose actors are simulated processes, as the engine runs it. */
import type { Program, Run } from "../engine/mod.ts";
import { type Prepared, SimulatedRun } from "./_simulated_run.ts";
import { CRASH_DAEMONS } from "./_simulated_crash.ts";
import type { Subject } from "./scenario.ts";
import { DiskKeys } from "./simulation/_survivors.ts";
import { TIME } from "./_time.ts";

/** Each of its runs begins on the same disk. */
export class SimulatedProgram implements Program {
  readonly actors: readonly string[];
  readonly daemons: number;
  // No macrotask without progress is a sign of anything: time passes in them.
  readonly remote = true;
  readonly #subject: Subject;
  readonly #prepared: Prepared;
  readonly #deepest: number;
  readonly #keys = new DiskKeys();
  #current: SimulatedRun | undefined;

  /**
   * @param prepared The disk each run begins on.
   * @param deepest How often at most a crash is put off.
   */
  constructor(subject: Subject, prepared: Prepared, deepest: number) {
    this.actors = [...subject.actors, TIME, ...subject.mortal ? CRASH_DAEMONS : []];
    this.daemons = this.actors.length - subject.actors.length;
    this.#subject = subject;
    this.#prepared = prepared;
    this.#deepest = deepest;
  }

  /** How many steps of input and output there were at most between two choices of the last run. */
  get longest(): number {
    return this.#current?.longest ?? 0;
  }

  start(run: Run): void {
    this.#current?.close();
    const deepest = this.#deepest;
    this.#current = new SimulatedRun(this.#subject, this.#prepared, run, deepest, this.#keys);
    this.#current.start();
  }

  settle(): Promise<void> | undefined {
    return this.#current!.settle();
  }

  check(): Promise<string | undefined> {
    return this.#current!.check();
  }

  state(): string {
    return this.#current!.state();
  }

  abandon(): void {
    this.#current?.close();
  }
}
