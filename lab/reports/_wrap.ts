/** Lines that fit, whatever colours they have. */

/** How many columns a line takes; colours take none. */
export function widthOf(line: string): number {
  // deno-lint-ignore no-control-regex -- colours begin with a control character
  return line.replace(/\x1b\[[0-9;]*m/g, "").length;
}

/**
 * Breaks a text between words into lines of at most `width` columns, as far as its words are no longer.
 *
 * @param text What to break; its own blanks at the beginning stay.
 * @param width The columns there are.
 * @param indent How far the second line and those after it are moved in.
 */
export function wrap(text: string, width: number, indent = 0): string[] {
  const [, start, rest] = /^(\s*)(.*)$/s.exec(text)!;
  const lines: string[] = [];
  let line = start;
  let empty = true;
  for (const word of rest.split(" ")) {
    if (!empty && widthOf(line) + 1 + widthOf(word) > width) {
      lines.push(line.trimEnd());
      line = " ".repeat(indent);
      empty = true;
    }
    // Blanks between two columns of a line are not carried over to the next.
    if (empty && word === "" && lines.length > 0) continue;
    line += empty ? word : ` ${word}`;
    empty = false;
  }
  return [...lines, line];
}

/** A text in one line, for a row of a table: what somebody threw may have several. */
export function oneLine(text: string): string {
  const lines = text.split(/[\r\n\u2028\u2029]/).map((line) => line.trim());
  return lines.filter((line) => line !== "").join(" ");
}
