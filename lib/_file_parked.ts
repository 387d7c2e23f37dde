/**
 * A task between its two waits: it has its place in the queue of its process and waits for the flock
 * that another process has. What could end that wait, a time-out or an abort, is taken off in the
 * turn in which the flock is granted, so granted wins.
 */
import { type Deadline, deadlinesOf, type Expirable } from "./_deadlines.ts";
import type { MeteredAcquire } from "./_file_meter.ts";
import type { Retry } from "./_file_retry.ts";
import type { Host } from "./_host.ts";
import type { Named } from "./_named.ts";
import { type Abortable, type AbortLink, onAbort } from "./_signals.ts";
import type { Guard, LockMode } from "./lock.ts";

/** The path leads to another file now: the caller must turn to that one. */
export const MOVED: unique symbol = Symbol("moved");

/** What one acquire asks for. */
export interface Request {
  readonly mode: LockMode;
  /** The absolute path it came by. */
  readonly path: string;
  readonly retry: Retry;
  readonly signal: AbortSignal | undefined;
  /** By what it is listed, if at all. */
  readonly named: Named | undefined;
  /** Told what becomes of it, if that is counted. */
  readonly metered: MeteredAcquire | undefined;
  /** How many whole milliseconds it may still wait. */
  left(): number;
  /** The error for one that may wait no longer. */
  timedOut(): Error;
}

/** What a parked task is parked at. */
interface Owner {
  unpark(parked: Parked, reason: unknown): void;
}

type Settle = (outcome: Guard | typeof MOVED) => void;

/** A task that has its place and waits for the flock. */
export class Parked implements Expirable, Abortable {
  readonly #slot: Owner;
  #deadline: Deadline | undefined;
  #link: AbortLink | undefined;

  constructor(
    slot: Owner,
    host: Host,
    readonly place: Guard,
    readonly request: Request,
    readonly resolve: Settle,
    readonly reject: (reason: unknown) => void,
  ) {
    this.#slot = slot;
    const left = request.left();
    if (left !== Infinity) this.#deadline = deadlinesOf(host).add(left, this);
    if (request.signal !== undefined) this.#link = onAbort(request.signal, this);
    request.metered?.parks();
  }

  /** Takes off what could end the wait. */
  detach(host: Host): void {
    this.request.metered?.unparks();
    if (this.#deadline !== undefined) deadlinesOf(host).remove(this.#deadline);
    this.#link?.remove();
  }

  expire(): void {
    this.#slot.unpark(this, this.request.timedOut());
  }

  abort(reason: unknown): void {
    this.#slot.unpark(this, reason);
  }

  afterAbort(): void {}
}
