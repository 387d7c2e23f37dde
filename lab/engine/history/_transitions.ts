/**
 * A model as a table of numbers.
 *
 * Invariant: two states have one number exactly if the model identifies them, two calls are of one
 * kind exactly if the model cannot tell them apart. The search then compares and stores nothing but
 * numbers, and asks the model once for each kind and state, as long as the memo remembers.
 */
import type { Allowance } from "./_allowance.ts";
import { identity } from "./_identity.ts";
import { ILLEGAL, type Model, type ModelCall } from "./model.ts";
import type { Call } from "./call.ts";

/** The number that stands for no state: the call cannot have gone like this. */
export const NO_STATE = -1;

/** The number of the initial state. */
export const INITIAL = 0;

/** What an entry of the table of states costs beside its text, in bytes, on the high side. */
const STATE_BYTES = 100;

/** The most pairs of kind and state that are remembered, as a power of two. */
const MEMO_BITS = 16;

/** The states one model can be in, and how calls lead from one to another. */
export class Transitions {
  readonly #model: Model;
  readonly #allowance: Allowance;
  readonly #states: unknown[] = [];
  readonly #numbers = new Map<unknown, number>();
  readonly #kinds: ModelCall[] = [];
  readonly #observing: boolean[] = [];
  readonly #kindNumbers = new Map<unknown, number>();
  readonly #memoKinds: Int32Array;
  readonly #memoStates: Int32Array;
  readonly #memoNext: Int32Array;
  readonly #memoMask: number;
  #taken = 0;
  #exhausted = false;

  /**
   * @param model What to ask.
   * @param calls About how many calls there will be.
   * @param allowance Where the memory for states comes from.
   */
  constructor(model: Model, calls: number, allowance: Allowance) {
    this.#model = model;
    this.#allowance = allowance;
    const bits = Math.min(MEMO_BITS, 32 - Math.clz32(calls) + 3);
    this.#memoMask = (1 << bits) - 1;
    this.#memoKinds = new Int32Array(1 << bits).fill(-1);
    this.#memoStates = new Int32Array(1 << bits);
    this.#memoNext = new Int32Array(1 << bits);
    this.#number(model.initial);
  }

  /** Whether the memory for states is used up: `next` may have answered wrongly since. */
  get exhausted(): boolean {
    return this.#exhausted;
  }

  /** How many kinds of calls there are. */
  get kinds(): number {
    return this.#kinds.length;
  }

  /** The state with that number. */
  state(number: number): unknown {
    return this.#states[number];
  }

  /** The kind of a call; whether it is open is for the caller to say. */
  kind(call: Call, open: boolean): number {
    const { name, input } = call;
    const output = open ? undefined : call.output;
    const key = identity([name, open, input, output]);
    let kind = this.#kindNumbers.get(key);
    if (kind === undefined) {
      const sample: ModelCall = { name, input, output, open };
      kind = this.#kinds.push(sample) - 1;
      this.#observing.push(this.#model.observes?.(sample) ?? false);
      this.#kindNumbers.set(key, kind);
    }
    return kind;
  }

  /** Whether calls of that kind change no state. */
  observes(kind: number): boolean {
    return this.#observing[kind];
  }

  /** Whether the model can tell what helps. */
  get tellsHelp(): boolean {
    return this.#model.helps !== undefined;
  }

  /** Whether a call of one kind can help one of another, which the state forbids. */
  helps(state: number, wanted: number, kind: number): boolean {
    return this.#model.helps!(this.#states[state], this.#kinds[wanted], this.#kinds[kind]);
  }

  /** The state after a call of that kind, or `NO_STATE`. */
  next(kind: number, state: number): number {
    const place = (Math.imul(kind, 0x9e3779b1) ^ Math.imul(state, 0x85ebca6b) >>> 7) &
      this.#memoMask;
    if (this.#memoKinds[place] === kind && this.#memoStates[place] === state) {
      return this.#memoNext[place];
    }
    const next = this.#model.step(this.#states[state], this.#kinds[kind]);
    const number = next === ILLEGAL ? NO_STATE : this.#number(next);
    if (this.#observing[kind] && number !== NO_STATE && number !== state) {
      const { name } = this.#kinds[kind];
      throw new TypeError(`Cannot check history: ${name} observes, and yet changes the state`);
    }
    this.#memoKinds[place] = kind;
    this.#memoStates[place] = state;
    this.#memoNext[place] = number;
    return number;
  }

  /** Gives the memory back; nothing may be asked any more. */
  dispose(): void {
    this.#allowance.give(this.#taken);
    this.#taken = 0;
  }

  #number(state: unknown): number {
    const key = this.#model.identify === undefined ? identity(state) : this.#model.identify(state);
    let number = this.#numbers.get(key);
    if (number === undefined) {
      // What is not text itself is found by a text, and takes up about as much again.
      const bytes = STATE_BYTES +
        (typeof key !== "string" ? 0 : (key === state ? 2 : 4) * key.length);
      if (this.#allowance.take(bytes)) this.#taken += bytes;
      else if (this.#states.length > INITIAL) {
        this.#exhausted = true;
        return NO_STATE;
      }
      number = this.#states.push(state) - 1;
      this.#numbers.set(key, number);
    }
    return number;
  }
}
