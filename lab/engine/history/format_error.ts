/** A history that cannot be read, with the line that is to blame. */
export class HistoryFormatError extends SyntaxError {
  /** Tells it from other errors, also after it was sent to another thread. */
  override readonly name = "HistoryFormatError";
  /** The line, from 1. */
  readonly line: number;

  /**
   * Names the line and the problem.
   *
   * @param line The line, from 1.
   * @param problem What is wrong with it.
   */
  constructor(line: number, problem: string) {
    super(`Cannot read history: line ${line}: ${problem}`);
    this.line = line;
  }
}
