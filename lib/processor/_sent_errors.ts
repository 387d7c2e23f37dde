/**
 * Errors across threads: what is thrown on one side is thrown on the other with the same class, if
 * that is one of the language's own, and else with the same name; with its message, stack, cause
 * and properties.
 */
import type { Sent, SentError } from "./_protocol.ts";

/** The classes there are on both sides. */
const TYPES: Readonly<Record<string, new (message: string) => Error>> = {
  Error,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
};

/** Properties that are sent as what they are. */
const KNOWN = new Set(["name", "message", "stack", "cause", "errors"]);

/** How deep causes are followed; they may lead round in a circle. */
const DEPTH = 8;

/** Whether a value survives being sent. */
function canBeSent(value: unknown): boolean {
  try {
    structuredClone(value);
    return true;
  } catch {
    return false;
  }
}

/** A property that can be read and sent, as `Object.fromEntries` takes it. */
function entryOf(thrown: Error, key: string): [string, unknown][] {
  try {
    return [[key, structuredClone(thrown[key as keyof Error])]];
  } catch {
    return [];
  }
}

function typeOf(error: Error): string {
  if (error instanceof AggregateError) return "AggregateError";
  if (error instanceof DOMException) return "DOMException";
  return Object.keys(TYPES).find((name) => name !== "Error" && error instanceof TYPES[name]) ??
    "Error";
}

/** What was thrown, to be sent; whatever that is, this does not throw. */
export function send(thrown: unknown, depth: number = DEPTH): Sent {
  try {
    if (thrown instanceof Error) return sendError(thrown, depth);
    return { kind: "value", value: canBeSent(thrown) ? thrown : String(thrown) };
  } catch {
    // Getters and traps are the thrower's code.
    return sendError(new TypeError("Cannot tell what was thrown: reading it throws"), 0);
  }
}

function sendError(thrown: Error, depth: number): SentError {
  const { name, message, stack, cause } = thrown;
  const more = (value: unknown) => send(value, depth - 1);
  const keys = Object.keys(thrown).filter((key) => !KNOWN.has(key));
  const several = thrown instanceof AggregateError && Array.isArray(thrown.errors);
  return {
    kind: "error",
    type: typeOf(thrown),
    name: String(name),
    message: String(message),
    stack: stack === undefined ? undefined : String(stack),
    cause: cause === undefined || depth === 0 ? undefined : more(cause),
    errors: several && depth > 0 ? thrown.errors.map(more) : undefined,
    properties: Object.fromEntries(keys.flatMap((key) => entryOf(thrown, key))),
  };
}

/** What was thrown, from what was sent. */
export function receive(sent: Sent): unknown {
  if (sent.kind === "value") return sent.value;
  const error = revive(sent);
  const { name, stack, cause, properties } = sent;
  // Not assigned: there may be a setter, or none, on its prototype.
  const define = (key: string, value: unknown, enumerable = false) =>
    Object.defineProperty(error, key, { value, enumerable, configurable: true, writable: true });
  if (error.name !== name) define("name", name);
  if (stack !== undefined) define("stack", stack);
  if (cause !== undefined) define("cause", receive(cause));
  for (const [key, value] of Object.entries(properties)) define(key, value, true);
  return error;
}

function revive({ type, name, message, errors }: SentError): Error {
  if (type === "DOMException") return new DOMException(message, name);
  if (type === "AggregateError") return new AggregateError((errors ?? []).map(receive), message);
  return new TYPES[type](message);
}
