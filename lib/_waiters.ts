/**
 * Those who wait in a `Queue`. Most can be ended by nothing but their turn, and are no more than
 * what a turn needs; the others can leave, each in the same way: `leave` takes it out, and whoever
 * calls it drains the queue, because those behind may be able to enter now.
 */
import type { Deadline, Expirable } from "./_deadlines.ts";
import type { Chunk } from "./_line.ts";
import type { Named } from "./_named.ts";
import type { Queue } from "./_queue.ts";
import type { Abortable, AbortLink } from "./_signals.ts";
import type { Guard } from "./lock.ts";

/** Answers an acquire that it is inside. */
export type Resolve = (guard: Guard) => void;

/** Answers an acquire why it is not. */
export type Reject = (reason: unknown) => void;

/** A waiter that nothing but its turn can end; most are. */
export class Waiter {
  constructor(readonly writes: boolean, readonly resolve: Resolve) {}

  get named(): Named | undefined {
    return undefined;
  }

  /** Whether it is inside already, and waits to write. */
  get upgrades(): boolean {
    return false;
  }

  /** Whether it could enter now if it were first. */
  fits(queue: Queue): boolean {
    return queue.canEnter(this.writes);
  }

  /** Lets it in. */
  enter(queue: Queue): void {
    this.resolve(queue.admit(this.writes, this.named));
  }

  /** Takes off what could end the wait before its turn. */
  detach(): void {}
}

/** A waiter that can time out or abort, or that has a name. */
export class LimitedWaiter extends Waiter implements Expirable, Abortable {
  chunk: Chunk<Waiter> | undefined = undefined;
  timeout: Deadline | undefined = undefined;
  contention: Deadline | undefined = undefined;
  link: AbortLink | undefined = undefined;

  constructor(
    readonly queue: Queue,
    writes: boolean,
    resolve: Resolve,
    readonly reject: Reject,
    readonly name: Named | undefined,
  ) {
    super(writes, resolve);
  }

  override get named(): Named | undefined {
    return this.name;
  }

  expire(waited: number): void {
    this.leave(this.queue.timedOut(this.writes, waited));
    this.queue.drain();
  }

  abort(reason: unknown): void {
    this.queue.countAborted();
    this.leave(reason);
  }

  afterAbort(): void {
    this.queue.drain();
  }

  override detach(): void {
    const { timeout, contention, link } = this;
    if (timeout !== undefined) this.queue.deadlines.remove(timeout);
    if (contention !== undefined) this.queue.deadlines.remove(contention);
    if (link !== undefined) link.remove();
  }

  /** Ends the wait without the lock; whoever calls this drains the queue. */
  leave(reason: unknown): void {
    this.detach();
    this.queue.waiters.remove(this.chunk!, this);
    if (this.name !== undefined) this.queue.endWait(this.name);
    this.reject(reason);
  }
}
