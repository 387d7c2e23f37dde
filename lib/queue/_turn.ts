/**
 * What one who holds a table's lock does with it: all that is pending, and his own write after it.
 *
 * What always holds: the table is the result of a prefix of the queue, in its order, and of the direct
 * writes in between, each applied once. `takeTurn` is the only place that changes it, under the
 * table's lock, by one file that counts what it applies. What is refused or cannot be read is out of
 * the queue, for good, before a later write is counted: else it would count as applied.
 */
import { tell } from "../_observers.ts";
import { describeThrown } from "../_thrown.ts";
import type { TableContent } from "./_table_content.ts";
import type { TableFile } from "./_table_file.ts";
import type { Misfit, WriteQueue } from "./_write_queue.ts";
import { UnreadableWriteError } from "./errors.ts";
import type { DrainOutcome } from "./outcomes.ts";
import type { PendingWrite } from "./pending_write.ts";
import type { SetAside } from "./set_aside.ts";

/** Whose turn it is. */
export interface TurnParts {
  readonly name: string;
  readonly file: TableFile;
  readonly queue: WriteQueue;
  readonly onSetAside: ((event: SetAside) => void) | undefined;
}

/**
 * See the top of the file; for those who hold the table's lock.
 *
 * @param signal Ends the wait for the queue, and nothing after it.
 * @param own The write that is applied after what is pending.
 * @returns What was drained, and the version that the table has now.
 * @throws {WriteRefusedError} when `own` does not fit
 */
export async function takeTurn(
  parts: TurnParts,
  signal: AbortSignal | undefined,
  own?: PendingWrite,
): Promise<DrainOutcome & { readonly epoch: number }> {
  const { name, file, queue } = parts;
  // Until all is counted: nothing of what is applied may be removed by others meanwhile.
  using held = queue.isEmpty() ? undefined : await queue.hold({ signal });
  const taken = file.take();
  const { content } = taken;
  const outcome = held === undefined ? { drained: 0, setAside: [] } : applyPending(parts, content);
  const refusal = own && content.apply(own, name);
  const changed = outcome.drained > 0 || own !== undefined && refusal === undefined;
  if (changed) publish(parts, content);
  else taken.keep();
  if (outcome.drained > 0) cleanQuietly(queue, content.applied);
  if (refusal !== undefined) throw refusal;
  return { ...outcome, epoch: content.epoch + 1 };
}

function applyPending(
  { name, queue, onSetAside }: TurnParts,
  content: TableContent,
): DrainOutcome {
  const misfits: (Misfit & Pick<SetAside, "error">)[] = [];
  let drained = 0;
  for (const file of queue.leftovers(content.applied)) {
    const write = queue.read(file);
    // Nothing says that this is the number it had, nor that it was applied.
    if (write instanceof UnreadableWriteError) {
      misfits.push({ file, reason: "unreadable", error: write });
    } else if (write !== undefined) queue.remove(file);
  }
  for (const file of queue.pending(content.applied)) {
    const write = queue.read(file);
    if (write === undefined) continue;
    if (write instanceof UnreadableWriteError) {
      misfits.push({ file, reason: "unreadable", error: write });
      continue;
    }
    const error = content.apply(write, name);
    if (error === undefined) {
      content.applied = file.sequence;
      drained++;
    } else misfits.push({ file, reason: "refused", error });
  }
  queue.putAside(misfits);
  const setAside = misfits.map((misfit) => ({ ...queue.describe(misfit), error: misfit.error }));
  if (onSetAside !== undefined) {
    for (const event of setAside) tell(onSetAside, event);
  }
  return { drained, setAside };
}

function publish({ name, file }: TurnParts, content: TableContent): void {
  try {
    file.publish(content);
  } catch (error) {
    throw new Error(`Cannot write to table ${name}: ${describeThrown(error)}`, { cause: error });
  }
}

function cleanQuietly(queue: WriteQueue, applied: number): void {
  try {
    for (const file of queue.leftovers(applied)) queue.remove(file);
  } catch {
    // The write is done, and to say otherwise would have it done twice. The next turn begins by
    // cleaning, and says what is wrong.
  }
}
