/** Checks of what a processor is created with and asked for; the messages say what is allowed. */
import {
  checkAcquireOptions,
  checkDuration,
  checkFunction,
  checkOptions,
  show,
} from "../_options.ts";
import type { BackPressureOptions } from "./_back_pressure.ts";
import type { BreakerOptions } from "./_breaker.ts";
import type { JobOptions } from "./jobs.ts";

/** Refuses what is not a whole number from `least` to `most`. */
export function checkCount(
  name: string,
  value: unknown,
  action: string,
  least: number = 1,
  most: number = Number.MAX_SAFE_INTEGER,
): void {
  const range = most === Number.MAX_SAFE_INTEGER ? `from ${least} up` : `from ${least} to ${most}`;
  const message = `Cannot ${action}: ${name} must be a whole number ${range}, got ${show(value)}`;
  if (typeof value !== "number") throw new TypeError(message);
  if (!Number.isSafeInteger(value) || value < least || value > most) throw new RangeError(message);
}

/** Refuses what is given but neither true nor false. */
export function checkBoolean(name: string, value: unknown, action: string): void {
  if (value === undefined || typeof value === "boolean") return;
  throw new TypeError(`Cannot ${action}: ${name} must be true or false, got ${show(value)}`);
}

/** Refuses what is not a method's name. */
export function checkMethod(value: unknown): asserts value is string {
  if (typeof value === "string" && value !== "") return;
  throw new TypeError(`Cannot name a method ${show(value)}: it must be a string, and not empty`);
}

/**
 * Refuses the options of a job that cannot be meant. Answers a copy in which each has been read once:
 * the caller's may be another job's by the time that this one begins, or throw when they are read.
 */
export function checkJobOptions(
  options: JobOptions,
  action: string,
  allowed: { readonly order: boolean; readonly trace: boolean },
): JobOptions {
  checkOptions(options, action);
  const { timeout, limit, signal, priority, traceparent, transfer } = options;
  checkAcquireOptions({ timeout, signal }, action);
  if (limit !== undefined) checkDuration("limit", limit, action);
  if (priority !== undefined) {
    if (typeof priority !== "number" || !Number.isFinite(priority)) {
      throw new TypeError(
        `Cannot ${action}: priority must be a finite number, got ${show(priority)}`,
      );
    }
    if (!allowed.order) {
      throw new TypeError(
        `Cannot ${action} with a priority: the processor was created without an order`,
      );
    }
  }
  if (traceparent !== undefined && !allowed.trace) {
    throw new TypeError(
      `Cannot ${action} with a traceparent: the processor was created without trace: true`,
    );
  }
  if (transfer !== undefined && !Array.isArray(transfer)) {
    throw new TypeError(`Cannot ${action}: transfer must be an array, got ${show(transfer)}`);
  }
  return { timeout, limit, signal, priority, traceparent, transfer: transfer && [...transfer] };
}

/** Refuses a circuit breaker that cannot be meant. */
export function checkBreaker(options: BreakerOptions, action: string): void {
  checkOptions(options, action);
  const { rate, window = 20, minimum, cooldown, trials, isFailure } = options;
  if (rate !== undefined && !(typeof rate === "number" && rate > 0 && rate <= 1)) {
    throw new RangeError(
      `Cannot ${action}: rate must be more than 0 and at most 1, got ${show(rate)}`,
    );
  }
  checkCount("window", window, action);
  if (minimum !== undefined) checkCount("minimum", minimum, action, 1, window);
  if (cooldown !== undefined) checkDuration("cooldown", cooldown, action);
  if (trials !== undefined) checkCount("trials", trials, action);
  if (isFailure !== undefined) checkFunction("isFailure", isFailure, action);
}

/** Refuses back-pressure that cannot be meant; `most` is how many jobs there is room for. */
export function checkBackPressure(
  options: BackPressureOptions,
  action: string,
  most: number,
): void {
  checkOptions(options, action);
  const { target, interval, min, isHealthy } = options;
  checkDuration("target", target, action);
  if (interval !== undefined) checkDuration("interval", interval, action);
  if (min !== undefined) checkCount("min", min, action, 1, most);
  if (isHealthy !== undefined) checkFunction("isHealthy", isHealthy, action);
}
