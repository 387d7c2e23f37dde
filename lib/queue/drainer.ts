/**
 * Draining a queue again and again, until it is told to stop. While it runs there is either a drain
 * under way or a timer set, never both, so no two drains of one drainer overlap.
 *
 * @module
 */
import { Asker, type Retry } from "../_retry.ts";
import type { Host } from "../_host.ts";
import { tell } from "../_observers.ts";
import { checkDuration, checkFunction, checkOptions } from "../_options.ts";
import type { DrainOutcome } from "./outcomes.ts";

/** How to drain in the background. */
export interface DrainingOptions {
  /**
   * How long to pause between two looks at the queue, in milliseconds.
   *
   * @default 100
   */
  every?: number;
  /** Told of each drain that failed; the next one is tried all the same. */
  onError: (error: unknown) => void;
  /** Told of each drain that applied or set aside something. */
  onDrained?: (outcome: DrainOutcome) => void;
}

/** A drain in the background. `await using` stops it. */
export interface Drainer extends AsyncDisposable {
  /** Whether it was told to stop. */
  readonly stopped: boolean;
  /** Stops it, and resolves when the drain that is under way, if one is, has come to its end. */
  stop(): Promise<void>;
}

const DEFAULT_EVERY = 100;

/** The longest time a runtime's timer can be set for. */
const LONGEST_PAUSE = 2 ** 31 - 1;

/** What is drained, and with what. */
interface Draining {
  readonly host: Host;
  readonly drain: (signal: AbortSignal) => Promise<DrainOutcome>;
}

class BackgroundDrainer implements Drainer {
  readonly #drain: Draining["drain"];
  readonly #options: DrainingOptions;
  readonly #pause: Retry;
  readonly #asker: Asker;
  readonly #controller = new AbortController();
  #current: Promise<void>;

  constructor({ host, drain }: Draining, every: number, options: DrainingOptions) {
    this.#drain = drain;
    this.#options = options;
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

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #round(): Promise<void> {
    const { onError, onDrained } = this.#options;
    try {
      const outcome = await this.#drain(this.#controller.signal);
      const { drained, setAside } = outcome;
      if (onDrained !== undefined && drained + setAside.length > 0) tell(onDrained, outcome);
    } catch (error) {
      if (!this.stopped) tell(onError, error);
    }
    if (!this.stopped) this.#asker.askLater(this.#pause, true);
  }
}

/** Begins, when the options can be meant; see the top of the file. */
export function startDraining(
  draining: Draining,
  options: DrainingOptions,
  action: string,
): Drainer {
  checkOptions(options, action);
  const { every = DEFAULT_EVERY, onError, onDrained } = options ?? {};
  checkDuration("every", every, action);
  if (every > LONGEST_PAUSE) {
    throw new RangeError(`Cannot ${action}: every must be at most ${LONGEST_PAUSE}, got ${every}`);
  }
  checkFunction("onError", onError, action);
  if (onDrained !== undefined) checkFunction("onDrained", onDrained, action);
  return new BackgroundDrainer(draining, every, { onError, onDrained });
}
