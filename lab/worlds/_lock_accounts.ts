/**
 * Who holds and who waits for each lock, told from outside.
 *
 * A lock whose grant takes time (it is polled for, or lives in another thread) is not asked who is
 * inside. What was requested, granted and left is counted here instead, and says whether a grant or
 * a refusal is on its way that has not arrived: the engine is to choose only when none is.
 */
import type { LockMode } from "../../lib/lock.ts";
import type { Operation } from "../engine/mod.ts";
import { REFUSED } from "./_lock_view.ts";

interface Waiter {
  readonly mode: LockMode;
  /** Whether the time is up that it was ready to wait. */
  expired: boolean;
  /** The signal that ends its wait, if there is one. */
  readonly signal: string | undefined;
}

/** One lock. */
class Account {
  readonly held = new Map<number, LockMode>();
  readonly waiting = new Map<number, Waiter>();

  /** Whether a grant is on its way that has not arrived. */
  get due(): boolean {
    if (this.waiting.size === 0) return false;
    if (this.held.size === 0) return true;
    const modes = [...this.held.values(), ...[...this.waiting.values()].map(({ mode }) => mode)];
    return !modes.includes("write");
  }
}

/** All locks of a run, by the operations on them. */
export class LockAccounts {
  readonly #accounts = new Map<string, Account>();
  readonly #fired = new Set<string>();

  /** @param names The locks' names. */
  constructor(names: Iterable<string>) {
    for (const name of names) this.#accounts.set(name, new Account());
  }

  /** Whether a grant or a refusal is on its way that has not arrived. */
  get due(): boolean {
    for (const account of this.#accounts.values()) {
      if (account.due) return true;
      for (const { signal, expired } of account.waiting.values()) {
        if (expired) return true;
        if (signal !== undefined && this.#fired.has(signal)) return true;
      }
    }
    return false;
  }

  /** The places of those who wait for a lock. */
  waiting(lock: string): number[] {
    return [...this.#accounts.get(lock)!.waiting.keys()];
  }

  /** An operation of the actor at `place` has been begun. */
  began({ object, kind }: Operation, place: number, argument: unknown): void {
    const account = this.#accounts.get(object);
    if (account === undefined) return;
    const [verb, mode] = kind.split(" ");
    if (verb !== "request") return;
    const { signal, timeout } = (argument ?? {}) as { signal?: string; timeout?: number };
    account.waiting.set(place, { mode: mode as LockMode, signal, expired: timeout === 0 });
  }

  /** What the actor waits to enter has been granted, or refused. */
  arrived({ object }: Operation, place: number): void {
    const account = this.#accounts.get(object);
    const waiter = account?.waiting.get(place);
    if (account === undefined || waiter === undefined) return;
    account.waiting.delete(place);
    account.held.set(place, waiter.mode);
  }

  /** An operation has been carried out. */
  did({ object, kind }: Operation, place: number, value: unknown): void {
    const account = this.#accounts.get(object);
    if (account === undefined) return;
    const [verb, mode] = kind.split(" ");
    if (verb === "leave" || value === REFUSED) account.held.delete(place);
    else if (verb === "try" && value === true) account.held.set(place, mode as LockMode);
  }

  /** The time is up that the actor was ready to wait. */
  expire(place: number): void {
    for (const { waiting } of this.#accounts.values()) {
      const waiter = waiting.get(place);
      if (waiter !== undefined) waiter.expired = true;
    }
  }

  /** A signal has been fired. */
  fired(signal: string): void {
    this.#fired.add(signal);
  }

  /**
   * The actor is gone.
   *
   * @param freed Whether what it held and waited for is gone with it; else when it is reaped.
   */
  died(place: number, freed: boolean): void {
    if (!freed) return;
    for (const name of this.#accounts.keys()) this.reaped(name, place);
  }

  /** What an actor that is gone held of a lock, and its place in the queue, is gone too. */
  reaped(lock: string, place: number): void {
    const account = this.#accounts.get(lock);
    account?.held.delete(place);
    account?.waiting.delete(place);
  }
}
