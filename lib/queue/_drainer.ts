/**
 * Draining a queue again and again, until it is told to stop. While it runs there is either a drain
 * under way or a timer set, never both, so no two drains of one drainer overlap.
 */
import { Asker, type Retry } from "../_file_retry.ts";
import type { Host } from "../_host.ts";
import { tell } from "../_observers.ts";

/** What a drainer does, and whom it tells. */
export interface Draining {
  drain(signal: AbortSignal): Promise<void>;
  onError(error: unknown): void;
}

/** See the top of the file. */
export class BackgroundDrainer {
  readonly #draining: Draining;
  readonly #pause: Retry;
  readonly #asker: Asker;
  readonly #controller = new AbortController();
  #current: Promise<void>;

  constructor(host: Host, every: number, draining: Draining) {
    this.#draining = draining;
    this.#pause = { min: every, max: every };
    this.#asker = new Asker(host, () => this.#current = this.#round());
    this.#current = this.#round();
  }

  get stopped(): boolean {
    return this.#controller.signal.aborted;
  }

  async stop(): Promise<void> {
    this.#controller.abort();
    this.#asker.stop();
    await this.#current;
  }

  async #round(): Promise<void> {
    try {
      await this.#draining.drain(this.#controller.signal);
    } catch (error) {
      if (!this.stopped) tell((reason) => this.#draining.onError(reason), error);
    }
    if (!this.stopped) this.#asker.askLater(this.#pause, true);
  }
}
