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

/**
 * The end of a message that refuses a name.
 *
 * @param name What was typed.
 * @param names What there is.
 * @param all What to say when none of them is near.
 */
export function didYouMean(name: string, names: readonly string[], all: string): string {
  const near = names
    .map((each) => ({ each, letters: distance(name, each) }))
    .filter(({ letters }) => letters <= Math.ceil(name.length / 3))
    .sort((a, b) => a.letters - b.letters);
  return near.length === 0 ? all : `did you mean ${near[0].each}?`;
}
