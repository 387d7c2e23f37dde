/**
 * Reading histories of key-value stores, one EDN map a line:
 * `{:process 0, :type :invoke, :f :append, :key "3", :value "x"}`.
 *
 * Each map has at least these keys; more, like Jepsen's `:time` and `:index`, are passed over, as are
 * blank lines and comments.
 */
import { type Call, show } from "./call.ts";
import { parseEdnLine } from "./edn.ts";
import { HistoryFormatError } from "./format_error.ts";
import { type OperationFormat, Pairing } from "./_pairing.ts";

const TEXT: OperationFormat["value"] = ["a string", (value) => typeof value === "string"];
const TEXT_OR_NIL: OperationFormat["value"] = [
  "a string or nil",
  (value) => value === null || typeof value === "string",
];

const OPERATIONS: Readonly<Record<string, OperationFormat>> = {
  get: { asks: true, value: TEXT_OR_NIL },
  put: { asks: false, value: TEXT },
  append: { asks: false, value: TEXT },
};

const PROCESS = Symbol.for(":process");
const TYPE = Symbol.for(":type");
const NAME = Symbol.for(":f");
const KEY = Symbol.for(":key");
const VALUE = Symbol.for(":value");

/**
 * The history in lines of EDN, of `get`, `put` and `append`, to be checked with `models.keyValue()`.
 * The keys are the calls' objects.
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
  const lines = text.split("\n");
  for (let index = 0; index < lines.length; index++) {
    const line = index + 1;
    const values = parseEdnLine(lines[index], line);
    if (values.length === 0) continue;
    const [map] = values;
    if (values.length > 1 || !(map instanceof Map)) {
      throw new HistoryFormatError(line, `a line is one map, this one is ${show(values)}`);
    }
    const object = map.get(KEY);
    const process = map.get(PROCESS);
    if (object === undefined && typeof process === "number") {
      throw new HistoryFormatError(line, "the :key is missing");
    }
    pairing.addRaw({
      line,
      process,
      type: map.get(TYPE),
      name: map.get(NAME),
      object,
      value: map.get(VALUE),
    });
  }
  return pairing.calls;
}
