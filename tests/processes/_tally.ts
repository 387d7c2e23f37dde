/** A value that shows whether it is whole: who committed how often, and as much again of its epoch. */
import { FileSnapshots } from "../../mod.ts";

/** How often each writer has committed, and a text that only one epoch has. */
export interface Tally {
  readonly by: Record<string, number>;
  readonly text: string;
}

/** Some pages long, and longer and shorter in turn. */
const textOf = (epoch: number): string => `${epoch}.`.repeat(2000 + 1000 * (epoch % 3));

/** A tally in a file. */
export function openTally(file: string): FileSnapshots<Tally> {
  return new FileSnapshots<Tally>(file, { by: {}, text: textOf(0) });
}

/** How often all have committed. */
export function total({ by }: Tally): number {
  return Object.values(by).reduce((sum, times) => sum + times, 0);
}

/** The next tally. */
export function tallyAfter(tally: Tally, name: string): Tally {
  const by = { ...tally.by, [name]: (tally.by[name] ?? 0) + 1 };
  return { by, text: textOf(total(tally) + 1) };
}

/** What is wrong with a tally of an epoch; `undefined` if nothing is. */
export function wrongWith(tally: Tally, epoch: number): string | undefined {
  if (total(tally) !== epoch) return `epoch ${epoch} counts ${total(tally)} commits`;
  if (tally.text !== textOf(epoch)) return `epoch ${epoch} has the text of another`;
  return undefined;
}
