/**
 * Calls out of the lines of a log: an invocation and, later, what the same process says of it.
 *
 * Invariant: a process has at most one call that nothing has been said of. What ends a call names the
 * operation and the object that began it, and a command that succeeded repeats what it was invoked
 * with. The time of a line is its number.
 *
 * What can be said of a call are Jepsen's types: `ok`, it happened; `fail`, it did not; `info`, nobody
 * knows. After `info` a process is usually not heard of again. If it is, its call stays open all the
 * same, and may take effect while the process has gone on.
 */
import { type Call, show } from "./call.ts";
import { HistoryFormatError } from "./format_error.ts";
import { same } from "./model.ts";

/** What a line can say of a call. */
export type LineType = "invoke" | "ok" | "fail" | "info";

/** One line of a log. */
export interface Line {
  /** Its number, from 1. */
  readonly line: number;
  readonly type: LineType;
  readonly process: number;
  readonly name: string;
  readonly object?: unknown;
  readonly value: unknown;
}

/** One line as EDN has it; what is not there is `undefined`. */
export interface RawLine {
  readonly line: number;
  readonly type: unknown;
  readonly process: unknown;
  readonly name: unknown;
  readonly object?: unknown;
  readonly value: unknown;
}

const NEMESIS = Symbol.for(":nemesis");
const TYPES: ReadonlySet<unknown> = new Set<LineType>(["invoke", "ok", "fail", "info"]);

/** How the values of an operation are meant, and which there may be. */
export interface OperationFormat {
  /** Whether it is invoked with nil and ends with its answer, or ends with what it was invoked with. */
  readonly asks: boolean;
  /** What its value must be, in words, and whether it is. */
  readonly value: readonly [description: string, is: (value: unknown) => boolean];
}

/** Puts lines together to calls. */
export class Pairing {
  readonly #operations: ReadonlyMap<string, OperationFormat>;
  readonly #calls: Call[] = [];
  /** For each process, the place of the call that nothing has been said of. */
  readonly #pending = new Map<string | number, number>();

  /** @param operations The operations there may be. */
  constructor(operations: Readonly<Record<string, OperationFormat>>) {
    this.#operations = new Map(Object.entries(operations));
  }

  /** The calls so far, in the order of their invocations. What has not ended is open. */
  get calls(): Call[] {
    return this.#calls;
  }

  /**
   * Takes the next line, unless it is about the nemesis, which is no client.
   *
   * @throws {HistoryFormatError} when something is missing from it, or it does not fit those before it.
   */
  addRaw({ line, type, process, name, object, value }: RawLine): void {
    if (process === NEMESIS) return;
    if (typeof process !== "number" || !Number.isInteger(process) || process < 0) {
      throw new HistoryFormatError(line, `a process has a number, this one is ${show(process)}`);
    }
    const known = keyword(type);
    if (!TYPES.has(known)) {
      throw new HistoryFormatError(
        line,
        `a line is an :invoke, :ok, :fail or :info, this one is ${show(type)}`,
      );
    }
    const operation = keyword(name);
    if (operation === undefined) {
      throw new HistoryFormatError(line, `an operation is a keyword, this one is ${show(name)}`);
    }
    if (value === undefined && (known === "invoke" || known === "ok")) {
      throw new HistoryFormatError(line, `the value of ${what(operation, object)} is missing`);
    }
    this.add({ line, type: known as LineType, process, name: operation, object, value });
  }

  /**
   * Takes the next line.
   *
   * @throws {HistoryFormatError} when it does not fit those before it.
   */
  add(line: Line): void {
    const operation = this.#operations.get(line.name);
    if (operation === undefined) {
      const known = [...this.#operations.keys()].join(", ");
      throw new HistoryFormatError(line.line, `unknown operation ${line.name}; known: ${known}`);
    }
    if (line.type === "invoke") this.#invoke(line, operation);
    else this.#end(line, operation);
  }

  #invoke({ line, process, name, object, value }: Line, operation: OperationFormat): void {
    const pending = this.#pending.get(process);
    if (pending !== undefined) {
      const before = this.#calls[pending];
      throw new HistoryFormatError(
        line,
        `process ${process} is invoked again before its ${before.name} of line ${before.line} ended`,
      );
    }
    if (operation.asks && value !== null) {
      throw new HistoryFormatError(
        line,
        `${what(name)} is invoked with nil, not with ${show(value)}`,
      );
    }
    if (!operation.asks) this.#expect(line, name, operation, value);
    const input = operation.asks ? undefined : value;
    const call: Call = { process, name, object, input, outcome: "open", invoked: line, line };
    this.#pending.set(process, this.#calls.push(call) - 1);
  }

  #end({ line, type, process, name, object, value }: Line, operation: OperationFormat): void {
    const place = this.#pending.get(process);
    if (place === undefined) {
      throw new HistoryFormatError(line, `process ${process} ends ${what(name)} it has not begun`);
    }
    const call = this.#calls[place];
    if (call.name !== name || !same(call.object, object)) {
      throw new HistoryFormatError(
        line,
        `process ${process} ends ${what(name, object)}, ` +
          `but began ${what(call.name, call.object)} in line ${call.line}`,
      );
    }
    this.#pending.delete(process);
    if (type === "info") return;
    if (type === "fail") {
      this.#calls[place] = { ...call, outcome: "failed" };
      return;
    }
    this.#expect(line, name, operation, value);
    if (!operation.asks && !same(value, call.input)) {
      throw new HistoryFormatError(
        line,
        `process ${process} ends ${what(name, value)}, ` +
          `but began ${what(name, call.input)} in line ${call.line}`,
      );
    }
    const output = operation.asks ? value : undefined;
    this.#calls[place] = { ...call, outcome: "ok", returned: line, output };
  }

  #expect(
    line: number,
    name: string,
    { value: [kind, is] }: OperationFormat,
    value: unknown,
  ): void {
    if (is(value)) return;
    throw new HistoryFormatError(line, `the value of ${what(name)} is ${kind}, not ${show(value)}`);
  }
}

/** A call in words: `a get of "k"`. */
function what(name: string, of?: unknown): string {
  const words = `${/^[aeiou]/.test(name) ? "an" : "a"} ${name}`;
  return of === undefined ? words : `${words} of ${show(of)}`;
}

/** The name of a keyword, if it is one. */
export function keyword(value: unknown): string | undefined {
  const text = typeof value === "symbol" ? Symbol.keyFor(value) : undefined;
  return text?.startsWith(":") ? text.slice(1) : undefined;
}
