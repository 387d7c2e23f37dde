/**
 * Reading EDN, the notation of Clojure's data (github.com/edn-format/edn), one line at a time: all of
 * it but characters and tagged values, which no history has.
 *
 * nil becomes `null`, a keyword or symbol the registered symbol of the same text (`:ok` is
 * `Symbol.for(":ok")`), an integer a number, or a bigint where a number would not be exact. Lists and
 * vectors become arrays, maps `Map` and sets `Set`.
 */
import { identity } from "./_identity.ts";
import { HistoryFormatError } from "./format_error.ts";

/** Blanks, commas, comments to the end of the line. */
const BLANK = /(?:[\s,]|;[^\n]*)*/y;
const INTEGER = /[+-]?(?:0|[1-9]\d*)N?(?![^\s,;"()[\]{}])/y;
const FLOAT = /([+-]?(?:0|[1-9]\d*)(?:\.\d*)?(?:[eE][+-]?\d+)?)M?(?![^\s,;"()[\]{}])/y;
const WORD = /[^\s,;"()[\]{}]+/y;
const NAME = /^:?[\p{L}.*+!_?$%&=<>/-][\p{L}\d.*+!_?$%&=<>:#/'-]*$|^:\d[\p{L}\d._-]*$/u;
const TEXT = /"((?:[^"\\]|\\.)*)"/y;
const ESCAPES: Readonly<Record<string, string>> = {
  t: "\t",
  r: "\r",
  n: "\n",
  b: "\b",
  f: "\f",
  "\\": "\\",
  '"': '"',
};
const CLOSING: Readonly<Record<string, string>> = { "(": ")", "[": "]", "{": "}", "#{": "}" };

/** How deep values may be nested. */
const DEPTH = 100;

/**
 * The values on a line.
 *
 * @param text The line.
 * @param line Its number, for errors.
 * @throws {HistoryFormatError} when it is not EDN.
 */
export function parseEdnLine(text: string, line: number): unknown[] {
  return new Reader(text, line).all();
}

class Reader {
  readonly #text: string;
  readonly #line: number;
  #at = 0;
  #depth = 0;

  constructor(text: string, line: number) {
    this.#text = text;
    this.#line = line;
  }

  all(): unknown[] {
    const values = this.#until(undefined);
    if (this.#at < this.#text.length) throw this.#error(`${this.#text[this.#at]} closes nothing`);
    return values;
  }

  /** The values up to a closing bracket, which is left where it is, or the end of the line. */
  #until(opening: string | undefined): unknown[] {
    const values: unknown[] = [];
    for (;;) {
      this.#match(BLANK);
      const next = this.#text[this.#at];
      if (next === undefined) {
        if (opening !== undefined) throw this.#error(`${opening} is not closed`);
        return values;
      }
      if (")]}".includes(next)) return values;
      if (this.#text.startsWith("#_", this.#at)) {
        this.#at += 2;
        this.#discard();
      } else values.push(this.#value());
    }
  }

  #discard(): void {
    this.#match(BLANK);
    if (this.#text.startsWith("#_", this.#at)) {
      this.#at += 2;
      this.#discard();
    }
    this.#match(BLANK);
    this.#value();
  }

  #value(): unknown {
    const next = this.#text[this.#at] ?? "";
    if (next === '"') return this.#string();
    if ("([{".includes(next) && next !== "") return this.#collection(next);
    if (this.#text.startsWith("#{", this.#at)) return this.#collection("#{");
    const integer = this.#match(INTEGER);
    if (integer !== undefined) {
      const digits = integer[0].replace("N", "");
      const number = Number(digits);
      return Number.isSafeInteger(number) ? number : BigInt(digits);
    }
    const float = this.#match(FLOAT);
    if (float !== undefined) return Number(float[1]);
    return this.#word();
  }

  #word(): unknown {
    const [word] = this.#match(WORD) ?? [this.#text[this.#at] ?? "the end of the line"];
    if (word === "nil") return null;
    if (word === "true" || word === "false") return word === "true";
    if (!NAME.test(word)) throw this.#error(`cannot read ${word}`);
    return Symbol.for(word);
  }

  #string(): string {
    const match = this.#match(TEXT);
    if (match === undefined) throw this.#error('" is not closed');
    if (!match[1].includes("\\")) return match[1];
    return match[1].replace(/\\(u[0-9a-fA-F]{4}|.)/gu, (all, escape: string) => {
      const plain = escape.length === 5
        ? String.fromCharCode(parseInt(escape.slice(1), 16))
        : ESCAPES[escape];
      if (plain === undefined) throw this.#error(`${all} in a string means nothing`);
      return plain;
    });
  }

  #collection(opening: string): unknown {
    if (++this.#depth > DEPTH) throw this.#error("values are nested too deeply");
    this.#at += opening.length;
    const values = this.#until(opening);
    if (this.#text[this.#at] !== CLOSING[opening]) {
      throw this.#error(`${opening} is closed by ${this.#text[this.#at]}`);
    }
    this.#at++;
    this.#depth--;
    if (opening === "{") return this.#map(values);
    if (opening === "#{") return this.#set(values);
    return values;
  }

  #map(values: unknown[]): Map<unknown, unknown> {
    if (values.length % 2 === 1) throw this.#error("a key of a map has no value");
    this.#distinct(values.filter((_, place) => place % 2 === 0), "a map has a key");
    const map = new Map<unknown, unknown>();
    for (let place = 0; place < values.length; place += 2) {
      map.set(values[place], values[place + 1]);
    }
    return map;
  }

  #set(values: unknown[]): Set<unknown> {
    this.#distinct(values, "a set has a member");
    return new Set(values);
  }

  #distinct(values: unknown[], subject: string): void {
    if (new Set(values.map(identity)).size < values.length) throw this.#error(`${subject} twice`);
  }

  #match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match === null) return undefined;
    this.#at = pattern.lastIndex;
    return match;
  }

  #error(problem: string): HistoryFormatError {
    return new HistoryFormatError(this.#line, problem);
  }
}
