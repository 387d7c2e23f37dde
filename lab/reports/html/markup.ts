/** Markup in which every value is escaped unless it is markup itself. */

/** A piece of markup that needs no escaping any more. */
export class Markup {
  /** Wraps text that is markup. */
  constructor(readonly text: string) {}

  /** The markup itself. */
  toString(): string {
    return this.text;
  }
}

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text as it stands in markup, in attributes too. */
export function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ESCAPES[character]);
}

/** What may stand in the gaps of a template: nothing of `undefined` and `false` is shown. */
export type Gap = Markup | string | number | false | undefined | readonly Gap[];

function fill(gap: Gap): string {
  if (gap === undefined || gap === false) return "";
  if (gap instanceof Markup) return gap.text;
  if (typeof gap === "object") return gap.map(fill).join("");
  return escape(String(gap));
}

/** A template of markup; what stands in its gaps is escaped, unless it is markup. */
export function html(parts: TemplateStringsArray, ...gaps: readonly Gap[]): Markup {
  return new Markup(
    parts.map((part, i) => part + (i < gaps.length ? fill(gaps[i]) : "")).join(""),
  );
}

/** Data for a script to read: nothing in it can end the element it stands in. */
export function data(value: unknown): Markup {
  return new Markup(
    JSON.stringify(value).replace(
      /[<\u2028\u2029]/g,
      (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
    ),
  );
}

/** Prose in which `…` between backticks is code. */
export function prose(text: string): Markup {
  return new Markup(escape(text).replace(/`([^`]+)`/g, "<code>$1</code>"));
}
