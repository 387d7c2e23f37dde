/**
 * Copies what is sent from one actor to another. Only plain data passes, so that a message means the
 * same between tasks, where it could be shared by reference, and between processes, where it is JSON.
 *
 * @throws {TypeError} when `value` has something in it that is not plain data.
 */
export function copyPlainData<T>(value: T, channel: string): T {
  return copy(value, channel) as T;
}

/** A value as far as it can be shown elsewhere; `undefined` if it is no plain data. */
export function plainOrNothing(value: unknown): unknown {
  try {
    return copy(value, "");
  } catch {
    return undefined;
  }
}

function copy(value: unknown, channel: string): unknown {
  if (value === null || typeof value === "boolean" || typeof value === "string") return value;
  if (typeof value === "number" && Number.isFinite(value)) return value;
  if (Array.isArray(value)) return value.map((item) => copy(item, channel));
  if (typeof value === "object") {
    const prototype = Object.getPrototypeOf(value);
    if (prototype === Object.prototype || prototype === null) {
      return Object.fromEntries(
        Object.entries(value).map(([key, item]) => [key, copy(item, channel)]),
      );
    }
  }
  throw new TypeError(
    `Cannot send ${
      name(value)
    } through channel ${channel}: messages are plain data (null, booleans, finite numbers, strings, arrays and plain objects)`,
  );
}

function name(value: unknown): string {
  if (typeof value === "object" && value !== null) return `a ${value.constructor.name}`;
  return typeof value === "number" ? String(value) : `a ${typeof value}`;
}
