/**
 * One acquire of a lock on a server, from the question to the release.
 *
 * What always holds: a party is `asking` until the server is known to have it in its queue, then
 * `waiting`, then `held`, then `gone`; it never goes back, but that a server which has forgotten it is
 * asked again. It is settled once, by the move out of `asking` or `waiting`, and each way out takes
 * away its deadline, its signal and its place among the sleepers.
 */
import type { Deadline, Expirable } from "../_deadlines.ts";
import { type Abortable, type AbortLink, onAbort } from "../_signals.ts";
import type { AcquireOptions, LockMode, LockParty } from "../lock.ts";
import type { Timed } from "../_meter.ts";
import type { Sleeper } from "./_connection.ts";
import { LeaseLostError } from "./_errors.ts";
import type { Session } from "./_session.ts";
import type { Side } from "./_side.ts";

/** Tells of a wait that has lasted. */
class Patience implements Expirable {
  constructor(readonly party: Party) {}

  expire(waited: number): void {
    this.party.side.contended(this.party, waited);
  }
}

/** See the top of the file. */
export class Party implements Expirable, Abortable, Sleeper, Timed {
  readonly id: string;
  state: "asking" | "waiting" | "held" | "gone" = "asking";
  /** The fencing token, once it is inside. */
  token = 0n;
  /** When the last question was sent that the server has answered, by the host's clock. */
  acknowledged: number;
  /** By which session it was asked for last. */
  asked: Session | undefined;
  /** Why the lease can no longer be trusted, once that is so. */
  lost: LeaseLostError | undefined;
  /** Aborted with that reason; made when somebody looks at it. */
  controller: AbortController | undefined;
  party: LockParty;
  waiting = false;
  readonly promise: Promise<Party>;
  #resolve!: (party: Party) => void;
  #reject!: (reason: unknown) => void;
  #deadline: Deadline | undefined;
  #patience: Deadline | undefined;
  #link: AbortLink | undefined;

  constructor(readonly side: Side, readonly mode: LockMode, options: AcquireOptions) {
    const { label, owner, timeout, signal } = options;
    const { connection, options: { contentionAfter } } = side;
    const { deadlines } = connection;
    this.id = connection.nextParty();
    this.party = {
      mode,
      ...(label === undefined ? {} : { label }),
      ...(owner === undefined ? {} : { owner }),
    };
    this.acknowledged = connection.host.now();
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // First, for it calls what is not ours, and whatever that throws leaves nothing behind.
    if (signal !== undefined) this.#link = onAbort(signal, this);
    connection.sleepers.set(this.id, this);
    if (timeout !== undefined && timeout !== Infinity) {
      this.#deadline = deadlines.add(timeout, this);
    }
    if (side.observed) this.#patience = deadlines.add(contentionAfter, new Patience(this));
  }

  /** Whether it has neither the lock nor given up. */
  get pending(): boolean {
    return this.state === "asking" || this.state === "waiting";
  }

  woken(token: string): void {
    if (this.pending) this.side.granted(this, token);
  }

  expire(waited: number): void {
    this.fail(this.side.timedOut(this.mode, waited));
  }

  abort(reason: unknown): void {
    this.side.countAborted();
    this.fail(reason);
  }

  afterAbort(): void {}

  /** Comes inside. */
  enter(token: bigint): void {
    this.#settle("held");
    this.token = token;
    this.side.meter?.entered(this);
    this.#resolve(this);
  }

  /** Its lease can be trusted no longer; does nothing for one that is not inside. */
  lose(reason: string): void {
    if (this.state !== "held" || this.lost !== undefined) return;
    this.lost = new LeaseLostError(this.side.name, this.token, reason);
    this.controller?.abort(this.lost);
  }

  /** Gives up, and leaves the queue. */
  fail(reason: unknown): void {
    if (this.waiting) this.side.meter?.gaveUp(this);
    this.#settle("gone");
    this.#reject(reason);
    void this.side.drop(this);
  }

  /** Goes, without having been in the queue; nobody hears of it but who asked. */
  refused(): void {
    this.#settle("gone");
    this.side.forget(this);
  }

  #settle(state: "held" | "gone"): void {
    const { connection } = this.side;
    this.state = state;
    connection.sleepers.delete(this.id);
    if (this.#deadline !== undefined) connection.deadlines.remove(this.#deadline);
    if (this.#patience !== undefined) connection.deadlines.remove(this.#patience);
    this.#link?.remove();
  }
}
