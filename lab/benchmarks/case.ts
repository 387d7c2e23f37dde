/** What the lab's own benchmarks are made of, apart from how they are measured. */

/** One way to do what a case is about. */
export interface Way {
  /** What it is called. */
  readonly name: string;
  /** Does all operations of a sample once, and answers what shows that they were done right. */
  run(): unknown;
  /**
   * Operations in one of its samples, where they are so slow that it does fewer.
   *
   * @default the case's
   */
  readonly operations?: number;
}

/** Ways to do the same, to be measured beside each other, and with nothing else in the same heap. */
export interface Case {
  /** Operations in one sample. */
  readonly operations: number;
  /** What every way must answer. */
  readonly expected: unknown;
  /** The ways; the others are compared with the first. */
  readonly ways: readonly Way[];
  /** Gives back what was taken to prepare it. */
  close?(): void | Promise<void>;
}

/** Makes a case ready, off the clock. */
export type PrepareCase = () => Case | Promise<Case>;
