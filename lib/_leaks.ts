/**
 * Tells of guards that were collected without having been released.
 *
 * It only tells: to release then would let others in at a moment that depends on the garbage
 * collector, perhaps beside one who has thrown the guard away and is still inside.
 */
import { tell } from "./_observers.ts";
import type { LockLeak, LockParty } from "./lock.ts";

/** What is known of a guard while it is not released; it must not refer to the guard. */
export interface Trace {
  readonly party: LockParty;
}

/** The guards of one lock that are not released. */
export class Leaks {
  readonly #registry: FinalizationRegistry<Trace>;

  constructor(lock: string, onLeak: (leak: LockLeak) => void) {
    this.#registry = new FinalizationRegistry(({ party }) => tell(onLeak, { lock, ...party }));
  }

  /** Tells if `guard` is collected before `forget` is called. */
  watch(guard: object, trace: Trace): void {
    this.#registry.register(guard, trace, trace);
  }

  /** The guard was released. */
  forget(trace: Trace): void {
    this.#registry.unregister(trace);
  }
}
