/**
 * The errors callers catch. Misuse throws `TypeError` or `RangeError` instead.
 *
 * @module
 */
import { rounded } from "./_milliseconds.ts";
import type { LockMode, LockParty } from "./lock.ts";

/** Says who is inside, for people: `held by 2 readers (report, export)`. */
function describe(holders: readonly LockParty[] | undefined): string {
  if (holders === undefined) return "its holders are unknown";
  if (holders.length === 0) return "it is held by nobody, but others wait ahead";
  const labels = holders.map((holder) => holder.label).filter((label) => label !== undefined);
  const names = labels.length === 0 ? "" : ` (${labels.slice(0, 5).join(", ")})`;
  if (holders[0].mode === "write") return `it is held by a writer${names}`;
  const readers = holders.length === 1 ? "a reader" : `${holders.length} readers`;
  return `it is held by ${readers}${names}`;
}

/** What a `LockTimeoutError` is made from. */
export interface LockTimeoutDetails {
  /** The lock's label, or what it guards. */
  lock: string;
  /** What was wanted. */
  mode: LockMode;
  /** How long it was waited for, in milliseconds. */
  waited: number;
  /** Who held the lock when the time was up; `undefined` where nobody can tell. */
  holders?: readonly LockParty[];
  /** What kept it from being granted, where that is not its holders. */
  because?: string;
}

/** A wait for a lock lasted longer than its `timeout`. Nothing of the waiter is left behind. */
export class LockTimeoutError extends Error {
  /** Always `LockTimeoutError`. */
  override readonly name = "LockTimeoutError";
  /** The lock's label, or what it guards. */
  readonly lock: string;
  /** What was wanted. */
  readonly mode: LockMode;
  /** How long it was waited for, in milliseconds. */
  readonly waited: number;
  /** Who held the lock when the time was up; `undefined` where nobody can tell. */
  readonly holders: readonly LockParty[] | undefined;

  /** Builds the message from the details. */
  constructor(details: LockTimeoutDetails) {
    super(
      `Cannot ${details.mode}-lock ${details.lock} within ${rounded(details.waited)} ms: ${
        details.because ?? describe(details.holders)
      }`,
    );
    this.lock = details.lock;
    this.mode = details.mode;
    this.waited = details.waited;
    this.holders = details.holders;
  }
}

/** An upgradable read was asked for while there is one: the two would wait for each other. */
export class UpgradeConflictError extends Error {
  /** What tells it from other errors. */
  override readonly name = "UpgradeConflictError";
  /** The lock's label, or what it guards. */
  readonly lock: string;
  /** Who has the right to upgrade, or waits for it. */
  readonly holder: LockParty;

  /** Builds the message from the lock and who is ahead. */
  constructor(lock: string, holder: LockParty) {
    const name = holder.label === undefined ? "" : ` (${holder.label})`;
    super(`Cannot read-lock ${lock} upgradably: another upgradable reader${name} is ahead`);
    this.lock = lock;
    this.holder = holder;
  }
}

/** One edge of a deadlock: who waits for a lock, and who must give up his place there first. */
export interface DeadlockStep {
  /** What the lock is called. */
  readonly lock: string;
  /** Who waits, for what mode, and since when by the clock of `performance.now()`. */
  readonly waiter: LockParty;
  /** Who is in the way, in what mode, and since when, as far as known. */
  readonly blocker: LockParty;
  /** Whether that one is inside or is ahead in the queue. */
  readonly blockedBy: "holder" | "waiter";
}

/** Says a cycle, for people, naming owners that have no label by their numbers in it. */
function describeCycle(cycle: readonly DeadlockStep[]): string {
  const owners = cycle.map(({ waiter }) => waiter.owner);
  const name = ({ label, owner }: LockParty) => label ?? `owner ${owners.indexOf(owner) + 1}`;
  const since = (party: LockParty) =>
    party.since === undefined ? "" : ` since ${rounded(party.since)} ms`;
  return cycle.map(({ lock, waiter, blocker, blockedBy }) => {
    const verb = blockedBy === "holder" ? "holds it to" : "is ahead to";
    return `${name(waiter)} waits to ${waiter.mode} ${lock}${since(waiter)}, ` +
      `${name(blocker)} ${verb} ${blocker.mode}${since(blocker)}`;
  }).join("; ");
}

