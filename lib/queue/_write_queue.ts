/**
 * The pending writes of a table: a folder with a file for each, in the order of their sequence
 * numbers.
 *
 * What always holds:
 *
 * - A sequence number is given once, and greater than all before it. `add` gives them, under the
 *   queue's lock; the highest is always in a name: the file that has it is never taken
 *   away but renamed to one that only remembers it (`#takeAway`).
 * - A file that begins to be there is whole and there for good: `replaceFile`.
 * - A write is pending from then on until its number is one that the table says was applied, or
 *   its file is removed or set aside. So a file that is left of an applied write is no longer
 *   pending, and may be taken away at any time: `clean` does, without the queue's lock.
 *
 * As `clean` needs no lock, the number that the table tells must be read after the folder was
 * listed: then a file that was cleaned away before the list was of a write that had been counted
 * before. And it is one more reason why no number is given again: those up to it are not.
 *
 * UUIDs alone would not do for the order: two processes that took turns got UUIDs of version 7 out of
 * order half the time, for both were of one millisecond.
 */
import { makeLastingFolder, replaceFile } from "../_file_replace.ts";
import type { Host } from "../_host.ts";
import { show } from "../_options.ts";
import { Uuids } from "../_uuid.ts";
import { QueueFullError } from "../errors.ts";
import { FileLock } from "../file_lock.ts";
import type { AcquireOptions } from "../lock.ts";
import {
  decodeWrite,
  encodeWrite,
  lastName,
  pendingName,
  type QueueName,
  readName,
} from "./_queue_file.ts";
import { readApplied } from "./_table_content.ts";
import type { TableFiles } from "./_table_files.ts";
import { UnreadableWriteError } from "./errors.ts";
import type { PendingWrite } from "./pending_write.ts";
import type { SetAsideFile, SetAsideReason } from "./set_aside.ts";

/** Whoever may write to the table may read what is pending. */
const MODE = 0o600;

/** As many writes may be pending unless a caller says otherwise. */
export const DEFAULT_LIMIT = 100;

/** Refuses what is no number of writes. */
export function checkLimit(limit: unknown, name: string, action: string): number {
  if (typeof limit !== "number") {
    throw new TypeError(`Cannot ${action}: ${name} must be a number, got ${show(limit)}`);
  }
  if (!(limit === Infinity || Number.isInteger(limit)) || limit < 1) {
    throw new RangeError(
      `Cannot ${action}: ${name} must be a whole number from 1 up, or Infinity, got ${limit}`,
    );
  }
  return limit;
}

/** How long to wait for the queue's lock. */
export type QueueWait = Pick<AcquireOptions, "timeout" | "signal">;

/** The file of a pending write. */
export interface PendingFile extends QueueName {
  readonly id: string;
}

/** A file that was set aside, or is to be. */
export interface Misfit {
  readonly file: PendingFile;
  readonly reason: SetAsideReason;
}

const codeOf = (error: unknown): unknown => (error as { code?: unknown } | null)?.code;

/** Whether a file cannot be read for its own sake: the next one can be. */
const isItsOwnFault = (error: unknown): boolean =>
  ["EACCES", "EPERM", "EIO"].includes(codeOf(error) as string);

/** See the top of the file. */
export class WriteQueue implements Disposable {
  readonly #host: Host;
  readonly #at: TableFiles;
  readonly #lock: FileLock;
  readonly #uuids: Uuids;

  /** To be constructed while its host is current. */
  constructor(host: Host, at: TableFiles) {
    this.#host = host;
    this.#at = at;
    this.#lock = new FileLock(at.queueLock, { label: `the queue of ${at.name}` });
    this.#uuids = new Uuids(host);
  }

  /** Closes what is kept open for the next call. */
  [Symbol.dispose](): void {
    this.#lock.close();
  }

