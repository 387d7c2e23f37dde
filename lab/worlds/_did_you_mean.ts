/** What somebody who mistyped a name may have meant. */

/** How many letters must be put in, left out, changed or swapped to make one of the other. */
function distance(one: string, other: string): number {
  let beforeLast: number[] = [];
  let before = Array.from({ length: other.length + 1 }, (_, place) => place);
  for (let i = 0; i < one.length; i++) {
    const after = [i + 1];
    for (let j = 0; j < other.length; j++) {
      const changed = before[j] + (one[i] === other[j] ? 0 : 1);
      const isSwapped = i > 0 && j > 0 && one[i] === other[j - 1] && one[i - 1] === other[j];
      const swapped = isSwapped ? beforeLast[j - 1] + 1 : Infinity;
      after.push(Math.min(changed, swapped, before[j + 1] + 1, after[j] + 1));
    }
    beforeLast = before;
    before = after;
  }
  return before[other.length];
}

/** How many names are suggested at most. */
const MOST = 3;

/** Whether one of the words of a name is nearly what was typed. */
function hasNearWord(typed: string, name: string): boolean {
  return name.split(/\W+/).some((word) => distance(typed, word) <= Math.floor(typed.length / 4));
}

/** The names that are near to what was typed, the nearest first. */
function nearTo(name: string, names: readonly string[]): string[] {
  const typed = name.toLowerCase();
  const near = names
    .map((each) => ({ each, small: each.toLowerCase() }))
    .map((one) => ({ ...one, letters: distance(typed, one.small) }))
    .sort((a, b) => a.letters - b.letters);
  // Of what is mistyped only the likeliest, for others are merely as short; then what was not typed out.
  const mistyped = near.filter(({ letters }) => letters <= Math.ceil(typed.length / 3)).slice(0, 1);
  const begun = typed.length < 3 ? [] : near.filter(({ small }) => small.includes(typed));
  const likely = mistyped.length + begun.length > 0 ? [...mistyped, ...begun] : near.filter(
    ({ small }) => small.length > 3 && typed.includes(small) || hasNearWord(typed, small),
  );
  return [...new Set(likely.map(({ each }) => each))].slice(0, MOST);
}

/** `a`, `a or b`, `a, b or c`. */
function either(names: readonly string[]): string {
  const last = names[names.length - 1];
  return names.length === 1 ? last : `${names.slice(0, -1).join(", ")} or ${last}`;
}

/**
 * The end of a message that refuses a name.
 *
 * @param name What was typed.
 * @param names What there is.
 * @param all What to say when none of them is near: what there is, or where that is told.
 */
export function didYouMean(name: string, names: readonly string[], all: string): string {
  const near = nearTo(name, names);
  return near.length === 0 ? all : `did you mean ${either(near)}?`;
}
