/**
 * The queue behind a lock: who is inside, and who waits in which order.
 *
 * What always holds between two calls: `inside` is -1 when a writer is inside, else the number of
 * readers inside; and whoever is first in the queue could not enter now. The first part holds
 * because a place counts itself in and out in `admit` and `release` alone, the second because
 * whatever could let the first one in (a release, or a waiter that leaves) ends in `drain`. So
 * the lock is free only when nobody waits, and one comparison decides whether one may enter.
 *
 * One object is place in the queue, holder and guard, linked into one list while it waits and
 * into another while it is inside; its state is `#private`, so nobody can alter it through a
 * guard. A grant is decided synchronously in `drain`, which takes timer and listener off at that
 * moment: afterwards there is nothing left that could time out or abort.
 */
import { type Deadline, type Deadlines, deadlinesOf, type Expirable } from "./_deadlines.ts";
import type { Host } from "./_host.ts";
import { tell } from "./_observers.ts";
import { type Abortable, type AbortLink, onAbort } from "./_signals.ts";
import { LockTimeoutError } from "./errors.ts";
import type { AcquireOptions, Guard, LockMode, LockOptions, LockParty } from "./lock.ts";

const RELEASED = 0;
const INSIDE = 1;
const WAITING = 2;

/** A doubly linked list of places. */
class Line {
  first: Place | undefined;
  last: Place | undefined;
}

/** What a lock knows. The algorithms are below, where the places' private state can be seen. */
export class Queue {
  /** -1: a writer is inside; else how many readers are. */
  inside = 0;
  readonly holders: Line = new Line();
  readonly waiters: Line = new Line();
  readonly deadlines: Deadlines;
  readonly label: string;
  readonly onContention: LockOptions["onContention"];
  readonly contentionAfter: number;

  constructor(host: Host, options: LockOptions | undefined) {
    this.deadlines = deadlinesOf(host);
    this.label = options?.label ?? "the lock";
    this.onContention = options?.onContention;
    this.contentionAfter = options?.contentionAfter ?? 100;
  }
}

// Given their bodies inside `Place`, where its private state can be seen.
let leaveQueue: (place: Place) => void;
let drainQueue: (place: Place) => void;
let listParties: (line: Line) => LockParty[];

/** Those in a line, in its order. */
export function parties(line: Line): LockParty[] {
  return listParties(line);
}

function timedOut(queue: Queue, mode: LockMode, waited: number): LockTimeoutError {
  return new LockTimeoutError({ lock: queue.label, mode, waited, holders: parties(queue.holders) });
}

/** The part of `options` that names a holder, copied: they may be used again for the next. */
function names(options: AcquireOptions | undefined): Names | undefined {
  if (options === undefined) return undefined;
  const { label, owner } = options;
  if (label === undefined && owner === undefined) return undefined;
  const named: Names = {};
  if (label !== undefined) named.label = label;
  if (owner !== undefined) named.owner = owner;
  return named;
}

interface Names {
  label?: string;
  owner?: object;
}

/** What can end a wait before its turn comes; made only for waits that have such a thing. */
class Limits implements Expirable, Abortable {
  timeout: Deadline | undefined;
  contention: Deadline | undefined;
  link: AbortLink | undefined;

  constructor(
    readonly queue: Queue,
    readonly place: Place,
    readonly reject: (reason: unknown) => void,
  ) {}

  expire(waited: number): void {
    this.end(timedOut(this.queue, this.place.mode, waited));
    drainQueue(this.place);
  }

  abort(reason: unknown): void {
    this.end(reason);
  }

  afterAbort(): void {
    drainQueue(this.place);
  }

  end(reason: unknown): void {
    this.detach();
    leaveQueue(this.place);
    this.reject(reason);
  }

  detach(): void {
    if (this.timeout !== undefined) this.queue.deadlines.remove(this.timeout);
    if (this.contention !== undefined) this.queue.deadlines.remove(this.contention);
    if (this.link !== undefined) this.link.remove();
  }
}

// The two functions of the promise made last, caught here so that no closure is made for each.
let resolveLast: (guard: Guard) => void;
let rejectLast: (reason: unknown) => void;
const catchBoth = (
  resolve: (guard: Guard) => void,
  reject: (reason: unknown) => void,
): void => {
  resolveLast = resolve;
  rejectLast = reject;
};

/** A place in the queue, and the guard it becomes. */
export class Place implements Guard {
  #queue: Queue;
  #writes: boolean;
  #state: number;
  #before: Place | undefined = undefined;
  #after: Place | undefined = undefined;
  #named: Names | undefined = undefined;
  #resolve: ((guard: Guard) => void) | undefined = undefined;
  #limits: Limits | undefined = undefined;

