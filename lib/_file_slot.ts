/**
 * One locked file as one process knows it, whatever paths lead to it and however many `FileLock`s
 * there are: the descriptors, which belong together because a flock belongs to the descriptor and
 * not to a task, and the queue of this process's tasks before them.
 *
 * What always holds between two calls:
 *
 * - A task is inside only if it has its place in `queue` (an ordinary `RwLock`, which keeps the
 *   tasks of this process apart and in order) **and** the process holds the flock in that task's
 *   mode, and the path the task came by led to this file after it was had. `#admit` is the only
 *   line that lets one in.
 * - With nobody inside and nobody on the way in, the process holds no flock: `#settle`, which ends
 *   every way out. A writer that leaves while others are on the way may keep the flock for the
 *   next, since its place goes to one of them at that moment.
 * - One who has a place but not yet the flock is parked, and while anyone is parked, and only
 *   then, there is a timer, and perhaps the gate is held.
 *
 * A parked task is admitted, and its promise resolved, in the same turn in which the flock was
 * granted; a time-out or an abort that comes later finds nothing to end. One that comes before
 * gives the place back and, if it was the last of the parked, the gate.
 *
 * **Giving way.** Tasks of this process that follow one another keep the flock, for passing it
 * through the kernel would cost each of them a pause. But a process that never let go would starve
 * the others: so after `HAND_OFFS` of them, or `KEPT_MS` milliseconds, it looks whether another
 * process waits at the gate, and if one does, lets go and goes through the gate like everyone. A
 * writer simply does so when its turn comes. Readers that overlap without end need a moment when
 * nobody is inside: a place for a writer in the queue makes one, and holds back those after it.
 *
 * So a process that is waited for stays inside for at most `KEPT_MS` + 3h, where h is the longest
 * that any task is inside: the time counts from the first hand-off, which comes after at most h;
 * the one that finds it passed may come h later still, and be inside for h itself.
 */
import { type GatedFile, sameFile } from "./_file_gate.ts";
import { MOVED, Parked, type Request } from "./_file_parked.ts";
import { pause, pauseAtGate, type Retry } from "./_file_retry.ts";
import { type FileId, type Host, type Timer, withHost } from "./_host.ts";
import type { Guard, LockMode, LockQuery } from "./lock.ts";
import { RwLock } from "./rw_lock.ts";

/** So many hand-offs inside this process are allowed while another process waits. */
export const HAND_OFFS = 100;

/** So many milliseconds of hand-offs are allowed while another process waits. */
export const KEPT_MS = 20;

/** The right to be inside, which holds a place in the queue. */
class FileGuard implements Guard {
  readonly #slot: Slot;
  readonly #place: Guard;

  constructor(slot: Slot, place: Guard) {
    this.#slot = slot;
    this.#place = place;
  }

  get mode(): LockMode {
    return this.#place.mode;
  }

  get released(): boolean {
    return this.#place.released;
  }

  release(): void {
    if (!this.#place.released) this.#slot.leave(this.#place);
  }

  [Symbol.dispose](): void {
    this.release();
  }
}

/** Marks the place in the queue that is there only to give way. */
const GIVES_WAY: object = {};

/** One file, its descriptors and its queue. */
export class Slot {
  /** How many `FileLock`s want this to stay open while nobody uses it. */
  users = 0;
  /** Whether the descriptors are closed: it cannot be used again. */
  closed = false;

  readonly #host: Host;
  readonly #lock: GatedFile;
  readonly #queue: RwLock;
  readonly #onClose: (slot: Slot) => void;
  readonly #parked = new Set<Parked>();
  /** How many guards there are. */
  #inside = 0;
  /** How many acquires are under way. */
  #coming = 0;
  #handOffs = 0;
  #keptSince = 0;
  #givingWay = false;
  #timer: Timer | undefined = undefined;
  #asked = 0;

  /** Use `slotsOf`, so that a process has one slot a file. */
  constructor(host: Host, lock: GatedFile, onClose: (slot: Slot) => void) {
    this.#host = host;
    this.#lock = lock;
    this.#queue = withHost(host, () => new RwLock());
    this.#onClose = onClose;
  }

  /** Which file this is. */
  get id(): FileId {
    return this.#lock.id;
  }

  /** Whether nobody is inside or on the way in. */
  get idle(): boolean {
    return this.#inside === 0 && this.#coming === 0;
  }

  /** Acquires in this process's order, then from the other processes. */
  async acquire(request: Request): Promise<Guard | typeof MOVED> {
    this.#coming++;
    try {
      const options = request.queueOptions();
      const place = request.mode === "read"
        ? await this.#queue.read(options)
        : await this.#queue.write(options);
      return await this.#fromOthers(place, request);
    } finally {
      this.#coming--;
      this.#settle();
    }
  }

