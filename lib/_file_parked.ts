/**
 * A task between its two waits: it has its place in the queue of its process and waits for the flock
 * that another process has. What could end that wait, a time-out or an abort, is taken off in the
 * turn in which the flock is granted, so granted wins.
 */
import { deadlinesOf, type Expirable } from "./_deadlines.ts";
import type { MeteredAcquire } from "./_file_meter.ts";
import type { Retry } from "./_retry.ts";
import type { Host } from "./_host.ts";
import { Limit } from "./_limit.ts";
import type { Named } from "./_named.ts";
import type { Abortable } from "./_signals.ts";
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
  readonly #limit: Limit;

  constructor(
    slot: Owner,
    host: Host,
    readonly place: Guard,
    readonly request: Request,
    readonly resolve: Settle,
    readonly reject: (reason: unknown) => void,
  ) {
    this.#slot = slot;
    this.#limit = new Limit(deadlinesOf(host), this, request.left(), request.signal);
    request.metered?.parks();
  }

  /** Takes off what could end the wait. */
  detach(): void {
    this.request.metered?.unparks();
    this.#limit.end();
  }

  expire(): void {
    this.#slot.unpark(this, this.request.timedOut());
  }

  abort(reason: unknown): void {
    this.#slot.unpark(this, reason);
  }

  afterAbort(): void {}
}
