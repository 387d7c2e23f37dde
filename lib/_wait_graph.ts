/**
 * Who waits for whom. The nodes are owners, and only `#waits` is kept: who waits for what. The edges
 * are asked of the locks' `query()` when needed: an owner that waits for a lock has an edge to each
 * owner whose place there must be given up first, be it a holder that excludes it or one ahead in
 * the queue that would. So they are the edges of now, whatever policy a lock follows.
 */
import type { WatchedLock } from "./_watched_lock.ts";
import type { DeadlockStep } from "./errors.ts";
import type { LockMode, LockParty } from "./lock.ts";

/** An owner that was inferred from the context a task runs in; shown by `query()`. */
export class InferredOwner {
  constructor(readonly label: string | undefined) {}
}

/** One who waits. */
export interface Wait {
  readonly lock: WatchedLock;
  readonly mode: LockMode;
  readonly owner: object;
  readonly label: string | undefined;
  readonly since: number;
}

/** Whether two cannot be inside together. */
function exclude(a: LockMode, b: LockMode): boolean {
  return a === "write" || b === "write";
}

/** Who keeps one from entering: those inside, and those ahead in the queue. */
function* blockersOf({ lock, mode, owner }: Wait): Generator<[party: LockParty, waits: boolean]> {
  const { holders, waiters } = lock.query();
  const place = waiters.findIndex((party) => party.owner === owner && party.mode === mode);
  // It has been granted, though it has not run on yet.
  if (place === -1) return;
  for (const party of holders) if (exclude(mode, party.mode)) yield [party, false];
  for (const party of waiters.slice(0, place)) {
    // Another wait of its own is no hindrance: that it has one shows that it can do two things.
    if (party.owner !== owner && exclude(mode, party.mode)) yield [party, true];
  }
}

/** What a cycle calls an owner, where it has a name. */
function nameOf(owner: object, label: string | undefined): string | undefined {
  return label ?? (owner instanceof InferredOwner ? owner.label : undefined);
}

/** See above. */
export class WaitGraph {
  readonly #waits = new Map<object, Set<Wait>>();

  /** Notes one who waits, if it does: it may have been let in at once. Answers whether it does. */
  begin(wait: Wait): boolean {
    const { owner, mode, lock } = wait;
    const { waiters } = lock.query();
    if (!waiters.some((party) => party.owner === owner && party.mode === mode)) return false;
    const waits = this.#waits.get(owner);
    if (waits === undefined) this.#waits.set(owner, new Set([wait]));
    else waits.add(wait);
    return true;
  }

  /** Forgets one who waits no longer. */
  end(wait: Wait): void {
    const waits = this.#waits.get(wait.owner);
    if (waits?.delete(wait) && waits.size === 0) this.#waits.delete(wait.owner);
  }

  /** A cycle that begins with `first`, of owners that count. */
  find(first: Wait, counts: (owner: object) => boolean): DeadlockStep[] | undefined {
    const seen = new Set<object>();
    const follow = (wait: Wait): DeadlockStep[] | undefined => {
      for (const [party, waits] of blockersOf(wait)) {
        const { owner } = party;
        if (owner === undefined || !counts(owner)) continue;
        const step = this.#step(wait, party, waits);
        if (owner === first.owner) return [step];
        if (seen.has(owner)) continue;
        seen.add(owner);
        for (const next of this.#waits.get(owner) ?? []) {
          const rest = follow(next);
          if (rest !== undefined) return [step, ...rest];
        }
      }
      return undefined;
    };
    return counts(first.owner) ? follow(first) : undefined;
  }

  #step(wait: Wait, party: LockParty, waits: boolean): DeadlockStep {
    const { lock, mode, owner, label, since } = wait;
    const theirs = party.owner as object;
    const began = waits
      ? [...this.#waits.get(theirs) ?? []].find((other) => other.lock.lock === lock.lock)?.since
      : [...lock.holds].find((hold) => hold.owner === theirs)?.since;
    return {
      lock: lock.label,
      waiter: { mode, owner, label: nameOf(owner, label), since },
      blocker: {
        mode: party.mode,
        owner: theirs,
        label: nameOf(theirs, party.label),
        since: began ?? party.since,
      },
      blockedBy: waits ? "waiter" : "holder",
    };
  }
}
