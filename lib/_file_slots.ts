/**
 * The slots of a process: at most one for each file, whatever paths lead to it, since all that is
 * opened here is looked up by device and inode before it is used. "Process" means host: a simulated
 * process has slots of its own.
 *
 * **Who closes the descriptors.** A slot in use is open. One that nobody uses stays open for the
 * next acquire, which is then a few times as fast, as long as a `FileLock` wants it that is not
 * disposed of; but of such slots few are kept: where there are more than 64, all that are idle are
 * closed at times, and their `FileLock`s open them again at need. That is done when slots have been
 * opened or come to rest as often as the last time left some open, which were in use: so it costs
 * each of them a constant share; and it is done by the time the last of those has come to rest. So
 * locks that are merely forgotten hold at most 128 descriptors, however many were in use at once, and
 * nothing has to be disposed of for want of descriptors.
 */
import { fileError, LOCK_FILE_MODE } from "./_file_path.ts";
import { GatedFile, sameFile } from "./_file_gate.ts";
import { makeLastingFolder } from "./_file_replace.ts";
import { Slot } from "./_file_slot.ts";
import type { FileId, Host, OpenFile } from "./_host.ts";

const IDLE_SLOTS = 64;

/** So often a path may turn out to lead elsewhere before it is taken to be no accident. */
const MOVES = 100;

/** The slots of one host. */
export class Slots {
  readonly #host: Host;
  readonly #slots = new Map<string, Slot>();
  #untilSweep = 0;

  /** Use `slotsOf`, so that a process has one. */
  constructor(host: Host) {
    this.#host = host;
  }

  /** How many files are open; for tests. */
  get size(): number {
    return this.#slots.size;
  }

  /**
   * The slot of the file a path leads to, if there is one. Never throws: what cannot be looked at
   * leads to none, and who asks may be about to tell a waiter that its time is up.
   */
  find(path: string): Slot | undefined {
    try {
      const id = this.#host.files.identify(path);
      return id && this.#slots.get(nameOf(id));
    } catch {
      return undefined;
    }
  }

  /** The slot of the file a path leads to, which is created where there is none. */
  open(path: string): Slot {
    for (let move = 0; move < MOVES; move++) {
      const file = this.#openFile(path);
      try {
        const key = nameOf(file.id);
        const known = this.#slots.get(key);
        if (known !== undefined) {
          file.close();
          return known;
        }
        const slot = this.#enter(key, file, path);
        if (slot !== undefined) return slot;
        file.close();
      } catch (error) {
        file.close();
        throw error;
      }
    }
    throw new Error(
      `Cannot lock ${path}: it leads to another file each time; ` +
        "a lock needs a path that stays, on a file system whose inodes stay",
    );
  }

  #openFile(path: string): OpenFile {
    const { files } = this.#host;
    const options = { create: true, mode: LOCK_FILE_MODE };
    try {
      try {
        return files.open(path, options);
      } catch (error) {
        if ((error as { code?: unknown }).code !== "ENOENT") throw error;
        // The lock need not last, but what others put into the folder may have to.
        makeLastingFolder(files, files.folderOf(path));
        return files.open(path, options);
      }
    } catch (error) {
      throw fileError(path, path, error);
    }
  }

  /** Makes the slot of a file just opened, unless the path has come to lead elsewhere since. */
  #enter(key: string, file: OpenFile, path: string): Slot | undefined {
    const { files } = this.#host;
    let real: string;
    try {
      real = files.realPath(path);
    } catch (error) {
      if ((error as { code?: unknown }).code === "ENOENT") return undefined;
      throw fileError(path, path, error);
    }
    // The gate is beside the real path, which must therefore be this file's and no other's.
    if (!sameFile(files.identify(real), file.id)) return undefined;
    this.#sweep(IDLE_SLOTS - 1);
    const slot = new Slot(this.#host, new GatedFile(files, file, real), {
      rests: () => this.#sweep(IDLE_SLOTS),
      closed: () => this.#slots.delete(key),
    });
    this.#slots.set(key, slot);
    return slot;
  }

  /** Closes the slots that are idle, if there are more than `most` and it is time. */
  #sweep(most: number): void {
    if (--this.#untilSweep > 0 || this.#slots.size <= most) return;
    for (const slot of this.#slots.values()) {
      if (slot.idle) slot.close();
    }
    this.#untilSweep = this.#slots.size;
  }
}

function nameOf(id: FileId): string {
  return `${id.dev}:${id.ino}`;
}

const byHost = new WeakMap<Host, Slots>();

/** The slots of the process that `host` is. */
export function slotsOf(host: Host): Slots {
  let slots = byHost.get(host);
  if (slots === undefined) {
    slots = new Slots(host);
    byHost.set(host, slots);
  }
  return slots;
}
