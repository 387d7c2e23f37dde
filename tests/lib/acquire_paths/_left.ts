/** What a lock can be asked when nothing moves: whether somebody is left in it or before it. */
import type { LockPolicy } from "../../../mod.ts";
import type { RaceLock } from "./_twins.ts";

/** That somebody waits for a lock who could be inside. */
export function stranded(
  lock: Pick<RaceLock, "query">,
  policy: LockPolicy = "fair",
): string | undefined {
  const { holders, waiters } = lock.query();
  const next = policy === "read-preferring"
    ? waiters.find(({ mode }) => mode === "read") ?? waiters[0]
    : waiters[0];
  if (next === undefined) return undefined;
  const open = holders.length === 0 ||
    next.mode === "read" && holders.every(({ mode }) => mode === "read");
  return open ? `the one who ${next.label} is left out of a lock that is open` : undefined;
}

/** That somebody is left in a lock or before it. */
export function occupied(lock: Pick<RaceLock, "query" | "tryWrite">): string | undefined {
  const { holders, waiters } = lock.query();
  if (holders.length > 0) return `the one who ${holders[0].label} still holds a lock`;
  if (waiters.length > 0) return `the one who ${waiters[0].label} still waits for a lock`;
  const guard = lock.tryWrite();
  guard?.release();
  return guard === undefined ? "a lock is not free" : undefined;
}
