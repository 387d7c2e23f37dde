/**
 * What a distance supplies: the raw shared objects, as one actor reaches them.
 *
 * This is all that differs between tasks, workers and processes. What the scenario sees
 * (`_view.ts`) is built on it once for all of them.
 */
import type { ReadWriteLock } from "../../lib/lock.ts";
import type { World } from "./world.ts";

/** A shared integer, at once or through input and output. */
export interface RawCell {
  read(): number;
  write(value: number): void;
  compareAndSet(expected: number, next: number): boolean | Promise<boolean>;
}

/** A queue of messages. */
export interface RawChannel {
  /** How many messages wait. */
  readonly size: number;
  send(value: unknown): void;
  /** The oldest message; a promise of the next one when there is none. */
  receive(): unknown;
}

/** Time, and somebody who wakes sleepers. */
export interface RawClock {
  now(): number;
  setTimer(callback: () => void, ms: number): unknown;
}

/** The shared objects of one run, by name. */
export interface Medium {
  cell(name: string): RawCell;
  lock(name: string): ReadWriteLock;
  /** Left out where messages go through whoever steers the run. */
  channel?(name: string): RawChannel;
  /** Left out where whoever steers the run keeps the time. */
  readonly clock?: RawClock;
  /** An object of the user's own, one for each run; left out where objects cannot be shared. */
  shared?(name: string, make: (world: World) => object): object;
}
