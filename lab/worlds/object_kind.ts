/** How things that are no cells, locks or channels are shared: stores, queues, locks of your own. */
import type { RedisLock, RedisLockOptions } from "../../lib/redis/mod.ts";
import type { World } from "./world.ts";

/**
 * A kind of object, and how actors share one at each distance. A distance that is left out is none
 * for it.
 *
 * Its operations are scheduling points with the object itself as footprint. So an object must touch
 * nothing that others touch too, and actors must reach it through its operations alone. An operation
 * may be asynchronous and wait for other actors; it may be handed functions that do operations of
 * their own.
 *
 * @example A lock of your own, between tasks
 * ```ts
 * import assert from "node:assert/strict";
 * import { expectSafe, type ObjectKind, team } from "@interlock/core/lab";
 *
 * class Mutex {
 *   #queue: (() => void)[] = [];
 *   #held = false;
 *   lock(): Promise<void> | void {
 *     if (!this.#held) this.#held = true;
 *     else return new Promise((resolve) => this.#queue.push(resolve));
 *   }
 *   unlock(): void {
 *     const next = this.#queue.shift();
 *     if (next === undefined) this.#held = false;
 *     else next();
 *   }
 * }
 * const mutex: ObjectKind<Mutex, "lock" | "unlock"> = {
 *   operations: { lock: "write", unlock: "write" },
 *   tasks: () => new Mutex(),
 * };
 *
 * const { evidence } = await expectSafe({
 *   name: "a mutex of my own",
 *   build: (world) => {
 *     const count = world.cell("count", 0);
 *     const own = world.object("mutex", mutex);
 *     return team(2, async () => {
 *       await own.lock();
 *       await count.write(await count.read() + 1);
 *       await own.unlock();
 *     });
 *   },
 *   check: ({ count }) => count === 2 ? undefined : `count = ${count}`,
 * });
 * assert.equal(evidence.kind, "proved");
 * ```
 */
export interface ObjectKind<T extends object, K extends keyof T = keyof T> {
  /** The methods that are scheduling points, and whether they change the object. */
  readonly operations: Readonly<Record<K, "read" | "write">>;
  /** Makes the one object that the tasks of an isolate share; `world` is whoever's step it is. */
  readonly tasks?: (world: World) => T;
  /** How threads share it. */
  readonly workers?: {
    /** Makes it; answers what a Worker is sent to find it by. */
    create(): unknown;
    /** The object as one Worker, or whoever looks at the end state, has it. */
    attach(handle: never): T;
  };
  /** The object as one process has it, in a folder that is the object's own. */
  readonly files?: (folder: string) => T;
  /** The object as one client of a Redis server has it. */
  readonly machines?: (place: RedisPlace) => T;
  /**
   * How long an operation may take by itself, without waiting for other actors, in milliseconds of real
   * time: where it takes any. Then fewer orders are tried farther away.
   */
  readonly takes?: Readonly<Partial<Record<K, number>>>;
  /** Gives back what one actor's object holds on to. */
  readonly close?: (object: T) => void | Promise<void>;
}

/** What an object on a Redis server is made of: a key of its own, and a lock. */
export interface RedisPlace {
  /** The one key it may use. It is removed when the run is over. */
  readonly key: string;
  /** After how many seconds the key should expire, should nobody come to remove it. */
  readonly expiry: number;
  /** Sends a command, and answers what the server does. */
  command(...args: readonly string[]): Promise<unknown>;
  /** The lock that goes by the object's name. */
  lock(options?: RedisLockOptions): RedisLock;
}

/** An object as an actor has it: its operations, each of them a step. */
export type Shared<T, K extends keyof T = keyof T> = {
  readonly [Name in K]: T[Name] extends (...args: infer A) => infer R
    ? (...args: A) => Promise<Awaited<R>>
    : never;
};
