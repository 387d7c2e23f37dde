/** A signal that is only made when it is asked for: most functions that are handed one do not look. */
export class LazySignal {
  #controller: AbortController | undefined;
  #aborted: { reason: unknown } | undefined;

  /** The signal; aborted if that has been said. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#aborted !== undefined) this.#controller.abort(this.#aborted.reason);
    }
    return this.#controller.signal;
  }

  /** Aborts it. Does nothing the second time. */
  abort(reason: unknown): void {
    this.#aborted ??= { reason };
    this.#controller?.abort(reason);
  }
}
