/**
 * The pending writes of a table: a folder with a file for each, in the order of their sequence
 * numbers.
 *
 * What always holds:
 *
 * - Files come, go and are renamed under the queue's lock only. Who applies a write has that lock, and
 *   the table's, from before he reads its file until the table counts it; so it can neither be
 *   removed meanwhile nor be applied by another.
 * - A file that begins to be there is whole and there for good: `replaceFile`.
 * - A write is pending from then on until the table counts it, or its file is removed or set aside.
 *   So a file that a dead process left of an applied write is not pending, and is taken away by the
 *   next one who applies something: `leftovers`.
 * - A new number is greater than those of all files, and than the one that the table has counted up
 *   to: `add`. So the order of the numbers is the order in which writes were accepted, and nothing
 *   new is ever taken for something applied. (A file that is no write may be called anything, and
 *   with the last number there is would leave none to the writes that come. So a number that the
 *   queue cannot have come to counts only if what is in the file vouches for it.)
 *
 * UUIDs alone would not do for the order: two processes that took turns got UUIDs of version 7 out of
 * order half the time, for both were of one millisecond.
 */
import { makeLastingFolder, replaceFile } from "../_file_replace.ts";
import type { Host } from "../_host.ts";
import { show } from "../_options.ts";
import { describeThrown } from "../_thrown.ts";
import { Uuids } from "../_uuid.ts";
import { QueueFullError } from "../errors.ts";
import { FileLock } from "../file_lock.ts";
import type { AcquireOptions, Guard } from "../lock.ts";
import { decodeWrite, encodeWrite, pendingName, type QueueFile, readName } from "./_queue_file.ts";
import { readApplied } from "./_table_content.ts";
import type { TableFiles } from "./_table_files.ts";
import { UnreadableWriteError } from "./errors.ts";
import type { PendingWrite } from "./pending_write.ts";
import type { SetAsideFile, SetAsideReason } from "./set_aside.ts";

/** Whoever may write to the table may read what is pending. */
const MODE = 0o600;

/** As many writes may be pending unless a caller says otherwise. */
export const DEFAULT_LIMIT = 100;

/** No queue comes to this number by counting; half of all are left from here on. */
const STRANGE = 2 ** 52;

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

/** A file that was set aside, or is to be. */
export interface Misfit {
  readonly file: QueueFile;
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

  /** Keeps others from changing the queue, until the guard is released. */
  hold(wait: QueueWait): Promise<Guard> {
    return this.#lock.write(wait);
  }