/** A wait would have closed a cycle of owners that wait for each other; it has been given up. */
export class DeadlockError extends Error {
  /** What tells it from other errors. */
  override readonly name = "DeadlockError";
  /** What the lock is called. */
  readonly lock: string;
  /** What was wanted. */
  readonly mode: LockMode;
  /** Each waits for the next one, and the last for the first, which is the one refused. */
  readonly cycle: readonly DeadlockStep[];

  /** Builds the message from the cycle. */
  constructor(lock: string, mode: LockMode, cycle: readonly DeadlockStep[]) {
    super(`Cannot ${mode}-lock ${lock}: it would wait for ever: ${describeCycle(cycle)}`);
    this.lock = lock;
    this.mode = mode;
    this.cycle = cycle;
  }
}

/** An optimistic commit came too late: its base is no longer the current version. */
export class ConflictError extends Error {
  /** Always `ConflictError`. */
  override readonly name = "ConflictError";
  /** The epoch the commit was based on. */
  readonly base: number;
  /** The epoch that is current. */
  readonly current: number;

  /** Builds the message from the two epochs. */
  constructor(base: number, current: number) {
    super(`Cannot commit on epoch ${base}: epoch ${current} is current`);
    this.base = base;
    this.current = current;
  }
}

/** An update ran longer than its `limit`. Value and epoch are as they were before it. */
export class UpdateLimitError extends Error {
  /** Always `UpdateLimitError`. */
  override readonly name = "UpdateLimitError";
  /** The limit that passed, in milliseconds. */
  readonly limit: number;

  /** Builds the message from the limit. */
  constructor(limit: number, label?: string) {
    super(
      `Cannot finish update${
        label === undefined ? "" : ` ${label}`
      }: it ran longer than its limit of ${limit} ms`,
    );
    this.limit = limit;
  }
}

/** Nothing was committed within the `timeout` of a wait for a change. */
export class ChangeTimeoutError extends Error {
  /** Always `ChangeTimeoutError`. */
  override readonly name = "ChangeTimeoutError";
  /** The epoch after which a change was waited for. */
  readonly since: number;
  /** How long it was waited for, in milliseconds. */
  readonly waited: number;

  /** Builds the message from what was watched, the epoch and the time. */
  constructor(watched: string, since: number, waited: number) {
    const ms = rounded(waited);
    super(`Cannot see a change of ${watched} within ${ms} ms: nothing came after epoch ${since}`);
    this.since = since;
    this.waited = waited;
  }
}

/** A stored value is not what was stored: it was damaged, or written by something else. */
export class CorruptError extends Error {
  /** Always `CorruptError`. */
  override readonly name = "CorruptError";
  /** The file it is in. */
  readonly file: string;
  /** The epoch the file says it has; `undefined` when even that cannot be read. */
  readonly epoch: number | undefined;

  /** Builds the message from the file, the epoch and what is wrong. */
  constructor(file: string, epoch: number | undefined, reason: string) {
    const what = epoch === undefined ? file : `epoch ${epoch} of ${file}`;
    super(`Cannot read ${what}: ${reason}`);
    this.file = file;
    this.epoch = epoch;
  }
}

/** As much is pending in a bounded queue as may be; what was to be added is not in it. */
export class QueueFullError extends Error {
  /** Always `QueueFullError`. */
  override readonly name = "QueueFullError";
  /** What the queue is called, or belongs to. */
  readonly queue: string;
  /** How many were pending. */
  readonly pending: number;
  /** How many may be. */
  readonly limit: number;

  /** Builds the message from the queue and the numbers. */
  constructor(queue: string, pending: number, limit: number) {
    super(`Cannot add to the queue of ${queue}: ${pending} are pending, and ${limit} may be`);
    this.queue = queue;
    this.pending = pending;
    this.limit = limit;
  }
}

/** The runtime cannot do what was asked, and nothing weaker is used in its stead. */
export class UnsupportedError extends Error {
  /** Always `UnsupportedError`. */
  override readonly name = "UnsupportedError";
}
