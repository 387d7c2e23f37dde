/**
 * Who waits for whom. The nodes are owners, and only `#waits` is kept: who waits for what. The edges
 * are asked of the locks' `query()` when needed: an owner that waits for a lock has an edge to each
 * owner whose place there must be given up first, be it a holder that excludes it or one ahead in
 * the queue that would. So they are the edges of now, whatever policy a lock follows.
 *
 * A search happens at one moment. So it asks each lock once, and in each queue it follows those
 * ahead of several waiters once: it costs what there is to look at, and not, as if each waiter
 * looked for itself, the square of a queue's length.
 */
import type { WatchedLock } from "./_watched_lock.ts";
import type { DeadlockStep } from "./errors.ts";
import type { LockMode, LockParty, ReadWriteLock } from "./lock.ts";

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

/** Who is in the way of a wait, and whether it waits itself. */
type Blocker = readonly [party: LockParty, waits: boolean];

/** Whether two cannot be inside together. */
function exclude(a: LockMode, b: LockMode): boolean {
  return a === "write" || b === "write";
}

/** What a cycle calls an owner, where it has a name. */
function nameOf(owner: object, label: string | undefined): string | undefined {
  return label ?? (owner instanceof InferredOwner ? owner.label : undefined);
}

/** Who is at a lock, as it was when it was asked. */
class Standing {
  readonly #holders: readonly LockParty[];
  readonly #waiters: readonly LockParty[];
  /** Where in the queue each owner waits, for its last wait of a mode: the others are behind fewer. */
  #places: Readonly<Record<LockMode, Map<object, number>>> | undefined;
  /** Up to which place everybody has been told who is in the way in a mode; -1 is before the holders. */
  #told = { read: -1, write: -1 };

  constructor(lock: ReadWriteLock) {
    const { holders, waiters } = lock.query();
    this.#holders = holders;
    this.#waiters = waiters;
  }

  /** Whether one waits: it may have been let in. */
  waits(wait: Wait): boolean {
    return this.#waiters.length > 0 && this.#placeOf(wait) !== undefined;
  }

  /** A new search begins, which has been told nothing. */
  restart(): void {
    this.#told = { read: -1, write: -1 };
  }

  /** Who keeps one from entering, those inside and those ahead in the queue, unless told before. */
  *blockersOf(wait: Wait): Generator<Blocker, void> {
    const { mode } = wait;
    const place = this.#placeOf(wait);
    // It has been granted, though it has not run on yet.
    if (place === undefined) return;
    const told = this.#told;
    if (told[mode] < 0) {
      told[mode] = 0;
      for (const party of this.#holders) if (exclude(mode, party.mode)) yield [party, false];
    }
    while (told[mode] < place) {
      const party = this.#waiters[told[mode]++];
      if (exclude(mode, party.mode)) yield [party, true];
    }
  }

  #placeOf({ mode, owner }: Wait): number | undefined {
    if (this.#places === undefined) {
      this.#places = { read: new Map(), write: new Map() };
      for (const [place, { owner, mode }] of this.#waiters.entries()) {
        if (owner !== undefined) this.#places[mode].set(owner, place);
      }
    }
    return this.#places[mode].get(owner);
  }
}

/** A wait on the path that is followed, and whom it is followed through. */
class Stage {
  through: Blocker | undefined = undefined;
  /** The waits of that one. */
  onward: Iterator<Wait> | undefined = undefined;
  constructor(readonly wait: Wait, readonly blockers: Iterator<Blocker, void>) {}
}

/** See above: what can be found at one moment, beginning with one wait. */
export class Search {
  readonly #first: Wait;
  readonly #waits: ReadonlyMap<object, ReadonlySet<Wait>>;
  readonly #standings = new Map<ReadWriteLock, Standing>();

  constructor(first: Wait, standing: Standing, waits: ReadonlyMap<object, ReadonlySet<Wait>>) {
    this.#first = first;
    this.#waits = waits;
    this.#standings.set(first.lock.lock, standing);
  }

  /** A cycle that begins with the first wait, of owners that count. */
  find(counts: (owner: object) => boolean): DeadlockStep[] | undefined {
    const first = this.#first;
    if (!counts(first.owner)) return undefined;
    for (const standing of this.#standings.values()) standing.restart();
    const seen = new Set<object>();
    // A path and no recursion: it may be longer than a stack is deep.
    const path = [this.#stage(first)];
    for (let stage = path.at(-1); stage !== undefined; stage = path.at(-1)) {
      const next = stage.onward?.next();
      if (next !== undefined && !next.done) {
        path.push(this.#stage(next.value));
        continue;
      }
      stage.onward = undefined;
      const blocker = stage.blockers.next();
      if (blocker.done) {
        path.pop();
        continue;
      }
      const [{ owner }, waits] = blocker.value;
      if (owner === undefined || !counts(owner)) continue;
      stage.through = blocker.value;
      if (owner === first.owner) {
        // In one queue its other waits are no hindrance: that it has them shows that it can do two
        // things.
        if (waits && stage.wait.lock.lock === first.lock.lock) continue;
        return path.map(({ wait, through }) => this.#step(wait, ...through!));
      }
      if (seen.has(owner)) continue;
      seen.add(owner);
      stage.onward = this.#waits.get(owner)?.values();
    }
    return undefined;
  }

  #stage(wait: Wait): Stage {
    return new Stage(wait, this.#at(wait).blockersOf(wait));
  }

  #at({ lock: { lock } }: Wait): Standing {
    let standing = this.#standings.get(lock);
    if (standing === undefined) this.#standings.set(lock, standing = new Standing(lock));
    return standing;
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

/** See above. */
export class WaitGraph {
  readonly #waits = new Map<object, Set<Wait>>();

  /** Notes one who waits, and answers the search for what it closes; nothing if it was let in at once. */
  begin(wait: Wait): Search | undefined {
    const standing = new Standing(wait.lock.lock);
    if (!standing.waits(wait)) return undefined;
    const waits = this.#waits.get(wait.owner);
    if (waits === undefined) this.#waits.set(wait.owner, new Set([wait]));
    else waits.add(wait);
    return new Search(wait, standing, this.#waits);
  }

  /** Forgets one who waits no longer. */
  end(wait: Wait): void {
    const waits = this.#waits.get(wait.owner);
    if (waits?.delete(wait) && waits.size === 0) this.#waits.delete(wait.owner);
  }
}
