/**
 * Reading the logs of Jepsen's tests of a compare-and-set register.
 *
 * A line of interest says process, type, operation and value, and at the end perhaps what went wrong:
 * `3	:invoke	:cas	[1 2]`. Before that stands what the logger puts there, in one of the forms that Jepsen
 * has had:
 *
 * - `INFO  jepsen.util - 3	:invoke …`
 * - `INFO [2017-03-30 22:38:51,892] jepsen worker 3 - jepsen.util 3	:invoke …`
 * - `2021-02-26 23:39:01,300{GMT}	INFO	[jepsen worker 3] jepsen.util: 3	:invoke …`
 *
 * Passed over are the lines of Jepsen's other loggers, with the lines that what they say goes on in, and
 * those of the nemesis, which is no client.
 */
import { type Call, show } from "./call.ts";
import { EdnReader } from "./edn.ts";
import { HistoryFormatError } from "./format_error.ts";
import { REGISTER } from "./_formats.ts";
import { keyword, type LineType, Pairing } from "./_pairing.ts";

/** How nearly all lines begin, so that they need not be looked at any closer. */
const PREFIX = "INFO  jepsen.util - ";

/** Nearly all calls, so that they need not be taken to pieces by the reader of EDN. */
const USUAL =
  /^(\d{1,9})\s+:(invoke|ok|fail|info)\s+:(\w+)\s+(?:(nil)|(\d{1,9})|\[(\d{1,9}) (\d{1,9})\]|:timed-out)\s*(?:\s:.*)?$/;

const LEVEL = /(?:^|\s)(?:TRACE|DEBUG|INFO|WARN|ERROR|FATAL)\s/;
/** What stands before a message, each form with the name of the logger. */
const PREFIXES = [
  /^\s*(\S+)\s+-\s/,
  /^\s*\[[^\]]*\]\s.*?\s-\s(\S+)(?:\s|$)/,
  /^\s*\[[^\]]*\]\s+(\S+):(?:\s|$)/,
];
const OPERATION = /(?:^|\s):(?:invoke|ok|fail|info)\s/;

/** What begins like the text in which Jepsen says what went wrong, and not like one more value. */
const REMARK = /^(?:\s*$|\s*[:\p{L}]|\t|\s{2})/u;

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
  const pairing = new Pairing(REGISTER);
  const lines = text.split("\n");
  /** Whether the last message was no call, so that it may go on in lines of its own. */
  let goesOn = false;
  for (let index = 0; index < lines.length; index++) {
    const line = index + 1;
    const text = lines[index];
    if (text.startsWith(PREFIX)) {
      addCall(pairing, text.slice(PREFIX.length), line);
      goesOn = false;
      continue;
    }
    if (text.trim() === "") continue;
    const said = readLine(text);
    if (said === undefined) {
      if (goesOn && !OPERATION.test(text)) continue;
      throw new HistoryFormatError(line, `this is no line of a log: ${text.trim()}`);
    }
    goesOn = said.logger !== "jepsen.util";
    if (!goesOn) addCall(pairing, said.message, line);
    else if (OPERATION.test(said.message)) {
      throw new HistoryFormatError(line, `a call is told by ${said.logger}, not by jepsen.util`);
    }
  }
  return pairing.calls;
}

/** Which logger says what, if this is a line of a log. */
function readLine(text: string): { logger: string; message: string } | undefined {
  const level = LEVEL.exec(text);
  if (level === null) return undefined;
  const rest = text.slice(level.index + level[0].length);
  for (const prefix of PREFIXES) {
    const match = prefix.exec(rest);
    if (match !== null) return { logger: match[1], message: rest.slice(match[0].length) };
  }
}

function addCall(pairing: Pairing, message: string, line: number): void {
  const usual = USUAL.exec(message);
  if (usual === null) return addUnusual(pairing, message, line);
  const [, process, type, name, nil, number, expected, next] = usual;
  const value = number !== undefined
    ? Number(number)
    : expected !== undefined
    ? [Number(expected), Number(next)]
    : nil !== undefined
    ? null
    : Symbol.for(":timed-out");
  pairing.add({ line, type: type as LineType, process: Number(process), name, value });
}

function addUnusual(pairing: Pairing, message: string, line: number): void {
  const reader = new EdnReader(message, line);
  const process = reader.next();
  if (keyword(process) === "nemesis") return;
  const type = reader.next();
  const name = reader.next();
  const known = keyword(type);
  // What is said of a call that did not succeed matters to nobody, and may be anything.
  if (known === "fail" || known === "info") {
    return pairing.addRaw({ line, process, type, name, value: null });
  }
  const value = reader.next();
  if (!REMARK.test(reader.rest)) {
    throw new HistoryFormatError(line, `something follows the value: ${show(reader.next())}`);
  }
  pairing.addRaw({ line, process, type, name, value });
}
