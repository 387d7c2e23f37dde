/**
 * Reading EDN, the notation of Clojure's data (github.com/edn-format/edn).
 *
 * nil becomes `null`, a keyword or symbol the registered symbol of the same text (`:ok` is
 * `Symbol.for(":ok")`), a character a string, an integer a number, or a bigint where a number would
 * not be exact. Lists and vectors become arrays, maps `Map` and sets `Set`. Of a tagged value the tag
 * is passed over: what Clojure would make of `#jepsen.history.Op{…}` is the map with another name.
 */
import { identity } from "./_identity.ts";
import { HistoryFormatError } from "./format_error.ts";

/** Blanks, commas, comments to the end of the line. */
const BLANK = /(?:[\s,]|;[^\n]*)*/y;
const INTEGER = /[+-]?(?:0|[1-9]\d*)N?(?![^\s,;"()[\]{}])/y;
const FLOAT = /([+-]?(?:0|[1-9]\d*)(?:\.\d*)?(?:[eE][+-]?\d+)?)M?(?![^\s,;"()[\]{}])/y;
const WORD = /[^\s,;"()[\]{}]+/y;
const NAME = /^:?[\p{L}.*+!_?$%&=<>/-][\p{L}\d.*+!_?$%&=<>:#/'-]*$|^:\d[\p{L}\d._-]*$/u;
const TEXT = /"((?:[^"\\]|\\.)*)"/sy;
const TAG = /#[\p{L}][\p{L}\d.*+!_?$%&=<>:/'-]*/uy;
const CHARACTER = /\\(newline|return|space|tab|u[0-9a-fA-F]{4}|.)(?![^\s,;"()[\]{}])/suy;
const CHARACTERS: Readonly<Record<string, string>> = {
  newline: "\n",
  return: "\r",
  space: " ",
  tab: "\t",
};
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
  const reader = new EdnReader(text, line);
  const values: unknown[] = [];
  for (let value = reader.next(); value !== undefined; value = reader.next()) values.push(value);
  reader.end();
  return values;
}

/** Reads one value after another. */
export class EdnReader {
  readonly #text: string;
  #at = 0;
  #depth = 0;
  /** The line of a place that has been passed. */
  #line: number;
  #lineAt = 0;

  /**
   * @param text The values.
   * @param line The number of its first line, for errors.
   */
  constructor(text: string, line: number) {
    this.#text = text;
    this.#line = line;
  }

  /** The number of the line it has come to. */
  get line(): number {
    for (;;) {
      const end = this.#text.indexOf("\n", this.#lineAt);
      if (end < 0 || end >= this.#at) return this.#line;
      this.#lineAt = end + 1;
      this.#line++;
    }
  }

  /** What has not been read. */
  get rest(): string {
    return this.#text.slice(this.#at);
  }

  /**
   * The next value; `undefined` at the end and before a closing bracket.
   *
   * @throws {HistoryFormatError} when it is not EDN.
   */
  next(): unknown {
    return this.more() ? this.#value() : undefined;
  }

  /** Whether a value follows; passes what stands before it. */
  more(): boolean {
    for (;;) {
      this.#match(BLANK);
      const next = this.#text[this.#at];
      if (next === undefined || ")]}".includes(next)) return false;
      if (!this.#text.startsWith("#_", this.#at)) return true;
      this.#at += 2;
      this.#discard();
    }
  }

  /** Goes into the list or vector that comes next; answers what closes it, if one comes. */
  enter(): string | undefined {
    const opening = this.more() ? this.#text[this.#at] : "";
    if (opening !== "(" && opening !== "[") return undefined;
    this.#at++;
    return CLOSING[opening];
  }

  /**
   * Expects the end.
   *
   * @param closing What must come before it.
   * @throws {HistoryFormatError} when something else comes.
   */
  end(closing?: string): void {
    if (this.more()) throw this.#error("something follows the end");
    const found = this.#text[this.#at];
    if (closing !== undefined) {
      if (found !== closing) throw this.#error(`${closing} is missing`);
      this.#at++;
      return this.end();
    }
    if (found !== undefined) throw this.#error(`${found} closes nothing`);
  }

  /** The values up to a closing bracket, which is left where it is. */
  #until(opening: string, line: number): unknown[] {
    const values: unknown[] = [];
    while (this.more()) values.push(this.#value());
    if (this.#at === this.#text.length) {
      throw new HistoryFormatError(line, `${opening} is not closed`);
    }
    return values;
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
    if (next === "\\") return this.#character();
    if (next === "#" && this.#match(TAG) !== undefined) {
      this.#match(BLANK);
      return this.#value();
    }
    return this.#word();
  }

  #word(): unknown {
    const [word] = this.#match(WORD) ?? [this.#text[this.#at] ?? "the end of the line"];
    if (word === "nil") return null;
    if (word === "true" || word === "false") return word === "true";
    if (!NAME.test(word)) throw this.#error(`cannot read ${word}`);
    return Symbol.for(word);
  }

  #character(): unknown {
    const match = this.#match(CHARACTER);
    if (match === undefined) return this.#word();
    const [, name] = match;
    return CHARACTERS[name] ??
      (name.length === 5 ? String.fromCharCode(parseInt(name.slice(1), 16)) : name);
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
    const { line } = this;
    this.#at += opening.length;
    const values = this.#until(opening, line);
    if (this.#text[this.#at] !== CLOSING[opening]) {
      throw new HistoryFormatError(line, `${opening} is closed by ${this.#text[this.#at]}`);
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
    return new HistoryFormatError(this.line, problem);
  }
}
