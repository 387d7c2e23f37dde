/** What goes for everything that threads attach to. */
import { show } from "../_options.ts";

/** For how many threads something is created. */
export interface OwnersOptions {
  /**
   * How many threads may be attached at once, this one among them; from 1 to 20.
   *
   * @default 20
   */
  owners?: number;
}

/** As whom a thread attaches. */
export interface OwnerOptions {
  /**
   * The number by which the thread is known to `reap()`, from 0 up. Whoever starts a thread does
   * well to choose it: then it can be reaped even when it dies before it could tell.
   *
   * @default the first that is free
   */
  owner?: number;
}

/** Refuses what is not the number of an owner. */
export function checkOwner(owner: unknown, owners: number, action: string): void {
  if (typeof owner !== "number") {
    throw new TypeError(`Cannot ${action}: owner must be a number, got ${show(owner)}`);
  }
  if (!Number.isInteger(owner) || owner < 0 || owner >= owners) {
    throw new RangeError(
      `Cannot ${action}: owner must be a whole number from 0 to ${owners - 1}, got ${owner}`,
    );
  }
}

/** Refuses what is not the number of another owner than `self`. */
export function checkOther(
  owner: unknown,
  { owner: self, seats, label }: { owner: number; seats: number; label: string },
): void {
  checkOwner(owner, seats, "reap an owner");
  if (owner === self) {
    throw new TypeError(`Cannot reap owner ${self} of ${label}: it is this thread itself`);
  }
}
