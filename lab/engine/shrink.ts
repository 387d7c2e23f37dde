/** Making a failing schedule small, and finding the passing one next to it. */
import { record, type Recording, switches } from "./explore.ts";
import { failureSignature } from "./outcome.ts";
import { LenientReplayStrategy } from "./replay.ts";
import type { Program } from "./program.ts";

/** A failing schedule made small. */
export interface Shrunk {
  /** The smallest run found that fails in the same way. */
  readonly recording: Recording;
  /** How many runs it took. */
  readonly runs: number;
}

/** Steps that one actor takes in a row. */
interface Block {
  readonly actor: number;
  readonly length: number;
}

/**
 * Makes a failing schedule small: fewer preemptions, then fewer switches, then fewer steps.
 *
 * A block of steps is moved next to another of the same actor, or to either end, and the result run
 * leniently; it is kept if it fails in the same way and is smaller. This goes on until no move helps,
 * so what is left cannot be made smaller by one move.
 *
 * @param program What was run.
 * @param failing A run that failed.
 * @param budget How many runs to spend at most.
 */
export async function shrink(program: Program, failing: Recording, budget = 500): Promise<Shrunk> {
  const signature = failureSignature(failing.outcome);
  let best = failing;
  let runs = 0;
  for (let improved = true; improved && runs < budget;) {
    improved = false;
    for (const candidate of moves(best.choices)) {
      if (runs === budget) break;
      runs++;
      const next = await record(program, new LenientReplayStrategy(candidate));
      if (failureSignature(next.outcome) !== signature || !smaller(next, best)) continue;
      best = next;
      improved = true;
      break;
    }
  }
  return { recording: best, runs };
}

function smaller(a: Recording, b: Recording): boolean {
  const difference = a.preemptions - b.preemptions ||
    switches(a.choices) - switches(b.choices) ||
    a.choices.length - b.choices.length;
  return difference < 0;
}

function* moves(choices: readonly number[]): Generator<number[]> {
  const blocks = blocksOf(choices);
  for (let from = 0; from < blocks.length; from++) {
    const rest = blocks.toSpliced(from, 1);
    for (let to = 0; to <= rest.length; to++) {
      if (to === from) continue;
      const atEnd = to === 0 || to === rest.length;
      const { actor } = blocks[from];
      if (!atEnd && rest[to - 1]?.actor !== actor && rest[to]?.actor !== actor) continue;
      yield rest.toSpliced(to, 0, blocks[from]).flatMap(({ actor, length }) =>
        Array<number>(length).fill(actor)
      );
    }
  }
}

function blocksOf(choices: readonly number[]): Block[] {
  const blocks: Block[] = [];
  for (const actor of choices) {
    const last = blocks.at(-1);
    if (last?.actor === actor) blocks[blocks.length - 1] = { actor, length: last.length + 1 };
    else blocks.push({ actor, length: 1 });
  }
  return blocks;
}

/**
 * Finds the passing schedule nearest to a failing one: as few exchanges of neighbouring steps away as
 * possible.
 *
 * @param program What was run.
 * @param failing A run that failed.
 * @param budget How many runs to spend at most.
 * @returns A run that passed, or `undefined` when none was found.
 */
export async function nearestPassing(
  program: Program,
  failing: Recording,
  budget = 200,
): Promise<Recording | undefined> {
  const seen = new Set([failing.choices.join()]);
  const queue: (readonly number[])[] = [failing.choices];
  for (let runs = 0; queue.length > 0;) {
    const choices = queue.shift()!;
    for (let step = 1; step < choices.length; step++) {
      if (choices[step] === choices[step - 1]) continue;
      const candidate = [...choices];
      [candidate[step - 1], candidate[step]] = [candidate[step], candidate[step - 1]];
      const key = candidate.join();
      if (seen.has(key)) continue;
      seen.add(key);
      if (runs++ === budget) return undefined;
      const next = await record(program, new LenientReplayStrategy(candidate));
      if (next.outcome.kind === "passed") return next;
      queue.push(candidate);
    }
  }
  return undefined;
}
