/**
 * Reading versions, from one thread: a view pins the current version while a function looks at it,
 * however long that takes and however it ends; and who has pinned what, as far as it can be seen
 * from here.
 */
import { isThenable } from "../_thenable.ts";
import type { SharedSnapshotsStats } from "./_shared_snapshots_types.ts";
import type { SlotBytes, SlotVersion } from "./_slot_pin.ts";
import type { Slots } from "./_slots.ts";

/**
 * Runs `fn` on the version that is current, pinned until `fn` and what it answers have ended. What
 * it throws goes before that the thread has been reaped meanwhile.
 */
export function viewCurrent<R>(slots: Slots, fn: (value: SlotBytes, epoch: number) => R): R {
  const version = slots.pin();
  let result: R;
  try {
    result = fn(version.value, version.epoch);
    if (isThenable(result)) return viewed(slots, result, version) as R;
  } catch (error) {
    slots.unpin(version.slot);
    throw error;
  }
  slots.giveBack(version.slot);
  return result;
}

async function viewed(
  slots: Slots,
  result: PromiseLike<unknown>,
  { slot }: SlotVersion,
): Promise<unknown> {
  let value: unknown;
  try {
    value = await result;
  } catch (error) {
    slots.unpin(slot);
    throw error;
  }
  slots.giveBack(slot);
  return value;
}

/** The part of the statistics that is about pins, as the owner `self` sees it. */
export function readersOf(
  slots: Slots,
  self: number,
): Pick<SharedSnapshotsStats, "readers" | "oldestPin" | "retained"> {
  const versions = slots.look().map(({ slot, epoch, owners }) => {
    const others = owners.filter((owner) => owner !== self);
    const pins = slots.pinsOn(slot);
    const names = pins === 0 ? [] : [...slots.seen(slot)?.labels?.keys() ?? []];
    return {
      epoch,
      readers: pins + others.length,
      labels: [...names, ...others.map((owner) => `owner ${owner}`)],
    };
  });
  return {
    readers: versions.reduce((sum, { readers }) => sum + readers, 0),
    oldestPin: versions.find(({ readers }) => readers > 0),
    retained: versions.length,
  };
}
