/**
 * Notices a run that has stopped without the engine knowing why.
 *
 * Operations drive the run loop, so it needs no timer while actors do nothing but operations and
 * promises: all of a run happens within one macrotask. An actor that awaits anything else (a timer,
 * a socket) leaves the loop waiting, and the only sign is that a macrotask has passed in which
 * nothing moved. One immediate, shared by all runs that follow each other, looks for that.
 */
interface Watched {
  /** Grows with every step; `undefined` when there is no run to watch. */
  readonly progress: number | undefined;
  /** A whole macrotask passed in which nothing moved. */
  stalled(): void;
}

const immediate: (callback: () => void) => unknown =
  typeof (globalThis as { setImmediate?: unknown }).setImmediate === "function"
    ? (globalThis as unknown as { setImmediate(callback: () => void): unknown }).setImmediate
    : (callback) => setTimeout(callback, 0);

/** Resolves in a later macrotask, so that timers, input and output get their turn. */
export function macrotask(): Promise<void> {
  return new Promise((resolve) => immediate(resolve));
}

/** Watches one thing for macrotasks without progress. */
export class Watchdog {
  readonly #watched: Watched;
  #armed = false;
  #last: number | undefined;

  constructor(watched: Watched) {
    this.#watched = watched;
  }

  /** Goes on watching; cheap when it already does. */
  arm(): void {
    if (this.#armed) return;
    this.#armed = true;
    this.#last = this.#watched.progress;
    immediate(this.#look);
  }

  readonly #look = (): void => {
    this.#armed = false;
    const progress = this.#watched.progress;
    if (progress === undefined) return;
    if (progress === this.#last) this.#watched.stalled();
    if (this.#watched.progress !== undefined) this.arm();
  };
}
