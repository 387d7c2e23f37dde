/**
 * Locks for any number of keys, of which there are few: a key has the lock that its hash says, so
 * that it has the same one wherever and whenever it is asked for, and some keys share one.
 *
 * Their number and the hash are part of how processes of all releases exclude each other. Neither
 * may ever change.
 */
import { type Host, withHost } from "../_host.ts";
import { acquireAll } from "../acquire_all.ts";
import type { Guard, ReadWriteLock } from "../lock.ts";
import type { StoreWait } from "./store.ts";

const COUNT = 16;

/** FNV-1a of a key's code units, folded so that the lower bits have something of all of them. */
export function hashOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  return (hash ^ (hash >>> 16)) >>> 0;
}

const stripeOf = (key: string): number => hashOf(key) % COUNT;

/** See above. */
export class Stripes {
  readonly #host: Host;
  readonly #make: (stripe: number) => ReadWriteLock;
  readonly #locks: (ReadWriteLock | undefined)[] = Array(COUNT);

  /** `make` makes the lock of a stripe, when that is first needed. */
  constructor(host: Host, make: (stripe: number) => ReadWriteLock) {
    this.#host = host;
    this.#make = make;
  }

  /** Waits until nobody else writes to a key. */
  one(key: string, wait: StoreWait): Promise<Guard> {
    return this.#lock(stripeOf(key)).write(wait);
  }

  /** Waits until nobody else writes to any of the keys, or to any key at all. */
  several(keys: Iterable<string> | undefined, wait: StoreWait): Promise<Guard> {
    const all = Array.from({ length: COUNT }, (_, stripe) => stripe);
    const stripes = keys === undefined ? all : new Set(Array.from(keys, stripeOf));
    const requests = Array.from(stripes, (stripe) => [this.#lock(stripe), "write"] as const);
    // Its clock must be ours.
    return withHost(this.#host, () => acquireAll(requests, wait));
  }

  #lock(stripe: number): ReadWriteLock {
    return this.#locks[stripe] ??= withHost(this.#host, () => this.#make(stripe));
  }
}
