/**
 * What is to be closed when nobody uses it any more: `close` has been asked for, and of those who
 * began before that the last has ended. That happens once.
 */

/** See above. */
export class Uses {
  #count = 0;
  #close: (() => void) | undefined;

  /** Whether it is to be closed, or is. */
  get closing(): boolean {
    return this.#close !== undefined;
  }

  /** Begins a use, which ends when this is disposed of. */
  begin(): Disposable {
    this.#count++;
    let over = false;
    return {
      [Symbol.dispose]: () => {
        if (over) return;
        over = true;
        if (--this.#count === 0) this.#close?.();
      },
    };
  }

  /** Closes it by `close`, as soon as that may be. Does nothing the second time. */
  close(close: () => void): void {
    if (this.closing) return;
    this.#close = close;
    if (this.#count === 0) close();
  }
}
