/**
 * What a distance supplies: the raw shared objects, as one actor reaches them.
 *
 * This is all that differs between tasks, workers and processes. What the scenario sees
 * (`_view.ts`) is built on it once for all of them.
 */
import type { Recorder } from "../engine/history/mod.ts";
import type { Files } from "../../lib/_host.ts";
import type { RawLock } from "./_lock_view.ts";
import type { ObjectKind } from "./object_kind.ts";
import type { World } from "./world.ts";

/** A shared integer, at once or through input and output. */
export interface RawCell {
  read(): number | Promise<number>;
  write(value: number): void | Promise<void>;
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
  /** @param object The shared object that the timer belongs to. */
  setTimer(callback: () => void, ms: number, object?: string): unknown;
}

/** Who has come to a barrier; a gathering is known by its number. */
export interface RawBarrier {
  arrive(): number;
  isOver(round: number): boolean;
  over(round: number): Promise<void>;
}

/** What can happen to actors. */
export interface RawCrash {
  kill(actor: string): void;
  losePower(): void;
  /** Whether whoever waits for a crash need wait no more. */
  isOver(): boolean;
}

/** The shared objects of one run, by name. */
export interface Medium {
  cell(name: string): RawCell;
  lock(name: string): RawLock;
  /** The actors that wait for a lock; left out where nobody knows. */
  waiting?(lock: string): readonly string[] | Promise<readonly string[]>;
  /** An object of a kind, as this actor has it. */
  object<T extends object, K extends keyof T>(name: string, kind: ObjectKind<T, K>): T;
  /** The files of this actor's process, and where a shared one is; left out where there are none. */
  readonly files?: { readonly of: Files; path(name: string): string };
  /** Frees what an actor held that was killed; left out where that needs nobody. */
  reap?(lock: string, actor: string): void;
  /** What can happen to actors; left out where whoever steers the run sees to it. */
  readonly crash?: RawCrash;
  /** Where calls are recorded. */
  recorder(): Recorder;
  /** What ends waits when it is fired. */
  signal(name: string): AbortSignal;
  /** Fires a signal; left out where whoever steers the run tells everybody. */
  fire?(name: string): void;
  /** Left out where messages go through whoever steers the run. */
  channel?(name: string): RawChannel;
  /** Left out where whoever steers the run counts those who have come. */
  barrier?(name: string): RawBarrier;
  /** Left out where whoever steers the run keeps the time. */
  readonly clock?: RawClock;
  /** An object of the user's own, one for each run; left out where objects cannot be shared. */
  shared?(name: string, make: (world: World) => object): object;
}
