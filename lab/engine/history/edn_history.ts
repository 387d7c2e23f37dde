/**
 * Reading histories in EDN, one map a line:
 * `{:process 0, :type :invoke, :f :append, :key "3", :value "x"}`.
 *
 * Each map has at least these keys; more, like Jepsen's `:time` and `:index`, are passed over, as are
 * blank lines and comments. Registers need no `:key`. Or the maps are in one list or vector, as they
 * are in histories that Clojure has printed whole; then a line may have more or less than one.
 */
import { type Call, show } from "./call.ts";
import { EdnReader, parseEdnLine } from "./edn.ts";
import { HistoryFormatError } from "./format_error.ts";
import { KEY_VALUE, REGISTER } from "./_formats.ts";
import { keyword, Pairing } from "./_pairing.ts";

const OPERATIONS = { ...KEY_VALUE, ...REGISTER };

const PROCESS = Symbol.for(":process");
const TYPE = Symbol.for(":type");
const NAME = Symbol.for(":f");
const KEY = Symbol.for(":key");
const VALUE = Symbol.for(":value");

/**
 * The history in EDN of `get`, `put` and `append`, to be checked with `models.keyValue()`, or of `read`,
 * `write` and `cas`, to be checked with `models.casRegister()`. The keys are the calls' objects.
 *
 * A call that ended with `:fail` did not happen; one that ended with `:info`, or not at all, is open.
 *
 * @param text All the lines.
 * @throws {HistoryFormatError} when a line cannot be read, or does not fit those before it.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { check, models, parseEdnHistory } from "@interlock/core/lab";
 *
 * const lines = [
 *   '{:process 0, :type :invoke, :f :append, :key "a", :value "x"}',
 *   '{:process 0, :type :ok, :f :append, :key "a", :value "x"}',
 *   '{:process 0, :type :invoke, :f :get, :key "a", :value nil}',
 *   '{:process 0, :type :ok, :f :get, :key "a", :value ""}',
 * ];
 * assert.equal(check(parseEdnHistory(lines.join("\n")), models.keyValue()).verdict, "illegal");
 * ```
 */
export function parseEdnHistory(text: string): Call[] {
  const pairing = new Pairing(OPERATIONS);
  const reader = new EdnReader(text, 1);
  const closing = reader.enter();
  if (closing !== undefined) {
    while (reader.more()) {
      const { line } = reader;
      add(pairing, reader.next(), line);
    }
    reader.end(closing);
    return pairing.calls;
  }
  const lines = text.split("\n");
  for (let index = 0; index < lines.length; index++) {
    const values = parseEdnLine(lines[index], index + 1);
    if (values.length === 0) continue;
    if (values.length > 1) {
      throw new HistoryFormatError(index + 1, `a line is one map, this one is ${show(values)}`);
    }
    add(pairing, values[0], index + 1);
  }
  return pairing.calls;
}

function add(pairing: Pairing, map: unknown, line: number): void {
  if (!(map instanceof Map)) {
    throw new HistoryFormatError(line, `a history is made of maps, not of ${show(map)}`);
  }
  const name = map.get(NAME);
  const object = map.get(KEY);
  const process = map.get(PROCESS);
  const isKeyed = Object.hasOwn(KEY_VALUE, keyword(name) ?? "");
  if (object === undefined && isKeyed && typeof process === "number") {
    throw new HistoryFormatError(line, "the :key is missing");
  }
  pairing.addRaw({ line, process, type: map.get(TYPE), name, object, value: map.get(VALUE) });
}
