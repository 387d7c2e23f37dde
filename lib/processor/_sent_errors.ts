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

function typeOf(error: Error): string {
  if (error instanceof AggregateError) return "AggregateError";
  if (error instanceof DOMException) return "DOMException";
  return Object.keys(TYPES).find((name) => name !== "Error" && error instanceof TYPES[name]) ??
    "Error";
}

/** What was thrown, to be sent. */
export function send(thrown: unknown, depth: number = DEPTH): Sent {
  if (!(thrown instanceof Error)) {
    return { kind: "value", value: canBeSent(thrown) ? thrown : String(thrown) };
  }
  const { name, message, stack, cause } = thrown;
  const more = (value: unknown) => send(value, depth - 1);
  const own = Object.entries(thrown).filter(([key, value]) => !KNOWN.has(key) && canBeSent(value));
  return {
    kind: "error",
    type: typeOf(thrown),
    name: String(name),
    message: String(message),
    stack: stack === undefined ? undefined : String(stack),
    cause: cause === undefined || depth === 0 ? undefined : more(cause),
    errors: thrown instanceof AggregateError && depth > 0 ? thrown.errors.map(more) : undefined,
    properties: Object.fromEntries(own),
  };
}

/** What was thrown, from what was sent. */
export function receive(sent: Sent): unknown {
  if (sent.kind === "value") return sent.value;
  const error = revive(sent);
  const { name, stack, cause, properties } = sent;
  const define = (key: string, value: unknown) =>
    Object.defineProperty(error, key, { value, configurable: true, writable: true });
  if (error.name !== name) define("name", name);
  if (stack !== undefined) define("stack", stack);
  if (cause !== undefined) define("cause", receive(cause));
  return Object.assign(error, properties);
}

function revive({ type, name, message, errors }: SentError): Error {
  if (type === "DOMException") return new DOMException(message, name);
  if (type === "AggregateError") return new AggregateError((errors ?? []).map(receive), message);
  return new TYPES[type](message);
}
