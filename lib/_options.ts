/**
 * Checks of what callers hand in, the same for every lock: what is not understood is refused
 * before anything is acquired, and the message names both the value and what is allowed.
 */
import type { AcquireOptions, LockOptions, RwLockOptions } from "./lock.ts";

/** Names a value in a message without letting it be long or throw. */
export function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.slice(0, 40));
  if (typeof value === "object" && value !== null) return "an object";
  if (typeof value === "function") return "a function";
  return String(value);
}

/** Refuses what is not a length of time in milliseconds; `Infinity` is one. */
export function checkDuration(name: string, value: unknown, action: string): void {
  if (typeof value !== "number") {
    throw new TypeError(
      `Cannot ${action}: ${name} must be a number of milliseconds, got ${show(value)}`,
    );
  }
  // Written so that NaN, which is not comparable, is refused too.
  if (!(value >= 0)) {
    throw new RangeError(
      `Cannot ${action}: ${name} must be 0 or more milliseconds, or Infinity, got ${value}`,
    );
  }
}

/** Refuses what is given but not a string. */
export function checkLabel(value: unknown, action: string): void {
  if (value !== undefined && typeof value !== "string") {
    throw new TypeError(`Cannot ${action}: label must be a string, got ${show(value)}`);
  }
}

/** Refuses what is not an epoch, and answers what is. */
export function checkEpoch(value: unknown, action: string): number {
  if (typeof value !== "number") {
    throw new TypeError(`Cannot ${action}: an epoch must be a number, got ${show(value)}`);
  }
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new RangeError(`Cannot ${action}: an epoch is a whole number from 0 up, got ${value}`);
  }
  return value;
}

/** Refuses what is not a function. */
export function checkFunction(name: string, value: unknown, action: string): void {
  if (typeof value !== "function") {
    throw new TypeError(`Cannot ${action}: ${name} must be a function, got ${show(value)}`);
  }
}

/** Refuses options that are given but not an object of options. */
export function checkOptions(options: unknown, action: string): void {
  if (options !== undefined && (typeof options !== "object" || options === null)) {
    throw new TypeError(`Cannot ${action}: options must be an object, got ${show(options)}`);
  }
}

/** Refuses acquire options that cannot be meant. */
export function checkAcquireOptions(options: AcquireOptions, action: string): void {
  checkOptions(options, action);
  const { timeout, signal, label, owner } = options;
  if (timeout !== undefined) checkDuration("timeout", timeout, action);
  // By its shape and not by its class: a signal may come from another realm.
  if (
    signal !== undefined &&
    (typeof signal?.aborted !== "boolean" || typeof signal.addEventListener !== "function")
  ) {
    throw new TypeError(`Cannot ${action}: signal must be an AbortSignal, got ${show(signal)}`);
  }
  checkLabel(label, action);
  if (
    owner !== undefined &&
    (owner === null || typeof owner !== "object" && typeof owner !== "function")
  ) {
    throw new TypeError(`Cannot ${action}: owner must be an object, got ${show(owner)}`);
  }
}

/** Refuses what does not say whether to count. */
export function checkStats(value: unknown, action: string): void {
  if (value !== undefined && typeof value !== "boolean") {
    throw new TypeError(`Cannot ${action}: stats must be true or false, got ${show(value)}`);
  }
}

/** Refuses constructor options that cannot be meant. */
export function checkLockOptions(options: LockOptions, action: string): void {
  checkOptions(options, action);
  checkLabel(options.label, action);
  if (options.onContention !== undefined) {
    checkFunction("onContention", options.onContention, action);
  }
  if (options.contentionAfter !== undefined) {
    checkDuration("contentionAfter", options.contentionAfter, action);
  }
  checkStats(options.stats, action);
}

/** Refuses constructor options of an `RwLock` that cannot be meant. */
export function checkRwLockOptions(options: RwLockOptions, action: string): void {
  checkLockOptions(options, action);
  const { policy = "fair", onLeak } = options;
  if (onLeak !== undefined) checkFunction("onLeak", onLeak, action);
  if (!["fair", "read-preferring", "write-preferring"].includes(policy)) {
    throw new TypeError(
      `Cannot ${action}: policy must be "fair", "read-preferring" or "write-preferring", ` +
        `got ${show(policy)}`,
    );
  }
}
