/**
 * Waits that end at a time, of which many thousands may be running.
 *
 * Waits of one length end in the order they began, so each length has a list that is in order of
 * its own accord: adding is appending and removing is unlinking, both O(1), and one host timer,
 * set for the head, serves them all. The timer is not moved when the head is removed (it comes
 * early once and is set again) but it is cleared when the list becomes empty, so no timer
 * outlives the waits it was for and none keeps a process alive.
 */
import type { Host, Timer } from "./_host.ts";

/** What can be told that its time is up. */
export interface Expirable {
  /** The time is up, `waited` milliseconds after it began. Must not throw. */
  expire(waited: number): void;
}

/** The longest time a host's timer can be set for; longer waits take several. */
const LONGEST = 2 ** 31 - 1;

/** All waits of one length. */
class Group {
  head: Deadline | undefined;
  tail: Deadline | undefined;
  timer: Timer | undefined;
  constructor(readonly ms: number) {}
}

/** One wait that ends at a time; made and forgotten by `Deadlines`. */
export class Deadline {
  before: Deadline | undefined;
  after: Deadline | undefined;
  constructor(
    readonly target: Expirable,
    readonly since: number,
    /** The list it is in; `undefined` once it has passed or was removed. */
    public group: Group | undefined,
  ) {}
}

function append(group: Group, deadline: Deadline): void {
  const tail = group.tail;
  deadline.before = tail;
  deadline.after = undefined;
  deadline.group = group;
  if (tail === undefined) group.head = deadline;
  else tail.after = deadline;
  group.tail = deadline;
}

function unlink(group: Group, deadline: Deadline): void {
  const { before, after } = deadline;
  if (before === undefined) group.head = after;
  else before.after = after;
  if (after === undefined) group.tail = before;
  else after.before = before;
  deadline.before = undefined;
  deadline.after = undefined;
  deadline.group = undefined;
}

/** The deadlines of one host. */
export class Deadlines {
  readonly #host: Host;
  readonly #groups = new Map<number, Group>();

  /** Use `deadlinesOf`, so that all locks of a host share its timers. */
  constructor(host: Host) {
    this.#host = host;
  }

  /** How many lengths have waits running; for tests. */
  get size(): number {
    return this.#groups.size;
  }

  /** Tells `target` once `ms` milliseconds have passed; never for `Infinity`. */
  add(ms: number, target: Expirable): Deadline {
    const deadline = new Deadline(target, this.#host.now(), undefined);
    if (ms === Infinity) return deadline;
    let group = this.#groups.get(ms);
    if (group === undefined) {
      group = new Group(ms);
      this.#groups.set(ms, group);
    }
    append(group, deadline);
    if (group.timer === undefined) this.#arm(group, ms);
    return deadline;
  }

  /** How long ago a deadline was added, in milliseconds. */
  elapsed(deadline: Deadline): number {
    return this.#host.now() - deadline.since;
  }

  /** Forgets a deadline; does nothing for one that has passed. */
  remove(deadline: Deadline): void {
    const group = deadline.group;
    if (group === undefined) return;
    unlink(group, deadline);
    if (group.head === undefined) this.#drop(group);
  }

  #arm(group: Group, ms: number): void {
    // Rounded up, for hosts cut off fractions and would come early again and again.
    const wait = Math.min(Math.ceil(ms), LONGEST);
    group.timer = this.#host.setTimer(() => this.#fire(group), wait);
  }

  #drop(group: Group): void {
    if (group.timer !== undefined) this.#host.clearTimer(group.timer);
    group.timer = undefined;
    // A group of deadlines being told is not in the map, and must not take away its successor.
    if (this.#groups.get(group.ms) === group) this.#groups.delete(group.ms);
  }

  #fire(group: Group): void {
    group.timer = undefined;
    const now = this.#host.now();
    // Those due move to a list of their own before any is told: being told may remove others, and
    // may begin new waits, which must not be served in the same round for ever.
    const due = new Group(group.ms);
    let next = group.head;
    while (next !== undefined && next.since + group.ms <= now) {
      unlink(group, next);
      append(due, next);
      next = group.head;
    }
    if (next === undefined) this.#drop(group);
    else this.#arm(group, next.since + group.ms - now);
    for (let passed = due.head; passed !== undefined; passed = due.head) {
      unlink(due, passed);
      passed.target.expire(now - passed.since);
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
