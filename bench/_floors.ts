/** The least that the job can cost: what a lock that does nothing else would take. */

/** A mutex that is a flag and a queue of resolvers. No reader, no limit, no names, no guard. */
export class TinyFifo {
  #busy = false;
  #queue: (() => void)[] = [];
  #next = 0;

  /** Acquires at once and answers nothing, or answers what to wait for. */
  acquire(): Promise<void> | undefined {
    if (!this.#busy) {
      this.#busy = true;
      return undefined;
    }
    return new Promise((resolve) => this.#queue.push(resolve));
  }

  /** Hands over to the next, or frees. */
  release(): void {
    const queue = this.#queue;
    if (this.#next === queue.length) {
      this.#busy = false;
      return;
    }
    const resolve = queue[this.#next++];
    if (this.#next === queue.length) {
      queue.length = 0;
      this.#next = 0;
    }
    resolve();
  }
}
