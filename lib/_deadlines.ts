/**
 * Waits that end at a time, of which many thousands may be running.
 *
 * Waits of one length end in the order they began, so each length has a line that is in order of
 * its own accord: adding and removing take constant time, and one host timer, set for the first,
 * serves them all. The timer is not moved when the first leaves (it comes early once and is set
 * again) but it is cleared when the last leaves, so no timer outlives the waits it was for and
 * none keeps a process alive.
 */
import type { Host, Timer } from "./_host.ts";
import { type Chunk, Line } from "./_line.ts";

/** What can be told that its time is up. */
export interface Expirable {
  /** The time is up, `waited` milliseconds after it began. Must not throw. */
  expire(waited: number): void;
}

/** The longest time a host's timer can be set for; longer waits take several. */
const LONGEST = 2 ** 31 - 1;

/** All waits of one length. */
class Group {
  readonly line: Line<Deadline> = new Line();
  timer: Timer | undefined = undefined;
  constructor(readonly ms: number) {}
}

/** One wait that ends at a time; made and forgotten by `Deadlines`. */
export class Deadline {
  chunk: Chunk<Deadline> | undefined = undefined;

  constructor(
    readonly target: Expirable,
    /** When it began, by the host's clock. */
    readonly since: number,
    /** The waits it is one of; `undefined` once it has passed or was removed. */
    public group: Group | undefined,
  ) {}
}

/** The deadlines of one host. */
export class Deadlines {
  readonly #host: Host;
  readonly #groups = new Map<number, Group>();
  /** The group used last: most waits have the length of the wait before. */
  #recent: Group | undefined;

  /** Use `deadlinesOf`, so that all locks of a host share its timers. */
  constructor(host: Host) {
    this.#host = host;
  }

  /** How many lengths have waits running. */
  get size(): number {
    return this.#groups.size;
  }

  /** Tells `target` once `ms` milliseconds have passed; never for `Infinity`. */
  add(ms: number, target: Expirable): Deadline {
    const now = this.#host.now();
    if (ms === Infinity) return new Deadline(target, now, undefined);
    const group = this.#groupOf(ms);
    const deadline = new Deadline(target, now, group);
    deadline.chunk = group.line.append(deadline);
    if (group.timer === undefined) this.#arm(group, ms);
    return deadline;
  }

  /** How long ago a deadline was added, in milliseconds. */
  elapsed(deadline: Deadline): number {
    return this.#host.now() - deadline.since;
  }

  /** Forgets a deadline; does nothing for one that has passed. */
  remove(deadline: Deadline): void {
    const { group } = deadline;
    if (group === undefined) return;
    deadline.group = undefined;
    // One that is about to be told has left the line already.
    if (deadline.chunk === undefined) return;
    group.line.remove(deadline.chunk, deadline);
    deadline.chunk = undefined;
    if (group.line.size === 0) this.#drop(group);
  }

  #groupOf(ms: number): Group {
    let group = this.#recent;
    if (group !== undefined && group.ms === ms) return group;
    group = this.#groups.get(ms);
    if (group === undefined) {
      group = new Group(ms);
      this.#groups.set(ms, group);
    }
    return this.#recent = group;
  }

  #arm(group: Group, ms: number): void {
    // Rounded up, for hosts cut off fractions and would come early again and again.
    const wait = Math.min(Math.ceil(ms), LONGEST);
    group.timer = this.#host.setTimer(() => this.#fire(group), wait);
  }

  #drop(group: Group): void {
    if (group.timer !== undefined) this.#host.clearTimer(group.timer);
    group.timer = undefined;
    this.#groups.delete(group.ms);
    if (this.#recent === group) this.#recent = undefined;
  }

  #fire(group: Group): void {
    group.timer = undefined;
    const now = this.#host.now();
    // All that are due leave before any is told: being told may remove others, and may begin new
    // waits, which must not be served in the same round for ever.
    const due: Deadline[] = [];
    let next = group.line.first;
    while (next !== undefined && next.since + group.ms <= now) {
      group.line.shift();
      next.chunk = undefined;
      due.push(next);
      next = group.line.first;
    }
    if (next === undefined) this.#drop(group);
    else this.#arm(group, next.since + group.ms - now);
    for (const deadline of due) {
      if (deadline.group === undefined) continue; // removed by one told before it
      deadline.group = undefined;
      deadline.target.expire(now - deadline.since);
    }
  }
}

const byHost = new WeakMap<Host, Deadlines>();

/** The deadlines of `host`, shared by all that is built on it. */
export function deadlinesOf(host: Host): Deadlines {
  let deadlines = byHost.get(host);
  if (deadlines === undefined) {
    deadlines = new Deadlines(host);
    byHost.set(host, deadlines);
  }
  return deadlines;
}
