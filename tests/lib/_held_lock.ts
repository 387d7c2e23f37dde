/** Requests that a test lets go of when it likes. */
import type { Lock, LockManager, LockRequestOptions } from "../../lib/lock_manager.ts";

/** A request whose callback goes on until it is told to end. */
export interface HeldLock {
  /** What the request comes to. */
  readonly done: Promise<unknown>;
  /** What the callback was given, once it has begun. */
  readonly begun: Promise<Lock | null>;
  /** Ends the callback with a value. */
  release(value?: unknown): void;
  /** Ends the callback with a rejection. */
  fail(reason: unknown): void;
}

/** Makes such a request. What it rejects with counts as handled. */
export function hold(
  locks: LockManager,
  name: string,
  options: LockRequestOptions = {},
): HeldLock {
  const begun = Promise.withResolvers<Lock | null>();
  const ended = Promise.withResolvers<unknown>();
  const done = locks.request(name, options, (lock) => {
    begun.resolve(lock);
    return ended.promise;
  });
  done.catch(() => {});
  ended.promise.catch(() => {});
  return { done, begun: begun.promise, release: ended.resolve, fail: ended.reject };
}