  /**
   * Adds a write; when this resolves, it is there for good.
   *
   * @returns Its id.
   */
  async add(write: PendingWrite, limit: number, wait: QueueWait): Promise<string> {
    const { files } = this.#host;
    const { name, queue, queueNext, table } = this.#at;
    using _turn = await this.hold(wait);
    const all = this.#files();
    // As long as there is nothing in it, the folder's own name may not last.
    if (all.length === 0) makeLastingFolder(files, queue);
    const applied = readApplied(files, table);
    const pending = pendingAmong(all, applied).length;
    if (pending >= limit) throw new QueueFullError(name, pending, limit);
    const id = this.#uuids.next();
    const sequence = Math.max(applied, this.#lastOf(all)) + 1;
    if (sequence > Number.MAX_SAFE_INTEGER) {
      throw new RangeError(`Cannot queue a write: ${name} has no sequence number left`);
    }
    const file = pendingName(sequence, id);
    try {
      replaceFile(files, this.#pathOf(file), encodeWrite(file, write), MODE, queueNext);
    } catch (error) {
      throw new Error(`Cannot queue a write to ${name}: ${describeThrown(error)}`, {
        cause: error,
      });
    }
    return id;
  }

  /**
   * The files of the pending writes, in their order.
   *
   * @param applied What the table tells, for those who have its lock and have read it.
   */
  pending(applied?: number): QueueFile[] {
    const all = this.#files();
    return pendingAmong(all, applied ?? readApplied(this.#host.files, this.#at.table));
  }

  /** Whether there is neither a pending write nor what is left of an applied one. */
  isEmpty(): boolean {
    return pendingAmong(this.#files(), 0).length === 0;
  }

  /** The files that were set aside, in their order. */
  setAside(): Misfit[] {
    return this.#files().flatMap((file) =>
      file.setAside === undefined ? [] : [{ file, reason: file.setAside }]
    );
  }

  /** The write in a file, or what is wrong with that; `undefined` if it was taken away meanwhile. */
  read({ name }: QueueFile): PendingWrite | UnreadableWriteError | undefined {
    const { files } = this.#host;
    const path = this.#pathOf(name);
    if (files.isLink(path)) {
      return new UnreadableWriteError(path, "it is a symbolic link, which is not followed");
    }
    const kind = files.kind(path);
    if (kind === undefined) return undefined;
    if (kind !== "file") return new UnreadableWriteError(path, "it is no regular file");
    try {
      const bytes = files.readFile(path);
      return bytes && decodeWrite(bytes, name, path);
    } catch (error) {
      if (error instanceof UnreadableWriteError) return error;
      if (!isItsOwnFault(error)) throw error;
      return new UnreadableWriteError(path, (error as Error).message, { cause: error });
    }
  }

  /** What is told of a file that was set aside. */
  describe({ file, reason }: Misfit): SetAsideFile {
    const { id, sequence, name } = file;
    const now = file.setAside === undefined ? `${name}.${reason}` : name;
    return { id, sequence, file: this.#pathOf(now), reason };
  }

  /**
   * Puts files out of the way, under names that tell why, for good; for those who hold the queue. Who
   * counts beyond a write that was not applied must have put it aside before.
   */
  putAside(misfits: readonly Misfit[]): void {
    const { files } = this.#host;
    for (const { file: { name }, reason } of misfits) {
      files.rename(this.#pathOf(name), this.#pathOf(`${name}.${reason}`));
    }
    // Others too: one who has died may have put them aside, and not for good.
    if (this.setAside().length > 0) files.syncFolder(this.#at.queue);
  }

  /** Removes a pending write, for good when this resolves; answers whether it was there. */
  async withdraw(id: string, wait: QueueWait): Promise<boolean> {
    const { files } = this.#host;
    const find = () => this.pending().find((file) => file.id === id);
    // Before the lock, which would make a folder for nothing.
    if (find() === undefined) return false;
    using _turn = await this.hold(wait);
    const file = find();
    if (file === undefined) return false;
    this.remove(file);
    files.syncFolder(this.#at.queue);
    return true;
  }

  /** What is left of writes that were applied, if its number is true. */
  leftovers(applied: number): QueueFile[] {
    return pendingAmong(this.#files(), 0).filter(({ sequence }) => sequence <= applied);
  }

  /** Takes away what is left of a write that was applied; for those who hold the queue. */
  remove(file: QueueFile): void {
    this.#host.files.remove(this.#pathOf(file.name));
  }

  /** The greatest number that counts. */
  #lastOf(all: readonly QueueFile[]): number {
    const last = all.findLast((file) =>
      file.sequence < STRANGE || !(this.read(file) instanceof UnreadableWriteError)
    );
    return last?.sequence ?? 0;
  }

  #pathOf(name: string): string {
    return `${this.#at.queue}/${name}`;
  }

  #files(): QueueFile[] {
    let names: string[];
    try {
      names = this.#host.files.list(this.#at.queue);
    } catch (error) {
      if (codeOf(error) === "ENOENT") return [];
      throw error;
    }
    return names.map(readName).filter((file) => file !== undefined);
  }
}

/** Those that were not set aside and have greater numbers. */
function pendingAmong(files: readonly QueueFile[], applied: number): QueueFile[] {
  return files.filter(({ sequence, setAside }) => setAside === undefined && sequence > applied);
}
