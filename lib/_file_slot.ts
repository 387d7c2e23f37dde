/**
 * One locked file as one process knows it, whatever paths lead to it and however many `FileLock`s
 * there are: the descriptors, which belong together because a flock belongs to the descriptor and
 * not to a task, and the queue of this process's tasks before them.
 *
 * What always holds between two calls:
 *
 * - A task is inside only if it has its place in `queue` (the one behind `RwLock`, which keeps the
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
 * **Giving way.** When `_file_hand_offs.ts` says that it is time to look, and another process waits
 * at the gate, this one lets go and goes through the gate like everyone. A writer simply does so
 * when its turn comes. Readers that overlap without end need a moment when nobody is inside: a place
 * for a writer in the queue makes one, and holds back those after it.
 */
import { type GatedFile, sameFile } from "./_file_gate.ts";
import { HandOffs } from "./_file_hand_offs.ts";
import type { MeteredAcquire } from "./_file_meter.ts";
import { MOVED, Parked, type Request } from "./_file_parked.ts";
import { Asker } from "./_retry.ts";
import type { FileId, Host } from "./_host.ts";
import { Queue } from "./_queue.ts";
import type { Guard, LockMode, LockQuery } from "./lock.ts";

/** The right to be inside, which holds a place in the queue. */
class FileGuard implements Guard {
  readonly #slot: Slot;
  readonly #place: Guard;
  readonly #metered: MeteredAcquire | undefined;

  constructor(slot: Slot, place: Guard, metered: MeteredAcquire | undefined) {
    this.#slot = slot;
    this.#place = place;
    this.#metered = metered;
  }

  get mode(): LockMode {
    return this.#place.mode;
  }

  get label(): string | undefined {
    return this.#place.label;
  }

  get released(): boolean {
    return this.#place.released;
  }

  release(): void {
    if (this.#place.released) return;
    this.#metered?.leaves();
    this.#slot.leave(this.#place);
  }

  [Symbol.dispose](): void {
    this.release();
  }
}

/** Marks the place in the queue that is there only to give way. */
const GIVES_WAY: object = {};

/** Whoever has made a slot. */
export interface SlotKeeper {
  /** It is idle, and open. */
  rests(): void;
  /** Its descriptors are closed. */
  closed(): void;
}

/** One file, its descriptors and its queue. */
export class Slot {
  /** How many `FileLock`s want this to stay open while nobody uses it. */
  users = 0;
  /** Whether the descriptors are closed: it cannot be used again. */
  closed = false;

  readonly #host: Host;
  readonly #lock: GatedFile;
  readonly #queue: Queue;
  readonly #keeper: SlotKeeper;
  readonly #parked = new Set<Parked>();
  /** How many guards there are. */
  #inside = 0;
  /** How many acquires are under way. */
  #coming = 0;
  readonly #handOffs: HandOffs;
  #givingWay = false;
  readonly #asker: Asker;

  /** Use `slotsOf`, so that a process has one slot a file. */
  constructor(host: Host, lock: GatedFile, keeper: SlotKeeper) {
    this.#host = host;
    this.#lock = lock;
    this.#queue = new Queue(host);
    this.#keeper = keeper;
    this.#handOffs = new HandOffs(host);
    this.#asker = new Asker(host, () => this.#ask());
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
      const { signal, named, mode } = request;
      const timeout = request.left();
      const writes = mode === "write";
      if (timeout > 0 && !this.#queue.mayEnter(writes)) request.metered?.waits();
      const place = await this.#queue.acquire(writes, { timeout, signal }, named);
      return await this.#fromOthers(place, request);
    } finally {
      this.#coming--;
      this.#settle();
    }
  }

