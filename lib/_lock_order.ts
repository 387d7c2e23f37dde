/**
 * Where a lock stands among all others. One that others than the tasks of this isolate share says so
 * itself, by a key that they agree on; the rest are numbered when they are first asked for.
 */
import { type LockOrder, lockOrder, type ReadWriteLock } from "./lock.ts";

const numbers = new WeakMap<ReadWriteLock, string>();
let lastNumber = 0;

/** Where `lock` stands, the same each time. */
export function orderOf(lock: ReadWriteLock): LockOrder {
  return lock[lockOrder]?.() ?? { reach: "tasks", key: numberOf(lock) };
}

function numberOf(lock: ReadWriteLock): string {
  let number = numbers.get(lock);
  // As long as any number can be, so that the order of keys is that of numbers.
  if (number === undefined) numbers.set(lock, number = String(++lastNumber).padStart(16, "0"));
  return number;
}
