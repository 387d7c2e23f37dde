import { show } from "./_options.ts";
import { describeThrown } from "./_thrown.ts";

/**
 * A value as JSON.
 *
 * @throws {TypeError} when JSON cannot express it, or what it is made of throws
 */
export function encodeJson(value: unknown, action: string): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    throw new TypeError(`Cannot ${action}: ${describeThrown(error)}`, { cause: error });
  }
  if (text !== undefined) return text;
  throw new TypeError(`Cannot ${action}: JSON cannot express ${show(value)}`);
}