  /** Acquires if that needs no waiting. */
  tryAcquire(request: Request): Guard | typeof MOVED | undefined {
    const place = this.#tryPlace(request);
    if (place === undefined) return undefined;
    try {
      const entered = this.#enter(place, request);
      if (entered === undefined) place.release();
      return entered;
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
    const holders = this.#queue.listHolders();
    const waiters = this.#queue.listWaiters();
    const here = waiters.filter((waiter) => waiter.owner !== GIVES_WAY);
    // A place in the queue alone is not yet the lock.
    if (this.#lock.held !== undefined) return { holders, waiters: here };
    const placed = holders.filter((holder) => holder.owner !== GIVES_WAY);
    return { holders: [], waiters: [...placed, ...here] };
  }

  /** Closes the descriptors of a slot that is idle. */
  close(): void {
    this.closed = true;
    this.#keeper.closed();
    this.#lock.close();
  }

  /** Closes the descriptors if nobody wants them. */
  closeIfUnused(): void {
    if (this.users === 0 && this.idle && !this.closed) this.close();
  }

  #tryPlace({ mode, named }: Request): Guard | undefined {
    const writes = mode === "write";
    if (named === undefined) return this.#queue.enter(writes);
    return this.#queue.mayEnter(writes) ? this.#queue.admit(writes, named) : undefined;
  }

  #fromOthers(
    place: Guard,
    request: Request,
  ): Guard | typeof MOVED | Promise<Guard | typeof MOVED> {
    try {
      const entered = this.#enter(place, request);
      if (entered !== undefined) return entered;
      if (request.signal?.aborted) throw request.signal.reason;
      if (request.left() <= 0) throw request.timedOut();
    } catch (error) {
      place.release();
      if (this.#parked.size === 0) this.#lock.leaveGate();
      throw error;
    }
    return new Promise((resolve, reject) => {
      this.#parked.add(new Parked(this, this.#host, place, request, resolve, reject));
      if (!this.#asker.asks) this.#asker.askLater(request.retry, this.#lock.atGate);
    });
  }

  /** Lets one in that has its place in the queue, if no other process is in the way. */
  #enter(place: Guard, request: Request): Guard | typeof MOVED | undefined {
    const kept = this.#keep(request.mode);
    if (!kept && !this.#take(request.mode)) return undefined;
    return this.#admit(place, request, kept);
  }

  /** Whether the flock is held already in the mode of one that has its place in the queue. */
  #keep(mode: LockMode): boolean {
    const lock = this.#lock;
    if (lock.held === undefined) return false;
    // It may be one hand-off too many, since another process waits.
    const due = this.#handOffs.add() && lock.othersWait();
    if (this.#inside > 0) {
      if (due) void this.#giveWay();
      return true;
    }
    if (lock.held === mode && !due) return true;
    lock.release();
    return false;
  }

  /** Takes the flock, for all who are parked too, unless another process is in the way. */
  #take(mode: LockMode): boolean {
    if (!this.#lock.tryEnter(mode)) return false;
    this.#handOffs.restart();
    if (this.#parked.size > 0) this.#admitParked();
    return true;
  }

  /** Lets one in, if its path leads here. */
  #admit(place: Guard, request: Request, kept: boolean): Guard | typeof MOVED {
    if (sameFile(this.#host.files.identify(request.path), this.#lock.id)) {
      this.#inside++;
      const { metered } = request;
      if (metered !== undefined) {
        metered.enters(kept);
        this.#queue.relist();
      }
      return new FileGuard(this, place, metered);
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
        resolve(this.#admit(place, request, false));
      } catch (error) {
        place.release();
        reject(error);
      }
    }
  }

  async #giveWay(): Promise<void> {
    if (this.#givingWay) return;
    this.#givingWay = true;
    this.#coming++;
    const place = await this.#queue.acquire(true, { owner: GIVES_WAY });
    this.#givingWay = false;
    this.#coming--;
    // The last reader out let go of the flock; those behind this place go through the gate.
    place.release();
    this.#settle();
  }

  #ask(): void {
    try {
      const { request } = this.#parked.values().next().value!;
      request.metered?.polls();
      // The file they wait for may have been taken away, with its holder still on it.
      if (!sameFile(this.#host.files.identify(request.path), this.#lock.id)) {
        return this.#sendAway();
      }
      this.#lock.checkGate();
      if (!this.#take(request.mode)) this.#asker.askLater(request.retry, this.#lock.atGate);
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

  #stopAsking(): void {
    this.#asker.stop();
    this.#lock.leaveGate();
  }

  #forget(parked: Parked): void {
    this.#parked.delete(parked);
    parked.detach();
  }

  #settle(): void {
    if (!this.idle) return;
    if (this.#lock.held !== undefined) this.#lock.release();
    this.closeIfUnused();
    if (!this.closed) this.#keeper.rests();
  }
}
