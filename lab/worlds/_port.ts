/** Where the operations of an actor go, and what carries them out. */
import { macrotask, type Operation } from "../engine/mod.ts";

/** An operation together with how it is carried out. */
export interface Performable extends Operation {
  /** Carries it out here; left out when whoever lets the actor go carries it out. */
  readonly perform?: (argument: unknown) => unknown;
  /** Whether it can be carried out now; left out when it always can. */
  readonly ready?: () => boolean;
  /**
   * How long it may take by itself, in ms, without waiting for other actors; `Infinity` where it never
   * waits for any.
   *
   * @default 0
   */
  readonly takes?: number;
  /** Whether it is code of the user's own, which may wait for real timers, input and output. */
  readonly foreign?: boolean;
}

/** Where an actor's operations go. */
export interface Port {
  /** Whether somebody decides about each operation. */
  readonly stepped: boolean;
  /** The actor's name. */
  readonly actor: string;
  /** Aborted when the run is abandoned; gives up waits and guards with it. */
  readonly signal?: AbortSignal;
  /**
   * Carries an operation out when its time has come.
   *
   * What it performs may be asynchronous and may wait for other actors. In a stepped run it is then
   * one step if it comes to an end by itself, and else two: the second, the return, is possible once
   * it has come to its end.
   */
  operate(operation: Performable, argument: unknown): Promise<unknown>;
  /** What the actor stands before may have become ready. */
  readied(): void;
  /**
   * Told when the time is up that the actor is ready to wait for a lock, where whoever steers the run
   * keeps the time; left out where the lock itself does.
   */
  onExpiry?: () => void;
  /** The actor waits for up to so many milliseconds, and that is no standstill. */
  waits(ms: number): void;
}

/** How often it is looked whether a free run stands still, in ms. */
const TICK = 50;

/**
 * Notices that actors of a free run do nothing any more.
 *
 * It looks from time to time whether an operation was begun or has ended since. While it can look,
 * nothing in this isolate is on the move but timers, input and output: so actors that do nothing for
 * `patience` milliseconds of looking, and wait for no time of their own, will not go on unless others
 * help them.
 */
export class Standstill {
  /** Operations begun and ended. */
  moves = 0;
  readonly #timer: ReturnType<typeof setInterval>;
  #until = 0;

  /**
   * @param patience How long, in ms.
   * @param tell Told again and again, as long as it lasts.
   */
  constructor(patience: number, tell: () => void) {
    let seen = 0;
    let idle = 0;
    this.#timer = setInterval(() => {
      if (this.moves === seen && performance.now() > this.#until) idle += TICK;
      else idle = 0;
      seen = this.moves;
      if (idle < patience) return;
      idle = 0;
      tell();
    }, TICK);
  }

  /** Somebody waits for so many milliseconds. */
  waits(ms: number): void {
    this.#until = Math.max(this.#until, performance.now() + ms);
  }

  /** Looks no more. */
  end(): void {
    clearInterval(this.#timer);
  }
}

/** After so many operations timers, input and output get their turn, in operations less one. */
const TURN = 0xfff;

/** A port for free runs: everything is carried out at once. */
export class FreePort implements Port {
  readonly stepped = false;
  readonly actor: string;
  readonly #still: Standstill;
  #closed = false;

  constructor(actor: string, still: Standstill) {
    this.actor = actor;
    this.#still = still;
  }

  /** The actor is not to be heard of again: what it asks for never happens. */
  close(): void {
    this.#closed = true;
  }

  operate(operation: Performable, argument: unknown): Promise<unknown> {
    // An actor that asks again and again would keep everybody from what is to end the run.
    if ((++this.#still.moves & TURN) === 0) return this.#later(operation, argument);
    if (this.#closed) return new Promise(() => {});
    try {
      return Promise.resolve(operation.perform!(argument));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async #later(operation: Performable, argument: unknown): Promise<unknown> {
    await macrotask();
    return await this.operate(operation, argument);
  }

  readied(): void {}

  waits(ms: number): void {
    this.#still.waits(ms);
  }
}

/** The step in which an asynchronous operation that had to wait comes to its end. */
export function returnFrom(operation: Performable): Performable {
  const { object, kind, effect, also, undeclared, foreign } = operation;
  return { object, kind: `return from ${kind}`, effect, also, undeclared, foreign };
}