  /**
   * Adds a write; when this resolves, it is there for good.
   *
   * @returns Its id.
   */
  async add(write: PendingWrite, limit: number, wait: QueueWait): Promise<string> {
    const { files } = this.#host;
    const { name, queue, queueNext, table } = this.#at;
    // Before the lock, which would make the folder, but not for good.
    if (this.#names().length === 0) makeLastingFolder(files, queue);
    using _turn = await this.#lock.write(wait);
    const names = this.#names();
    const applied = readApplied(files, table);
    const pending = pendingAmong(names, applied).length;
    if (pending >= limit) throw new QueueFullError(name, pending, limit);
    const id = this.#uuids.next();
    const file = pendingName(Math.max(highest(names), applied) + 1, id);
    try {
      replaceFile(files, this.#pathOf(file), encodeWrite(file, write), MODE, queueNext);
    } catch (error) {
      const { message } = error as { message?: unknown };
      throw new Error(`Cannot queue a write to ${name}: ${message ?? error}`, { cause: error });
    }
    return id;
  }

  /**
   * The files of the pending writes, in their order.
   *
   * @param applied What the table tells, for those who have its lock and have read it.
   */
  pending(applied?: number): PendingFile[] {
    const names = this.#names();
    return pendingAmong(names, applied ?? readApplied(this.#host.files, this.#at.table));
  }

  /** Whether there is neither a pending write nor what is left of an applied one. */
  isEmpty(): boolean {
    return !this.#names().some(isWaiting);
  }

  /** The files that were set aside, in their order. */
  setAside(): Misfit[] {
    return this.#names().flatMap((file) =>
      isOfWrite(file) && file.setAside !== undefined ? [{ file, reason: file.setAside }] : []
    );
  }

  /**
   * The write in a file; `undefined` if that was taken away meanwhile.
   *
   * @throws {UnreadableWriteError} when it cannot be read, while others may be
   */
  read({ name }: PendingFile): PendingWrite | undefined {
    const { files } = this.#host;
    const path = this.#pathOf(name);
    if (files.isLink(path)) {
      throw new UnreadableWriteError(path, "it is a symbolic link, which is not followed");
    }
    const kind = files.kind(path);
    if (kind === undefined) return undefined;
    if (kind !== "file") throw new UnreadableWriteError(path, "it is no regular file");
    let bytes: Uint8Array | undefined;
    try {
      bytes = files.readFile(path);
    } catch (error) {
      if (!isItsOwnFault(error)) throw error;
      throw new UnreadableWriteError(path, (error as Error).message, { cause: error });
    }
    return bytes && decodeWrite(bytes, name, path);
  }

  /** What is told of a file that was set aside. */
  describe({ file, reason }: Misfit): SetAsideFile {
    const { id, sequence, name } = file;
    const now = file.setAside === undefined ? `${name}.${reason}` : name;
    return { id, sequence, file: this.#pathOf(now), reason };
  }

  /** Puts files out of the way, under names that tell why; for good when this resolves. */
  async putAside(misfits: readonly Misfit[], wait: QueueWait): Promise<void> {
    const { files } = this.#host;
    using _turn = await this.#lock.write(wait);
    for (const { file: { name }, reason } of misfits) {
      ifStillThere(() => files.rename(this.#pathOf(name), this.#pathOf(`${name}.${reason}`)));
    }
    files.syncFolder(this.#at.queue);
  }

  /** Removes a pending write, for good when this resolves; answers whether it was there. */
  async remove(id: string, wait: QueueWait): Promise<boolean> {
    // Before the lock, which would make a folder for nothing.
    if (!this.pending().some((file) => file.id === id)) return false;
    using _turn = await this.#lock.write(wait);
    const names = this.#names();
    const applied = readApplied(this.#host.files, this.#at.table);
    const file = pendingAmong(names, applied).find((file) => file.id === id);
    if (file === undefined || !this.#takeAway(file, names)) return false;
    this.#host.files.syncFolder(this.#at.queue);
    return true;
  }

  /** Takes away what is left of writes that were applied; for those who have the table's lock. */
  clean(applied: number): void {
    const names = this.#names();
    for (const file of names) {
      if (isWaiting(file) && file.sequence <= applied) this.#takeAway(file, names);
    }
  }

  #pathOf(name: string): string {
    return `${this.#at.queue}/${name}`;
  }

  #names(): QueueName[] {
    let names: string[];
    try {
      names = this.#host.files.list(this.#at.queue);
    } catch (error) {
      if (codeOf(error) === "ENOENT") return [];
      throw error;
    }
    return names.map(readName).filter((name) => name !== undefined);
  }

  /** Takes a file away, but not the highest number with it; answers whether it was there. */
  #takeAway({ name, sequence }: QueueName, names: readonly QueueName[]): boolean {
    const { files } = this.#host;
    const path = this.#pathOf(name);
    if (sequence < highest(names)) return ifStillThere(() => files.remove(path));
    if (!ifStillThere(() => files.rename(path, this.#pathOf(lastName(sequence))))) return false;
    for (const remembered of names.filter((other) => !isOfWrite(other))) {
      if (remembered.sequence < sequence) {
        ifStillThere(() => files.remove(this.#pathOf(remembered.name)));
      }
    }
    return true;
  }
}

/** The highest number there is a name with; they are in order. */
function highest(names: readonly QueueName[]): number {
  return names.at(-1)?.sequence ?? 0;
}

/** Whether a name is that of a write and not only of a number. */
function isOfWrite(name: QueueName): name is PendingFile {
  return name.id !== undefined;
}

/** Whether a name is that of a write which was not set aside. */
function isWaiting(name: QueueName): name is PendingFile {
  return isOfWrite(name) && name.setAside === undefined;
}

function pendingAmong(names: readonly QueueName[], applied: number): PendingFile[] {
  return names.filter(isWaiting).filter(({ sequence }) => sequence > applied);
}

/** Does something to a file that another process may take away first; answers whether it did. */
function ifStillThere(act: () => void): boolean {
  try {
    act();
    return true;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return false;
    throw error;
  }
}
