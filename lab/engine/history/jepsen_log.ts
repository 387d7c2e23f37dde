/**
 * Reading the logs of Jepsen's tests of a compare-and-set register.
 *
 * A line of interest is `INFO  jepsen.util - 3	:invoke	:cas	[1 2]`: level, logger, process, type,
 * operation and value, and perhaps more that begins with a keyword, which is passed over. So are lines
 * of Jepsen's other loggers and of the nemesis, which is no client.
 */
import { type Call, show } from "./call.ts";
import { parseEdnLine } from "./edn.ts";
import { HistoryFormatError } from "./format_error.ts";
import { keyword, type LineType, type OperationFormat, Pairing } from "./_pairing.ts";

const ANY: OperationFormat["value"] = ["data", (value) => keyword(value) === undefined];
const PAIR: OperationFormat["value"] = [
  "a pair [expected next]",
  (value) => Array.isArray(value) && value.length === 2,
];

const OPERATIONS: Readonly<Record<string, OperationFormat>> = {
  read: { asks: true, value: ANY },
  write: { asks: false, value: ANY },
  cas: { asks: false, value: PAIR },
};

/** Nearly all lines, so that they need not be taken to pieces by the reader of EDN. */
const USUAL =
  /^INFO\s+jepsen\.util\s+-\s+(\d{1,9})\s+:(invoke|ok|fail|info)\s+:(\w+)\s+(?:(nil)|(\d{1,9})|\[(\d{1,9}) (\d{1,9})\]|:timed-out)\s*$/;
const LINE = /^\s*(?:TRACE|DEBUG|INFO|WARN|ERROR|FATAL)\s+(\S+)\s+-\s(.*)$/s;
const OPERATION = /:(?:invoke|ok|fail|info)\s/;

/**
 * The history in a Jepsen log of `read`, `write` and `cas`, to be checked with `models.casRegister()`.
 *
 * A call that ended with `:fail` did not happen; one that ended with `:info`, or not at all, is open.
 *
 * @param text The whole log.
 * @throws {HistoryFormatError} when a line cannot be read, or does not fit those before it.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { check, models, parseJepsenLog } from "@interlock/core/lab";
 *
 * const log = [
 *   "INFO  jepsen.util - 0	:invoke	:write	1",
 *   "INFO  jepsen.util - 1	:invoke	:read	nil",
 *   "INFO  jepsen.util - 0	:info	:write	:timed-out",
 *   "INFO  jepsen.util - 1	:ok	:read	1",
 * ];
 * assert.equal(check(parseJepsenLog(log.join("\n")), models.casRegister()).verdict, "ok");
 * ```
 */
export function parseJepsenLog(text: string): Call[] {
  const pairing = new Pairing(OPERATIONS);
  const lines = text.split("\n");
  for (let index = 0; index < lines.length; index++) {
    const usual = USUAL.exec(lines[index]);
    if (usual === null) {
      addUnusual(pairing, lines[index], index + 1);
      continue;
    }
    const [, process, type, name, nil, number, expected, next] = usual;
    const value = number !== undefined
      ? Number(number)
      : expected !== undefined
      ? [Number(expected), Number(next)]
      : nil !== undefined
      ? null
      : Symbol.for(":timed-out");
    pairing.add({ line: index + 1, type: type as LineType, process: Number(process), name, value });
  }
  return pairing.calls;
}

function addUnusual(pairing: Pairing, text: string, line: number): void {
  if (text.trim() === "") return;
  const match = LINE.exec(text);
  if (match === null) {
    throw new HistoryFormatError(line, `this is no line of a log: ${text.trim()}`);
  }
  const [, logger, message] = match;
  if (logger !== "jepsen.util") {
    if (!OPERATION.test(message)) return;
    throw new HistoryFormatError(line, `a call is told by ${logger}, not by jepsen.util`);
  }
  const [process, type, name, value, ...rest] = parseEdnLine(message, line);
  if (rest.length > 0 && keyword(rest[0]) === undefined) {
    throw new HistoryFormatError(line, `something follows the value: ${show(rest[0])}`);
  }
  pairing.addRaw({ line, process, type, name, value });
}