  /** Acquires if that needs no waiting. */
  tryAcquire(mode: LockMode, path: string): Guard | typeof MOVED | undefined {
    const place = mode === "read" ? this.#queue.tryRead() : this.#queue.tryWrite();
    if (place === undefined) return undefined;
    try {
      if (this.#hold(mode)) return this.#admit(place, path);
      place.release();
      return undefined;
    } catch (error) {
      place.release();
      throw error;
    } finally {
      if (this.#parked.size === 0) this.#lock.leaveGate();
      this.#settle();
    }
  }

  /** Gives back what a guard holds. */
  leave(place: Guard): void {
    this.#inside--;
    try {
      // Only a writer's place goes straight to one of those coming; see the top of the file.
      const keep = place.mode === "write" && this.#coming > 0;
      if (this.#inside === 0 && !keep) this.#lock.release();
    } finally {
      place.release();
      this.#settle();
    }
  }

  /** Ends the wait of one that is parked. */
  unpark(parked: Parked, reason: unknown): void {
    this.#forget(parked);
    parked.place.release();
    parked.reject(reason);
    if (this.#parked.size === 0) this.#stopAsking();
  }

  /** Who is inside, and who of this process waits. */
  query(): LockQuery {
    const { holders, waiters } = this.#queue.query();
    const here = waiters.filter((waiter) => waiter.owner !== GIVES_WAY);
    // A place in the queue alone is not yet the lock.
    if (this.#lock.held !== undefined) return { holders, waiters: here };
    const placed = holders.filter((holder) => holder.owner !== GIVES_WAY);
    return { holders: [], waiters: [...placed, ...here] };
  }

  /** Closes the descriptors of a slot that is idle. */
  close(): void {
    this.closed = true;
    this.#onClose(this);
    this.#lock.close();
  }

  /** Closes the descriptors if nobody wants them. */
  closeIfUnused(): void {
    if (this.users === 0 && this.idle && !this.closed) this.close();
  }

  #fromOthers(
    place: Guard,
    request: Request,
  ): Guard | typeof MOVED | Promise<Guard | typeof MOVED> {
    try {
      if (this.#hold(request.mode)) return this.#admit(place, request.path);
      if (request.signal?.aborted) throw request.signal.reason;
      if (request.left() <= 0) throw request.timedOut();
    } catch (error) {
      place.release();
      if (this.#parked.size === 0) this.#lock.leaveGate();
      throw error;
    }
    return new Promise((resolve, reject) => {
      this.#parked.add(new Parked(this, this.#host, place, request, resolve, reject));
      if (this.#timer === undefined) this.#askLater(request.retry);
    });
  }

  /** Holds the flock in the mode of one that has its place in the queue, if no one is in the way. */
  #hold(mode: LockMode): boolean {
    const lock = this.#lock;
    if (lock.held !== undefined) {
      const due = this.#mustGiveWay();
      if (this.#inside > 0) {
        if (due) void this.#giveWay();
        return true;
      }
      if (lock.held === mode && !due) return true;
      lock.release();
    }
    if (!lock.tryEnter(mode)) return false;
    this.#handOffs = 0;
    if (this.#parked.size > 0) this.#admitParked();
    return true;
  }

  /** Lets one in, if its path leads here. */
  #admit(place: Guard, path: string): Guard | typeof MOVED {
    if (sameFile(this.#host.files.identify(path), this.#lock.id)) {
      this.#inside++;
      return new FileGuard(this, place);
    }
    place.release();
    return MOVED;
  }

  #admitParked(): void {
    const parked = [...this.#parked];
    for (const one of parked) this.#forget(one);
    this.#stopAsking();
    for (const { place, request, resolve, reject } of parked) {
      try {
        resolve(this.#admit(place, request.path));
      } catch (error) {
        place.release();
        reject(error);
      }
    }
  }

  /** Whether this hand-off is one too many, since another process waits. */
  #mustGiveWay(): boolean {
    const now = this.#host.now();
    if (this.#handOffs++ === 0) this.#keptSince = now;
    if (this.#handOffs < HAND_OFFS && now - this.#keptSince < KEPT_MS) return false;
    this.#handOffs = 0;
    return this.#lock.othersWait();
  }

  async #giveWay(): Promise<void> {
    if (this.#givingWay) return;
    this.#givingWay = true;
    this.#coming++;
    const place = await this.#queue.write({ owner: GIVES_WAY });
    this.#givingWay = false;
    this.#coming--;
    // The last reader out let go of the flock; those behind this place go through the gate.
    place.release();
    this.#settle();
  }

  #ask(retry: Retry): void {
    this.#timer = undefined;
    try {
      const { path, mode } = this.#parked.values().next().value!.request;
      // The file they wait for may have been taken away, with its holder still on it.
      if (!sameFile(this.#host.files.identify(path), this.#lock.id)) return this.#sendAway();
      this.#lock.checkGate();
      this.#asked = this.#lock.atGate ? this.#asked + 1 : 0;
      if (!this.#hold(mode)) this.#askLater(retry);
    } catch (error) {
      for (const parked of [...this.#parked]) this.unpark(parked, error);
    }
  }

  #sendAway(): void {
    const parked = [...this.#parked];
    for (const one of parked) this.#forget(one);
    this.#stopAsking();
    for (const { place, resolve } of parked) {
      place.release();
      resolve(MOVED);
    }
  }

  #askLater(retry: Retry): void {
    const wait = this.#lock.atGate
      ? pause(this.#host, retry, this.#asked)
      : pauseAtGate(this.#host, retry);
    this.#timer = this.#host.setTimer(() => this.#ask(retry), wait);
  }

  #stopAsking(): void {
    if (this.#timer !== undefined) this.#host.clearTimer(this.#timer);
    this.#timer = undefined;
    this.#asked = 0;
    this.#lock.leaveGate();
  }

  #forget(parked: Parked): void {
    this.#parked.delete(parked);
    parked.detach(this.#host);
  }

  #settle(): void {
    if (!this.idle) return;
    if (this.#lock.held !== undefined) this.#lock.release();
    this.closeIfUnused();
  }
}
