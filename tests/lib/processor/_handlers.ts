/** Handlers for Workers; the tests name this module by its URL. */
import process from "node:process";
import { isMainThread, parentPort, threadId } from "node:worker_threads";
import {
  type BatchContext,
  currentTrace,
  type JobContext,
  type RunContext,
} from "../../../lib/processor/mod.ts";

class OwnError extends RangeError {
  override readonly name = "OwnError";
  readonly code = "EOWN";
  readonly detail = { left: 3 };
}

/** Answers what it is handed, and where it runs. */
export function echo(payload: unknown, { worker, id, method, kind }: JobContext) {
  return { payload, worker, id, method, kind, isMainThread };
}

/** Answers which thread it is. */
export const thread = () => threadId;

export default () => "the default";

export const notAFunction = 5;

function trap(): never {
  throw new Error("this is not to be read");
}

/** Sends what is no message of a processor's, and then answers. */
export function chat(messages: unknown[]): Promise<string> {
  for (const message of messages) parentPort!.postMessage(message);
  return new Promise((resolve) => setTimeout(() => resolve("said"), 0));
}

/** Fails in many ways. */
export function fail(how: string): unknown {
  switch (how) {
    case "own":
      throw new OwnError("mine", { cause: new TypeError("below", { cause: "deepest" }) });
    case "aggregate":
      throw new AggregateError([new SyntaxError("one"), "two"], "several");
    case "dom":
      throw new DOMException("gone", "NotFoundError");
    case "string":
      throw "text";
    case "circle": {
      const error = new Error("round");
      error.cause = error;
      throw error;
    }
    case "function":
      throw () => "cannot be sent";
    case "nothing":
      throw undefined;
    case "textless":
      throw Object.assign(Object.create(null), { callback: () => 1 });
    case "name":
      throw Object.defineProperty(new Error("with a trap"), "name", { get: trap });
    case "getter":
      throw Object.defineProperty(new Error("read me"), "lazy", { get: trap, enumerable: true });
    case "proxy":
      throw new Proxy(new Error("with traps"), { get: trap, getPrototypeOf: trap });
    case "no errors":
      throw Object.assign(new AggregateError([], "none"), { errors: 5 });
    case "code":
      throw Object.defineProperty(new DOMException("coded"), "code", {
        value: 7,
        enumerable: true,
      });
    case "prototype":
      throw Object.defineProperty(new Error("own"), "__proto__", {
        value: { code: 7 },
        enumerable: true,
      });
    case "property":
      throw Object.assign(new Error("with a function"), { callback: () => 1, code: 7 });
    default:
      return () => "cannot be sent";
  }
}

/** Dies in many ways, and never answers. */
export function die(how: string): Promise<never> {
  if (how === "throw") {
    setTimeout(() => {
      throw Object.assign(new RangeError("nobody caught this"), { code: "EBOOM" });
    }, 0);
  } else if (how === "reject") Promise.reject(new RangeError("nobody caught this"));
  else setTimeout(() => process.exit(Number(how)), 0);
  return new Promise(() => {});
}

/** Ends when its signal aborts, and answers why that was, if anybody still wants to know. */
export function heed(words: Int32Array, { signal }: RunContext): Promise<string> {
  Atomics.store(words, 0, 1);
  return new Promise((_, reject) =>
    signal.addEventListener("abort", () => {
      const { name, message } = signal.reason as Error;
      Atomics.store(words, 1, `${name}: ${message}`.length);
      reject(signal.reason);
    })
  );
}

/** Never ends, and shows that it is there by counting. */
export function ignore(words: Int32Array): Promise<never> {
  setInterval(() => Atomics.add(words, 0, 1), 1);
  return new Promise(() => {});
}

/** Keeps its thread to itself for so long. */
export function spin(ms: number): string {
  const until = performance.now() + ms;
  while (performance.now() < until);
  return "span";
}

/** Waits in its thread until it is told to go on. */
export function block(words: Int32Array): number {
  Atomics.add(words, 1, 1);
  while (Atomics.load(words, 0) === 0) Atomics.wait(words, 0, 0, 10_000);
  return threadId;
}

/** Answers the doubles of bytes that it was given, in the same memory. */
export function doubled(bytes: Uint8Array, { transfer }: RunContext): Uint8Array {
  for (let i = 0; i < bytes.length; i++) bytes[i] *= 2;
  transfer([bytes.buffer]);
  return bytes;
}

/** Answers its trace, as it is told and as it is asked for. */
export async function traced(_: unknown, { trace }: JobContext) {
  await Promise.resolve();
  return [trace, currentTrace()];
}

/** Doubles numbers, and fails what are none. */
export function batch(payloads: unknown[], { jobs, method, worker }: BatchContext) {
  if (payloads.includes("throw")) throw new TypeError("the whole batch");
  if (payloads.includes("nonsense")) return "nonsense";
  return payloads.map((payload, i) =>
    typeof payload === "number"
      ? { double: 2 * payload, id: jobs[i].id, size: jobs.length, method, worker }
      : new OwnError(`no number: ${payload}`)
  );
}

/** Answers after so many milliseconds. */
export function later(ms: number): Promise<string> {
  return new Promise((resolve) => setTimeout(() => resolve("later"), ms));
}
