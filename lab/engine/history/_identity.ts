/**
 * Equality of plain data as equality of one primitive.
 *
 * Invariant: two values have the same identity exactly if they hold the same data. Primitives are
 * their own identity; everything else becomes a text that begins with a character no other identity
 * begins with.
 */

const MARK = "\0";

/**
 * What can stand for a value in a `Map`.
 *
 * @throws {TypeError} when the value holds something that cannot be compared, like a function.
 */
export function identity(value: unknown): unknown {
  switch (typeof value) {
    case "string":
      return value.startsWith(MARK) ? MARK + JSON.stringify(value) : value;
    case "object":
      return value === null ? null : MARK + text(value);
    case "function":
      return text(value);
    default:
      return value;
  }
}

/** The data as a text; different data, different text. */
function text(value: unknown): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value);
    case "bigint":
      return `${value}n`;
    case "symbol": {
      const name = Symbol.keyFor(value);
      if (name === undefined) break;
      return `@${JSON.stringify(name)}`;
    }
    case "object":
      return value === null ? "null" : textOfObject(value);
    case "function":
      break;
    default:
      return value === 0 ? "0" : String(value);
  }
  throw new TypeError(`Cannot compare ${String(value)}: it is no plain data`);
}

function textOfObject(value: object): string {
  if (Array.isArray(value)) {
    let all = "[";
    for (let place = 0; place < value.length; place++) all += `${text(value[place])},`;
    return `${all}]`;
  }
  if (value instanceof Map) {
    return `Map{${[...value].map(([key, each]) => `${text(key)}:${text(each)}`).sort()}}`;
  }
  if (value instanceof Set) return `Set{${[...value].map(text).sort()}}`;
  if (value instanceof Date) return `Date(${value.getTime()})`;
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
    return `${value.constructor.name}(${value})`;
  }
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
    throw new TypeError(
      `Cannot compare ${value.constructor.name}: it is no plain data; give the model an identify()`,
    );
  }
  const entries = Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1);
  return `{${entries.map(([key, each]) => `${JSON.stringify(key)}:${text(each)}`)}}`;
}