  constructor(queue: Queue, writes: boolean, state: number) {
    this.#queue = queue;
    this.#writes = writes;
    this.#state = state;
  }

  get mode(): LockMode {
    return this.#writes ? "write" : "read";
  }

  get released(): boolean {
    return this.#state === RELEASED;
  }

  get label(): string | undefined {
    return this.#named?.label;
  }

  release(): void {
    if (this.#state !== INSIDE) return;
    this.#state = RELEASED;
    const queue = this.#queue;
    if (this.#writes) queue.inside = 0;
    else queue.inside--;
    Place.#unlink(queue.holders, this);
    if (queue.waiters.first !== undefined) Place.#drain(queue);
  }

  [Symbol.dispose](): void {
    this.release();
  }

  /** Enters if that needs no waiting. */
  static enter(queue: Queue, writes: boolean): Place | undefined {
    if (writes) {
      if (queue.inside !== 0) return undefined;
      queue.inside = -1;
    } else {
      if (queue.inside < 0 || queue.waiters.first !== undefined) return undefined;
      queue.inside++;
    }
    const place = new Place(queue, writes, INSIDE);
    Place.#append(queue.holders, place);
    return place;
  }

  /** Enters, waiting for its turn within the limits of `options`, which have been checked. */
  static acquire(
    queue: Queue,
    writes: boolean,
    options: AcquireOptions | undefined,
  ): Promise<Guard> {
    if (options?.signal?.aborted) return Promise.reject(options.signal.reason);
    let place = Place.enter(queue, writes);
    const entered = place !== undefined;
    if (!entered && options?.timeout === 0) {
      return Promise.reject(timedOut(queue, writes ? "write" : "read", 0));
    }
    place ??= new Place(queue, writes, WAITING);
    place.#named = names(options);
    return entered ? Promise.resolve(place) : Place.#wait(queue, place, options);
  }

  static #wait(queue: Queue, place: Place, options: AcquireOptions | undefined): Promise<Guard> {
    const promise = new Promise<Guard>(catchBoth);
    place.#resolve = resolveLast;
    Place.#append(queue.waiters, place);
    const { timeout = Infinity, signal } = options ?? {};
    if (timeout === Infinity && signal === undefined && queue.onContention === undefined) {
      return promise;
    }
    const limits = place.#limits = new Limits(queue, place, rejectLast);
    if (timeout !== Infinity) limits.timeout = queue.deadlines.add(timeout, limits);
    if (signal !== undefined) limits.link = onAbort(signal, limits);
    const { onContention, contentionAfter } = queue;
    if (onContention !== undefined) {
      limits.contention = queue.deadlines.add(contentionAfter, {
        expire(waited) {
          tell(onContention, { waited, mode: place.mode, holders: parties(queue.holders) });
        },
      });
    }
    return promise;
  }

  /** Lets in whoever may enter, in the order they came. */
  static #drain(queue: Queue): void {
    let place = queue.waiters.first;
    while (place !== undefined && (place.#writes ? queue.inside === 0 : queue.inside >= 0)) {
      Place.#unlink(queue.waiters, place);
      place.#state = INSIDE;
      if (place.#writes) queue.inside = -1;
      else queue.inside++;
      Place.#append(queue.holders, place);
      if (place.#limits !== undefined) {
        place.#limits.detach();
        place.#limits = undefined;
      }
      const resolve = place.#resolve!;
      place.#resolve = undefined;
      resolve(place);
      place = queue.waiters.first;
    }
  }

  static #append(line: Line, place: Place): void {
    const last = line.last;
    if (last === undefined) line.first = place;
    else {
      place.#before = last;
      last.#after = place;
    }
    line.last = place;
  }

  // Links are cleared, not only bypassed: a guard someone keeps must not keep its neighbours.
  static #unlink(line: Line, place: Place): void {
    const before = place.#before;
    const after = place.#after;
    if (before === undefined) line.first = after;
    else {
      before.#after = after;
      place.#before = undefined;
    }
    if (after === undefined) line.last = before;
    else {
      after.#before = before;
      place.#after = undefined;
    }
  }

  static {
    leaveQueue = (place) => {
      Place.#unlink(place.#queue.waiters, place);
      place.#state = RELEASED;
      place.#limits = undefined;
      place.#resolve = undefined;
    };
    drainQueue = (place) => Place.#drain(place.#queue);
    listParties = (line) => {
      const parties: LockParty[] = [];
      for (let place = line.first; place !== undefined; place = place.#after) {
        parties.push({ mode: place.mode, ...place.#named });
      }
      return parties;
    };
  }
}
