/** The operations of the histories that can be read, and which values each may have. */
import { keyword, type OperationFormat } from "./_pairing.ts";

const DATA: OperationFormat["value"] = ["data", (value) => keyword(value) === undefined];
const PAIR: OperationFormat["value"] = [
  "a pair [expected next]",
  (value) => Array.isArray(value) && value.length === 2,
];
const TEXT: OperationFormat["value"] = ["a string", (value) => typeof value === "string"];
const TEXT_OR_NIL: OperationFormat["value"] = [
  "a string or nil",
  (value) => value === null || typeof value === "string",
];

/** Those of a compare-and-set register. */
export const REGISTER: Readonly<Record<string, OperationFormat>> = {
  read: { asks: true, value: DATA },
  write: { asks: false, value: DATA },
  cas: { asks: false, value: PAIR },
};

/** Those of a key-value store. */
export const KEY_VALUE: Readonly<Record<string, OperationFormat>> = {
  get: { asks: true, value: TEXT_OR_NIL },
  put: { asks: false, value: TEXT },
  append: { asks: false, value: TEXT },
};
